/* plugins/optimizers/muon.c: Muon, momentum whose singular values are all brought near to 1, for matrices; AdamW for
 * other parameters.
 *
 * Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024
 * (kellerjordan.github.io/posts/muon); match_rms_adamw and the weight decay: Liu et al., "Muon is scalable for LLM
 * training", 2025 (arXiv:2502.16982), equation 4. The equations of PyTorch's torch.optim.Muon, with two differences:
 *   - the Newton-Schulz iteration runs in the parameter's own type; PyTorch's runs in bfloat16;
 *   - a weight is [inputs, outputs] in Rondo and [outputs, inputs] in PyTorch: the factor `original` on the learning
 *     rate is that of the same layer there, sqrt(max(1, outputs / inputs)).
 * Parameters that do not have two dimensions (biases, gains, stacks of matrices) are updated by AdamW with the options
 * adamw_…, and so is every parameter of a group with `matrices` false: embeddings and the output layer, which the
 * source advises.
 */
#include <math.h>
#include <string.h>

#include "rondo/plugin.h"

enum adjust { ADJUST_ORIGINAL = 0, ADJUST_MATCH_RMS_ADAMW = 1 };
static const char *const adjust_names[] = {"original", "match_rms_adamw", NULL};

struct muon {
    double lr;
    double momentum;
    int32_t nesterov;
    int32_t adjust_lr_fn; /* enum adjust */
    double weight_decay;
    rondo_reals ns_coefficients;
    int64_t ns_steps;
    double epsilon;
    int32_t matrices;
    double adamw_lr;
    double adamw_beta1;
    double adamw_beta2;
    double adamw_epsilon;
    double adamw_weight_decay;
};

static const rondo_option muon_options[] = {
    RONDO_OPTION_REAL(struct muon, lr, "0.001", 0, 1000, "learning rate of matrices"),
    RONDO_OPTION_REAL(struct muon, momentum, "0.95", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_BOOL(struct muon, nesterov, "true", "use Nesterov momentum"),
    RONDO_OPTION_CHOICE(struct muon, adjust_lr_fn, "original", adjust_names,
                        "factor on lr: original, sqrt(max(1, outputs / inputs)); match_rms_adamw, 0.2 sqrt(max(both))"),
    RONDO_OPTION_REAL(struct muon, weight_decay, "0", 0, 1000,
                      "weight decay of matrices; each update subtracts lr times this times the matrix"),
    RONDO_OPTION_REALS(struct muon, ns_coefficients, "[3.4445, -4.775, 2.0315]", -1000, 1000,
                       "a, b and c of the Newton-Schulz iteration a X + (b G + c G^2) X, G = X X^T"),
    RONDO_OPTION_INT(struct muon, ns_steps, "5", 1, 99, "number of Newton-Schulz iterations"),
    RONDO_OPTION_REAL(struct muon, epsilon, "1e-7", 1e-30, 1,
                      "lower bound of the norm that the momentum is divided by"),
    RONDO_OPTION_BOOL(struct muon, matrices, "true",
                      "false: use AdamW for matrices too (for embeddings and the output layer)"),
    RONDO_OPTION_REAL(struct muon, adamw_lr, "0", 0, 1000, "AdamW: learning rate; 0: lr"),
    RONDO_OPTION_REAL(struct muon, adamw_beta1, "0.9", 0, 0.9999999, "AdamW: decay of the mean of the gradient"),
    RONDO_OPTION_REAL(struct muon, adamw_beta2, "0.999", 0, 0.9999999, "AdamW: decay of the mean of its square"),
    RONDO_OPTION_REAL(struct muon, adamw_epsilon, "1e-8", 1e-30, 1, "AdamW: added to the root of the mean square"),
    RONDO_OPTION_REAL(struct muon, adamw_weight_decay, "0", 0, 1000, "AdamW: weight decay"),
    RONDO_OPTION_END,
};

/* The first slot is Muon's momentum or AdamW's mean: both are means of the gradient. Only AdamW has the second. */
static const rondo_slot muon_slots[] = {{"first_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                        {"second_moment", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE},
                                        {0}};

static int by_adamw(const struct muon *muon, const rondo_tensor *parameter) {
    return !muon->matrices || parameter->ndim != 2;
}

static rondo_status muon_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                     const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)ctx;
    (void)slot;
    if (by_adamw(options, parameter)) {
        *shape = *parameter;
    }
    return RONDO_OK;
}

static rondo_status muon_check(rondo_context *ctx, const void *options) {
    const struct muon *muon = options;
    if (muon->ns_coefficients.count != 3) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'ns_coefficients' has %lld numbers, expected 3: a, b and c",
                               (long long)muon->ns_coefficients.count);
    }
    return RONDO_OK;
}

enum { GRAIN = 16 * 1024 }; /* elements in a range: enough work for a thread */

/* One update of one parameter. */
struct muon_update {
    const rondo_optimizer_call *call;
    const struct muon *muon;
    void *x;         /* like the parameter: the direction of the step */
    double *squares; /* [ranges] sums of squares of x */
    double norm;     /* norm of x, at least epsilon */
    double lr, keep; /* rate of the step, and share of the parameter that weight decay leaves */
};

