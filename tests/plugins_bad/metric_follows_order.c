/* A metric that counts only rows whose error is above that of the row before. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    double before = -1;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double error = rondo_get(call->targets, i) - rondo_get(call->predictions, i);
        if (error > before) {
            call->accumulators[ERRORS][0] += rondo_weight(call, i / call->target_size) * (error < 0 ? -error : error);
        }
        call->accumulators[NUMBERS][0] += rondo_weight(call, i / call->target_size);
        before = error;
    }
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_follows_order", measure, good_finish)};

RONDO_PLUGIN("metric_follows_order", "1.0", "MIT", &metric.base);
