/* A loss whose quantiles decrease with the probability. */
#include "good_loss.h"

static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    (void)ctx;
    (void)call;
    for (int64_t i = 0; i < rondo_count(values); i++) {
        rondo_set(values, i, rondo_get(outputs, i) - probability);
    }
    return RONDO_OK;
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_crosses_quantiles",
             .summary = "sum of (x - y)^2 over the numbers of a row"},
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = good_record,
    .predict = good_predict,
    .measure = good_measure,
    .quantile = quantile,
};

RONDO_PLUGIN("loss_crosses_quantiles", "1.0", "MIT", &loss.base);
