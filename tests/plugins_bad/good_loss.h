/* tests/plugins_bad/good_loss.h: squared errors with nothing wrong, so that each bad loss is bad in only one way. */
#ifndef RONDO_TESTS_GOOD_LOSS_H
#define RONDO_TESTS_GOOD_LOSS_H

#include <string.h>

#include "rondo/plugin.h"

static const rondo_metric good_metrics[] = {{"mse", RONDO_METRIC_MEAN, 0}, {0}};

static inline double get(const rondo_tensor *tensor, int64_t i) {
    return tensor->dtype == RONDO_F32 ? (double)((const float *)tensor->data)[i] : ((const double *)tensor->data)[i];
}

static inline rondo_status good_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* sum_k (x_k - y_k)^2 */
static inline rondo_value good_record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                      rondo_value targets) {
    (void)call;
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, outputs, targets); /* (rows, n) */
    return rondo_apply1(ctx, "sum", "axis=-1", rondo_apply1(ctx, "square", NULL, difference));
}

static inline rondo_status good_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                        const rondo_tensor *predictions) {
    (void)ctx;
    (void)call;
    const size_t element = outputs->dtype == RONDO_F32 ? sizeof(float) : sizeof(double);
    if (rondo_count(outputs) > 0) {
        memcpy(predictions->data, outputs->data, (size_t)rondo_count(outputs) * element);
    }
    return RONDO_OK;
}

static inline rondo_status good_measure(rondo_context *ctx, const rondo_loss_call *call,
                                        const rondo_tensor *predictions, const rondo_tensor *targets, double *sums) {
    (void)ctx;
    (void)call;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        const double difference = get(predictions, i) - get(targets, i);
        sums[0] += difference * difference;
    }
    return RONDO_OK;
}

/* The initialiser of a loss called `loss_name` with these functions. */
#define GOOD_LOSS(loss_name, record_, predict_, measure_)                                                              \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_loss),                                                                    \
                 .kind = RONDO_KIND_LOSS,                                                                              \
                 .name = loss_name,                                                                                    \
                 .summary = "sum of (x - y)^2 over the numbers of a row"},                                             \
        .metrics = good_metrics, .output_size = good_output_size, .record = record_, .predict = predict_,              \
        .measure = measure_                                                                                            \
    }

#endif
