/* plugins/optimizers/rprop.c: Rprop: steps that depend only on the sign of the gradient, for whole batches.
 *
 * Sources: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
 * ICNN 1993; in the form without backtracking of Igel and Huesken, "Improving the Rprop learning algorithm", NC 2000
 * (iRprop-). The same numbers as PyTorch's torch.optim.Rprop. A schedule multiplies the step, but not its adaptation.
 */
#include "rondo/plugin.h"
#include "versions.h"

struct rprop {
    double lr;
    double eta_minus;
    double eta_plus;
    double min_step;
    double max_step;
};

static const rondo_option rprop_options[] = {
    RONDO_OPTION_REAL(struct rprop, lr, "0.01", 0, 1000, "initial step size"),
    RONDO_OPTION_REAL(struct rprop, eta_minus, "0.5", 1e-6, 0.9999999,
                      "factor on the step size if the sign of the gradient has changed"),
    RONDO_OPTION_REAL(struct rprop, eta_plus, "1.2", 1.0000001, 1000,
                      "factor on the step size if the sign of the gradient has not changed"),
    RONDO_OPTION_REAL(struct rprop, min_step, "1e-6", 1e-30, 1000, "smallest step size"),
    RONDO_OPTION_REAL(struct rprop, max_step, "50", 1e-30, 1000, "largest step size"),
    RONDO_OPTION_END,
};

static const rondo_slot rprop_slots[] = {
    {"previous_gradient", RONDO_SLOT_LIKE_PARAMETER, 0}, {"step_size", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

static rondo_status rprop_check(rondo_context *ctx, const void *options) {
    const struct rprop *rprop = options;
    if (rprop->min_step > rprop->max_step) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'min_step' is %g, expected at most 'max_step', which is %g",
                               rprop->min_step, rprop->max_step);
    }
    return RONDO_OK;
}

/* With gradient g, parameter p, previous gradient q (0 at first) and step size s (lr at first):
 *     s <- min(max(s f, min_step), max_step),  f = eta_plus, 1, eta_minus  as  g q  is  > 0, = 0, < 0
 *     g <- 0                                   if g q < 0
 *     p <- p - s sign(g)
 *     q <- g
 * A slot is 0 at first; a step size that has been set is never 0. */
#define RPROP_KERNEL(name, real)                                                                                       \
    OPTIMIZER_INLINE void name##_any(const struct rprop *rprop, const rondo_optimizer_call *call) {                    \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *q = call->slots[0].data;                                                                                 \
        real *s = call->slots[1].data;                                                                                 \
        const real scale = (real)call->lr_scale;                                                                       \
        const real first = (real)rprop->lr;                                                                            \
        const real minus = (real)rprop->eta_minus;                                                                     \
        const real plus = (real)rprop->eta_plus;                                                                       \
        const real least = (real)rprop->min_step;                                                                      \
        const real most = (real)rprop->max_step;                                                                       \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real agreement = gradient[i] * q[i];                                                                 \
            const real g = agreement < 0 ? 0 : gradient[i];                                                            \
            const real longer = agreement > 0 ? plus : 1;                                                              \
            const real factor = agreement < 0 ? minus : longer;                                                        \
            real size = (s[i] == 0 ? first : s[i]) * factor;                                                           \
            size = size < least ? least : size;                                                                        \
            size = size > most ? most : size;                                                                          \
            const real upwards = g < 0 ? size : 0;                                                                     \
            const real step = g > 0 ? -size : upwards;                                                                 \
            p[i] += scale * step;                                                                                      \
            s[i] = size;                                                                                               \
            q[i] = g;                                                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct rprop *rprop, const rondo_optimizer_call *call), (rprop, call))
RPROP_KERNEL(rprop_f32, float)
RPROP_KERNEL(rprop_f64, double)

static rondo_status rprop_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        rprop_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        rprop_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer rprop = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "rprop",
             .summary =
                 "p = p - s sign(g); s grows while g keeps its sign, and shrinks otherwise (Riedmiller and Braun 1993)",
             .options = rprop_options,
             .options_size = sizeof(struct rprop)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = rprop_slots,
    .check = rprop_check,
    .step = rprop_step,
};

RONDO_PLUGIN("rprop", "1.0", "MIT", &rprop.base);
