/* Reduction of rows by segments, such as pooling over the steps of packed sequences. With S(s) = {r : index[r] = s}:
 *
 * sum   y[s] = sum over S(s) of x[r]              dL/dx[r] = dL/dy[index[r]]
 * mean  y[s] = sum over S(s) of x[r] / |S(s)|     dL/dx[r] = dL/dy[index[r]] / |S(s)|
 * max   y[s] = max over S(s) of x[r]              dL/dx[r] = dL/dy[index[r]] where r is the first row with the largest
 *
 * for each element of a row. An empty segment gives 0. */
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

enum segment_reduce { SEGMENT_SUM, SEGMENT_MEAN, SEGMENT_MAX };

struct segment_options {
    int64_t count;
    int32_t reduce;
};

static const char *const reduce_names[] = {"sum", "mean", "max", NULL};

static const rondo_option segment_option_table[] = {
    RONDO_OPTION_INT(struct segment_options, count, NULL, 0, INT32_MAX, "number of segments"),
    RONDO_OPTION_CHOICE(struct segment_options, reduce, "sum", reduce_names, "how the rows of a segment are combined"),
    RONDO_OPTION_END,
};

/* For each element of the result, the first row of the segment with the largest element is saved; -1: the segment is
 * empty. */
static rondo_status segment_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct segment_options *options = call->options;
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    rondo_status status = ops_need_float(ctx, call, 0, "x");
    status = status == RONDO_OK ? ops_need_index(ctx, call, 1, "index") : status;
    if (status != RONDO_OK) {
        return status;
    }
    if (x->ndim < 1 || index->ndim != 1 || index->shape[0] != x->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "x %s and index %s do not fit, expected one index for every row",
                               ops_shape_text(x).text, ops_shape_text(index).text);
    }
    call->output = *x;
    call->output.data = NULL;
    call->output.shape[0] = options->count;
    status = ops_check_size(ctx, call);
    if (status != RONDO_OK) {
        return status;
    }
    if (options->reduce == SEGMENT_MEAN) {
        call->saved_bytes = sizeof(int64_t) * (size_t)options->count;
    } else if (options->reduce == SEGMENT_MAX) {
        call->saved_bytes = sizeof(int64_t) * (size_t)rondo_count(&call->output);
    }
    return RONDO_OK;
}

/* Each thread goes through all rows, but only for its own columns, so that no two threads write to the same element. */
struct segment_pass {
    const rondo_op_call *call;
    const int32_t *index;
    int64_t rows, columns, count;
    enum segment_reduce reduce;
};

