/* plugins/metrics/smape.c: the symmetric mean absolute percentage error.
 *
 *     sMAPE = 100 sum_i w_i 2 |y_i - p_i| / (|y_i| + |p_i|) / sum_i w_i,    over all numbers of all rows
 *
 * A number that is predicted exactly counts as 0, also if it is 0. Source: Makridakis, "Accuracy measures: theoretical and
 * practical concerns", International Journal of Forecasting 9, 1993; in this form in the M3 and M4 competitions.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { ERRORS, NUMBERS };
static const rondo_accumulator accumulators[] = {
    [ERRORS] = {"errors", "2 |y - p| / (|y| + |p|), times the weight of the row"},
    [NUMBERS] = {"numbers", "weights of all numbers"},
    {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const int64_t width = call->target_size;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / width);
        const double y = rondo_get(call->targets, i), p = rondo_get(call->predictions, i);
        call->accumulators[ERRORS][0] += weight * (y == p ? 0 : 2 * fabs(y - p) / (fabs(y) + fabs(p)));
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = 100 * call->accumulators[ERRORS][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin smape = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "smape",
             .summary = "100 times the mean of 2 |y - p| / (|y| + |p|), in percent: 0 to 200 (Makridakis 1993)"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("smape", "1.0", "MIT", &smape.base);
