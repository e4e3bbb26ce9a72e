/* plugins/metrics/accuracy.c: the share of rows whose most probable class is the target.
 *
 *     accuracy = sum_r w_r [argmax_k p_rk = y_r] / sum_r w_r
 *
 * p: predictions (rows, classes), y: classes (rows), w: weights of the rows. Of equal probabilities the first counts.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { RIGHT, ROWS };
static const rondo_accumulator accumulators[] = {
    [RIGHT] = {"right", "weights of the rows that are predicted correctly"},
    [ROWS] = {"rows", "weights of all rows"},
    {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t classes = call->prediction_size;
    const int32_t *class_of = call->targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, call->targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < call->targets->shape[0]; row++) {
        const double weight = rondo_weight(call, row);
        call->accumulators[RIGHT][0] +=
            rondo_argmax(call->predictions, row * classes, classes) == class_of[row] ? weight : 0;
        call->accumulators[ROWS][0] += weight;
    }
    return status;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[RIGHT][0] / call->accumulators[ROWS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin accuracy = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "accuracy",
             .summary = "share of rows whose most probable class is the target"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("accuracy", "1.0", "MIT", &accuracy.base);
