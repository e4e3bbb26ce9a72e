/* plugins/optimizers/adan.c: Adan, Nesterov momentum by the differences of gradients.
 *
 * Source: Xie et al., "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models", 2022
 * (arXiv:2208.06677), algorithm 1. It follows the conventions of the authors' reference code, which differ from those
 * of the paper: the betas are the shares of the old moments (in the paper, of the new values), the moments are
 * bias-corrected, and epsilon is added to the root. The weight decay is the paper's proximal one: the new value is
 * divided by 1 + lr weight_decay. No restarts.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct adan {
    double lr;
    double beta1;
    double beta2;
    double beta3;
    double epsilon;
    double weight_decay;
};

/* The least epsilon is a normal number in f32, so that 0 / (sqrt(0) + epsilon) is 0. */
static const rondo_option adan_options[] = {
    RONDO_OPTION_REAL(struct adan, lr, "0.001", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct adan, beta1, "0.98", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct adan, beta2, "0.92", 0, 0.9999999, "decay of the mean of its difference, per update"),
    RONDO_OPTION_REAL(struct adan, beta3, "0.99", 0, 0.9999999, "decay of the mean of the square of both, per update"),
    RONDO_OPTION_REAL(struct adan, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct adan, weight_decay, "0", 0, 1000,
                      "weight decay; each update divides the parameter by 1 + lr times this"),
    RONDO_OPTION_END,
};

static const rondo_slot adan_slots[] = {{"first_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {"difference_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {"second_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {"last_gradient", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {0}};

/* With gradient g, the one before it g_last (at t = 1: g), parameter p, moments m, d and n (0 at first), step number t,
 * weight decay w:
 *     d_g <- g - g_last
 *     m   <- beta1 m + (1 - beta1) g
 *     d   <- beta2 d + (1 - beta2) d_g
 *     n   <- beta3 n + (1 - beta3) (g + beta2 d_g)^2
 *     p   <- p - lr (m / (1 - beta1^t) + beta2 d / (1 - beta2^t)) / (sqrt(n) / sqrt(1 - beta3^t) + epsilon)
 *     p   <- p / (1 + lr w)
 * The arrays are `restrict`, because the compiler does not test six arrays for overlap at run time. */
#define ADAN_KERNEL(name, real, square_root)                                                                           \
    OPTIMIZER_INLINE void name##_any(const rondo_optimizer_call *call, int64_t count, real *restrict p,                \
                                     const real *restrict gradient, real *restrict m, real *restrict d,                \
                                     real *restrict n, real *restrict last) {                                          \
        const struct adan *adan = call->options;                                                                       \
        const double lr = adan->lr * call->lr_scale;                                                                   \
        const double t = (double)call->step;                                                                           \
        const real step_m = (real)(lr / (1 - pow(adan->beta1, t)));                                                    \
        const real step_d = (real)(lr * adan->beta2 / (1 - pow(adan->beta2, t)));                                      \
        const real root_correction = (real)sqrt(1 - pow(adan->beta3, t));                                              \
        const real shrink = (real)(1 / (1 + lr * adan->weight_decay));                                                 \
        const real new1 = (real)(1 - adan->beta1);                                                                     \
        const real beta2 = (real)adan->beta2;                                                                          \
        const real new2 = (real)(1 - adan->beta2);                                                                     \
        const real beta3 = (real)adan->beta3;                                                                          \
        const real new3 = (real)(1 - adan->beta3);                                                                     \
        const real epsilon = (real)adan->epsilon;                                                                      \
        const real has_last = call->step > 1 ? 1 : 0;                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i];                                                                                \
            const real difference = has_last * (g - last[i]);                                                          \
            const real ahead = g + beta2 * difference;                                                                 \
            m[i] += new1 * (g - m[i]);                                                                                 \
            d[i] += new2 * (difference - d[i]);                                                                        \
            n[i] = beta3 * n[i] + new3 * ahead * ahead;                                                                \
            const real scale = square_root(n[i]) / root_correction + epsilon;                                          \
            p[i] = shrink * (p[i] - (step_m * m[i] + step_d * d[i]) / scale);                                          \
            last[i] = g;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name,                                                                                           \
                       (const rondo_optimizer_call *call, int64_t count, real *restrict p,                             \
                        const real *restrict gradient, real *restrict m, real *restrict d, real *restrict n,           \
                        real *restrict last),                                                                          \
                       (call, count, p, gradient, m, d, n, last))
ADAN_KERNEL(adan_f32, float, sqrtf)
ADAN_KERNEL(adan_f64, double, sqrt)

static rondo_status adan_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int64_t count = rondo_count(&call->value);
    void *p = call->value.data;
    const void *g = call->gradient.data;
    const rondo_tensor *slots = call->slots;
    switch (call->value.dtype) {
    case RONDO_F32:
        adan_f32(call, count, p, g, slots[0].data, slots[1].data, slots[2].data, slots[3].data);
        return RONDO_OK;
    case RONDO_F64:
        adan_f64(call, count, p, g, slots[0].data, slots[1].data, slots[2].data, slots[3].data);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer adan = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adan",
             .summary =
                 "p = p - lr (m + beta2 d) / (sqrt(n) + epsilon), moments of the gradient, of its difference and "
                 "of the square of both (Xie et al. 2022, algorithm 1)",
             .options = adan_options,
             .options_size = sizeof(struct adan)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adan_slots,
    .step = adan_step,
};

RONDO_PLUGIN("adan", "1.0", "MIT", &adan.base);
