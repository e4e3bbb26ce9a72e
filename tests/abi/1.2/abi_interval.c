/* tests/abi/1.2/abi_interval.c: a loss with quantiles and a metric with intervals, as of ABI 1.2.
 *
 *     abi_uniform:  (y - x)^2, where a target is as likely to be anywhere from x - width to x + width
 *     abi_inside:   the share of targets between `lower` and `upper`
 */
#include <stddef.h>

#include "rondo/plugin.h"

struct loss_options {
    double width;
};
static const rondo_option loss_table[] = {
    RONDO_OPTION_REAL(struct loss_options, width, "1", 0.001, 1000, "half of the width of the distribution"),
    RONDO_OPTION_END,
};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    (void)call;
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, targets, outputs);
    return rondo_apply1(ctx, "mean", "axis=-1", rondo_apply1(ctx, "square", NULL, difference));
}

/* x + (2 p - 1) width */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    const double width = ((const struct loss_options *)call->options)->width;
    if (probability < 0.01 || probability > 0.99) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'probability' is %g, expected 0.01 to 0.99", probability);
    }
    for (int64_t i = 0; i < rondo_count(values); i++) {
        rondo_set(values, i, rondo_get(outputs, i) + (2 * probability - 1) * width);
    }
    return RONDO_OK;
}

static const rondo_loss abi_uniform = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "abi_uniform",
             .summary = "squared difference, with the quantiles of a uniform distribution",
             .options = loss_table,
             .options_size = sizeof(struct loss_options)},
    .flags = RONDO_LOSS_ANY_UNIT,
    .output_size = output_size,
    .record = record,
    .quantile = quantile,
};

struct metric_options {
    double probability;
};
static const rondo_option metric_table[] = {
    RONDO_OPTION_REAL(struct metric_options, probability, "0.5", 0.01, 0.99, "of the interval"),
    RONDO_OPTION_END,
};

enum { INSIDE, ALL };
static const rondo_accumulator accumulators[] = {
    [INSIDE] = {"inside", "targets in their interval"}, [ALL] = {"all", "targets"}, {NULL, NULL}};

static double interval(const void *options) {
    return ((const struct metric_options *)options)->probability;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    if (call->struct_size < offsetof(rondo_metric_call, upper) + sizeof call->upper || call->upper == NULL) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the call has no interval");
    }
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / call->target_size), y = rondo_get(call->targets, i);
        const int is_inside = y >= rondo_get(call->lower, i) && y <= rondo_get(call->upper, i);
        call->accumulators[INSIDE][0] += is_inside ? weight : 0;
        call->accumulators[ALL][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[INSIDE][0] / call->accumulators[ALL][0];
    return RONDO_OK;
}

static const rondo_metric_plugin abi_inside = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "abi_inside",
             .summary = "share of the targets between the ends of their intervals",
             .options = metric_table,
             .options_size = sizeof(struct metric_options)},
    .flags = RONDO_METRIC_ANY_PREDICTIONS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
    .interval = interval,
};

RONDO_PLUGIN("abi_interval", "1.0", "MIT", &abi_uniform.base, &abi_inside.base);
