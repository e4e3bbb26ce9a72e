/* plugins/optimizers/nadam.c: NAdam, Adam with Nesterov's momentum.
 *
 * Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, with its momentum schedule. The same
 * numbers as PyTorch's torch.optim.NAdam; decoupled is its decoupled_weight_decay.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct nadam {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double momentum_decay;
    double weight_decay;
    int32_t decoupled;
};

static const rondo_option nadam_options[] = {
    RONDO_OPTION_REAL(struct nadam, lr, "0.002", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct nadam, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct nadam, beta2, "0.999", 0, 0.9999999, "decay of the mean of its square, per update"),
    RONDO_OPTION_REAL(struct nadam, epsilon, "1e-8", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct nadam, momentum_decay, "0.004", 0, 1000,
                      "speed at which momentum rises from half of beta1"),
    RONDO_OPTION_REAL(struct nadam, weight_decay, "0", 0, 1000, "weight decay: strength of the pull towards 0"),
    RONDO_OPTION_BOOL(struct nadam, decoupled, "false", "apply weight decay to the parameter instead of the gradient"),
    RONDO_OPTION_END,
};

static const rondo_slot nadam_slots[] = {
    {"first_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {"second_moment", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}};

/* Base of the momentum schedule, as the paper sets it. */
static const double schedule_base = 0.96;

/* mu_t = beta1 (1 - 0.96^(t d) / 2), d the momentum decay. */
static double momentum(const struct nadam *nadam, double t) {
    return nadam->beta1 * (1 - 0.5 * pow(schedule_base, t * nadam->momentum_decay));
}

/* mu_1 mu_2 ... mu_t, computed in a time that does not grow with t. With q = 0.96^d its logarithm is
 *     t log(beta1) + sum_i log(1 - q^i / 2) = t log(beta1) - sum_k 1 / (k 2^k) sum_i q^(i k)
 *         for i = 1 .. t and k = 1, 2, ...
 *     sum_i q^(i k) = q^k (1 - q^(k t)) / (1 - q^k)    (a geometric series)
 * Terms after the 60th are smaller than the last bit. */
static double momentum_product(const struct nadam *nadam, double t) {
    const double power = pow(nadam->beta1, t);
    if (power < 1e-20) {
        return 0; /* the caller only uses 1 minus this value */
    }
    const double log_q = nadam->momentum_decay * log(schedule_base);
    double sum = 0;
    double half = 1;
    for (int k = 1; k <= 60; k++) {
        half *= 0.5;
        const double log_qk = k * log_q;
        const double geometric = log_qk == 0 ? t : exp(log_qk) * expm1(t * log_qk) / expm1(log_qk);
        sum += half / k * geometric;
    }
    return power * exp(-sum);
}

/* With gradient g, parameter p, moments m and v (0 at first), step number t, weight decay w, P_t = mu_1 ... mu_t:
 *     p <- p - lr w p                        decoupled
 *     g <- g + w p                           otherwise
 *     m <- m + (1 - beta1) (g - m)
 *     v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr ((1 - mu_t) / (1 - P_t) g + mu_(t+1) / (1 - P_(t+1)) m) / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 * The last fraction is expanded by sqrt(1 - beta2^t). */
#define NADAM_KERNEL(name, real, square_root)                                                                          \
    OPTIMIZER_INLINE void name##_any(const struct nadam *nadam, const rondo_optimizer_call *call) {                    \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        const real *gradient = call->gradient.data;                                                                    \
        real *m = call->slots[0].data;                                                                                 \
        real *v = call->slots[1].data;                                                                                 \
        const double lr = nadam->lr * call->lr_scale;                                                                  \
        const double t = (double)call->step;                                                                           \
        const double root_correction = sqrt(1 - pow(nadam->beta2, t));                                                 \
        const double product = momentum_product(nadam, t);                                                             \
        const double now = momentum(nadam, t);                                                                         \
        const double next = momentum(nadam, t + 1);                                                                    \
        const real of_gradient = (real)(lr * root_correction * (1 - now) / (1 - product));                             \
        const real of_moment = (real)(lr * root_correction * next / (1 - product * next));                             \
        const real epsilon = (real)(nadam->epsilon * root_correction);                                                 \
        const real keep = (real)(nadam->decoupled ? 1 - lr * nadam->weight_decay : 1);                                 \
        const real decay = (real)(nadam->decoupled ? 0 : nadam->weight_decay);                                         \
        const real new1 = (real)(1 - nadam->beta1);                                                                    \
        const real beta2 = (real)nadam->beta2;                                                                         \
        const real new2 = (real)(1 - nadam->beta2);                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const real kept = keep * p[i];                                                                             \
            const real g = gradient[i] + decay * kept;                                                                 \
            m[i] += new1 * (g - m[i]);                                                                                 \
            v[i] = beta2 * v[i] + new2 * g * g;                                                                        \
            p[i] = kept - (of_gradient * g + of_moment * m[i]) / (square_root(v[i]) + epsilon);                        \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct nadam *nadam, const rondo_optimizer_call *call), (nadam, call))
NADAM_KERNEL(nadam_f32, float, sqrtf)
NADAM_KERNEL(nadam_f64, double, sqrt)

static rondo_status nadam_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        nadam_f32(call->options, call);
        return RONDO_OK;
    case RONDO_F64:
        nadam_f64(call->options, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static const rondo_optimizer nadam = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "nadam",
             .summary = "p = p - lr (c1 g + c2 m) / (sqrt(v) + epsilon): adam with Nesterov's momentum (Dozat 2016)",
             .options = nadam_options,
             .options_size = sizeof(struct nadam)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = nadam_slots,
    .step = nadam_step,
};

RONDO_PLUGIN("nadam", "1.0", "MIT", &nadam.base);
