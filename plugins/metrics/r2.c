/* plugins/metrics/r2.c: the share of the targets' variance that the predictions explain.
 *
 * For number k of the targets, with the weights w of the rows:
 *
 *     R2_k = 1 - sum_r w_r (y_rk - p_rk)^2 / sum_r w_r (y_rk - m_k)^2,    m_k = sum_r w_r y_rk / sum_r w_r
 *
 * and R2 = mean_k R2_k. 1: exact; 0: as good as the mean; below 0: worse. With constant targets R2_k is 1 if they are
 * predicted exactly, else 0, as in scikit-learn.
 *
 * The variance follows from sums of y and y^2, sum_r w_r (y_r - m)^2 = sum_r w_r y_r^2 - (sum_r w_r y_r)^2 / sum_r w_r.
 * Targets whose mean is 10^4 times their deviation lose 8 of 16 digits by that.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { ROWS, SUMS, SQUARES, ERRORS };
static const rondo_accumulator accumulators[] = {
    [ROWS] = {"rows", "weights of all rows"},
    [SUMS] = {"sums", "for each number of a target, y times the weight of the row"},
    [SQUARES] = {"squares", "for each number of a target, y^2 times the weight of the row"},
    [ERRORS] = {"errors", "for each number of a target, (y - p)^2 times the weight of the row"},
    {0}};

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *size) {
    (void)ctx;
    *size = accumulator == ROWS ? 1 : call->target_size;
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    const int64_t width = call->target_size;
    for (int64_t row = 0; row < call->targets->shape[0]; row++) {
        const double weight = rondo_weight(call, row);
        call->accumulators[ROWS][0] += weight;
        for (int64_t k = 0; k < width; k++) {
            const double y = rondo_get(call->targets, row * width + k);
            const double error = y - rondo_get(call->predictions, row * width + k);
            call->accumulators[SUMS][k] += weight * y;
            call->accumulators[SQUARES][k] += weight * y * y;
            call->accumulators[ERRORS][k] += weight * error * error;
        }
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    const double rows = call->accumulators[ROWS][0];
    double sum = 0;
    for (int64_t k = 0; k < call->target_size; k++) {
        const double y = call->accumulators[SUMS][k], squares = call->accumulators[SQUARES][k];
        const double errors = call->accumulators[ERRORS][k], variance = squares - y * y / rows;
        const int is_constant = !(variance > 1e-14 * squares); /* but for rounding */
        sum += !is_constant ? 1 - errors / variance : errors == 0 ? 1 : 0;
    }
    *value = rows > 0 ? sum / (double)call->target_size : (double)NAN;
    return RONDO_OK;
}

static const rondo_metric_plugin r2 = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "r2",
             .summary =
                 "1 - (squared errors) / (squared deviations from the mean), averaged over the numbers of a target"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .size = size,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("r2", "1.0", "MIT", &r2.base);
