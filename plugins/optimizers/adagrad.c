/* plugins/optimizers/adagrad.c: AdaGrad, steps divided by the root of the sum of all squared gradients so far.
 *
 * Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR
 * 2011, with a diagonal matrix. The same numbers as PyTorch's torch.optim.Adagrad; initial_sum is its
 * initial_accumulator_value.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct adagrad {
    double lr;
    double lr_decay;
    double initial_sum;
    double epsilon;
    double weight_decay;
};

static const rondo_option adagrad_options[] = {
    RONDO_OPTION_REAL(struct adagrad, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct adagrad, lr_decay, "0", 0, 1000,
                      "lr is divided by 1 + lr_decay times the number of previous updates"),
    RONDO_OPTION_REAL(struct adagrad, initial_sum, "0", 0, 1e6, "initial sum of squared gradients"),
    RONDO_OPTION_REAL(struct adagrad, epsilon, "1e-10", 1e-30, 1, "added to the root of the sum"),
    RONDO_OPTION_REAL(struct adagrad, weight_decay, "0", 0, 1000,
                      "weight_decay times the parameter is added to the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot adagrad_slots[] = {{"sum_of_squares", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* With gradient g, parameter p, sum s (0 at first) and initial sum s_0, step number t, weight decay w:
 *     g <- g + w p
 *     s <- s + g^2
 *     p <- p - lr / (1 + (t - 1) lr_decay) * g / (sqrt(s_0 + s) + epsilon) */
#define ADAGRAD_KERNEL(name, real, square_root)                                                                        \
    OPTIMIZER_INLINE void name##_any(const struct adagrad *adagrad, const rondo_optimizer_call *call) {                \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *s = call->slots[0].data;                                                                                 \
        const double lr = adagrad->lr * call->lr_scale;                                                                \
        const real step_size = (real)(lr / (1 + (double)(call->step - 1) * adagrad->lr_decay));                        \
        const real w = (real)adagrad->weight_decay;                                                                    \
        const real initial = (real)adagrad->initial_sum;                                                               \
        const real epsilon = (real)adagrad->epsilon;                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i] + w * p[i];                                                                     \
            s[i] += g * g;                                                                                             \
            p[i] -= step_size * g / (square_root(initial + s[i]) + epsilon);                                           \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct adagrad *adagrad, const rondo_optimizer_call *call), (adagrad, call))
ADAGRAD_KERNEL(adagrad_f32, float, sqrtf)
ADAGRAD_KERNEL(adagrad_f64, double, sqrt)

static rondo_status adagrad_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        adagrad_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        adagrad_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

/* The sum of squares never decays. */
static int32_t adagrad_skips_zeros(const void *options) {
    const struct adagrad *adagrad = options;
    return adagrad->weight_decay == 0;
}

static const rondo_optimizer adagrad = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adagrad",
             .summary = "s = s + g^2; p = p - lr g / (sqrt(s) + epsilon) (Duchi, Hazan and Singer 2011)",
             .options = adagrad_options,
             .options_size = sizeof(struct adagrad)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adagrad_slots,
    .step = adagrad_step,
    .skips_zeros = adagrad_skips_zeros,
};

RONDO_PLUGIN("adagrad", "1.0", "MIT", &adagrad.base);
