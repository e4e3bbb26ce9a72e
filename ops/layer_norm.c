/* Layer normalisation: Ba, Kiros & Hinton 2016, equations 3 and 4, over the last dimension of n elements.
 *
 * y = gain * z + bias,  z = (x - mean) r,  r = 1 / sqrt(variance + epsilon)
 * with  mean = sum_i x_i / n  and  variance = sum_i (x_i - mean)^2 / n
 *
 * With g = dL/dy and h = g * gain:
 * dL/dx = r (h - mean(h) - z mean(h z)),  dL/dgain = sum over rows of g z,  dL/dbias = sum over rows of g
 *
 * mean and r of every row are saved as doubles; sums over a row are taken in f64. */
#include <math.h>

#include "ops/axis.h"
#include "ops/kernel.h"
#include "ops/sample.h"

struct layer_norm_options {
    double epsilon;
};

static const rondo_option layer_norm_option_table[] = {
    RONDO_OPTION_REAL(struct layer_norm_options, epsilon, "1e-5", 1e-12, 1,
                      "added to the variance, so that a constant row divides by no zero"),
    RONDO_OPTION_END,
};

/* What forward saves of one row. */
struct moments {
    double mean, r;
};

static int64_t row_size(const rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    return x->shape[x->ndim - 1];
}

static int64_t row_count(const rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    return ops_split(x, x->ndim - 1).outer;
}

/* Rows begin .. end of the result, and of the gradient of x; columns begin .. end of the gradients of gain and bias. */
#define LAYER_NORM_OF(T, suffix)                                                                                       \
    OPS_KERNEL static void layer_norm_rows_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,               \
                                                    int64_t end) {                                                     \
        const struct layer_norm_options *options = call->options;                                                      \
        const T *gain = call->inputs[1].data, *bias = call->inputs[2].data;                                            \
        struct moments *saved = call->saved;                                                                           \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            T *y = (T *)call->output.data + row * n;                                                                   \
            double sum = 0, squares = 0;                                                                               \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                sum += (double)x[i];                                                                                   \
            }                                                                                                          \
            const double mean = sum / (double)n;                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                squares += ((double)x[i] - mean) * ((double)x[i] - mean);                                              \
            }                                                                                                          \
            const double r = 1 / sqrt(squares / (double)n + options->epsilon);                                         \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                y[i] = (T)(((double)x[i] - mean) * r) * gain[i] + bias[i];                                             \
            }                                                                                                          \
            saved[row] = (struct moments){mean, r};                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    OPS_KERNEL static void layer_norm_rows_grad_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,          \
                                                         int64_t end) {                                                \
        const T *gain = call->inputs[1].data;                                                                          \
        const struct moments *saved = call->saved;                                                                     \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            const T *g = (const T *)call->grad_output->data + row * n;                                                 \
            T *gx = (T *)call->grad_inputs[0].data + row * n;                                                          \
            const double mean = saved[row].mean, r = saved[row].r;                                                     \
            double sum_h = 0, sum_hz = 0;                                                                              \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const double h = (double)g[i] * (double)gain[i];                                                       \
                sum_h += h;                                                                                            \
                sum_hz += h * ((double)x[i] - mean) * r;                                                               \
            }                                                                                                          \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const double h = (double)g[i] * (double)gain[i], z = ((double)x[i] - mean) * r;                        \
                gx[i] += (T)(r * (h - (sum_h + z * sum_hz) / (double)n));                                              \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    OPS_KERNEL static void layer_norm_columns_grad_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,       \
                                                            int64_t end) {                                             \
        const struct moments *saved = call->saved;                                                                     \
        T *ggain = call->grad_inputs[1].data, *gbias = call->grad_inputs[2].data;                                      \
        for (int64_t row = 0; row < row_count(call); row++) {                                                          \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            const T *g = (const T *)call->grad_output->data + row * n;                                                 \
            for (int64_t i = begin; ggain != NULL && i < end; i++) {                                                   \
                ggain[i] += g[i] * (T)(((double)x[i] - saved[row].mean) * saved[row].r);                               \
            }                                                                                                          \
            for (int64_t i = begin; gbias != NULL && i < end; i++) {                                                   \
                gbias[i] += g[i];                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

LAYER_NORM_OF(float, f32)
LAYER_NORM_OF(double, f64)

static rondo_status layer_norm_infer(rondo_context *ctx, rondo_op_call *call) {
    static const char *const names[] = {"x", "gain", "bias"};
    const rondo_tensor *x = &call->inputs[0];
    for (int32_t k = 0; k < 3; k++) {
        const rondo_status status = ops_need_float(ctx, call, k, names[k]);
        if (status != RONDO_OK) {
            return status;
        }
    }
    if (x->ndim < 1) {
        return ctx->host->fail(ctx, RONDO_INVALID, "x is a scalar, expected one dimension or more");
    }
    for (int32_t k = 1; k < 3; k++) {
        const rondo_tensor *vector = &call->inputs[k];
        if (vector->ndim != 1 || vector->shape[0] != row_size(call)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "%s %s does not fit x %s, expected one number a column",
                                   names[k], ops_shape_text(vector).text, ops_shape_text(x).text);
        }
    }
    call->output = *x;
    call->output.data = NULL;
    call->saved_bytes = sizeof(struct moments) * (size_t)row_count(call);
    return RONDO_OK;
}

static void forward_rows(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    OPS_BY_DTYPE(call->output.dtype, layer_norm_rows, call, row_size(call), begin, end);
}

static rondo_status layer_norm_forward(rondo_context *ctx, rondo_op_call *call) {
    if (row_size(call) > 0) {
        ctx->host->parallel_for(ctx, row_count(call), ops_grain(row_size(call)), forward_rows, call);
    }
    return RONDO_OK;
}

static void backward_rows(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    OPS_BY_DTYPE(call->output.dtype, layer_norm_rows_grad, call, row_size(call), begin, end);
}

static void backward_columns(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    OPS_BY_DTYPE(call->output.dtype, layer_norm_columns_grad, call, row_size(call), begin, end);
}

static rondo_status layer_norm_backward(rondo_context *ctx, rondo_op_call *call) {
    if (row_size(call) > 0 && call->grad_inputs[0].data != NULL) {
        ctx->host->parallel_for(ctx, row_count(call), ops_grain(row_size(call)), backward_rows, call);
    }
    if (call->grad_inputs[1].data != NULL || call->grad_inputs[2].data != NULL) {
        ctx->host->parallel_for(ctx, row_size(call), ops_grain(row_count(call)), backward_columns, call);
    }
    return RONDO_OK;
}

static int32_t layer_norm_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {3, 0, NULL, {{2, {3, 4}}, {1, {4}}, {1, {4}}}},
        {3, 0, NULL, {{1, {5}}, {1, {5}}, {1, {5}}}},
        {3, 0, "epsilon=0.1", {{3, {2, 3, 4}}, {1, {4}}, {1, {4}}}},
        {3, 0, NULL, {{2, {3, 1}}, {1, {1}}, {1, {1}}}},
        {3, 0, NULL, {{2, {0, 4}}, {1, {4}}, {1, {4}}}},
        {3, 0, NULL, {{2, {3, 0}}, {1, {0}}, {1, {0}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_layer_norm = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "layer_norm",
             .summary =
                 "y = gain * (x - mean) / sqrt(variance + epsilon) + bias over the last dimension (Ba et al. 2016)",
             .options = layer_norm_option_table,
             .options_size = sizeof(struct layer_norm_options)},
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "x, gain, bias",
    .infer = layer_norm_infer,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .sample = layer_norm_sample,
};
