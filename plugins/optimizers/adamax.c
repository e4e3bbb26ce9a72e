/* plugins/optimizers/adamax.c: AdaMax, Adam with the largest gradient in place of its mean square.
 *
 * Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 2. The same numbers as
 * PyTorch's torch.optim.Adamax, which adds epsilon to the size of the gradient.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct adamax {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
};

static const rondo_option adamax_options[] = {
    RONDO_OPTION_REAL(struct adamax, lr, "0.002", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct adamax, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct adamax, beta2, "0.999", 0, 0.9999999, "decay of its largest magnitude, per update"),
    RONDO_OPTION_REAL(struct adamax, epsilon, "1e-8", 1e-30, 1, "added to the magnitude of the gradient"),
    RONDO_OPTION_REAL(struct adamax, weight_decay, "0", 0, 1000,
                      "weight_decay times the parameter is added to the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot adamax_slots[] = {
    {"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {"largest_gradient", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* With gradient g, parameter p, mean m and largest size u (0 at first), step number t, weight decay w:
 *     g <- g + w p
 *     m <- m + (1 - beta1) (g - m)
 *     u <- max(beta2 u, |g| + epsilon)
 *     p <- p - lr / (1 - beta1^t) * m / u */
#define ADAMAX_KERNEL(name, real, absolute)                                                                            \
    OPTIMIZER_INLINE void name##_any(const struct adamax *adamax, const rondo_optimizer_call *call) {                  \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *m = call->slots[0].data;                                                                                 \
        real *u = call->slots[1].data;                                                                                 \
        const double lr = adamax->lr * call->lr_scale;                                                                 \
        const real step_size = (real)(lr / (1 - pow(adamax->beta1, (double)call->step)));                              \
        const real w = (real)adamax->weight_decay;                                                                     \
        const real new1 = (real)(1 - adamax->beta1);                                                                   \
        const real beta2 = (real)adamax->beta2;                                                                        \
        const real epsilon = (real)adamax->epsilon;                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i] + w * p[i];                                                                     \
            const real old = beta2 * u[i];                                                                             \
            const real size = absolute(g) + epsilon;                                                                   \
            m[i] += new1 * (g - m[i]);                                                                                 \
            u[i] = old > size ? old : size;                                                                            \
            p[i] -= step_size * m[i] / u[i];                                                                           \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct adamax *adamax, const rondo_optimizer_call *call), (adamax, call))
ADAMAX_KERNEL(adamax_f32, float, fabsf)
ADAMAX_KERNEL(adamax_f64, double, fabs)

static rondo_status adamax_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        adamax_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        adamax_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer adamax = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adamax",
             .summary = "p = p - lr m / u, u = max(beta2 u, |g|) (Kingma and Ba 2015, algorithm 2)",
             .options = adamax_options,
             .options_size = sizeof(struct adamax)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adamax_slots,
    .step = adamax_step,
};

RONDO_PLUGIN("adamax", "1.0", "MIT", &adamax.base);
