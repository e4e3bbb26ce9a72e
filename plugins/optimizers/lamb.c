/* plugins/optimizers/lamb.c: LAMB: the direction of Adam, with a step size in proportion to the norm of the parameter.
 *
 * Source: You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, algorithm
 * 2, with phi(z) = z. Implementations differ; this one
 *   - treats every parameter tensor as one layer;
 *   - corrects the bias of both moments, as the paper prints it (some leave that out and rely on a warm-up);
 *   - adds the weight decay to the direction, inside the norm, as the paper does;
 *   - uses a trust ratio of 1 if the norm of the parameter or of the direction is 0. The paper does not mention this
 *     case; otherwise a bias that starts at 0 would never change;
 *   - limits the trust ratio by max_trust_ratio, if it is set (some limit the norm of the parameter instead);
 *   - leaves clipping of the gradient to the host.
 */
#include <math.h>

#include "rondo/plugin.h"

struct lamb {
    double lr;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    double max_trust_ratio;
};

/* The least epsilon is a normal number in f32, so that 0 / (sqrt(0) + epsilon) is 0. */
static const rondo_option lamb_options[] = {
    RONDO_OPTION_REAL(struct lamb, lr, "0.001", 0, 1000,
                      "learning rate: size of an update relative to the norm of the parameter"),
    RONDO_OPTION_REAL(struct lamb, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct lamb, beta2, "0.999", 0, 0.9999999, "decay of the mean of its square, per update"),
    RONDO_OPTION_REAL(struct lamb, epsilon, "1e-6", 1e-30, 1, "added to the root of the mean square"),
    RONDO_OPTION_REAL(struct lamb, weight_decay, "0", 0, 1000, "weight decay: strength of the pull towards 0"),
    RONDO_OPTION_REAL(struct lamb, max_trust_ratio, "0", 0, 1e30, "upper bound of the trust ratio; 0: no bound"),
    RONDO_OPTION_END,
};

