/* plugins/metrics/perplexity.c: the number of equally probable classes that would surprise as much.
 *
 *     perplexity = exp(-sum_r w_r ln p_ry / sum_r w_r),    y = y_r
 *
 * p: predicted probabilities (rows, classes), y: classes (rows), w: weights of the rows. A probability that is 0 in its
 * dtype counts as the smallest that is not, so that one row does not make the figure infinite.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

enum { SURPRISE, ROWS };
static const rondo_accumulator accumulators[] = {
    [SURPRISE] = {"surprise", "-ln p of the target, times the weight of the row"},
    [ROWS] = {"rows", "weights of all rows"},
    {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t classes = call->prediction_size;
    const int32_t *class_of = call->targets->data; /* (rows) */
    const double smallest = call->predictions->dtype == RONDO_F32 ? (double)FLT_MIN : DBL_MIN;
    const rondo_status status = rondo_check_classes(ctx, call->targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < call->targets->shape[0]; row++) {
        const double weight = rondo_weight(call, row);
        const double p = rondo_get(call->predictions, row * classes + class_of[row]);
        call->accumulators[SURPRISE][0] -= weight * log(p > smallest ? p : smallest);
        call->accumulators[ROWS][0] += weight;
    }
    return status;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = exp(call->accumulators[SURPRISE][0] / call->accumulators[ROWS][0]);
    return RONDO_OK;
}

static const rondo_metric_plugin perplexity = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "perplexity",
             .summary =
                 "exp(mean of -ln p(target)): the number of equally probable classes that would surprise as much"},
    .flags = RONDO_METRIC_PROBABILITIES,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("perplexity", "1.0", "MIT", &perplexity.base);
