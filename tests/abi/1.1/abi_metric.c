/* tests/abi/1.1/abi_metric.c: a metric as of ABI 1.1, with everything that a metric can have, and an option of numbers
 * for classes.
 *
 *     value = sum_r w_r c_{y_r} [argmax_k p_rk = y_r] / sum_r w_r c_{y_r},    c: the class weights; 1 without them
 *     table: for each class, its rows and the rows that are predicted correctly, times w
 */
#include <math.h>
#include <stddef.h>

#include "rondo/plugin.h"

struct options {
    rondo_reals class_weights;
    int64_t classes;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_CLASS_REALS(struct options, class_weights, "[]", 0, 100, "factors of the classes; empty: 1"),
    RONDO_OPTION_INT(struct options, classes, "100", 2, 1000, "largest number of classes"),
    RONDO_OPTION_END,
};

enum { ROWS, RIGHT };
static const rondo_accumulator accumulators[] = {
    [ROWS] = {"rows", "for each class, weights of its rows"},
    [RIGHT] = {"right", "for each class, weights of the rows that are predicted correctly"},
    {NULL, NULL},
};

static rondo_status check(rondo_context *ctx, const rondo_metric_call *call) {
    const struct options *options = call->options;
    const int64_t given = options->class_weights.count;
    if (call->target_kind != RONDO_TARGET_CLASS || call->prediction_size != call->target_size) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the call is not as the descriptor asks for");
    }
    if (call->target_size > options->classes || (given != 0 && given != call->target_size)) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'classes' is %lld of %lld, with %lld weights",
                               (long long)options->classes, (long long)call->target_size, (long long)given);
    }
    return RONDO_OK;
}

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *size) {
    if (accumulator < ROWS || accumulator > RIGHT || *size != 1) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "accumulator %d begins with size %lld", (int)accumulator,
                               (long long)*size);
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int32_t *class_of = (const int32_t *)call->targets->data;
    const rondo_status status = rondo_check_classes(ctx, call->targets, call->target_size);
    for (int64_t row = 0; status == RONDO_OK && row < rondo_count(call->targets); row++) {
        const int64_t best = rondo_argmax(call->predictions, row * call->prediction_size, call->prediction_size);
        call->accumulators[ROWS][class_of[row]] += rondo_weight(call, row);
        call->accumulators[RIGHT][class_of[row]] += best == class_of[row] ? rondo_weight(call, row) : 0;
    }
    return status;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    const rondo_reals *weights = &((const struct options *)call->options)->class_weights;
    double rows = 0, right = 0;
    (void)ctx;
    for (int64_t c = 0; c < call->target_size; c++) {
        const double weight = weights->count == 0 ? 1 : weights->values[c];
        rows += weight * call->accumulators[ROWS][c];
        right += weight * call->accumulators[RIGHT][c];
    }
    *value = rows > 0 ? right / rows : weights->count == 0 ? (double)NAN : 0;
    return RONDO_OK;
}

static rondo_status table(rondo_context *ctx, const rondo_metric_call *call, rondo_metric_table *table) {
    static const char *const columns[] = {"rows", "right"};
    double *values = (double *)ctx->host->alloc(ctx, (size_t)call->target_size * 2 * sizeof *values);
    if (values == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t c = 0; c < call->target_size; c++) {
        values[2 * c] = call->accumulators[ROWS][c];
        values[2 * c + 1] = call->accumulators[RIGHT][c];
    }
    table->rows = call->target_size;
    table->columns = 2;
    table->row_title = "class";
    table->column_names = columns;
    table->values = values;
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "abi_right",
             .summary = "share of rows that are predicted correctly, with weights of classes",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .check = check,
    .size = size,
    .measure = measure,
    .finish = finish,
    .table = table,
};

RONDO_PLUGIN("abi_metric", "1.0", "MIT", &metric.base);
