/* plugins/metrics/interval_score.c: how good prediction intervals are: they should be narrow and contain the target. On
 * average no interval has a lower score than that of the true quantiles, so that intervals of models can be compared.
 *
 *     score = sum_i w_i (u_i - l_i + 2 / (1 - c) (max(l_i - y_i, 0) + max(y_i - u_i, 0))) / sum_i w_i
 *
 * over all numbers of all rows. y: targets, l and u: ends of the interval (rows, numbers), c: the probability of the
 * interval, w: the weight of the row of a number.
 *
 * Source: Gneiting & Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of the American
 * Statistical Association 102, 2007, equation 43.
 */
#include <math.h>

#include "rondo/plugin.h"

struct interval_score {
    double interval;
};

static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct interval_score, interval, "0.8", 0.000001, 0.999999,
                      "probability with which targets are to lie in the interval"),
    RONDO_OPTION_END,
};

enum { SCORES, NUMBERS };
static const rondo_accumulator accumulators[] = {[SCORES] = {"scores", "widths and penalties, times the weight"},
                                                 [NUMBERS] = {"numbers", "weights of all numbers"},
                                                 {0}};

static double interval(const void *options) {
    return ((const struct interval_score *)options)->interval;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const double factor = 2 / (1 - interval(call->options));
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / call->target_size), y = rondo_get(call->targets, i);
        const double l = rondo_get(call->lower, i), u = rondo_get(call->upper, i);
        call->accumulators[SCORES][0] += weight * (u - l + factor * (fmax(l - y, 0) + fmax(y - u, 0)));
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[SCORES][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin interval_score = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "interval_score",
             .summary =
                 "width of the prediction intervals, and a penalty for targets outside (Gneiting & Raftery 2007)",
             .options = option_table,
             .options_size = sizeof(struct interval_score)},
    .flags = RONDO_METRIC_ANY_PREDICTIONS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
    .interval = interval,
};

RONDO_PLUGIN("interval_score", "1.0", "MIT", &interval_score.base);
