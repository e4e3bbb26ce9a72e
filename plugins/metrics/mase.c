/* plugins/metrics/mase.c: the mean absolute error in units of the naive forecast's.
 *
 *     MASE = sum_i w_i |y_i - p_i| / q_i / sum_i w_i,    over all numbers of all rows
 *
 * q_i is the mean absolute error of the naive forecast in the training part of the series of row i; rows of a series
 * that has none, such as a constant one, are left out. Below 1 the model is better than that forecast. Source: Hyndman & Koehler, "Another look at measures of forecast accuracy",
 * International Journal of Forecasting 22, 2006.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { ERRORS, NUMBERS };
static const rondo_accumulator accumulators[] = {[ERRORS] = {"errors", "|y - p| / q, times the weight of the row"},
                                                 [NUMBERS] = {"numbers", "weights of all numbers"},
                                                 {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const int64_t width = call->target_size;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / width);
        const double y = rondo_get(call->targets, i), p = rondo_get(call->predictions, i),
                     q = rondo_get(call->naive, i);
        if (!isnan(q)) {
            call->accumulators[ERRORS][0] += weight * fabs(y - p) / q;
            call->accumulators[NUMBERS][0] += weight;
        }
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[ERRORS][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin mase = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "mase",
             .summary = "mean of |y - p| / q, q: the error of the naive forecast; below 1 is better than that (Hyndman "
                        "& Koehler 2006)"},
    .flags = RONDO_METRIC_NAIVE,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("mase", "1.0", "MIT", &mase.base);
