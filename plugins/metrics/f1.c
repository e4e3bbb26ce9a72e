/* plugins/metrics/f1.c: the harmonic mean of precision and recall.
 *
 * With the weights of rows n_c of class c, m_c predicted as c, and t_c of class c and predicted as c:
 *
 *     precision_c = t_c / m_c,   recall_c = t_c / n_c,   F1_c = 2 t_c / (n_c + m_c)
 *
 *     macro     mean of F1_c over the classes that occur in targets or predictions
 *     weighted  sum_c n_c F1_c / sum_c n_c
 *     micro     2 sum_c t_c / (sum_c n_c + sum_c m_c), which is the accuracy, as every row has one class
 *
 * A quotient with divisor 0 is undefined in the table. Source: van Rijsbergen, "Information retrieval", 1979, chapter 7;
 * the averages are those of scikit-learn.
 */
#include <math.h>

#include "rondo/plugin.h"

enum { MACRO, MICRO, WEIGHTED };
static const char *const averages[] = {"macro", "micro", "weighted", NULL};

struct f1 {
    int32_t average;
};

static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct f1, average, "macro", averages,
                        "macro: mean over the classes; micro: over all rows; weighted: over classes by their rows"),
    RONDO_OPTION_END};

enum { RIGHT, TARGETS, PREDICTED };
static const rondo_accumulator accumulators[] = {
    [RIGHT] = {"right", "for each class, weights of its rows that are predicted correctly"},
    [TARGETS] = {"targets", "for each class, weights of its rows"},
    [PREDICTED] = {"predicted", "for each class, weights of the rows that are predicted as this class"},
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
        const int64_t target = class_of[row], predicted = rondo_argmax(call->predictions, row * classes, classes);
        call->accumulators[RIGHT][target] += predicted == target ? weight : 0;
        call->accumulators[TARGETS][target] += weight;
        call->accumulators[PREDICTED][predicted] += weight;
    }
    return status;
}

/* F1_c; 0 if the class does not occur at all. */
static double f1_of(const rondo_metric_call *call, int64_t c) {
    const double both = call->accumulators[TARGETS][c] + call->accumulators[PREDICTED][c];
    return both > 0 ? 2 * call->accumulators[RIGHT][c] / both : 0;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    const int32_t average = ((const struct f1 *)call->options)->average;
    const double *right = call->accumulators[RIGHT], *targets = call->accumulators[TARGETS];
    double sum = 0, divisor = 0;
    for (int64_t c = 0; c < call->target_size; c++) {
        const int occurs = targets[c] + call->accumulators[PREDICTED][c] > 0;
        sum += average == MICRO ? right[c] : average == MACRO ? f1_of(call, c) : targets[c] * f1_of(call, c);
        divisor += average == MACRO ? occurs : targets[c]; /* as many rows are predicted as there are */
    }
    *value = sum / divisor;
    return RONDO_OK;
}

static double quotient(double part, double whole) {
    return whole > 0 ? part / whole : (double)NAN;
}

/* One row for each class. */
static rondo_status table(rondo_context *ctx, const rondo_metric_call *call, rondo_metric_table *table) {
    static const char *const columns[] = {"precision", "recall", "f1", "rows"};
    enum { COLUMNS = 4 };
    double *values = ctx->host->alloc(ctx, (size_t)call->target_size * COLUMNS * sizeof *values);
    if (values == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t c = 0; c < call->target_size; c++) {
        const double right = call->accumulators[RIGHT][c], rows = call->accumulators[TARGETS][c];
        double *row = values + c * COLUMNS;
        row[0] = quotient(right, call->accumulators[PREDICTED][c]);
        row[1] = quotient(right, rows);
        row[2] = quotient(2 * right, rows + call->accumulators[PREDICTED][c]);
        row[3] = rows;
    }
    table->rows = call->target_size;
    table->columns = COLUMNS;
    table->row_title = "class";
    table->column_names = columns;
    table->values = values;
    return RONDO_OK;
}

static const rondo_metric_plugin f1 = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "f1",
             .summary =
                 "2 precision recall / (precision + recall) of classes, averaged; a table with one row per class",
             .options = options,
             .options_size = sizeof(struct f1)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .size = size,
    .measure = measure,
    .finish = finish,
    .table = table,
};

RONDO_PLUGIN("f1", "1.0", "MIT", &f1.base);
