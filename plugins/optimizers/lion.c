/* plugins/optimizers/lion.c: Lion, the sign of an interpolated momentum.
 *
 * Source: Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2. The weight decay is
 * decoupled and multiplied by the learning rate, as there. Every element moves by lr, whatever its gradient, so lr
 * should be 3 to 10 times smaller than for Adam, and weight_decay larger by the same factor (section 5 of the paper).
 */
#include "rondo/plugin.h"
#include "versions.h"

struct lion {
    double lr;
    double beta1;
    double beta2;
    double weight_decay;
};

static const rondo_option lion_options[] = {
    RONDO_OPTION_REAL(struct lion, lr, "0.0001", 0, 1000, "learning rate: how far every element moves in an update"),
    RONDO_OPTION_REAL(struct lion, beta1, "0.9", 0, 0.9999999, "share of the momentum in the direction of the update"),
    RONDO_OPTION_REAL(struct lion, beta2, "0.99", 0, 0.9999999, "decay of the momentum, per update"),
    RONDO_OPTION_REAL(struct lion, weight_decay, "0", 0, 1000,
                      "weight decay; each update subtracts lr times this times the parameter"),
    RONDO_OPTION_END,
};

static const rondo_slot lion_slots[] = {{"momentum", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE}, {0}};

/* With gradient g, parameter p, momentum m (0 at first), weight decay w, and sign(0) = 0:
 *     c <- beta1 m + (1 - beta1) g
 *     p <- p - lr (sign(c) + w p)
 *     m <- beta2 m + (1 - beta2) g */
#define LION_KERNEL(name, real)                                                                                        \
    OPTIMIZER_INLINE void name##_any(const struct lion *lion, const rondo_optimizer_call *call) {                      \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *g = call->gradient.data;                                                                           \
        real *m = call->slots[0].data;                                                                                 \
        const double rate = lion->lr * call->lr_scale;                                                                 \
        const real lr = (real)rate;                                                                                    \
        const real keep = (real)(1 - rate * lion->weight_decay);                                                       \
        const real beta1 = (real)lion->beta1;                                                                          \
        const real new1 = (real)(1 - lion->beta1);                                                                     \
        const real beta2 = (real)lion->beta2;                                                                          \
        const real new2 = (real)(1 - lion->beta2);                                                                     \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real c = beta1 * m[i] + new1 * g[i];                                                                 \
            const real sign = (real)((c > 0) - (c < 0));                                                               \
            p[i] = keep * p[i] - lr * sign;                                                                            \
            m[i] = beta2 * m[i] + new2 * g[i];                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct lion *lion, const rondo_optimizer_call *call), (lion, call))
LION_KERNEL(lion_f32, float)
LION_KERNEL(lion_f64, double)

static rondo_status lion_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        lion_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        lion_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer lion = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "lion",
             .summary = "p = p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay p) (Chen et al. 2023, algorithm 2)",
             .options = lion_options,
             .options_size = sizeof(struct lion)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = lion_slots,
    .step = lion_step,
};

RONDO_PLUGIN("lion", "1.0", "MIT", &lion.base);
