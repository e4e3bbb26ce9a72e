/* swish: an activation for any cell. Ramachandran, Zoph & Le 2017, "Searching for activation functions".
 *
 *     y = x s(beta x),  s(z) = 1 / (1 + e^-z),   dy/dx = s(beta x) + beta y (1 - s(beta x))
 *
 * An example of an elementwise op: it writes the function for one run of elements. The host handles shapes,
 * broadcasting, threads, and the sum of gradients of an input with several uses.
 * In a cell:   h' = swish(x @ W + h @ U + b, beta=1.5) */
#include "rondo/plugin.h"

#include <math.h>

struct swish_options {
    double beta;
};

static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct swish_options, beta, "1", -1e3, 1e3,
                      "steepness; 0: y = x / 2; for large values, y approaches relu"),
    RONDO_OPTION_END,
};

/* e^-|z| cannot overflow. */
static double sigmoid(double z) {
    const double e = exp(-fabs(z));
    return z < 0 ? e / (1 + e) : 1 / (1 + e);
}

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    const double beta = ((const struct swish_options *)options)->beta;
    for (int64_t i = 0; i < count; i++) {
        if (dtype == RONDO_F32) {
            const double x = ((const float *)in[0])[i];
            ((float *)out)[i] = (float)(x * sigmoid(beta * x));
        } else {
            const double x = ((const double *)in[0])[i];
            ((double *)out)[i] = x * sigmoid(beta * x);
        }
    }
}

static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)out;
    const double beta = ((const struct swish_options *)options)->beta;
    if (grad_in[0] == NULL) { /* not requested */
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const double x = dtype == RONDO_F32 ? (double)((const float *)in[0])[i] : ((const double *)in[0])[i];
        const double s = sigmoid(beta * x);
        const double slope = s + beta * x * s * (1 - s);
        if (dtype == RONDO_F32) {
            ((float *)grad_in[0])[i] = (float)((double)((const float *)grad_out)[i] * slope);
        } else {
            ((double *)grad_in[0])[i] = ((const double *)grad_out)[i] * slope;
        }
    }
}

static const rondo_op swish = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "swish",
             .summary = "y = x / (1 + e^(-beta x)) (Ramachandran et al. 2017)",
             .options = option_table,
             .options_size = sizeof(struct swish_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = map,
    .map_grad = map_grad,
};

RONDO_PLUGIN("swish", "1.0", "MIT", &swish.base);
