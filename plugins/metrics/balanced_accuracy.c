/* plugins/metrics/balanced_accuracy.c: the recall of a class, averaged over the classes that occur in the targets.
 *
 *     recall_c = sum_{r: y_r = c} w_r [argmax_k p_rk = c] / sum_{r: y_r = c} w_r,    balanced accuracy = mean_c recall_c
 *
 * A class counts as much as any other, however rare it is. Source: Brodersen, Ong, Stephan & Buhmann, "The balanced
 * accuracy and its posterior distribution", ICPR 2010.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { RIGHT, ROWS };
static const rondo_accumulator accumulators[] = {
    [RIGHT] = {"right", "for each class, weights of its rows that are predicted correctly"},
    [ROWS] = {"rows", "for each class, weights of its rows"},
    {0}};

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *size) {
    (void)ctx, (void)accumulator;
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t classes = call->prediction_size;
    const int32_t *class_of = call->targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, call->targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < call->targets->shape[0]; row++) {
        const double weight = rondo_weight(call, row);
        const int32_t target = class_of[row];
        call->accumulators[RIGHT][target] +=
            rondo_argmax(call->predictions, row * classes, classes) == target ? weight : 0;
        call->accumulators[ROWS][target] += weight;
    }
    return status;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    const double *right = call->accumulators[RIGHT], *rows = call->accumulators[ROWS];
    double sum = 0, classes = 0;
    for (int64_t c = 0; c < call->target_size; c++) {
        if (rows[c] > 0) {
            sum += right[c] / rows[c];
            classes++;
        }
    }
    *value = sum / classes;
    return RONDO_OK;
}

static const rondo_metric_plugin balanced_accuracy = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "balanced_accuracy",
             .summary = "recall, averaged over the classes that occur in the targets (Brodersen et al. 2010)"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .size = size,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("balanced_accuracy", "1.0", "MIT", &balanced_accuracy.base);
