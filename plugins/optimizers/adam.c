/* plugins/optimizers/adam.c: Adam, AdamW and AMSGrad, which share one update.
 *
 * Sources: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; adamw: Loshchilov and
 * Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, with the decay multiplied by the learning
 * rate; amsgrad: Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018, algorithm 2. The same
 * numbers as PyTorch's torch.optim.Adam, AdamW, and Adam with amsgrad=True: there the largest second moment is that of
 * moments before their bias is corrected.
 *
 * adamw.so and amsgrad.so are links to adam.so, so that each is found by its name.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct adam {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    int32_t decoupled; /* an option of amsgrad; fixed for adam and adamw */
};

/* The least epsilon is a normal number in f32, also times the least root of 1 - beta2^t, so that
 * 0 / (sqrt(0) + epsilon) is 0. */
#define ADAM_OPTIONS(decay)                                                                                            \
    RONDO_OPTION_REAL(struct adam, lr, "0.001", 0, 1000, "learning rate"),                                             \
        RONDO_OPTION_REAL(struct adam, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),   \
        RONDO_OPTION_REAL(struct adam, beta2, "0.999", 0, 0.9999999, "decay of the mean of its square, per update"),   \
        RONDO_OPTION_REAL(struct adam, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"), decay

static const rondo_option adam_options[] = {
    ADAM_OPTIONS(RONDO_OPTION_REAL(struct adam, weight_decay, "0", 0, 1000,
                                   "weight_decay times the parameter is added to the gradient")),
    RONDO_OPTION_END,
};
static const rondo_option adamw_options[] = {
    ADAM_OPTIONS(RONDO_OPTION_REAL(struct adam, weight_decay, "0.01", 0, 1000,
                                   "weight decay; each update subtracts lr times this times the parameter")),
    RONDO_OPTION_END,
};
static const rondo_option amsgrad_options[] = {
    ADAM_OPTIONS(
        RONDO_OPTION_REAL(struct adam, weight_decay, "0", 0, 1000, "weight decay: strength of the pull towards 0")),
    RONDO_OPTION_BOOL(struct adam, decoupled, "false",
                      "apply weight decay to the parameter, like adamw; otherwise to the gradient, like adam"),
    RONDO_OPTION_END,
};

static const rondo_slot adam_slots[] = {
    {"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {"second_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};
static const rondo_slot amsgrad_slots[] = {{"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0},
                                           {"second_moment", RONDO_SLOT_LIKE_PARAMETER, 0},
                                           {"largest_second_moment", RONDO_SLOT_LIKE_PARAMETER, 0},
                                           {0}};

/* With gradient g, parameter p, moments m and v and largest moment u (0 at first), step number t, weight decay w:
 *     p <- p - lr w p                        decoupled
 *     g <- g + w p                           otherwise
 *     m <- m + (1 - beta1) (g - m)
 *     v <- beta2 v + (1 - beta2) g^2
 *     u <- max(u, v)                         amsgrad; otherwise u is v
 *     p <- p - lr / (1 - beta1^t) * m / (sqrt(u) / sqrt(1 - beta2^t) + epsilon)
 * The last fraction is expanded by sqrt(1 - beta2^t), which saves one division per element. amsgrad is a compile-time
 * constant, so the loop has no branch. */
#define ADAM_KERNEL(name, real, square_root, amsgrad)                                                                  \
    OPTIMIZER_INLINE void name##_any(const rondo_optimizer_call *call, int decoupled, real *restrict p,                \
                                     const real *restrict gradient, real *restrict m, real *restrict v,                \
                                     real *restrict largest) {                                                         \
        const struct adam *adam = call->options;                                                                       \
        const int64_t count = rondo_count(&call->value);                                                               \
        const double lr = adam->lr * call->lr_scale;                                                                   \
        const double t = (double)call->step;                                                                           \
        const double root_correction = sqrt(1 - pow(adam->beta2, t));                                                  \
        const real step_size = (real)(lr / (1 - pow(adam->beta1, t)) * root_correction);                               \
        const real epsilon = (real)(adam->epsilon * root_correction);                                                  \
        const real keep = (real)(decoupled ? 1 - lr * adam->weight_decay : 1);                                         \
        const real decay = (real)(decoupled ? 0 : adam->weight_decay);                                                 \
        const real new1 = (real)(1 - adam->beta1);                                                                     \
        const real beta2 = (real)adam->beta2;                                                                          \
        const real new2 = (real)(1 - adam->beta2);                                                                     \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real kept = keep * p[i];                                                                             \
            const real g = gradient[i] + decay * kept;                                                                 \
            m[i] += new1 * (g - m[i]);                                                                                 \
            v[i] = beta2 * v[i] + new2 * g * g;                                                                        \
            real u = v[i];                                                                                             \
            if (amsgrad) {                                                                                             \
                u = u > largest[i] ? u : largest[i];                                                                   \
                largest[i] = u;                                                                                        \
            }                                                                                                          \
            p[i] = kept - step_size * m[i] / (square_root(u) + epsilon);                                               \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name,                                                                                           \
                       (const rondo_optimizer_call *call, int decoupled, real *restrict p,                             \
                        const real *restrict gradient, real *restrict m, real *restrict v, real *restrict largest),    \
                       (call, decoupled, p, gradient, m, v, largest))
ADAM_KERNEL(adam_f32, float, sqrtf, 0)
ADAM_KERNEL(adam_f64, double, sqrt, 0)
ADAM_KERNEL(amsgrad_f32, float, sqrtf, 1)
ADAM_KERNEL(amsgrad_f64, double, sqrt, 1)

static rondo_status update(rondo_context *ctx, const rondo_optimizer_call *call, int decoupled) {
    void *p = call->value.data;
    const void *g = call->gradient.data;
    void *m = call->slots[0].data;
    void *v = call->slots[1].data;
    void *largest = call->n_slots > 2 ? call->slots[2].data : NULL;
    switch (call->value.dtype) {
    case RONDO_F32:
        (largest == NULL ? adam_f32 : amsgrad_f32)(call, decoupled, p, g, m, v, largest);
        return RONDO_OK;
    case RONDO_F64:
        (largest == NULL ? adam_f64 : amsgrad_f64)(call, decoupled, p, g, m, v, largest);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static rondo_status adam_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return update(ctx, call, 0);
}

static rondo_status adamw_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return update(ctx, call, 1);
}

static rondo_status amsgrad_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct adam *adam = call->options;
    return update(ctx, call, adam->decoupled);
}

static const rondo_optimizer adam = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adam",
             .summary = "p = p - lr m / (sqrt(v) + epsilon), moments m and v bias-corrected (Kingma and Ba 2015)",
             .options = adam_options,
             .options_size = sizeof(struct adam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adam_slots,
    .step = adam_step,
};

static const rondo_optimizer adamw = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adamw",
             .summary = "adam, after p = p - lr weight_decay p (Loshchilov and Hutter 2019)",
             .options = adamw_options,
             .options_size = sizeof(struct adam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = adam_slots,
    .step = adamw_step,
};

static const rondo_optimizer amsgrad = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "amsgrad",
             .summary = "adam, with the largest v so far instead of v (Reddi, Kale and Kumar 2018)",
             .options = amsgrad_options,
             .options_size = sizeof(struct adam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = amsgrad_slots,
    .step = amsgrad_step,
};

RONDO_PLUGIN("adam", "1.0", "MIT", &adam.base, &adamw.base, &amsgrad.base);
