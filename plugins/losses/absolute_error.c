/* plugins/losses/absolute_error.c: numbers, with losses that grow linearly far from the target, so that the gradient of
 * an outlier is bounded: the absolute difference, and two losses that are quadratic near 0, and therefore smooth there.
 *
 * Sources: absolute_error, whose best prediction is the median: Boscovich 1757; huber: Huber, "Robust estimation of a
 * location parameter", Annals of Mathematical Statistics 35, 1964; log_cosh: Saleh & Saleh, "Statistical properties of
 * the log-cosh loss function used in machine learning", 2022, arXiv:2208.04564.
 *
 * huber.so and log_cosh.so are links to absolute_error.so, so that each is found by its name.
 */
#include <math.h>

#include "rondo/plugin.h"

struct huber {
    double delta;
};

static const rondo_option huber_options[] = {
    RONDO_OPTION_REAL(struct huber, delta, "1", 1e-6, 1e6,
                      "difference at which the loss changes from quadratic to linear"),
    RONDO_OPTION_END,
};

enum { MAE, RMSE };
static const rondo_metric metrics[] = {{"mae", RONDO_METRIC_MEAN, 0}, {"rmse", RONDO_METRIC_ROOT, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* d = |x - y|, with x the outputs and y the targets of a row of n numbers. At 0 the gradient is 0. */
static rondo_value distance(rondo_context *ctx, rondo_value outputs, rondo_value targets) {
    return rondo_apply1(ctx, "abs", NULL, rondo_apply2(ctx, "sub", NULL, outputs, targets)); /* (rows, n) */
}

/* loss = sum_k d_k / n */
static rondo_value record_absolute(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                   rondo_value targets) {
    (void)call;
    return rondo_apply1(ctx, "mean", "axis=-1", distance(ctx, outputs, targets)); /* (rows) */
}

/* With c = min(d, delta), the mean over a row of
 *     d^2 / 2 where d <= delta, else delta (d - delta / 2),    which is c (d - c / 2) */
static rondo_value record_huber(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const rondo_value delta = rondo_number(ctx, x->dtype, ((const struct huber *)call->options)->delta);
    const rondo_value d = distance(ctx, outputs, targets);              /* (rows, n) */
    const rondo_value c = rondo_apply2(ctx, "minimum", NULL, d, delta); /* (rows, n) */
    const rondo_value half = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, x->dtype, 0.5), c);
    const rondo_value each = rondo_apply2(ctx, "mul", NULL, c, rondo_apply2(ctx, "sub", NULL, d, half));
    return rondo_apply1(ctx, "mean", "axis=-1", each); /* (rows) */
}

/* The mean over a row of
 *     log cosh d = d + log((1 + e^-2d) / 2) = d + log1p((e^-2d - 1) / 2)
 * which neither overflows nor loses digits near d = 0. */
static rondo_value record_log_cosh(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                   rondo_value targets) {
    (void)call;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const rondo_value d = distance(ctx, outputs, targets); /* (rows, n) */
    const rondo_value decay =
        rondo_apply1(ctx, "expm1", NULL, rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, x->dtype, -2), d));
    const rondo_value half = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, x->dtype, 0.5), decay);
    const rondo_value each = rondo_apply2(ctx, "add", NULL, d, rondo_apply1(ctx, "log1p", NULL, half));
    return rondo_apply1(ctx, "mean", "axis=-1", each); /* (rows) */
}

/* mae = mean of |x - y|, rmse = sqrt(mean of (x - y)^2); both over all numbers of all rows. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t count = rondo_count(predictions);
    double absolutes = 0;
    double squares = 0;
    for (int64_t i = 0; i < count; i++) {
        const double difference = rondo_get(predictions, i) - rondo_get(targets, i);
        absolutes += fabs(difference);
        squares += difference * difference;
    }
    sums[MAE] += absolutes / (double)call->target_size;
    sums[RMSE] += squares / (double)call->target_size;
    return RONDO_OK;
}

static const rondo_loss absolute_error = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "absolute_error",
             .summary = "mean of |x - y| over the numbers of a row (Boscovich 1757)"},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record_absolute,
    .measure = measure,
};

static const rondo_loss huber = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "huber",
             .summary = "mean of d^2 / 2 up to |d| = delta, linear beyond, d = x - y (Huber 1964)",
             .options = huber_options,
             .options_size = sizeof(struct huber)},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record_huber,
    .measure = measure,
};

static const rondo_loss log_cosh = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "log_cosh",
             .summary = "mean of log cosh(x - y) over the numbers of a row (Saleh & Saleh 2022)"},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record_log_cosh,
    .measure = measure,
};

RONDO_PLUGIN("absolute_error", "1.0", "MIT", &absolute_error.base, &huber.base, &log_cosh.base);
