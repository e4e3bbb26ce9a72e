/* plugins/optimizers/sophia.c: Sophia-G: momentum divided by an estimate of the curvature, and clipped.
 *
 * Source: Liu et al., "Sophia: a scalable stochastic second-order optimizer for language model pre-training", ICLR 2024
 * (arXiv:2305.14342), algorithm 3, with the Gauss-Newton-Bartlett estimator of algorithm 2: the square of the gradient
 * for classes drawn from the model's own predictions, times the number of losses whose mean the gradient belongs to.
 *
 * The conventions are those of the paper. The authors' code differs in three ways. It leaves the number of losses B out
 * of h and divides by rho B h + 1e-15, which is the same if B never changes. It updates h after the parameter instead
 * of before it. Its first update of h is at update number `period`. Name and default of rho are those of the code; the
 * paper calls it gamma. The weight decay is decoupled and multiplied by the learning rate in both.
 */
#include "rondo/plugin.h"

struct sophia {
    double lr;
    double beta1;
    double beta2;
    double rho;
    double epsilon;
    double weight_decay;
    int64_t period;
};

/* The least epsilon is a normal number in f32, so that 0 / epsilon is 0. */
static const rondo_option sophia_options[] = {
    RONDO_OPTION_REAL(struct sophia, lr, "0.0001", 0, 1000,
                      "learning rate: the largest change of an element in an update"),
    RONDO_OPTION_REAL(struct sophia, beta1, "0.965", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct sophia, beta2, "0.99", 0, 0.9999999, "decay of the mean of the curvature, per estimate"),
    RONDO_OPTION_REAL(struct sophia, rho, "0.04", 1e-30, 1e30,
                      "factor on the curvature; larger values clip fewer elements"),
    RONDO_OPTION_REAL(struct sophia, epsilon, "1e-12", 1e-30, 1,
                      "lower bound of the value that the momentum is divided by"),
    RONDO_OPTION_REAL(struct sophia, weight_decay, "0", 0, 1000,
                      "weight decay; each update subtracts lr times this times the parameter"),
    RONDO_OPTION_INT(struct sophia, period, "10", 1, 1e9, "number of updates between two estimates of the curvature"),
    RONDO_OPTION_END,
};

static const rondo_slot sophia_slots[] = {{"first_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                          {"curvature", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                          {0}};

/* Updates 1, 1 + period, 1 + 2 period, …: t mod k = 1 in the paper, for k = 1 too. */
static int32_t sophia_wants_sampled(const void *options, int64_t step) {
    const struct sophia *sophia = options;
    return (step - 1) % sophia->period == 0;
}

/* With curvature h (0 at first) and the gradient s of the mean of B losses for classes drawn from the model, at every
 * `period`-th update:
 *     h <- beta2 h + (1 - beta2) B s^2
 * With gradient g, parameter p, momentum m (0 at first) and weight decay w, at every update:
 *     m <- beta1 m + (1 - beta1) g
 *     p <- p - lr w p
 *     p <- p - lr clip(m / max(rho h, epsilon), -1, 1) */
#define SOPHIA_KERNEL(name, real)                                                                                      \
    static void name##_curvature(const struct sophia *sophia, const rondo_optimizer_call *call) {                      \
        const int64_t count = rondo_count(&call->value);                                                               \
        const real *s = call->sampled_gradient.data;                                                                   \
        real *h = call->slots[1].data;                                                                                 \
        const real beta2 = (real)sophia->beta2;                                                                        \
        const real new2 = (real)((1 - sophia->beta2) * (double)call->rows);                                            \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            h[i] = beta2 * h[i] + new2 * s[i] * s[i];                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const struct sophia *sophia, const rondo_optimizer_call *call) {                                  \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *g = call->gradient.data;                                                                           \
        real *m = call->slots[0].data;                                                                                 \
        const real *h = call->slots[1].data;                                                                           \
        const double rate = sophia->lr * call->lr_scale;                                                               \
        const real lr = (real)rate;                                                                                    \
        const real keep = (real)(1 - rate * sophia->weight_decay);                                                     \
        const real new1 = (real)(1 - sophia->beta1);                                                                   \
        const real rho = (real)sophia->rho;                                                                            \
        const real epsilon = (real)sophia->epsilon;                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real scaled = rho * h[i];                                                                            \
            m[i] += new1 * (g[i] - m[i]);                                                                              \
            const real ratio = m[i] / (scaled > epsilon ? scaled : epsilon);                                           \
            const real below = ratio < 1 ? ratio : 1;                                                                  \
            p[i] = keep * p[i] - lr * (below > -1 ? below : -1);                                                       \
        }                                                                                                              \
    }
SOPHIA_KERNEL(sophia_f32, float)
SOPHIA_KERNEL(sophia_f64, double)

static rondo_status sophia_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int sampled = call->sampled_gradient.data != NULL;
    switch (call->value.dtype) {
    case RONDO_F32:
        if (sampled) {
            sophia_f32_curvature(call->options, call);
        }
        sophia_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        if (sampled) {
            sophia_f64_curvature(call->options, call);
        }
        sophia_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer sophia = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "sophia",
             .summary =
                 "p = p - lr clip(m / max(rho h, epsilon), 1), curvature h by the Gauss-Newton-Bartlett estimator "
                 "(Liu et al. 2023, algorithms 2 and 3)",
             .options = sophia_options,
             .options_size = sizeof(struct sophia)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = sophia_slots,
    .step = sophia_step,
    .wants_sampled = sophia_wants_sampled,
};

RONDO_PLUGIN("sophia", "1.0", "MIT", &sophia.base);
