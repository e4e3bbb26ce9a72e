/* plugins/optimizers/sgd.c: stochastic gradient descent, with momentum.
 *
 * Sources: Robbins and Monro 1951; momentum: Polyak 1964; Nesterov's form: Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", ICML 2013. In the convention of PyTorch's torch.optim.SGD: the
 * learning rate multiplies the velocity when it is applied, and is not a part of it; the first gradient is not
 * dampened.
 */
#include "rondo/plugin.h"
#include "versions.h"

struct sgd {
    double lr;
    double momentum;
    double dampening;
    double weight_decay;
    int32_t nesterov;
};

static const rondo_option sgd_options[] = {
    RONDO_OPTION_REAL(struct sgd, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct sgd, momentum, "0", 0, 0.9999999, "share of the velocity that is kept at each update"),
    RONDO_OPTION_REAL(struct sgd, dampening, "0", 0, 1, "share of the gradient that is not added to the velocity"),
    RONDO_OPTION_REAL(struct sgd, weight_decay, "0", 0, 1000,
                      "weight_decay times the parameter is added to the gradient"),
    RONDO_OPTION_BOOL(struct sgd, nesterov, "false", "use Nesterov momentum; requires momentum > 0"),
    RONDO_OPTION_END,
};

static const rondo_slot sgd_slots[] = {{"velocity", RONDO_SLOT_CHOSEN, 0}, {0}};

static rondo_status sgd_check(rondo_context *ctx, const void *options) {
    const struct sgd *sgd = options;
    if (sgd->nesterov && sgd->momentum == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'nesterov' is true, which needs 'momentum' above 0");
    }
    if (sgd->nesterov && sgd->dampening != 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'dampening' is %g, expected 0 if 'nesterov' is true",
                               sgd->dampening);
    }
    if (sgd->dampening != 0 && sgd->momentum == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'dampening' is %g, which needs 'momentum' above 0", sgd->dampening);
    }
    return RONDO_OK;
}

/* Without momentum the velocity is the gradient, and is not kept. */
static rondo_status sgd_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                    const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)ctx;
    (void)slot;
    const struct sgd *sgd = options;
    if (sgd->momentum != 0) {
        *shape = *parameter;
    }
    return RONDO_OK;
}

/* With gradient g, parameter p, velocity v (0 at first), weight decay w, momentum m, learning rate lr, and d the
 * dampening, which is 0 at the first step:
 *     g <- g + w p
 *     v <- m v + (1 - d) g
 *     p <- p - lr (g + m v)     with nesterov
 *     p <- p - lr v             without */
#define SGD_KERNEL(name, real)                                                                                         \
    OPTIMIZER_INLINE void name##_any(const struct sgd *sgd, const rondo_optimizer_call *call) {                        \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *restrict p = call->value.data;                                                                           \
        const real *restrict gradient = call->gradient.data;                                                           \
        const real lr = (real)(sgd->lr * call->lr_scale);                                                              \
        const real w = (real)sgd->weight_decay;                                                                        \
        if (sgd->momentum == 0) {                                                                                      \
            for (int64_t i = 0; i < count; i++) {                                                                      \
                p[i] -= lr * (gradient[i] + w * p[i]);                                                                 \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        real *restrict v = call->slots[0].data;                                                                        \
        const real m = (real)sgd->momentum;                                                                            \
        const real fresh = (real)(call->step == 1 ? 1 : 1 - sgd->dampening);                                           \
        const real of_gradient = sgd->nesterov ? 1 : 0;                                                                \
        const real of_velocity = sgd->nesterov ? m : 1;                                                                \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i] + w * p[i];                                                                     \
            v[i] = m * v[i] + fresh * g;                                                                               \
            p[i] -= lr * (of_gradient * g + of_velocity * v[i]);                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct sgd *sgd, const rondo_optimizer_call *call), (sgd, call))
SGD_KERNEL(sgd_f32, float)
SGD_KERNEL(sgd_f64, double)

static rondo_status sgd_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        sgd_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        sgd_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

/* Without momentum and decay, p <- p - lr g. */
static int32_t sgd_skips_zeros(const void *options) {
    const struct sgd *sgd = options;
    return sgd->momentum == 0 && sgd->weight_decay == 0;
}

static const rondo_optimizer sgd = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "sgd",
             .summary = "v = momentum v + g; p = p - lr v (Robbins and Monro 1951, Polyak 1964, Sutskever et al. 2013)",
             .options = sgd_options,
             .options_size = sizeof(struct sgd)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = sgd_slots,
    .check = sgd_check,
    .step = sgd_step,
    .choose_slot = sgd_choose_slot,
    .skips_zeros = sgd_skips_zeros,
};

RONDO_PLUGIN("sgd", "1.0", "MIT", &sgd.base);
