/* plugins/losses/quantile.c: numbers, with predictions of several quantiles: y is below a quantile with a given
 * probability.
 *
 * Source: Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978.
 *
 * The quantiles of one number are adjacent, in the order of `levels`: output k q + l is level l of number k, for q
 * levels. Predictions have the same layout.
 */
#include <math.h>
#include <stdio.h>

#include "rondo/plugin.h"

struct quantile {
    rondo_reals levels;
};

static const rondo_option options[] = {
    RONDO_OPTION_REALS(struct quantile, levels, "0.5", 1e-6, 0.999999,
                       "probabilities of the quantiles, in ascending order; 0.5 is the median"),
    RONDO_OPTION_END,
};

/* Coverage is the share of targets between the lowest quantile and the highest, which should be near the difference of
 * these two levels; with one level, the share of targets at or below the quantile, which should be near the level.
 * Crossing is the share of neighbouring quantiles that are in the wrong order. The absolute error is that of the level
 * nearest to the median. */
enum { COVERAGE, CROSSING, MAE };
static const rondo_metric metrics[] = {
    {"coverage", RONDO_METRIC_MEAN, 1}, {"crossing", RONDO_METRIC_MEAN, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

static const rondo_reals *levels_of(const rondo_loss_call *call) {
    return &((const struct quantile *)call->options)->levels;
}

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    const rondo_reals *levels = levels_of(call);
    if (levels->count == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'levels' is empty, expected one or more");
    }
    for (int64_t l = 1; l < levels->count; l++) {
        if (levels->values[l] <= levels->values[l - 1]) {
            return ctx->host->fail(ctx, RONDO_INVALID, "'levels' has %g after %g, expected ascending numbers",
                                   levels->values[l], levels->values[l - 1]);
        }
    }
    *size = call->target_size * levels->count;
    return RONDO_OK;
}

/* The levels as a tensor, (q); or each level minus 1. */
static rondo_value constant_levels(rondo_context *ctx, int32_t dtype, const rondo_reals *levels, double less) {
    rondo_tensor vector = {.dtype = dtype, .ndim = 1, .shape = {levels->count}};
    vector.data = ctx->host->alloc(ctx, (size_t)levels->count * sizeof(double));
    if (vector.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t l = 0; l < levels->count; l++) {
        rondo_set(&vector, l, levels->values[l] - less);
    }
    return ctx->host->constant(ctx, &vector);
}

/* The mean over the n numbers and q levels t of a row of the tilted absolute value of d = y - x:
 *     t d if d >= 0, else (t - 1) d,    which is max(t d, (t - 1) d) */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n q) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const rondo_reals *levels = levels_of(call);
    char shape[96];
    snprintf(shape, sizeof shape, "shape=[%lld,%lld,%lld]", (long long)x->shape[0], (long long)call->target_size,
             (long long)levels->count);
    const rondo_value quantiles = rondo_apply1(ctx, "reshape", shape, outputs);       /* (rows, n, q) */
    const rondo_value columns = rondo_apply1(ctx, "expand_dims", "axis=-1", targets); /* (rows, n, 1) */
    const rondo_value d = rondo_apply2(ctx, "sub", NULL, columns, quantiles);         /* (rows, n, q) */
    const rondo_value above = rondo_apply2(ctx, "mul", NULL, d, constant_levels(ctx, x->dtype, levels, 0));
    const rondo_value below = rondo_apply2(ctx, "mul", NULL, d, constant_levels(ctx, x->dtype, levels, 1));
    return rondo_apply1(ctx, "mean", "axis=[1,2]", rondo_apply2(ctx, "maximum", NULL, above, below)); /* (rows) */
}

static int64_t nearest_to_median(const rondo_reals *levels) {
    int64_t nearest = 0;
    for (int64_t l = 1; l < levels->count; l++) {
        nearest = fabs(levels->values[l] - 0.5) < fabs(levels->values[nearest] - 0.5) ? l : nearest;
    }
    return nearest;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t q = levels_of(call)->count;
    const int64_t median = nearest_to_median(levels_of(call));
    const int64_t count = rondo_count(targets);
    int64_t covered = 0;
    int64_t crossed = 0;
    double absolutes = 0;
    for (int64_t i = 0; i < count; i++) {
        const double y = rondo_get(targets, i);
        covered += y <= rondo_get(predictions, i * q + q - 1) && (q == 1 || y >= rondo_get(predictions, i * q));
        for (int64_t l = 1; l < q; l++) {
            crossed += rondo_get(predictions, i * q + l) < rondo_get(predictions, i * q + l - 1);
        }
        absolutes += fabs(rondo_get(predictions, i * q + median) - y);
    }
    const double n = (double)call->target_size;
    sums[COVERAGE] += (double)covered / n;
    sums[CROSSING] += q > 1 ? (double)crossed / (n * (double)(q - 1)) : 0;
    sums[MAE] += absolutes / n;
    return RONDO_OK;
}

/* Between two levels the quantile is interpolated; beyond the lowest and the highest, nothing is known. Levels that cross
 * are sorted: the sorted quantiles are never farther from the true ones (Chernozhukov, Fernandez-Val & Galichon, "Quantile
 * and probability curves without crossing", Econometrica 78, 2010). */
static rondo_status quantile_at(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                double probability, const rondo_tensor *values) {
    const rondo_reals *levels = levels_of(call);
    const int64_t q = levels->count;
    const double slack = 1e-9; /* (1 - 0.8) / 2 is not exactly 0.1 */
    if (probability < levels->values[0] - slack || probability > levels->values[q - 1] + slack) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'levels' of the loss are from %g to %g, expected ones that reach to %g",
                               levels->values[0], levels->values[q - 1], probability);
    }
    int64_t next = 0; /* the first level that is not below the probability */
    while (next < q - 1 && levels->values[next] < probability - slack) {
        next++;
    }
    double *sorted = ctx->host->alloc(ctx, (size_t)q * sizeof *sorted);
    if (sorted == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    const int64_t before = next > 0 ? next - 1 : 0;
    const double gap = levels->values[next] - levels->values[before];
    const double share = gap > 0 ? fmin((probability - levels->values[before]) / gap, 1) : 1;
    for (int64_t i = 0; i < rondo_count(values); i++) {
        for (int64_t l = 0; l < q; l++) {
            int64_t at = l;
            const double value = rondo_get(outputs, i * q + l);
            for (; at > 0 && sorted[at - 1] > value; at--) {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = value;
        }
        /* exactly the level if it is one */
        rondo_set(values, i,
                  share > 1 - 1e-6 ? sorted[next] : sorted[before] + share * (sorted[next] - sorted[before]));
    }
    return RONDO_OK;
}

/* Every quantile is a prediction. */
static rondo_status prediction_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    return output_size(ctx, call, size);
}

static const rondo_loss quantile = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "quantile",
             .summary =
                 "mean of max(t d, (t - 1) d), d = y - x, for quantiles at the levels t (Koenker & Bassett 1978)",
             .options = options,
             .options_size = sizeof(struct quantile)},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .measure = measure,
    .prediction_size = prediction_size,
    .quantile = quantile_at,
};

RONDO_PLUGIN("quantile", "1.0", "MIT", &quantile.base);
