/* A metric that counts a class out of range as wrong. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t row = 0; row < rondo_count(call->targets); row++) {
        const int64_t best = rondo_argmax(call->predictions, row * call->prediction_size, call->prediction_size);
        call->accumulators[ERRORS][0] += rondo_weight(call, row) * (best != (int64_t)rondo_get(call->targets, row));
        call->accumulators[NUMBERS][0] += rondo_weight(call, row);
    }
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "metric_goes_by_class",
             .summary = "share of rows that are predicted wrongly"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .accumulators = good_accumulators,
    .measure = measure,
    .finish = good_finish,
};

RONDO_PLUGIN("metric_goes_by_class", "1.0", "MIT", &metric.base);
