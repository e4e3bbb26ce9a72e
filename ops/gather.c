/* Selection of rows and elements by index.
 *
 * gather  y[j, ...] = x[index[j], ...]     dL/dx[r, ...] = sum over j with index[j] = r of dL/dy[j, ...]
 *         An embedding is gather(table, words).
 * pick    y[j] = x[j, index[j]]            dL/dx[j, c] = dL/dy[j] where c = index[j], else 0
 *         The log-probability of the right class is pick(log_softmax(x), class). */
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

static int64_t row_size(const rondo_tensor *x) {
    return ops_split(x, 0).inner;
}

static rondo_status gather_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    const rondo_status status = ops_need_index(ctx, call, 1, "index");
    if (status != RONDO_OK) {
        return status;
    }
    if (x->ndim < 1 || x->ndim - 1 + index->ndim > RONDO_MAX_DIMS) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "cannot gather from x %s by index %s, expected an x of one dimension or more and a "
                               "result of at most %d",
                               ops_shape_text(x).text, ops_shape_text(index).text, RONDO_MAX_DIMS);
    }
    call->output = *index;
    call->output.data = NULL;
    call->output.dtype = x->dtype;
    for (int32_t d = 1; d < x->ndim; d++) {
        call->output.shape[call->output.ndim++] = x->shape[d];
    }
    return ops_check_size(ctx, call);
}

static void gather_rows(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    const rondo_tensor *x = &call->inputs[0];
    const int32_t *index = call->inputs[1].data;
    const size_t bytes = (size_t)row_size(x) * ops_element_size(x->dtype);
    for (int64_t j = begin; j < end; j++) {
        memcpy((char *)call->output.data + (size_t)j * bytes, (const char *)x->data + (size_t)index[j] * bytes, bytes);
    }
}

static rondo_status gather_forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const rondo_status status = ops_check_indices(ctx, call, 1, x->shape[0], "rows");
    if (status == RONDO_OK && row_size(x) > 0) {
        ctx->host->parallel_for(ctx, rondo_count(&call->inputs[1]), ops_grain(row_size(x)), gather_rows, call);
    }
    return status;
}

#define GATHER_GRAD_OF(T, suffix)                                                                                      \
    KERNEL_CLONES static void gather_grad_##suffix(const rondo_op_call *call, int64_t columns, int64_t begin,          \
                                                   int64_t end) {                                                      \
        const int32_t *index = call->inputs[1].data;                                                                   \
        const int64_t count = rondo_count(&call->inputs[1]);                                                           \
        for (int64_t j = 0; j < count; j++) {                                                                          \
            const T *g = (const T *)call->grad_output->data + j * columns;                                             \
            T *gx = (T *)call->grad_inputs[0].data + index[j] * columns;                                               \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                gx[i] += g[i];                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

GATHER_GRAD_OF(float, f32)
GATHER_GRAD_OF(double, f64)

/* Threads divide the columns. So two threads never add to the same element, and each adds in the order of the index. */
static void gather_columns(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, gather_grad, call, row_size(&call->inputs[0]), begin, end);
}

static rondo_status gather_backward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t columns = row_size(&call->inputs[0]);
    ctx->host->parallel_for(ctx, columns, ops_grain(rondo_count(&call->inputs[1])), gather_columns, call);
    return RONDO_OK;
}

static int32_t gather_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 5, NULL, {{2, {5, 3}}, {1, {4}}}}, {2, 2, NULL, {{2, {2, 3}}, {1, {9}}}}, /* rows that repeat */
        {2, 6, NULL, {{1, {6}}, {2, {2, 3}}}}, {2, 4, NULL, {{3, {4, 2, 3}}, {2, {3, 2}}}},
        {2, 5, NULL, {{2, {5, 3}}, {0, {0}}}}, {2, 1, NULL, {{2, {1, 1}}, {1, {1}}}},
        {2, 5, NULL, {{2, {5, 3}}, {1, {0}}}}, {2, 5, NULL, {{2, {5, 0}}, {1, {4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

static rondo_status pick_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    const rondo_status status = ops_need_index(ctx, call, 1, "index");
    if (status != RONDO_OK) {
        return status;
    }
    if (x->ndim != 2 || index->ndim != 1 || index->shape[0] != x->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "cannot pick from x %s by index %s, expected [n, classes] and [n]",
                               ops_shape_text(x).text, ops_shape_text(index).text);
    }
    call->output = *index;
    call->output.data = NULL;
    call->output.dtype = x->dtype;
    return RONDO_OK;
}

static rondo_status pick_forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const rondo_status status = ops_check_indices(ctx, call, 1, x->shape[1], "columns");
    if (status != RONDO_OK) {
        return status;
    }
    const size_t size = ops_element_size(x->dtype);
    const int32_t *index = call->inputs[1].data;
    for (int64_t j = 0; j < x->shape[0]; j++) {
        const size_t from = (size_t)(j * x->shape[1] + index[j]);
        memcpy((char *)call->output.data + (size_t)j * size, (const char *)x->data + from * size, size);
    }
    return RONDO_OK;
}

#define PICK_GRAD_OF(T, suffix)                                                                                        \
    static void pick_grad_##suffix(const T *g, const int32_t *index, T *gx, int64_t rows, int64_t columns) {           \
        for (int64_t j = 0; j < rows; j++) {                                                                           \
            gx[j * columns + index[j]] += g[j];                                                                        \
        }                                                                                                              \
    }

PICK_GRAD_OF(float, f32)
PICK_GRAD_OF(double, f64)

static rondo_status pick_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const rondo_tensor *x = &call->inputs[0];
    KERNEL_BY_DTYPE(x->dtype, pick_grad, call->grad_output->data, call->inputs[1].data, call->grad_inputs[0].data,
                    x->shape[0], x->shape[1]);
    return RONDO_OK;
}

static int32_t pick_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 3, NULL, {{2, {5, 3}}, {1, {5}}}},
        {2, 1, NULL, {{2, {1, 1}}, {1, {1}}}},
        {2, 3, NULL, {{2, {0, 3}}, {1, {0}}}},
        {2, 7, NULL, {{2, {4, 7}}, {1, {4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

#define INDEX_OP(name_, summary_)                                                                                      \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = #name_, .summary = summary_},         \
        .min_inputs = 2, .max_inputs = 2, .operands = "x, index", .infer = name_##_infer, .forward = name_##_forward,  \
        .backward = name_##_backward, .sample = name_##_sample                                                         \
    }

const rondo_op op_gather = INDEX_OP(gather, "y = the rows of x that the index selects, as in an embedding");
const rondo_op op_pick = INDEX_OP(pick, "y[j] = x[j, index[j]]: one element of every row");