static const rondo_slot lamb_slots[] = {{"first_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {"second_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {0}};

enum {
    GRAIN = 16 * 1024, /* elements in a range: enough work for a thread */
    BLOCK = 256        /* elements that are handled together, so that the direction stays in the first-level cache */
};

/* One update of one parameter. */
struct lamb_update {
    const rondo_optimizer_call *call;
    const struct lamb *lamb;
    double correction1, root_correction2; /* 1 - beta1^t and sqrt(1 - beta2^t) */
    double (*squares)[2];                 /* [ranges] sums of squares of the parameter and of the direction */
    double scale;                         /* factor on the direction: lr times the trust ratio */
};

/* With gradient g, parameter p, moments m and v (0 at first), step number t, weight decay w:
 *     m <- beta1 m + (1 - beta1) g
 *     v <- beta2 v + (1 - beta2) g^2
 *     u <- m / (1 - beta1^t) / (sqrt(v) / sqrt(1 - beta2^t) + epsilon) + w p
 *     p <- p - lr |p| / |u| u
 * The first pass over the parameter updates the moments and computes both norms. The second pass computes u again and
 * updates the parameter. */
#define LAMB_KERNEL(name, real, square_root)                                                                           \
    static void name##_moments(const struct lamb_update *update, int64_t begin, int64_t end) {                         \
        const real *g = update->call->gradient.data;                                                                   \
        real *m = update->call->slots[0].data;                                                                         \
        real *v = update->call->slots[1].data;                                                                         \
        const real new1 = (real)(1 - update->lamb->beta1);                                                             \
        const real beta2 = (real)update->lamb->beta2;                                                                  \
        const real new2 = (real)(1 - update->lamb->beta2);                                                             \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            m[i] += new1 * (g[i] - m[i]);                                                                              \
            v[i] = beta2 * v[i] + new2 * g[i] * g[i];                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_direction(const struct lamb_update *update, int64_t begin, int64_t end, real *u) {              \
        const real *p = update->call->value.data;                                                                      \
        const real *m = update->call->slots[0].data;                                                                   \
        const real *v = update->call->slots[1].data;                                                                   \
        const real new_share = (real)(1 / update->correction1);                                                        \
        const real root_correction = (real)update->root_correction2;                                                   \
        const real epsilon = (real)update->lamb->epsilon;                                                              \
        const real w = (real)update->lamb->weight_decay;                                                               \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            u[i - begin] = new_share * m[i] / (square_root(v[i]) / root_correction + epsilon) + w * p[i];              \
        }                                                                                                              \
    }                                                                                                                  \
    static double name##_squares(const real *x, int64_t count) {                                                       \
        double sum = 0;                                                                                                \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            sum += (double)x[i] * (double)x[i];                                                                        \
        }                                                                                                              \
        return sum;                                                                                                    \
    }                                                                                                                  \
    static void name##_norms(void *arg, int64_t begin, int64_t end) {                                                  \
        const struct lamb_update *update = arg;                                                                        \
        const real *p = update->call->value.data;                                                                      \
        double *squares = update->squares[begin / GRAIN];                                                              \
        real u[BLOCK];                                                                                                 \
        for (int64_t from = begin; from < end; from += BLOCK) {                                                        \
            const int64_t to = from + BLOCK < end ? from + BLOCK : end;                                                \
            name##_moments(update, from, to);                                                                          \
            name##_direction(update, from, to, u);                                                                     \
            squares[0] += name##_squares(p + from, to - from);                                                         \
            squares[1] += name##_squares(u, to - from);                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_apply(void *arg, int64_t begin, int64_t end) {                                                  \
        const struct lamb_update *update = arg;                                                                        \
        real *p = update->call->value.data;                                                                            \
        const real scale = (real)update->scale;                                                                        \
        real u[BLOCK];                                                                                                 \
        for (int64_t from = begin; from < end; from += BLOCK) {                                                        \
            const int64_t to = from + BLOCK < end ? from + BLOCK : end;                                                \
            name##_direction(update, from, to, u);                                                                     \
            for (int64_t i = from; i < to; i++) {                                                                      \
                p[i] -= scale * u[i - from];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }
LAMB_KERNEL(lamb_f32, float, sqrtf)
LAMB_KERNEL(lamb_f64, double, sqrt)

/* |p| / |u|, from sums that are always added in the order of the ranges, so that they do not depend on the number of
 * threads. */
static double trust_ratio(const struct lamb *lamb, double (*squares)[2], int64_t ranges) {
    double of_parameter = 0;
    double of_direction = 0;
    for (int64_t i = 0; i < ranges; i++) {
        of_parameter += squares[i][0];
        of_direction += squares[i][1];
    }
    const double ratio = of_parameter > 0 && of_direction > 0 ? sqrt(of_parameter / of_direction) : 1;
    return lamb->max_trust_ratio > 0 && ratio > lamb->max_trust_ratio ? lamb->max_trust_ratio : ratio;
}

static rondo_status lamb_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct lamb *lamb = call->options;
    const int is_f32 = call->value.dtype == RONDO_F32;
    if (!is_f32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const int64_t count = rondo_count(&call->value);
    const int64_t ranges = count / GRAIN + 1;
    const double t = (double)call->step;
    struct lamb_update update = {.call = call,
                                 .lamb = lamb,
                                 .correction1 = 1 - pow(lamb->beta1, t),
                                 .root_correction2 = sqrt(1 - pow(lamb->beta2, t)),
                                 .squares = ctx->host->alloc(ctx, (size_t)ranges * sizeof *update.squares)};
    if (update.squares == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t i = 0; i < ranges; i++) {
        update.squares[i][0] = update.squares[i][1] = 0;
    }
    ctx->host->parallel_for(ctx, count, GRAIN, is_f32 ? lamb_f32_norms : lamb_f64_norms, &update);
    update.scale = lamb->lr * call->lr_scale * trust_ratio(lamb, update.squares, ranges);
    ctx->host->parallel_for(ctx, count, GRAIN, is_f32 ? lamb_f32_apply : lamb_f64_apply, &update);
    return RONDO_OK;
}

static const rondo_optimizer lamb = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "lamb",
             .summary =
                 "p = p - lr |p| / |u| u, u = m / (sqrt(v) + epsilon) + weight_decay p, moments bias-corrected (You "
                 "et al. 2020, algorithm 2)",
             .options = lamb_options,
             .options_size = sizeof(struct lamb)},
    .slots = lamb_slots,
    .step = lamb_step,
};

RONDO_PLUGIN("lamb", "1.0", "MIT", &lamb.base);
