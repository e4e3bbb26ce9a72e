/* plugins/metrics/coverage.c: how often targets lie in their prediction intervals. An interval of 0.8 is right if four of
 * five targets do: fewer mean that the model is too certain, more that it is not certain enough.
 *
 *     coverage = sum_i w_i [l_i <= y_i <= u_i] / sum_i w_i,    over all numbers of all rows
 *
 * y: targets, l and u: ends of the interval (rows, numbers), w: the weight of the row of a number.
 */
#include "rondo/plugin.h"

struct coverage {
    double interval;
};

static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct coverage, interval, "0.8", 0.000001, 0.999999,
                      "probability with which targets are to lie in the interval"),
    RONDO_OPTION_END,
};

enum { INSIDE, NUMBERS };
static const rondo_accumulator accumulators[] = {[INSIDE] = {"inside", "weights of the numbers in their interval"},
                                                 [NUMBERS] = {"numbers", "weights of all numbers"},
                                                 {0}};

static double interval(const void *options) {
    return ((const struct coverage *)options)->interval;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / call->target_size), y = rondo_get(call->targets, i);
        const int is_inside = y >= rondo_get(call->lower, i) && y <= rondo_get(call->upper, i);
        call->accumulators[INSIDE][0] += is_inside ? weight : 0;
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[INSIDE][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin coverage = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "coverage",
             .summary = "share of the targets that lie in their prediction intervals, which should be near `interval`",
             .options = option_table,
             .options_size = sizeof(struct coverage)},
    .flags = RONDO_METRIC_ANY_PREDICTIONS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
    .interval = interval,
};

RONDO_PLUGIN("coverage", "1.0", "MIT", &coverage.base);
