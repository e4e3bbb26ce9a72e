/* plugins/losses/squared_error.c: numbers, with the mean of squared differences (Legendre 1805, Gauss 1809). */
#include <math.h>

#include "rondo/plugin.h"

enum { RMSE, MAE };
static const rondo_metric metrics[] = {{"rmse", RONDO_METRIC_ROOT, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* With x the outputs and y the targets of a row of n numbers:  loss = sum_k (x_k - y_k)^2 / n */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    (void)call;
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, outputs, targets); /* (rows, n) */
    const rondo_value square = rondo_apply1(ctx, "square", NULL, difference);        /* (rows, n) */
    return rondo_apply1(ctx, "mean", "axis=-1", square);                             /* (rows) */
}

/* rmse = sqrt(mean of (x - y)^2), mae = mean of |x - y|; both over all numbers of all rows. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t count = rondo_count(predictions);
    double squares = 0;
    double absolutes = 0;
    for (int64_t i = 0; i < count; i++) {
        const double difference = rondo_get(predictions, i) - rondo_get(targets, i);
        squares += difference * difference;
        absolutes += fabs(difference);
    }
    sums[RMSE] += squares / (double)call->target_size;
    sums[MAE] += absolutes / (double)call->target_size;
    return RONDO_OK;
}

static const rondo_loss squared_error = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "squared_error",
             .summary = "mean of (x - y)^2 over the numbers of a row (Legendre 1805)"},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .measure = measure,
};

RONDO_PLUGIN("squared_error", "1.0", "MIT", &squared_error.base);