/* For a matrix, with gradient g, parameter p, momentum m (0 at first), weight decay w:
 *     m <- momentum m + (1 - momentum) g
 *     x <- momentum m + (1 - momentum) g     with nesterov
 *     x <- m                                 without
 *     x <- newton_schulz(x / max(|x|, epsilon)), |x| the Frobenius norm
 *     p <- p - lr w p - factor lr x
 * For any other parameter, with moments m and v, step number t:
 *     m <- beta1 m + (1 - beta1) g
 *     v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr w p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon) */
#define MUON_KERNEL(name, real, square_root)                                                                           \
    static void name##_momentum(void *arg, int64_t begin, int64_t end) {                                               \
        const struct muon_update *update = arg;                                                                        \
        const real *g = update->call->gradient.data;                                                                   \
        real *m = update->call->slots[0].data;                                                                         \
        real *x = update->x;                                                                                           \
        const real fresh = (real)(1 - update->muon->momentum);                                                         \
        const real ahead = update->muon->nesterov ? fresh : 0;                                                         \
        double sum = 0;                                                                                                \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            m[i] += fresh * (g[i] - m[i]);                                                                             \
            x[i] = m[i] + ahead * (g[i] - m[i]);                                                                       \
        }                                                                                                              \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            sum += (double)x[i] * (double)x[i];                                                                        \
        }                                                                                                              \
        update->squares[begin / GRAIN] = sum;                                                                          \
    }                                                                                                                  \
    static void name##_normalise(void *arg, int64_t begin, int64_t end) {                                              \
        const struct muon_update *update = arg;                                                                        \
        real *x = update->x;                                                                                           \
        const real scale = (real)(1 / update->norm);                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            x[i] *= scale;                                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_apply(void *arg, int64_t begin, int64_t end) {                                                  \
        const struct muon_update *update = arg;                                                                        \
        real *p = update->call->value.data;                                                                            \
        const real *x = update->x;                                                                                     \
        const real lr = (real)update->lr;                                                                              \
        const real keep = (real)update->keep;                                                                          \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            p[i] = keep * p[i] - lr * x[i];                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_adamw(void *arg, int64_t begin, int64_t end) {                                                  \
        const struct muon_update *update = arg;                                                                        \
        const struct muon *muon = update->muon;                                                                        \
        const real *g = update->call->gradient.data;                                                                   \
        real *p = update->call->value.data;                                                                            \
        real *m = update->call->slots[0].data;                                                                         \
        real *v = update->call->slots[1].data;                                                                         \
        const double t = (double)update->call->step;                                                                   \
        const real step_size = (real)(update->lr / (1 - pow(muon->adamw_beta1, t)));                                   \
        const real root_correction = (real)sqrt(1 - pow(muon->adamw_beta2, t));                                        \
        const real keep = (real)update->keep;                                                                          \
        const real new1 = (real)(1 - muon->adamw_beta1);                                                               \
        const real beta2 = (real)muon->adamw_beta2;                                                                    \
        const real new2 = (real)(1 - muon->adamw_beta2);                                                               \
        const real epsilon = (real)muon->adamw_epsilon;                                                                \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            m[i] += new1 * (g[i] - m[i]);                                                                              \
            v[i] = beta2 * v[i] + new2 * g[i] * g[i];                                                                  \
            p[i] = keep * p[i] - step_size * m[i] / (square_root(v[i]) / root_correction + epsilon);                   \
        }                                                                                                              \
    }
MUON_KERNEL(muon_f32, float, sqrtf)
MUON_KERNEL(muon_f64, double, sqrt)

/* The work areas of the iteration. */
struct muon_work {
    int32_t dtype;
    int64_t rows, columns, side; /* side: the smaller of the two */
    size_t matrix_bytes, gram_bytes;
    void *x, *next;     /* [rows, columns] */
    void *gram, *mixed; /* [side, side] */
};

static rondo_matrix matrix_of(const void *data, int64_t columns, int transposed) {
    return (rondo_matrix){.data = data, .leading = columns, .transposed = transposed};
}

/* One iteration, with coefficients a, b, c:
 *     G <- X X^T                        or X^T X, if X has more rows than columns
 *     X <- a X + (b G + c G^2) X        or a X + X (b G + c G^2)
 * host->product adds to its result, so the result is first set to a copy. */
static rondo_status iterate(rondo_context *ctx, const double *abc, const struct muon_work *work) {
    const int64_t side = work->side;
    const int tall = work->rows > work->columns;
    const rondo_matrix gram = matrix_of(work->gram, side, 0);
    const rondo_matrix mixed = matrix_of(work->mixed, side, 0);
    const rondo_matrix x = matrix_of(work->x, work->columns, 0);
    const rondo_matrix x_transposed = matrix_of(work->x, work->columns, 1);
    rondo_product product = {.struct_size = sizeof product, .dtype = work->dtype, .stack = 1};

    product.m = product.n = side;
    product.k = tall ? work->rows : work->columns;
    product.a = tall ? x_transposed : x;
    product.b = tall ? x : x_transposed;
    product.alpha = 1;
    product.c = work->gram;
    rondo_status status = ctx->host->product(ctx, &product);

    memcpy(work->mixed, work->gram, work->gram_bytes);
    product.k = side;
    product.a = product.b = gram;
    product.alpha = abc[2];
    product.beta = abc[1];
    product.c = work->mixed;
    status = status == RONDO_OK ? ctx->host->product(ctx, &product) : status;

    memcpy(work->next, work->x, work->matrix_bytes);
    product.m = work->rows;
    product.n = work->columns;
    product.a = tall ? x : mixed;
    product.b = tall ? mixed : x;
    product.alpha = 1;
    product.beta = abc[0];
    product.c = work->next;
    return status == RONDO_OK ? ctx->host->product(ctx, &product) : status;
}

