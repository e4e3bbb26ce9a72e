/* plugins/metrics/rmse.c: the root of the mean squared error.
 *
 *     RMSE = sqrt(sum_i w_i (y_i - p_i)^2 / sum_i w_i),    over all numbers of all rows
 *
 * y: targets, p: predictions (rows, numbers), w: the weight of the row of a number.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { ERRORS, NUMBERS };
static const rondo_accumulator accumulators[] = {[ERRORS] = {"errors", "(y - p)^2, times the weight of the row"},
                                                 [NUMBERS] = {"numbers", "weights of all numbers"},
                                                 {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const int64_t width = call->target_size;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / width);
        const double y = rondo_get(call->targets, i), p = rondo_get(call->predictions, i);
        call->accumulators[ERRORS][0] += weight * (y - p) * (y - p);
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = sqrt(call->accumulators[ERRORS][0] / call->accumulators[NUMBERS][0]);
    return RONDO_OK;
}

static const rondo_metric_plugin rmse = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "rmse",
             .summary = "root of the mean of (y - p)^2, in the units of the targets"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("rmse", "1.0", "MIT", &rmse.base);
