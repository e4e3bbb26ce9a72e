/* plugins/optimizers/radam.c: RAdam: Adam with a rectified step size.
 *
 * Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2. The same
 * numbers as PyTorch's torch.optim.RAdam, which rectifies if rho_t > 5 (the paper: 4) and adds epsilon to the root of
 * the second moment before its bias is corrected; decoupled is its decoupled_weight_decay.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct radam {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    int32_t decoupled;
};

static const rondo_option radam_options[] = {
    RONDO_OPTION_REAL(struct radam, lr, "0.001", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct radam, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct radam, beta2, "0.999", 0, 0.9999999, "decay of the mean of its square, per update"),
    RONDO_OPTION_REAL(struct radam, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct radam, weight_decay, "0", 0, 1000, "weight decay: strength of the pull towards 0"),
    RONDO_OPTION_BOOL(struct radam, decoupled, "false", "apply weight decay to the parameter instead of the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot radam_slots[] = {
    {"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {"second_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* The factor on the step size of Adam at step t. It compensates for the variance of 1 / sqrt(v) in early steps; it is 0
 * while there are too few steps for that variance to be finite. With rho_inf = 2 / (1 - beta2) - 1 and rho_t = rho_inf
 * - 2 t beta2^t / (1 - beta2^t):
 *     r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t)) */
static double rectification(double beta2, double t) {
    const double power = pow(beta2, t);
    const double limit = 2 / (1 - beta2) - 1;
    const double rho = limit - 2 * t * power / (1 - power);
    return rho > 5 ? sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) : 0;
}

/* With gradient g, parameter p, moments m and v (0 at first), step number t, weight decay w:
 *     p <- p - lr w p                        decoupled
 *     g <- g + w p                           otherwise
 *     m <- m + (1 - beta1) (g - m)
 *     v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr m / (1 - beta1^t) * r_t sqrt(1 - beta2^t) / (sqrt(v) + epsilon)   if rho_t > 5
 *     p <- p - lr m / (1 - beta1^t)                                                 otherwise
 * The last line is the line before it with the denominator 0 sqrt(v) + 1. */
#define RADAM_KERNEL(name, real, square_root)                                                                          \
    OPTIMIZER_INLINE void name##_any(const struct radam *radam, const rondo_optimizer_call *call) {                    \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *m = call->slots[0].data;                                                                                 \
        real *v = call->slots[1].data;                                                                                 \
        const double lr = radam->lr * call->lr_scale;                                                                  \
        const double t = (double)call->step;                                                                           \
        const double rectified = rectification(radam->beta2, t);                                                       \
        const double factor = rectified > 0 ? rectified * sqrt(1 - pow(radam->beta2, t)) : 1;                          \
        const real step_size = (real)(lr / (1 - pow(radam->beta1, t)) * factor);                                       \
        const real of_root = rectified > 0 ? 1 : 0;                                                                    \
        const real epsilon = (real)(rectified > 0 ? radam->epsilon : 1);                                               \
        const real keep = (real)(radam->decoupled ? 1 - lr * radam->weight_decay : 1);                                 \
        const real decay = (real)(radam->decoupled ? 0 : radam->weight_decay);                                         \
        const real new1 = (real)(1 - radam->beta1);                                                                    \
        const real beta2 = (real)radam->beta2;                                                                         \
        const real new2 = (real)(1 - radam->beta2);                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real kept = keep * p[i];                                                                             \
            const real g = gradient[i] + decay * kept;                                                                 \
            m[i] += new1 * (g - m[i]);                                                                                 \
            v[i] = beta2 * v[i] + new2 * g * g;                                                                        \
            p[i] = kept - step_size * m[i] / (of_root * square_root(v[i]) + epsilon);                                  \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct radam *radam, const rondo_optimizer_call *call), (radam, call))
RADAM_KERNEL(radam_f32, float, sqrtf)
RADAM_KERNEL(radam_f64, double, sqrt)

static rondo_status radam_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        radam_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        radam_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer radam = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "radam",
             .summary =
                 "adam with its step size rectified for the variance of 1 / sqrt(v) in early steps (Liu et al. 2020)",
             .options = radam_options,
             .options_size = sizeof(struct radam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = radam_slots,
    .step = radam_step,
};

RONDO_PLUGIN("radam", "1.0", "MIT", &radam.base);