#define SEGMENT_OF(T, suffix)                                                                                          \
    KERNEL_CLONES static void segment_sum_##suffix(const struct segment_pass *pass, int64_t begin, int64_t end) {      \
        const T *x = pass->call->inputs[0].data;                                                                       \
        T *y = pass->call->output.data;                                                                                \
        const int64_t columns = pass->columns;                                                                         \
        for (int64_t s = 0; s < pass->count; s++) {                                                                    \
            memset(y + s * columns + begin, 0, sizeof(T) * (size_t)(end - begin));                                     \
        }                                                                                                              \
        for (int64_t r = 0; r < pass->rows; r++) {                                                                     \
            T *sum = y + pass->index[r] * columns;                                                                     \
            const T *row = x + r * columns;                                                                            \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                sum[i] += row[i];                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void segment_divide_##suffix(const struct segment_pass *pass, int64_t begin, int64_t end) {   \
        const int64_t *sizes = pass->call->saved;                                                                      \
        T *y = pass->call->output.data;                                                                                \
        for (int64_t s = 0; s < pass->count; s++) {                                                                    \
            const T scale = sizes[s] == 0 ? 0 : 1 / (T)sizes[s];                                                       \
            T *mean = y + s * pass->columns;                                                                           \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                mean[i] *= scale;                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void segment_max_##suffix(const struct segment_pass *pass, int64_t begin, int64_t end) {                    \
        const T *x = pass->call->inputs[0].data;                                                                       \
        T *y = pass->call->output.data;                                                                                \
        int64_t *first = pass->call->saved;                                                                            \
        const int64_t columns = pass->columns;                                                                         \
        for (int64_t s = 0; s < pass->count; s++) {                                                                    \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                y[s * columns + i] = 0;                                                                                \
                first[s * columns + i] = -1;                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t r = 0; r < pass->rows; r++) {                                                                     \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                const T here = x[r * columns + i];                                                                     \
                const int64_t at = pass->index[r] * columns + i;                                                       \
                const int beats = here > y[at] || (here != here && y[at] == y[at]);                                    \
                if (first[at] < 0 || beats) { /* not-a-number counts as the largest */                                 \
                    y[at] = here;                                                                                      \
                    first[at] = r;                                                                                     \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void segment_grad_##suffix(const struct segment_pass *pass, int64_t begin, int64_t end) {                   \
        const T *g = pass->call->grad_output->data;                                                                    \
        T *gx = pass->call->grad_inputs[0].data;                                                                       \
        const int64_t *saved = pass->call->saved;                                                                      \
        const int64_t columns = pass->columns;                                                                         \
        for (int64_t r = 0; r < pass->rows; r++) {                                                                     \
            const int64_t s = pass->index[r];                                                                          \
            const T scale = pass->reduce == SEGMENT_MEAN ? 1 / (T)saved[s] : 1;                                        \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                if (pass->reduce != SEGMENT_MAX || saved[s * columns + i] == r) {                                      \
                    gx[r * columns + i] += g[s * columns + i] * scale;                                                 \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

SEGMENT_OF(float, f32)
SEGMENT_OF(double, f64)

static void forward_columns(void *arg, int64_t begin, int64_t end) {
    const struct segment_pass *pass = arg;
    const int32_t dtype = pass->call->output.dtype;
    if (pass->reduce == SEGMENT_MAX) {
        KERNEL_BY_DTYPE(dtype, segment_max, pass, begin, end);
        return;
    }
    KERNEL_BY_DTYPE(dtype, segment_sum, pass, begin, end);
    if (pass->reduce == SEGMENT_MEAN) {
        KERNEL_BY_DTYPE(dtype, segment_divide, pass, begin, end);
    }
}

static void backward_columns(void *arg, int64_t begin, int64_t end) {
    const struct segment_pass *pass = arg;
    KERNEL_BY_DTYPE(pass->call->output.dtype, segment_grad, pass, begin, end);
}

static struct segment_pass make_pass(const rondo_op_call *call) {
    const struct segment_options *options = call->options;
    const struct ops_split split = ops_split(&call->inputs[0], 0);
    return (struct segment_pass){.call = call,
                                 .index = call->inputs[1].data,
                                 .rows = split.axis,
                                 .columns = split.inner,
                                 .count = options->count,
                                 .reduce = (enum segment_reduce)options->reduce};
}

static rondo_status segment_forward(rondo_context *ctx, rondo_op_call *call) {
    struct segment_pass pass = make_pass(call);
    const rondo_status status = ops_check_indices(ctx, call, 1, pass.count, "segments");
    if (status != RONDO_OK) {
        return status;
    }
    if (pass.reduce == SEGMENT_MEAN) {
        int64_t *sizes = call->saved;
        for (int64_t s = 0; s < pass.count; s++) {
            sizes[s] = 0;
        }
        for (int64_t r = 0; r < pass.rows; r++) {
            sizes[pass.index[r]]++;
        }
    }
    ctx->host->parallel_for(ctx, pass.columns, ops_grain(pass.rows + pass.count), forward_columns, &pass);
    return RONDO_OK;
}

static rondo_status segment_backward(rondo_context *ctx, rondo_op_call *call) {
    struct segment_pass pass = make_pass(call);
    ctx->host->parallel_for(ctx, pass.columns, ops_grain(pass.rows), backward_columns, &pass);
    return RONDO_OK;
}

/* With fewer rows than segments, some segments are empty. */
static int32_t segment_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 3, "count=3", {{2, {7, 2}}, {1, {7}}}},
        {2, 3, "count=3 reduce=mean", {{2, {7, 2}}, {1, {7}}}},
        {2, 3, "count=3 reduce=max", {{2, {7, 2}}, {1, {7}}}},
        {2, 6, "count=6 reduce=mean", {{1, {3}}, {1, {3}}}},
        {2, 6, "count=6 reduce=max", {{3, {3, 2, 2}}, {1, {3}}}},
        {2, 1, "count=1 reduce=sum", {{2, {1, 1}}, {1, {1}}}},
        {2, 2, "count=2 reduce=max", {{2, {0, 3}}, {1, {0}}}},
        {2, 2, "count=2 reduce=mean", {{2, {3, 0}}, {1, {3}}}},
        {2, 1, "count=0", {{2, {0, 3}}, {1, {0}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_segment = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "segment",
             .summary = "y[s] = sum, mean or max of the rows of x whose index is s; 0 if no row has it",
             .options = segment_option_table,
             .options_size = sizeof(struct segment_options)},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, index",
    .infer = segment_infer,
    .forward = segment_forward,
    .backward = segment_backward,
    .sample = segment_sample,
};
