/* plugins/optimizers/adadelta.c: AdaDelta, whose steps have the units of the parameter.
 *
 * Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, algorithm 1. The same numbers as
 * PyTorch's torch.optim.Adadelta, which multiplies the step by a learning rate (the paper: 1).
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct adadelta {
    double lr;
    double rho;
    double epsilon;
    double weight_decay;
};

static const rondo_option adadelta_options[] = {
    RONDO_OPTION_REAL(struct adadelta, lr, "1", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct adadelta, rho, "0.9", 0, 0.9999999, "decay of both mean squares, per update"),
    RONDO_OPTION_REAL(struct adadelta, epsilon, "1e-6", 1e-30, 1, "added to both mean squares, under their roots"),
    RONDO_OPTION_REAL(struct adadelta, weight_decay, "0", 0, 1000,
                      "weight_decay times the parameter is added to the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot adadelta_slots[] = {
    {"mean_square", RONDO_SLOT_LIKE_PARAMETER, 0}, {"mean_square_step", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* With gradient g, parameter p, mean squares s of g and u of the steps (0 at first), weight decay w:
 *     g <- g + w p
 *     s <- rho s + (1 - rho) g^2
 *     d = sqrt(u + epsilon) / sqrt(s + epsilon) * g
 *     u <- rho u + (1 - rho) d^2
 *     p <- p - lr d */
#define ADADELTA_KERNEL(name, real, square_root)                                                                       \
    OPTIMIZER_INLINE void name##_any(const struct adadelta *adadelta, const rondo_optimizer_call *call) {              \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *s = call->slots[0].data;                                                                                 \
        real *u = call->slots[1].data;                                                                                 \
        const real lr = (real)(adadelta->lr * call->lr_scale);                                                         \
        const real w = (real)adadelta->weight_decay;                                                                   \
        const real rho = (real)adadelta->rho;                                                                          \
        const real fresh = (real)(1 - adadelta->rho);                                                                  \
        const real epsilon = (real)adadelta->epsilon;                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i] + w * p[i];                                                                     \
            s[i] = rho * s[i] + fresh * g * g;                                                                         \
            const real d = square_root((u[i] + epsilon) / (s[i] + epsilon)) * g;                                       \
            u[i] = rho * u[i] + fresh * d * d;                                                                         \
            p[i] -= lr * d;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct adadelta *adadelta, const rondo_optimizer_call *call), (adadelta, call))
ADADELTA_KERNEL(adadelta_f32, float, sqrtf)
ADADELTA_KERNEL(adadelta_f64, double, sqrt)

static rondo_status adadelta_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        adadelta_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        adadelta_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer adadelta = {
    .base =
        {.struct_size = sizeof(rondo_optimizer),
         .kind = RONDO_KIND_OPTIMIZER,
         .name = "adadelta",
         .summary =
             "d = sqrt(u + epsilon) / sqrt(s + epsilon) g, s and u mean squares of g and d; p = p - lr d (Zeiler 2012)",
         .options = adadelta_options,
         .options_size = sizeof(struct adadelta)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adadelta_slots,
    .step = adadelta_step,
};

RONDO_PLUGIN("adadelta", "1.0", "MIT", &adadelta.base);
