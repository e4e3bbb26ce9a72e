/* plugins/metrics/confusion_matrix.c: how often each class is taken for each other one. It has a table and no figure.
 *
 *     n_ck = sum_{r: y_r = c} w_r [argmax_j p_rj = k]
 *
 * With `normalise`, each row is divided by its sum: the shares of the rows of class c, with the recall on the diagonal.
 */
#include <math.h>

#include "rondo/plugin.h"

struct confusion_matrix {
    int32_t normalise;
};

static const rondo_option options[] = {RONDO_OPTION_BOOL(struct confusion_matrix, normalise, "false",
                                                         "shares of the rows of each class instead of counts"),
                                       RONDO_OPTION_END};

static const rondo_accumulator accumulators[] = {{"counts", "for each true and predicted class, weights of the rows"},
                                                 {0}};

static rondo_status check(rondo_context *ctx, const rondo_metric_call *call) {
    if (call->target_size * call->target_size > RONDO_MOST_SUMS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "there are %lld classes, expected at most 1024 for a table of them",
                               (long long)call->target_size);
    }
    return RONDO_OK;
}

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *size) {
    (void)ctx, (void)accumulator;
    *size = call->target_size * call->target_size;
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t classes = call->prediction_size;
    const int32_t *class_of = call->targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, call->targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < call->targets->shape[0]; row++) {
        const int64_t predicted = rondo_argmax(call->predictions, row * classes, classes);
        call->accumulators[0][class_of[row] * classes + predicted] += rondo_weight(call, row);
    }
    return status;
}

static rondo_status table(rondo_context *ctx, const rondo_metric_call *call, rondo_metric_table *table) {
    const int64_t classes = call->target_size;
    const int32_t normalise = ((const struct confusion_matrix *)call->options)->normalise;
    double *values = ctx->host->alloc(ctx, (size_t)(classes * classes) * sizeof *values);
    if (values == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t c = 0; c < classes; c++) {
        const double *counts = call->accumulators[0] + c * classes;
        double sum = 0;
        for (int64_t k = 0; k < classes; k++) {
            sum += counts[k];
        }
        for (int64_t k = 0; k < classes; k++) { /* a class without rows has undefined shares, 0 / 0 */
            values[c * classes + k] = normalise ? counts[k] / sum : counts[k];
        }
    }
    table->rows = table->columns = classes;
    table->row_title = "true class";
    table->column_title = "predicted class";
    table->values = values;
    return RONDO_OK;
}

static const rondo_metric_plugin confusion_matrix = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "confusion_matrix",
             .summary = "a table of how often each true class is predicted as each class",
             .options = options,
             .options_size = sizeof(struct confusion_matrix)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .accumulators = accumulators,
    .check = check,
    .size = size,
    .measure = measure,
    .table = table,
};

RONDO_PLUGIN("confusion_matrix", "1.0", "MIT", &confusion_matrix.base);
