/* Layer normalisation: Ba, Kiros & Hinton 2016, equations 3 and 4, over the last dimension of n elements.
 *
 * y = gain * z + bias,  z = (x - mean) r,  r = 1 / sqrt(variance + epsilon)
 * with  mean = sum_i x_i / n  and  variance = sum_i (x_i - mean)^2 / n
 *
 * With g = dL/dy and h = g * gain:
 * dL/dx = r (h - mean(h) - z mean(h z)),  dL/dgain = sum over rows of g z,  dL/dbias = sum over rows of g
 *
 * mean and r of every row are saved as doubles. */
#include <math.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct layer_norm_options {
    double epsilon;
};

static const rondo_option layer_norm_option_table[] = {
    RONDO_OPTION_REAL(struct layer_norm_options, epsilon, "1e-5", 1e-12, 1,
                      "added to the variance, so that a constant row is not divided by 0"),
    RONDO_OPTION_END,
};

/* What forward saves for one row. */
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

/* The number of partial sums of a row. Partial sum l adds the elements l, l + LANES, and so on, so that compilers
 * generate vector code, and rounding errors grow only with n / LANES. The partial sums are then added as doubles, in
 * order. */
enum { LANES = 32 };

#define SUM_OF(T, suffix)                                                                                              \
    static inline double sum_lanes_##suffix(const T *lanes) {                                                          \
        double sum = 0;                                                                                                \
        for (int64_t l = 0; l < LANES; l++) {                                                                          \
            sum += (double)lanes[l];                                                                                   \
        }                                                                                                              \
        return sum;                                                                                                    \
    }
SUM_OF(float, f32)
SUM_OF(double, f64)

/* lanes[i modulo LANES] += term for each i in 0 .. n - 1; `term` is an expression in i. */
#define ADD_TO_LANES(n, lanes, term)                                                                                   \
    do {                                                                                                               \
        int64_t first_ = 0;                                                                                            \
        for (; first_ + LANES <= (n); first_ += LANES) {                                                               \
            for (int64_t l_ = 0; l_ < LANES; l_++) {                                                                   \
                const int64_t i = first_ + l_;                                                                         \
                (lanes)[l_] += (term);                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t i = first_; i < (n); i++) {                                                                       \
            (lanes)[i - first_] += (term);                                                                             \
        }                                                                                                              \
    } while (0)

/* Rows begin .. end of the result, and of the gradient of x; columns begin .. end of the gradients of gain and bias. */
#define LAYER_NORM_OF(T, suffix)                                                                                       \
    KERNEL_CLONES static void layer_norm_rows_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,            \
                                                       int64_t end) {                                                  \
        const struct layer_norm_options *options = call->options;                                                      \
        const T *gain = call->inputs[1].data, *bias = call->inputs[2].data;                                            \
        struct moments *saved = call->saved;                                                                           \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            T *y = (T *)call->output.data + row * n;                                                                   \
            T sums[LANES] = {0}, squares[LANES] = {0};                                                                 \
            ADD_TO_LANES(n, sums, x[i]);                                                                               \
            const double mean = sum_lanes_##suffix(sums) / (double)n;                                                  \
            const T centre = (T)mean;                                                                                  \
            ADD_TO_LANES(n, squares, (x[i] - centre) * (x[i] - centre));                                               \
            const double r = 1 / sqrt(sum_lanes_##suffix(squares) / (double)n + options->epsilon);                     \
            const T scale = (T)r;                                                                                      \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                y[i] = (x[i] - centre) * scale * gain[i] + bias[i];                                                    \
            }                                                                                                          \
            saved[row] = (struct moments){mean, r};                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void layer_norm_rows_grad_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,       \
                                                            int64_t end) {                                             \
        const T *gain = call->inputs[1].data;                                                                          \
        const struct moments *saved = call->saved;                                                                     \
        for (int64_t row = begin; row < end; row++) {                                                                  \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            const T *g = (const T *)call->grad_output->data + row * n;                                                 \
            T *gx = (T *)call->grad_inputs[0].data + row * n;                                                          \
            const T centre = (T)saved[row].mean, r = (T)saved[row].r;                                                  \
            T h_lanes[LANES] = {0}, hz_lanes[LANES] = {0};                                                             \
            ADD_TO_LANES(n, h_lanes, g[i] * gain[i]);                                                                  \
            ADD_TO_LANES(n, hz_lanes, g[i] * gain[i] * ((x[i] - centre) * r));                                         \
            const T mean_h = (T)(sum_lanes_##suffix(h_lanes) / (double)n);                                             \
            const T mean_hz = (T)(sum_lanes_##suffix(hz_lanes) / (double)n);                                           \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                gx[i] += r * (g[i] * gain[i] - mean_h - (x[i] - centre) * r * mean_hz);                                \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void layer_norm_columns_grad_##suffix(const rondo_op_call *call, int64_t n, int64_t begin,    \
                                                               int64_t end) {                                          \
        const struct moments *saved = call->saved;                                                                     \
        T *ggain = call->grad_inputs[1].data, *gbias = call->grad_inputs[2].data;                                      \
        for (int64_t row = 0; row < row_count(call); row++) {                                                          \
            const T *x = (const T *)call->inputs[0].data + row * n;                                                    \
            const T *g = (const T *)call->grad_output->data + row * n;                                                 \
            const T centre = (T)saved[row].mean, r = (T)saved[row].r;                                                  \
            if (ggain != NULL) {                                                                                       \
                KERNEL_LOOP                                                                                            \
                for (int64_t i = begin; i < end; i++) {                                                                \
                    ggain[i] += g[i] * ((x[i] - centre) * r);                                                          \
                }                                                                                                      \
            }                                                                                                          \
            if (gbias != NULL) {                                                                                       \
                KERNEL_LOOP                                                                                            \
                for (int64_t i = begin; i < end; i++) {                                                                \
                    gbias[i] += g[i];                                                                                  \
                }                                                                                                      \
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
            return ctx->host->fail(ctx, RONDO_INVALID, "%s %s does not fit x %s, expected one number per column",
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
    KERNEL_BY_DTYPE(call->output.dtype, layer_norm_rows, call, row_size(call), begin, end);
}

static rondo_status layer_norm_forward(rondo_context *ctx, rondo_op_call *call) {
    if (row_size(call) > 0) {
        ctx->host->parallel_for(ctx, row_count(call), ops_grain(row_size(call)), forward_rows, call);
    }
    return RONDO_OK;
}

static void backward_rows(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, layer_norm_rows_grad, call, row_size(call), begin, end);
}

static void backward_columns(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    KERNEL_BY_DTYPE(call->output.dtype, layer_norm_columns_grad, call, row_size(call), begin, end);
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
    .flags = RONDO_OP_SAVES_ROWS,
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "x, gain, bias",
    .infer = layer_norm_infer,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .sample = layer_norm_sample,
};
