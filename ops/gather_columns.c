/* Selection of columns by index.
 *
 * gather_columns  y[i, j] = x[i, index[j]]     dL/dx[i, c] = sum over j with index[j] = c of dL/dy[i, j]
 *
 * Some outputs of a linear layer are matmul(h, gather_columns(W, outputs)). Gathering rows of the transpose would copy all
 * of x, forward and backward. */
#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

static rondo_status gather_columns_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    rondo_status status = ops_need_float(ctx, call, 0, "x");
    status = status == RONDO_OK ? ops_need_index(ctx, call, 1, "index") : status;
    if (status != RONDO_OK) {
        return status;
    }
    if (x->ndim != 2 || index->ndim != 1) {
        return ctx->host->fail(ctx, RONDO_INVALID, "cannot gather columns of x %s by index %s, expected [m, n] and [k]",
                               ops_shape_text(x).text, ops_shape_text(index).text);
    }
    call->output = (rondo_tensor){.dtype = x->dtype, .ndim = 2, .shape = {x->shape[0], index->shape[0]}};
    return ops_check_size(ctx, call);
}

/* Rows begin .. end - 1. One thread handles a whole row, so additions are made in the order of the index. */
#define GATHER_COLUMNS_OF(T, suffix)                                                                                   \
    static void gather_columns_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                       \
        const int64_t columns = call->inputs[0].shape[1], n = call->inputs[1].shape[0];                                \
        const int32_t *index = call->inputs[1].data;                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T *x = (const T *)call->inputs[0].data + i * columns;                                                \
            T *y = (T *)call->output.data + i * n;                                                                     \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                y[j] = x[index[j]];                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void gather_columns_grad_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                  \
        const int64_t columns = call->inputs[0].shape[1], n = call->inputs[1].shape[0];                                \
        const int32_t *index = call->inputs[1].data;                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T *g = (const T *)call->grad_output->data + i * n;                                                   \
            T *gx = (T *)call->grad_inputs[0].data + i * columns;                                                      \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                gx[index[j]] += g[j];                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }

GATHER_COLUMNS_OF(float, f32)
GATHER_COLUMNS_OF(double, f64)

static void gather_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, gather_columns, call, begin, end);
}

static void gather_grad_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, gather_columns_grad, call, begin, end);
}

static rondo_status gather_columns_forward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t rows = call->inputs[0].shape[0];
    const rondo_status status = ops_check_indices(ctx, call, 1, call->inputs[0].shape[1], "columns");
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, rows, ops_grain(call->inputs[1].shape[0]), gather_range, call);
    }
    return status;
}

static rondo_status gather_columns_backward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t rows = call->inputs[0].shape[0];
    ctx->host->parallel_for(ctx, rows, ops_grain(call->inputs[1].shape[0]), gather_grad_range, call);
    return RONDO_OK;
}

static int32_t gather_columns_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 5, NULL, {{2, {3, 5}}, {1, {4}}}}, {2, 3, NULL, {{2, {2, 3}}, {1, {9}}}}, /* columns that repeat */
        {2, 1, NULL, {{2, {1, 1}}, {1, {1}}}}, {2, 2, NULL, {{2, {4, 2}}, {1, {0}}}},
        {2, 3, NULL, {{2, {0, 3}}, {1, {2}}}}, {2, 7, NULL, {{2, {200, 7}}, {1, {5}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_gather_columns = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "gather_columns",
             .summary = "y[i, j] = x[i, index[j]]: the columns of x that the index selects"},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, index",
    .infer = gather_columns_infer,
    .forward = gather_columns_forward,
    .backward = gather_columns_backward,
    .sample = gather_columns_sample,
};
