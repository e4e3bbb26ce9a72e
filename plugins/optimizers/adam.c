/* plugins/optimizers/adam.c: Adam, and AdamW.
 *
 * Sources: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; decoupled weight decay:
 * Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, with the decay multiplied by
 * the learning rate. The same numbers as PyTorch's torch.optim.Adam and AdamW.
 */
#include <math.h>

#include "rondo/plugin.h"

struct adam {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    int32_t decoupled;
};

/* The least epsilon is a normal number in f32, so that 0 / (sqrt(0) + epsilon) is 0. */
static const rondo_option adam_options[] = {
    RONDO_OPTION_REAL(struct adam, lr, "0.001", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct adam, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, a step"),
    RONDO_OPTION_REAL(struct adam, beta2, "0.999", 0, 0.9999999, "decay of the mean of its square, a step"),
    RONDO_OPTION_REAL(struct adam, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct adam, weight_decay, "0", 0, 1000, "strength of the pull towards 0"),
    RONDO_OPTION_BOOL(struct adam, decoupled, "true", "decay the parameter itself (AdamW), not through the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot adam_slots[] = {
    {"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {"second_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* With gradient g, parameter p, moments m and v (0 at first), step number t, weight decay w:
 *     p <- p - lr w p                        decoupled
 *     g <- g + w p                           otherwise
 *     m <- m + (1 - beta1) (g - m)
 *     v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon) */
#define ADAM_KERNEL(name, real, square_root)                                                                           \
    static void name(const struct adam *adam, const rondo_optimizer_call *call) {                                      \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *m = call->slots[0].data;                                                                                 \
        real *v = call->slots[1].data;                                                                                 \
        const double lr = adam->lr * call->lr_scale;                                                                   \
        const double t = (double)call->step;                                                                           \
        const real step_size = (real)(lr / (1 - pow(adam->beta1, t)));                                                 \
        const real root_correction = (real)sqrt(1 - pow(adam->beta2, t));                                              \
        const real keep = (real)(adam->decoupled ? 1 - lr * adam->weight_decay : 1);                                   \
        const real decay = (real)(adam->decoupled ? 0 : adam->weight_decay);                                           \
        const real new1 = (real)(1 - adam->beta1);                                                                     \
        const real beta2 = (real)adam->beta2;                                                                          \
        const real new2 = (real)(1 - adam->beta2);                                                                     \
        const real epsilon = (real)adam->epsilon;                                                                      \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real kept = keep * p[i];                                                                             \
            const real g = gradient[i] + decay * kept;                                                                 \
            m[i] += new1 * (g - m[i]);                                                                                 \
            v[i] = beta2 * v[i] + new2 * g * g;                                                                        \
            p[i] = kept - step_size * m[i] / (square_root(v[i]) / root_correction + epsilon);                          \
        }                                                                                                              \
    }
ADAM_KERNEL(adam_f32, float, sqrtf)
ADAM_KERNEL(adam_f64, double, sqrt)

static rondo_status adam_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        adam_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        adam_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer adam = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adam",
             .summary = "p = p - lr m / (sqrt(v) + epsilon), moments m and v bias-corrected (Kingma and Ba 2015); "
                        "decoupled weight decay (Loshchilov and Hutter 2019)",
             .options = adam_options,
             .options_size = sizeof(struct adam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adam_slots,
    .step = adam_step,
};

RONDO_PLUGIN("adam", "1.0", "MIT", &adam.base);
