/* transpose: reorders the dimensions.
 *
 * y[i_0, .., i_n] = x[j_0, .., j_n]  with  j[axes[d]] = i_d,   dL/dx is dL/dy with the reverse reordering
 *
 * If only dimensions of size 1 change places, the order of the elements does not change, and the result is a view. */
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct transpose_options {
    rondo_ints axes;
};

static const rondo_option transpose_option_table[] = {
    RONDO_OPTION_INTS(
        struct transpose_options, axes, "[]", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
        "the dimensions of x in the order of the result; negative: counted from the end; []: reverse order"),
    RONDO_OPTION_END,
};

static rondo_status find_order(rondo_context *ctx, const rondo_op_call *call, int32_t *order) {
    const struct transpose_options *options = call->options;
    const rondo_tensor *x = &call->inputs[0];
    if (options->axes.count == 0) {
        for (int32_t d = 0; d < x->ndim; d++) {
            order[d] = x->ndim - 1 - d;
        }
        return RONDO_OK;
    }
    unsigned seen = 0;
    for (int32_t d = 0; d < options->axes.count; d++) {
        const rondo_status status = ops_find_axis(ctx, x, options->axes.values[d], &order[d]);
        if (status != RONDO_OK) {
            return status;
        }
        seen |= 1u << order[d];
    }
    if (options->axes.count != x->ndim || seen != (1u << x->ndim) - 1) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'axes' must name each of the %d dimensions of %s once",
                               (int)x->ndim, ops_shape_text(x).text);
    }
    return RONDO_OK;
}

/* The dimensions of the result, innermost first: sizes, and strides in x. Dimensions of size 1 are left out, and
 * neighbouring dimensions that are contiguous in both tensors are merged. */
struct walk {
    int32_t n;
    int64_t size[RONDO_MAX_DIMS], stride[RONDO_MAX_DIMS];
};

static struct walk plan(const rondo_tensor *x, const int32_t *order) {
    int64_t strides[RONDO_MAX_DIMS] = {1, 1, 1, 1, 1, 1};
    for (int32_t d = x->ndim - 2; d >= 0; d--) {
        strides[d] = strides[d + 1] * x->shape[d + 1];
    }
    struct walk walk = {.n = 0};
    for (int32_t d = x->ndim - 1; d >= 0; d--) {
        const int64_t size = x->shape[order[d]], stride = strides[order[d]];
        if (size == 1) {
            continue;
        }
        if (walk.n > 0 && walk.stride[walk.n - 1] * walk.size[walk.n - 1] == stride) {
            walk.size[walk.n - 1] *= size;
            continue;
        }
        walk.size[walk.n] = size;
        walk.stride[walk.n] = stride;
        walk.n++;
    }
    return walk;
}

static rondo_status transpose_infer(rondo_context *ctx, rondo_op_call *call) {
    int32_t order[RONDO_MAX_DIMS] = {0};
    const rondo_status status = find_order(ctx, call, order);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_tensor *x = &call->inputs[0];
    call->output = *x;
    call->output.data = NULL;
    for (int32_t d = 0; d < x->ndim; d++) {
        call->output.shape[d] = x->shape[order[d]];
    }
    const struct walk walk = plan(x, order);
    call->is_view = walk.n <= 1 || rondo_count(x) == 0;
    return RONDO_OK;
}

/* A row is one run along the innermost dimension of the result. Returns where row r starts in x. */
static int64_t row_start(const struct walk *walk, int64_t row) {
    int64_t start = 0;
    for (int32_t d = 1; d < walk->n; d++) {
        start += row % walk->size[d] * walk->stride[d];
        row /= walk->size[d];
    }
    return start;
}

#define TRANSPOSE_OF(T, suffix)                                                                                        \
    static void transpose_rows_##suffix(const struct walk *walk, const T *x, T *y, int64_t begin, int64_t end) {       \
        const int64_t n = walk->size[0], stride = walk->stride[0];                                                     \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *from = x + row_start(walk, row);                                                                  \
            if (stride == 1) {                                                                                         \
                memcpy(y + row * n, from, sizeof(T) * (size_t)n);                                                      \
                continue;                                                                                              \
            }                                                                                                          \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                y[row * n + i] = from[i * stride];                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void transpose_rows_grad_##suffix(const struct walk *walk, const T *g, T *gx, int64_t begin, int64_t end) { \
        const int64_t n = walk->size[0], stride = walk->stride[0];                                                     \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            T *into = gx + row_start(walk, row);                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                into[i * stride] += g[row * n + i];                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }

TRANSPOSE_OF(float, f32)
TRANSPOSE_OF(double, f64)

struct transpose_job {
    const rondo_op_call *call;
    struct walk walk;
};

/* An i32 has the size of a float, and copying preserves the bits. */
static void forward_rows(void *arg, int64_t begin, int64_t end) {
    const struct transpose_job *job = arg;
    const int32_t dtype = job->call->output.dtype == RONDO_F64 ? RONDO_F64 : RONDO_F32;
    KERNEL_BY_DTYPE(dtype, transpose_rows, &job->walk, job->call->inputs[0].data, job->call->output.data, begin, end);
}

static void backward_rows(void *arg, int64_t begin, int64_t end) {
    const struct transpose_job *job = arg;
    KERNEL_BY_DTYPE(job->call->output.dtype, transpose_rows_grad, &job->walk, job->call->grad_output->data,
                    job->call->grad_inputs[0].data, begin, end);
}

static rondo_status each_row(rondo_context *ctx, const rondo_op_call *call,
                             void (*body)(void *arg, int64_t begin, int64_t end)) {
    int32_t order[RONDO_MAX_DIMS] = {0};
    const rondo_status status = find_order(ctx, call, order);
    if (status != RONDO_OK) {
        return status;
    }
    struct transpose_job job = {call, plan(&call->inputs[0], order)};
    const int64_t rows = rondo_count(&call->output) / job.walk.size[0];
    ctx->host->parallel_for(ctx, rows, ops_grain(job.walk.size[0]), body, &job);
    return RONDO_OK;
}

static rondo_status transpose_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_row(ctx, call, forward_rows);
}

static rondo_status transpose_backward(rondo_context *ctx, rondo_op_call *call) {
    return each_row(ctx, call, backward_rows);
}

static int32_t transpose_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, NULL, {{2, {3, 4}}}},
        {1, 0, NULL, {{3, {2, 3, 4}}}},
        {1, 0, "axes=[1, 0, 2]", {{3, {2, 3, 4}}}},
        {1, 0, "axes=[0, -1, 1]", {{3, {2, 3, 4}}}},
        {1, 0, "axes=[2, 3, 0, 1]", {{4, {2, 3, 2, 3}}}},
        {1, 0, NULL, {{2, {1, 4}}}},
        {1, 0, NULL, {{0, {0}}}},
        {1, 0, NULL, {{2, {0, 4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_transpose = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "transpose",
             .summary = "y = x with its dimensions in the order `axes`",
             .options = transpose_option_table,
             .options_size = sizeof(struct transpose_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = transpose_infer,
    .forward = transpose_forward,
    .backward = transpose_backward,
    .sample = transpose_sample,
};
