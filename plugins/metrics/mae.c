/* plugins/metrics/mae.c: the mean absolute error.
 *
 *     MAE = sum_i w_i |y_i - p_i| / sum_i w_i,    over all numbers of all rows
 *
 * y: targets, p: predictions (rows, numbers), w: the weight of the row of a number.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { ERRORS, NUMBERS };
static const rondo_accumulator accumulators[] = {[ERRORS] = {"errors", "|y - p|, times the weight of the row"},
                                                 [NUMBERS] = {"numbers", "weights of all numbers"},
                                                 {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const int64_t width = call->target_size;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / width);
        const double y = rondo_get(call->targets, i), p = rondo_get(call->predictions, i);
        call->accumulators[ERRORS][0] += weight * fabs(y - p);
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[ERRORS][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin mae = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "mae",
             .summary = "mean of |y - p|, in the units of the targets"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("mae", "1.0", "MIT", &mae.base);
