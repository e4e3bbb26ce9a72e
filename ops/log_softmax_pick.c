/* The logarithm of the softmax of every row, at one element of the row: the log-probability of the right class.
 *
 * y[j] = (x[j, c] - m) - ln s,    dL/dx[j, k] = g (1 if k = c, else 0) - g e^((x[j, k] - m) - ln s)
 *
 * with c = index[j], g = dL/dy[j], and m and s of row j as in ops/softmax_line.h. The same bits as pick(log_softmax(x),
 * index), but nothing of the size of x is written in the forward pass, and only dL/dx in the backward pass: for many
 * classes, these passes take as long as the product that computes x. */
#include "ops/axis.h"
#include "ops/sample.h"
#include "ops/softmax_line.h"

static rondo_status log_softmax_pick_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    rondo_status status = ops_need_float(ctx, call, 0, "x");
    status = status == RONDO_OK ? ops_need_index(ctx, call, 1, "index") : status;
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
    call->saved_bytes = 2 * (size_t)x->shape[0] * ops_element_size(x->dtype); /* m and ln s of each row */
    return RONDO_OK;
}

#define LOG_SOFTMAX_PICK_OF(T, suffix)                                                                                 \
    KERNEL_CLONES static void log_softmax_pick_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {       \
        const int64_t n = call->inputs[0].shape[1];                                                                    \
        const int32_t *index = call->inputs[1].data;                                                                   \
        T *y = call->output.data, *saved = call->saved;                                                                \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            const T largest = line_max_##suffix(x, n, 1);                                                              \
            const T log_sum = line_log_sum_##suffix(x, largest, n, 1);                                                 \
            y[row] = (x[index[row]] - largest) - log_sum;                                                              \
            saved[2 * row] = largest;                                                                                  \
            saved[2 * row + 1] = log_sum;                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void log_softmax_pick_grad_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {  \
        const int64_t n = call->inputs[0].shape[1];                                                                    \
        const int32_t *index = call->inputs[1].data;                                                                   \
        const T *saved = call->saved, *gradients = call->grad_output->data;                                            \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            T *gx = (T *)call->grad_inputs[0].data + row * n;                                                          \
            const T largest = saved[2 * row], log_sum = saved[2 * row + 1], g = gradients[row];                        \
            const T before = gx[index[row]], y = (x[index[row]] - largest) - log_sum;                                  \
            KERNEL_LOOP                                                                                                \
            for (int64_t k = 0; k < n; k++) {                                                                          \
                gx[k] -= VECTOR_EXP_OF_NEGATIVE((x[k] - largest) - log_sum) * g;                                       \
            }                                                                                                          \
            gx[index[row]] = before + (g - VECTOR_EXP(y) * g);                                                         \
        }                                                                                                              \
    }

LOG_SOFTMAX_PICK_OF(float, f32)
LOG_SOFTMAX_PICK_OF(double, f64)

static void pick_rows(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, log_softmax_pick, call, begin, end);
}

static void pick_rows_grad(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, log_softmax_pick_grad, call, begin, end);
}

static int64_t grain_of(const rondo_op_call *call) {
    enum { WORK = 4 }; /* an exponential costs more than one operation */
    return ops_grain(WORK * call->inputs[0].shape[1]);
}

static rondo_status log_softmax_pick_forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = ops_check_indices(ctx, call, 1, call->inputs[0].shape[1], "columns");
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, call->inputs[0].shape[0], grain_of(call), pick_rows, call);
    }
    return status;
}

static rondo_status log_softmax_pick_backward(rondo_context *ctx, rondo_op_call *call) {
    ctx->host->parallel_for(ctx, call->inputs[0].shape[0], grain_of(call), pick_rows_grad, call);
    return RONDO_OK;
}

static int32_t log_softmax_pick_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 3, NULL, {{2, {5, 3}}, {1, {5}}}},     {2, 1, NULL, {{2, {1, 1}}, {1, {1}}}},
        {2, 3, NULL, {{2, {0, 3}}, {1, {0}}}},     {2, 70, NULL, {{2, {4, 70}}, {1, {4}}}},
        {2, 7, NULL, {{2, {200, 7}}, {1, {200}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_log_softmax_pick = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "log_softmax_pick",
             .summary = "y[j] = log_softmax(x)[j, index[j]]: the log-probability of one class of every row"},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, index",
    .infer = log_softmax_pick_infer,
    .forward = log_softmax_pick_forward,
    .backward = log_softmax_pick_backward,
    .sample = log_softmax_pick_sample,
};
