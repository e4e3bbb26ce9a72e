/* A constant power, element by element.
 *
 * y = x^p,  dy/dx = p x^(p - 1)
 *
 * As in C, x^0 is 1 for every x, and the power of a negative x is defined only for whole exponents. */
#include <tgmath.h>

#include "ops/elementwise.h"
#include "ops/sample.h"

struct power_options {
    double exponent;
};

static const rondo_option power_option_table[] = {
    RONDO_OPTION_REAL(struct power_options, exponent, NULL, -1e6, 1e6, "the exponent"),
    RONDO_OPTION_END,
};

#define POWER_OF(T, suffix)                                                                                            \
    static void power_map_##suffix(int64_t count, const void *in, double exponent, void *out) {                        \
        const T *x = in;                                                                                               \
        T *y = out;                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            y[i] = pow(x[i], (T)exponent);                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    static void power_grad_##suffix(int64_t count, const void *in, double exponent, const void *grad_out,              \
                                    void *grad_in) {                                                                   \
        const T *x = in, *g = grad_out;                                                                                \
        T *gx = grad_in;                                                                                               \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            gx[i] = exponent == 0 ? 0 : g[i] * (T)exponent * pow(x[i], (T)(exponent - 1));                             \
        }                                                                                                              \
    }

POWER_OF(float, f32)
POWER_OF(double, f64)

static void power_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    KERNEL_BY_DTYPE(dtype, power_map, count, in[0], ((const struct power_options *)options)->exponent, out);
}

static void power_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                           const void *grad_out, void *const *grad_in) {
    (void)out;
    if (grad_in[0] != NULL) {
        KERNEL_BY_DTYPE(dtype, power_grad, count, in[0], ((const struct power_options *)options)->exponent, grad_out,
                        grad_in[0]);
    }
}

static int32_t power_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, "exponent=3", {{2, {7, 50}}}}, {1, 0, "exponent=-1.5", {{2, {7, 50}}}},
        {1, 0, "exponent=0.25", {{1, {9}}}},  {1, 0, "exponent=0", {{1, {3}}}},
        {1, 0, "exponent=1", {{0, {0}}}},     {1, 0, "exponent=2", {{2, {0, 3}}}},
    };
    const int32_t found = ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
    sample->low[0] = index == 0 ? -2 : 0.5; /* a whole exponent also accepts negative numbers */
    return found;
}

const rondo_op op_power = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "power",
             .summary = "y = x^exponent",
             .options = power_option_table,
             .options_size = sizeof(struct power_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = power_map,
    .map_grad = power_map_grad,
    .sample = power_sample,
    .map_grad_reads = {READS_X},
};
