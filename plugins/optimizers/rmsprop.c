/* plugins/optimizers/rmsprop.c: RMSprop: plain, centered and with momentum.
 *
 * Sources: Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera 2012; centered and with momentum: Graves, "Generating
 * sequences with recurrent neural networks", arXiv:1308.0850, section 4.2. The same numbers as PyTorch's
 * torch.optim.RMSprop: epsilon is added outside the root, and the velocity does not include the learning rate.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct rmsprop {
    double lr;
    double alpha;
    double momentum;
    double epsilon;
    double weight_decay;
    int32_t centered;
};

static const rondo_option rmsprop_options[] = {
    RONDO_OPTION_REAL(struct rmsprop, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct rmsprop, alpha, "0.99", 0, 0.9999999, "decay of the mean square, per update"),
    RONDO_OPTION_REAL(struct rmsprop, momentum, "0", 0, 0.9999999, "share of the velocity that is kept at each update"),
    RONDO_OPTION_REAL(struct rmsprop, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct rmsprop, weight_decay, "0", 0, 1000,
                      "weight_decay times the parameter is added to the gradient"),
    RONDO_OPTION_BOOL(struct rmsprop, centered, "false", "divide by the deviation from the mean gradient"),
    RONDO_OPTION_END,
};

enum { MEAN_SQUARE, MEAN, VELOCITY };
static const rondo_slot rmsprop_slots[] = {{"mean_square", RONDO_SLOT_LIKE_PARAMETER, 0},
                                           {"mean", RONDO_SLOT_CHOSEN, 0},
                                           {"velocity", RONDO_SLOT_CHOSEN, 0},
                                           {0}};

static rondo_status rmsprop_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                        const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)ctx;
    const struct rmsprop *rmsprop = options;
    if (slot == MEAN ? rmsprop->centered : rmsprop->momentum != 0) {
        *shape = *parameter;
    }
    return RONDO_OK;
}

/* With gradient g, parameter p, mean square s, mean n and velocity v (0 at first), weight decay w, momentum m:
 *     g <- g + w p
 *     s <- alpha s + (1 - alpha) g^2
 *     n <- n + (1 - alpha) (g - n)            centered; otherwise n is 0
 *     d = g / (sqrt(s - n^2) + epsilon)
 *     v <- m v + d                            with momentum; otherwise v is d
 *     p <- p - lr v
 * If the gradient hardly changes, rounding can make s - n^2 negative; then 0 is used. centered and with_momentum are
 * compile-time constants, so the loop has no branch. */
#define RMSPROP_KERNEL(name, real, square_root, centered, with_momentum)                                               \
    OPTIMIZER_INLINE void name##_any(const struct rmsprop *rmsprop, double scale, int64_t count, real *restrict p,     \
                                     const real *restrict gradient, real *restrict s, real *restrict n,                \
                                     real *restrict v) {                                                               \
        const real lr = (real)(rmsprop->lr * scale);                                                                   \
        const real w = (real)rmsprop->weight_decay;                                                                    \
        const real alpha = (real)rmsprop->alpha;                                                                       \
        const real fresh = (real)(1 - rmsprop->alpha);                                                                 \
        const real m = (real)rmsprop->momentum;                                                                        \
        const real epsilon = (real)rmsprop->epsilon;                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real g = gradient[i] + w * p[i];                                                                     \
            s[i] = alpha * s[i] + fresh * g * g;                                                                       \
            real square = s[i];                                                                                        \
            if (centered) {                                                                                            \
                n[i] += fresh * (g - n[i]);                                                                            \
                square -= n[i] * n[i];                                                                                 \
                square = square > 0 ? square : 0;                                                                      \
            }                                                                                                          \
            real d = g / (square_root(square) + epsilon);                                                              \
            if (with_momentum) {                                                                                       \
                d += m * v[i];                                                                                         \
                v[i] = d;                                                                                              \
            }                                                                                                          \
            p[i] -= lr * d;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name,                                                                                           \
                       (const struct rmsprop *rmsprop, double scale, int64_t count, real *restrict p,                  \
                        const real *restrict gradient, real *restrict s, real *restrict n, real *restrict v),          \
                       (rmsprop, scale, count, p, gradient, s, n, v))
#define RMSPROP_KERNELS(name, real, square_root)                                                                       \
    RMSPROP_KERNEL(name##_plain, real, square_root, 0, 0)                                                              \
    RMSPROP_KERNEL(name##_momentum, real, square_root, 0, 1)                                                           \
    RMSPROP_KERNEL(name##_centered, real, square_root, 1, 0)                                                           \
    RMSPROP_KERNEL(name##_both, real, square_root, 1, 1)                                                               \
    static void name(const struct rmsprop *rmsprop, const rondo_optimizer_call *call) {                                \
        const int with_momentum = rmsprop->momentum != 0;                                                              \
        (rmsprop->centered ? (with_momentum ? name##_both : name##_centered)                                           \
                           : (with_momentum ? name##_momentum : name##_plain))(                                        \
            rmsprop, call->lr_scale, rondo_count(&call->value), call->value.data, call->gradient.data,                 \
            call->slots[MEAN_SQUARE].data, call->slots[MEAN].data, call->slots[VELOCITY].data);                        \
    }
RMSPROP_KERNELS(rmsprop_f32, float, sqrtf)
RMSPROP_KERNELS(rmsprop_f64, double, sqrt)

static rondo_status rmsprop_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        rmsprop_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        rmsprop_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer rmsprop = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "rmsprop",
             .summary =
                 "p = p - lr g / (sqrt(s) + epsilon), s the mean square of g (Tieleman and Hinton 2012, Graves 2013)",
             .options = rmsprop_options,
             .options_size = sizeof(struct rmsprop)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = rmsprop_slots,
    .step = rmsprop_step,
    .choose_slot = rmsprop_choose_slot,
};

RONDO_PLUGIN("rmsprop", "1.0", "MIT", &rmsprop.base);
