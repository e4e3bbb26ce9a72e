/* Softmax and its logarithm along one dimension. The largest entry is subtracted first. This does not change the
 * result, and prevents e^x from overflowing (Goodfellow, Bengio & Courville 2016, section 4.1).
 *
 * softmax      y_i = e^(x_i - m) / s,     dL/dx_i = y_i (g_i - sum_j g_j y_j)
 * log_softmax  y_i = (x_i - m) - ln s,    dL/dx_i = g_i - e^(y_i) sum_j g_j
 *
 * with m = max_j x_j,  s = sum_j e^(x_j - m),  g = dL/dy. Sums are computed in f64 for every dtype. */
#include "ops/axis.h"
#include "ops/sample.h"
#include "ops/softmax_line.h"

struct softmax_options {
    int64_t axis;
};

static const rondo_option softmax_option_table[] = {
    RONDO_OPTION_INT(struct softmax_options, axis, "-1", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
                     "the dimension that is normalised; negative: from the end"),
    RONDO_OPTION_END,
};

/* Kernels of one line (ops/softmax_line.h); they are compiled again with a constant stride of 1. The sum in f64 is a
 * separate loop, because it would prevent vector code for the rest. */
#define SOFTMAX_OF(T, suffix)                                                                                          \
    KERNEL_INLINE double line_dot_##suffix(const T *x, const T *y, int64_t n, int64_t stride) {                        \
        double sums[LINE_LANES] = {0};                                                                                 \
        int64_t i = 0;                                                                                                 \
        for (; i + LINE_LANES <= n; i += LINE_LANES) {                                                                 \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < LINE_LANES; l++) {                                                                 \
                sums[l] += (double)x[(i + l) * stride] * (double)y[(i + l) * stride];                                  \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t l = 0; i + l < n; l++) {                                                                          \
            sums[l] += (double)x[(i + l) * stride] * (double)y[(i + l) * stride];                                      \
        }                                                                                                              \
        return line_total(sums);                                                                                       \
    }                                                                                                                  \
    KERNEL_INLINE void softmax_line_##suffix(const T *x, T *y, int64_t n, int64_t stride) {                            \
        const T largest = line_max_##suffix(x, n, stride);                                                             \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            y[i * stride] = VECTOR_EXP_OF_NEGATIVE(x[i * stride] - largest);                                           \
        }                                                                                                              \
        const T scale = (T)(1 / line_sum_##suffix(y, n, stride));                                                      \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            y[i * stride] *= scale;                                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_INLINE void softmax_line_grad_##suffix(const T *y, const T *g, T *gx, int64_t n, int64_t stride) {          \
        const T dot = (T)line_dot_##suffix(g, y, n, stride);                                                           \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            gx[i * stride] += y[i * stride] * (g[i * stride] - dot);                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_INLINE void log_softmax_line_##suffix(const T *x, T *y, int64_t n, int64_t stride) {                        \
        const T largest = line_max_##suffix(x, n, stride);                                                             \
        const T log_sum = line_log_sum_##suffix(x, largest, n, stride);                                                \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            y[i * stride] = (x[i * stride] - largest) - log_sum;                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_INLINE void log_softmax_line_grad_##suffix(const T *y, const T *g, T *gx, int64_t n, int64_t stride) {      \
        const T sum = (T)line_sum_##suffix(g, n, stride);                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            gx[i * stride] += g[i * stride] - VECTOR_EXP_OF_NEGATIVE(y[i * stride]) * sum;                             \
        }                                                                                                              \
    }                                                                                                                  \
    LINES_OF(T, softmax_lines_##suffix, softmax_line_##suffix)                                                         \
    LINES_OF(T, log_softmax_lines_##suffix, log_softmax_line_##suffix)                                                 \
    LINES_GRAD_OF(T, softmax_lines_grad_##suffix, softmax_line_grad_##suffix)                                          \
    LINES_GRAD_OF(T, log_softmax_lines_grad_##suffix, log_softmax_line_grad_##suffix)

/* Lines begin .. end: line l starts at element (l / inner) * n * inner + l % inner. */
#define LINES_OF(T, name, line)                                                                                        \
    KERNEL_CLONES static void name(const rondo_op_call *call, struct ops_split split, int64_t begin, int64_t end) {    \
        const T *x = call->inputs[0].data;                                                                             \
        T *y = call->output.data;                                                                                      \
        for (int64_t l = begin; l < end; l++) {                                                                        \
            const int64_t start = l / split.inner * split.axis * split.inner + l % split.inner;                        \
            if (split.inner == 1) {                                                                                    \
                line(x + start, y + start, split.axis, 1);                                                             \
            } else {                                                                                                   \
                line(x + start, y + start, split.axis, split.inner);                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }
#define LINES_GRAD_OF(T, name, line)                                                                                   \
    KERNEL_CLONES static void name(const rondo_op_call *call, struct ops_split split, int64_t begin, int64_t end) {    \
        const T *y = call->output.data, *g = call->grad_output->data;                                                  \
        T *gx = call->grad_inputs[0].data;                                                                             \
        for (int64_t l = begin; l < end; l++) {                                                                        \
            const int64_t start = l / split.inner * split.axis * split.inner + l % split.inner;                        \
            if (split.inner == 1) {                                                                                    \
                line(y + start, g + start, gx + start, split.axis, 1);                                                 \
            } else {                                                                                                   \
                line(y + start, g + start, gx + start, split.axis, split.inner);                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

SOFTMAX_OF(float, f32)
SOFTMAX_OF(double, f64)

typedef void lines_function(const rondo_op_call *call, struct ops_split split, int64_t begin, int64_t end);

struct softmax_job {
    const rondo_op_call *call;
    struct ops_split split;
    lines_function *lines;
};

static void run_lines(void *arg, int64_t begin, int64_t end) {
    const struct softmax_job *job = arg;
    job->lines(job->call, job->split, begin, end);
}

static rondo_status each_line(rondo_context *ctx, const rondo_op_call *call, lines_function *f32, lines_function *f64) {
    const struct softmax_options *options = call->options;
    int32_t axis;
    const rondo_status status = ops_find_axis(ctx, &call->inputs[0], options->axis, &axis);
    if (status != RONDO_OK) {
        return status;
    }
    struct softmax_job job = {call, ops_split(&call->inputs[0], axis), call->output.dtype == RONDO_F32 ? f32 : f64};
    if (job.split.axis > 0) {
        enum { WORK = 4 }; /* an exponential costs more than one operation */
        ctx->host->parallel_for(ctx, job.split.outer * job.split.inner, ops_grain(WORK * job.split.axis), run_lines,
                                &job);
    }
    return RONDO_OK;
}

static rondo_status softmax_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct softmax_options *options = call->options;
    int32_t axis;
    call->output = call->inputs[0];
    call->output.data = NULL;
    const rondo_status status = ops_need_float(ctx, call, 0, "x");
    return status == RONDO_OK ? ops_find_axis(ctx, &call->inputs[0], options->axis, &axis) : status;
}

static rondo_status softmax_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_line(ctx, call, softmax_lines_f32, softmax_lines_f64);
}

static rondo_status softmax_backward(rondo_context *ctx, rondo_op_call *call) {
    return each_line(ctx, call, softmax_lines_grad_f32, softmax_lines_grad_f64);
}

static rondo_status log_softmax_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_line(ctx, call, log_softmax_lines_f32, log_softmax_lines_f64);
}

static rondo_status log_softmax_backward(rondo_context *ctx, rondo_op_call *call) {
    return each_line(ctx, call, log_softmax_lines_grad_f32, log_softmax_lines_grad_f64);
}

static int32_t softmax_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, NULL, {{1, {5}}}},        {1, 0, NULL, {{1, {1}}}},           {1, 0, NULL, {{2, {3, 4}}}},
        {1, 0, "axis=0", {{2, {3, 4}}}}, {1, 0, "axis=1", {{3, {2, 3, 4}}}}, {1, 0, "axis=-3", {{3, {7, 1, 2}}}},
        {1, 0, NULL, {{2, {0, 4}}}},     {1, 0, NULL, {{2, {3, 0}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

#define SOFTMAX_OP(name_, summary_)                                                                                    \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op),                                                                      \
                 .kind = RONDO_KIND_OP,                                                                                \
                 .name = #name_,                                                                                       \
                 .summary = summary_,                                                                                  \
                 .options = softmax_option_table,                                                                      \
                 .options_size = sizeof(struct softmax_options)},                                                      \
        .min_inputs = 1, .max_inputs = 1, .operands = "x", .infer = softmax_infer, .forward = name_##_forward,         \
        .backward = name_##_backward, .sample = softmax_sample                                                         \
    }

const rondo_op op_softmax = SOFTMAX_OP(softmax, "y = e^x / sum of e^x over `axis` (Bridle 1990)");
const rondo_op op_log_softmax = SOFTMAX_OP(log_softmax, "y = x - ln(sum of e^x over `axis`)");
