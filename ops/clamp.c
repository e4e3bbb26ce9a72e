/* Linear functions with a lower and an upper bound, element by element.
 *
 * clamp          y = min(max(x, low), high),         dy/dx = 1 where low <= x <= high, else 0
 * hard_sigmoid   y = min(max(slope x + 1/2, 0), 1),  dy/dx = slope where 0 < y < 1, else 0
 *
 * The comparisons keep not-a-number. */
#include "ops/elementwise.h"
#include "ops/sample.h"

struct clamp_options {
    double low, high;
};

/* The largest float: a larger bound would have no effect in f32. */
static const rondo_option clamp_option_table[] = {
    RONDO_OPTION_REAL(struct clamp_options, low, NULL, -3.4e38, 3.4e38, "the smallest result, unless high is smaller"),
    RONDO_OPTION_REAL(struct clamp_options, high, NULL, -3.4e38, 3.4e38, "the largest result"),
    RONDO_OPTION_END,
};

struct hard_sigmoid_options {
    double slope;
};

static const rondo_option hard_sigmoid_option_table[] = {
    RONDO_OPTION_REAL(struct hard_sigmoid_options, slope, "0.2", 0, 1e6, "derivative at 0"),
    RONDO_OPTION_END,
};

#define CLAMP_OF(T, suffix)                                                                                            \
    KERNEL_CLONES static void clamp_map_##suffix(int64_t count, const void *in, const struct clamp_options *options,   \
                                                 void *out) {                                                          \
        const T *x = in, low = (T)options->low, high = (T)options->high;                                               \
        T *y = out;                                                                                                    \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T above = x[i] < low ? low : x[i];                                                                   \
            y[i] = above > high ? high : above;                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void clamp_grad_##suffix(int64_t count, const void *in, const struct clamp_options *options,  \
                                                  const void *grad_out, void *grad_in) {                               \
        const T *x = in, *g = grad_out, low = (T)options->low, high = (T)options->high;                                \
        T *gx = grad_in;                                                                                               \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            gx[i] = g[i] * (T)((x[i] >= low) & (x[i] <= high));                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void hard_sigmoid_map_##suffix(int64_t count, const void *in, double slope_, void *out) {     \
        const T *x = in, slope = (T)slope_;                                                                            \
        T *y = out;                                                                                                    \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T line = slope * x[i] + (T)0.5;                                                                      \
            const T above = line < 0 ? 0 : line;                                                                       \
            y[i] = above > 1 ? 1 : above;                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void hard_sigmoid_grad_##suffix(int64_t count, const void *out, double slope_,                \
                                                         const void *grad_out, void *grad_in) {                        \
        const T *y = out, *g = grad_out, slope = (T)slope_;                                                            \
        T *gx = grad_in;                                                                                               \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            gx[i] = g[i] * (slope * (T)((y[i] > 0) & (y[i] < 1)));                                                     \
        }                                                                                                              \
    }

CLAMP_OF(float, f32)
CLAMP_OF(double, f64)

static void clamp_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    KERNEL_BY_DTYPE(dtype, clamp_map, count, in[0], options, out);
}

static void clamp_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                           const void *grad_out, void *const *grad_in) {
    (void)out;
    if (grad_in[0] != NULL) {
        KERNEL_BY_DTYPE(dtype, clamp_grad, count, in[0], options, grad_out, grad_in[0]);
    }
}

static void hard_sigmoid_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    KERNEL_BY_DTYPE(dtype, hard_sigmoid_map, count, in[0], ((const struct hard_sigmoid_options *)options)->slope, out);
}

static void hard_sigmoid_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,
                                  const void *out, const void *grad_out, void *const *grad_in) {
    (void)in;
    if (grad_in[0] != NULL) {
        KERNEL_BY_DTYPE(dtype, hard_sigmoid_grad, count, out, ((const struct hard_sigmoid_options *)options)->slope,
                        grad_out, grad_in[0]);
    }
}

static int32_t clamp_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, "low=-1 high=0.5", {{2, {7, 50}}}}, {1, 0, "low=-3 high=3", {{1, {5}}}},
        {1, 0, "low=0.5 high=0.5", {{1, {9}}}},    {1, 0, "low=0 high=1", {{0, {0}}}},
        {1, 0, "low=0 high=1", {{2, {0, 3}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

static int32_t hard_sigmoid_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, NULL, {{2, {7, 50}}}},  {1, 0, "slope=1", {{2, {7, 50}}}}, {1, 0, "slope=0.5", {{0, {0}}}},
        {1, 0, "slope=0", {{1, {3}}}}, {1, 0, NULL, {{2, {0, 3}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_clamp = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "clamp",
             .summary = "y = min(max(x, low), high), with derivative 1 at both ends",
             .options = clamp_option_table,
             .options_size = sizeof(struct clamp_options)},
    .flags = RONDO_OP_CHEAP,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = clamp_map,
    .map_grad = clamp_map_grad,
    .sample = clamp_sample,
    .map_grad_reads = {READS_X},
};

const rondo_op op_hard_sigmoid = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "hard_sigmoid",
             .summary =
                 "y = min(max(slope x + 1/2, 0), 1): a sigmoid of three straight lines (Courbariaux et al. 2015)",
             .options = hard_sigmoid_option_table,
             .options_size = sizeof(struct hard_sigmoid_options)},
    .flags = RONDO_OP_CHEAP,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = hard_sigmoid_map,
    .map_grad = hard_sigmoid_map_grad,
    .sample = hard_sigmoid_sample,
    .map_grad_reads = {READS_Y},
};