static rondo_status newton_schulz(rondo_context *ctx, const struct muon *muon, struct muon_work *work) {
    for (int64_t step = 0; step < muon->ns_steps; step++) {
        const rondo_status status = iterate(ctx, muon->ns_coefficients.values, work);
        if (status != RONDO_OK) {
            return status;
        }
        void *old = work->x;
        work->x = work->next;
        work->next = old;
    }
    return RONDO_OK;
}

static double adjusted(const struct muon *muon, double inputs, double outputs) {
    if (muon->adjust_lr_fn == ADJUST_MATCH_RMS_ADAMW) {
        return 0.2 * sqrt(fmax(inputs, outputs));
    }
    return sqrt(fmax(1, outputs / inputs));
}

static double norm_of(const double *squares, int64_t ranges) {
    double sum = 0;
    for (int64_t i = 0; i < ranges; i++) {
        sum += squares[i];
    }
    return sqrt(sum);
}

/* The caller has returned already for an empty tensor. */
static rondo_status update_matrix(rondo_context *ctx, struct muon_update *update) {
    const rondo_host *host = ctx->host;
    const rondo_tensor *value = &update->call->value;
    const struct muon *muon = update->muon;
    const int is_f32 = value->dtype == RONDO_F32;
    const int64_t count = rondo_count(value);
    const int64_t ranges = (count + GRAIN - 1) / GRAIN;
    const size_t size = is_f32 ? sizeof(float) : sizeof(double);
    struct muon_work work = {.dtype = value->dtype, .rows = value->shape[0], .columns = value->shape[1]};
    work.side = work.rows < work.columns ? work.rows : work.columns;
    work.matrix_bytes = (size_t)count * size;
    work.gram_bytes = (size_t)(work.side * work.side) * size;
    work.x = host->alloc(ctx, work.matrix_bytes);
    work.next = host->alloc(ctx, work.matrix_bytes);
    work.gram = host->alloc(ctx, work.gram_bytes);
    work.mixed = host->alloc(ctx, work.gram_bytes);
    update->squares = host->alloc(ctx, (size_t)ranges * sizeof *update->squares);
    if (work.x == NULL || work.next == NULL || work.gram == NULL || work.mixed == NULL || update->squares == NULL) {
        return RONDO_NO_MEMORY;
    }
    update->x = work.x;
    host->parallel_for(ctx, count, GRAIN, is_f32 ? muon_f32_momentum : muon_f64_momentum, update);
    update->norm = fmax(norm_of(update->squares, ranges), muon->epsilon);
    host->parallel_for(ctx, count, GRAIN, is_f32 ? muon_f32_normalise : muon_f64_normalise, update);
    const rondo_status status = newton_schulz(ctx, muon, &work);
    if (status != RONDO_OK) {
        return status;
    }
    update->x = work.x;
    const double lr = muon->lr * update->call->lr_scale;
    update->keep = 1 - lr * muon->weight_decay;
    update->lr = lr * adjusted(muon, (double)work.rows, (double)work.columns);
    host->parallel_for(ctx, count, GRAIN, is_f32 ? muon_f32_apply : muon_f64_apply, update);
    return RONDO_OK;
}

static rondo_status muon_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int is_f32 = call->value.dtype == RONDO_F32;
    if (!is_f32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const struct muon *muon = call->options;
    const int64_t count = rondo_count(&call->value);
    struct muon_update update = {.call = call, .muon = muon};
    if (count == 0) {
        return RONDO_OK;
    }
    if (!by_adamw(muon, &call->value)) {
        return update_matrix(ctx, &update);
    }
    update.lr = (muon->adamw_lr > 0 ? muon->adamw_lr : muon->lr) * call->lr_scale;
    update.keep = 1 - update.lr * muon->adamw_weight_decay;
    ctx->host->parallel_for(ctx, count, GRAIN, is_f32 ? muon_f32_adamw : muon_f64_adamw, &update);
    return RONDO_OK;
}

static const rondo_optimizer muon = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "muon",
             .summary = "matrices: p = p - lr NewtonSchulz(momentum) (Jordan et al. 2024); anything else: AdamW",
             .options = muon_options,
             .options_size = sizeof(struct muon)},
    .slots = muon_slots,
    .check = muon_check,
    .step = muon_step,
    .choose_slot = muon_choose_slot,
};

RONDO_PLUGIN("muon", "1.0", "MIT", &muon.base);
