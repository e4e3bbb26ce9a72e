/* plugins/optimizers/adafactor.c: Adafactor, which stores the second moment of a matrix as one row and one column.
 *
 * Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018, algorithms 4
 * and 5. The same numbers as PyTorch's torch.optim.Adafactor, which departs from the paper: lr bounds the relative step
 * size (the paper's constant is 0.01), weight decay is decoupled and multiplied by lr, eps1 is a floor of the root of
 * the second moment rather than a part of the squared gradient, and rows and columns keep means, not sums.
 *
 * A tensor with more than two dimensions is a stack of matrices over its last two. A tensor with fewer dimensions keeps
 * its full second moment. Rows and columns are treated alike, so it does not matter that PyTorch stores weights
 * transposed.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

struct adafactor {
    double lr;
    double beta2_decay;
    double eps1;
    double eps2;
    double d;
    double weight_decay;
};

static const rondo_option adafactor_options[] = {
    RONDO_OPTION_REAL(struct adafactor, lr, "0.01", 0, 1000, "upper bound of the relative step size"),
    RONDO_OPTION_REAL(struct adafactor, beta2_decay, "-0.8", -100, 0,
                      "update t adds the new squared gradient to the mean square with the share t^beta2_decay"),
    RONDO_OPTION_REAL(struct adafactor, eps1, "0", 0, 1,
                      "lower bound of the root of the mean square; 0: the precision of the dtype"),
    RONDO_OPTION_REAL(struct adafactor, eps2, "0.001", 0, 1000,
                      "lower bound of the root mean square of a parameter, which scales the step"),
    RONDO_OPTION_REAL(struct adafactor, d, "1", 1, 1e30, "upper bound of the root mean square of an update"),
    RONDO_OPTION_REAL(struct adafactor, weight_decay, "0", 0, 1000,
                      "weight decay; each update subtracts lr times this times the parameter"),
    RONDO_OPTION_END,
};

enum slot { SLOT_ROW, SLOT_COLUMN, SLOT_FULL };
static const rondo_slot adafactor_slots[] = {{"row", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE},
                                             {"column", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE},
                                             {"second_moment", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE},
                                             {0}};

/* For a parameter [.., rows, columns]: row [.., rows], column [.., columns]. */
static rondo_status adafactor_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                          const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)ctx;
    (void)options;
    const int32_t ndim = parameter->ndim;
    if ((slot == SLOT_FULL) != (ndim < 2)) {
        return RONDO_OK;
    }
    *shape = *parameter;
    if (slot != SLOT_FULL) {
        shape->ndim = ndim - 1;
        shape->shape[ndim - 2] = parameter->shape[slot == SLOT_ROW ? ndim - 2 : ndim - 1];
    }
    return RONDO_OK;
}

enum {
    GRAIN = 16 * 1024, /* smallest number of elements in a range: enough work for a thread */
    MAX_RANGES = 64,   /* of one matrix; each range has its own sums of columns */
    BLOCK = 256 /* elements of a row that are handled together, so that the update stays in the first-level cache */
};

/* One update of one parameter: of a stack of matrices, or of a vector as a stack of one row. */
struct adafactor_update {
    const rondo_optimizer_call *call;
    int64_t matrices, rows, columns;
    int64_t range_rows, ranges; /* rows of a range, and ranges of a matrix */
    int factored;
    int64_t matrix;      /* the matrix that the pass is on */
    double new_share;    /* share of the new value in the mean square: t^beta2_decay */
    double eps1;         /* the floor of the root */
    double *squares;     /* [ranges] a sum of squares of each range */
    double *column_sums; /* [ranges][columns] of squared gradients, for each range */
    double *row_mean;    /* [matrices] mean of the row factor */
    double keep, step;   /* share of the parameter that weight decay leaves; alpha, clipped */
};

/* With gradient g [rows, columns], parameter p, row factor r, column factor c (0 at first), step number t, weight decay
 * w, RMS the root mean square over the whole parameter:
 *     rho   = min(lr, 1 / sqrt(t))
 *     alpha = rho max(eps2, RMS(p))
 *     p <- p - lr w p
 *     r_i <- r_i + t^beta2_decay (mean_j(g_ij^2) - r_i)
 *     c_j <- c_j + t^beta2_decay (mean_i(g_ij^2) - c_j)
 *     v_ij = r_i c_j / max(mean_i(r_i), eps1)
 *     u    = g / max(sqrt(v), eps1)
 *     p <- p - alpha u / max(1, RMS(u) / d)
 * A vector has v <- v + t^beta2_decay (g^2 - v) in place of r and c.
 * Three passes: moments, the norm of u, the step; each over ranges of whole rows. */
#define ADAFACTOR_KERNEL(name, real, square_root)                                                                      \
    static double name##_squares(const real *x, int64_t count) {                                                       \
        double sum = 0;                                                                                                \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            sum += (double)x[i] * (double)x[i];                                                                        \
        }                                                                                                              \
        return sum;                                                                                                    \
    }                                                                                                                  \
    static void name##_size(void *arg, int64_t begin, int64_t end) {                                                   \
        const struct adafactor_update *update = arg;                                                                   \
        const real *p = (const real *)update->call->value.data + update->matrix * update->rows * update->columns;      \
        update->squares[begin / update->range_rows] =                                                                  \
            name##_squares(p + begin * update->columns, (end - begin) * update->columns);                              \
    }                                                                                                                  \
    static void name##_moments(void *arg, int64_t begin, int64_t end) {                                                \
        const struct adafactor_update *update = arg;                                                                   \
        const int64_t n = update->columns;                                                                             \
        const real *gradient = (const real *)update->call->gradient.data + update->matrix * update->rows * n;          \
        const real fresh = (real)update->new_share;                                                                    \
        if (!update->factored) {                                                                                       \
            real *v = update->call->slots[SLOT_FULL].data;                                                             \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                v[j] += fresh * (gradient[j] * gradient[j] - v[j]);                                                    \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        real *row = (real *)update->call->slots[SLOT_ROW].data + update->matrix * update->rows;                        \
        double *sums = update->column_sums + begin / update->range_rows * n;                                           \
        for (int64_t j = 0; j < n; j++) {                                                                              \
            sums[j] = 0;                                                                                               \
        }                                                                                                              \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const real *g = gradient + i * n;                                                                          \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                sums[j] += (double)g[j] * (double)g[j];                                                                \
            }                                                                                                          \
            row[i] += fresh * ((real)(name##_squares(g, n) / (double)n) - row[i]);                                     \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_factors(struct adafactor_update *update) {                                                      \
        const int64_t n = update->columns;                                                                             \
        const real *row = (const real *)update->call->slots[SLOT_ROW].data + update->matrix * update->rows;            \
        real *column = (real *)update->call->slots[SLOT_COLUMN].data + update->matrix * n;                             \
        const real fresh = (real)update->new_share;                                                                    \
        double *sums = update->column_sums;                                                                            \
        for (int64_t k = 1; k < update->ranges; k++) {                                                                 \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                sums[j] += sums[k * n + j];                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t j = 0; j < n; j++) {                                                                              \
            column[j] += fresh * ((real)(sums[j] / (double)update->rows) - column[j]);                                 \
        }                                                                                                              \
        double sum = 0;                                                                                                \
        for (int64_t i = 0; i < update->rows; i++) {                                                                   \
            sum += (double)row[i];                                                                                     \
        }                                                                                                              \
        update->row_mean[update->matrix] = sum / (double)update->rows;                                                 \
    }                                                                                                                  \
    /* u of row i, columns from .. to - 1. */                                                                          \
    static void name##_direction(const struct adafactor_update *update, int64_t i, int64_t from, int64_t to,           \
                                 real *u) {                                                                            \
        const int64_t n = update->columns;                                                                             \
        const real *g = (const real *)update->call->gradient.data + (update->matrix * update->rows + i) * n;           \
        const real *column = update->call->slots[SLOT_FULL].data;                                                      \
        real of_row = 1;                                                                                               \
        if (update->factored) {                                                                                        \
            const real *row = update->call->slots[SLOT_ROW].data;                                                      \
            column = (const real *)update->call->slots[SLOT_COLUMN].data + update->matrix * n;                         \
            of_row = row[update->matrix * update->rows + i];                                                           \
            of_row /= (real)fmax(update->row_mean[update->matrix], update->eps1);                                      \
        }                                                                                                              \
        const real floor_of_root = (real)update->eps1;                                                                 \
        for (int64_t j = from; j < to; j++) {                                                                          \
            const real root = square_root(of_row * column[j]);                                                         \
            u[j - from] = g[j] / (root > floor_of_root ? root : floor_of_root);                                        \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_norm(void *arg, int64_t begin, int64_t end) {                                                   \
        const struct adafactor_update *update = arg;                                                                   \
        real u[BLOCK];                                                                                                 \
        double sum = 0;                                                                                                \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            for (int64_t from = 0; from < update->columns; from += BLOCK) {                                            \
                const int64_t to = from + BLOCK < update->columns ? from + BLOCK : update->columns;                    \
                name##_direction(update, i, from, to, u);                                                              \
                sum += name##_squares(u, to - from);                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        update->squares[begin / update->range_rows] = sum;                                                             \
    }                                                                                                                  \
    static void name##_apply(void *arg, int64_t begin, int64_t end) {                                                  \
        const struct adafactor_update *update = arg;                                                                   \
        const real step = (real)update->step;                                                                          \
        const real keep = (real)update->keep;                                                                          \
        real u[BLOCK];                                                                                                 \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            real *p = update->call->value.data;                                                                        \
            p += (update->matrix * update->rows + i) * update->columns;                                                \
            for (int64_t from = 0; from < update->columns; from += BLOCK) {                                            \
                const int64_t to = from + BLOCK < update->columns ? from + BLOCK : update->columns;                    \
                name##_direction(update, i, from, to, u);                                                              \
                for (int64_t j = from; j < to; j++) {                                                                  \
                    p[j] = keep * p[j] - step * u[j - from];                                                           \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
ADAFACTOR_KERNEL(adafactor_f32, float, sqrtf)
ADAFACTOR_KERNEL(adafactor_f64, double, sqrt)

/* The functions and constants of one dtype. */
struct kernels {
    void (*size)(void *arg, int64_t begin, int64_t end);
    void (*moments)(void *arg, int64_t begin, int64_t end);
    void (*factors)(struct adafactor_update *update);
    void (*norm)(void *arg, int64_t begin, int64_t end);
    void (*apply)(void *arg, int64_t begin, int64_t end);
};
static const struct kernels kernels_f32 = {adafactor_f32_size, adafactor_f32_moments, adafactor_f32_factors,
                                           adafactor_f32_norm, adafactor_f32_apply};
static const struct kernels kernels_f64 = {adafactor_f64_size, adafactor_f64_moments, adafactor_f64_factors,
                                           adafactor_f64_norm, adafactor_f64_apply};

/* One pass over the rows of the current matrix. */
static void pass(rondo_context *ctx, struct adafactor_update *update,
                 void (*body)(void *arg, int64_t begin, int64_t end)) {
    ctx->host->parallel_for(ctx, update->rows, update->range_rows, body, update);
}

/* The sum of update->squares, always in the order of the ranges, so that it does not depend on the number of
 * threads. */
static double squares_of(const struct adafactor_update *update) {
    double sum = 0;
    for (int64_t k = 0; k < update->ranges; k++) {
        sum += update->squares[k];
    }
    return sum;
}

static struct adafactor_update update_of(const rondo_optimizer_call *call) {
    const rondo_tensor *value = &call->value;
    struct adafactor_update update = {
        .call = call, .factored = value->ndim >= 2, .rows = 1, .columns = rondo_count(value)};
    if (update.factored) {
        update.rows = value->shape[value->ndim - 2];
        update.columns = value->shape[value->ndim - 1];
    }
    update.matrices = rondo_count(value) / (update.rows * update.columns);
    const int64_t worth = GRAIN / update.columns + 1;
    const int64_t even = (update.rows + MAX_RANGES - 1) / MAX_RANGES;
    update.range_rows = worth > even ? worth : even;
    update.ranges = (update.rows + update.range_rows - 1) / update.range_rows;
    return update;
}

static rondo_status adafactor_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct adafactor *adafactor = call->options;
    const int is_f32 = call->value.dtype == RONDO_F32;
    if (!is_f32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    if (rondo_count(&call->value) == 0) {
        return RONDO_OK;
    }
    const struct kernels *kernels = is_f32 ? &kernels_f32 : &kernels_f64;
    struct adafactor_update update = update_of(call);
    const size_t ranges = (size_t)update.ranges;
    update.squares = ctx->host->alloc(ctx, ranges * sizeof *update.squares);
    update.column_sums = ctx->host->alloc(ctx, ranges * (size_t)update.columns * sizeof *update.column_sums);
    update.row_mean = ctx->host->alloc(ctx, (size_t)update.matrices * sizeof *update.row_mean);
    if (update.squares == NULL || update.column_sums == NULL || update.row_mean == NULL) {
        return RONDO_NO_MEMORY;
    }
    const double t = (double)call->step;
    const double count = (double)rondo_count(&call->value);
    const double lr = adafactor->lr * call->lr_scale;
    update.new_share = pow(t, adafactor->beta2_decay);
    update.eps1 = adafactor->eps1 > 0 ? adafactor->eps1 : is_f32 ? (double)FLT_EPSILON : DBL_EPSILON;
    update.keep = 1 - lr * adafactor->weight_decay;
    double of_parameter = 0;
    double of_update = 0;
    for (update.matrix = 0; update.matrix < update.matrices; update.matrix++) {
        pass(ctx, &update, kernels->size);
        of_parameter += squares_of(&update);
        pass(ctx, &update, kernels->moments);
        if (update.factored) {
            kernels->factors(&update);
        }
        pass(ctx, &update, kernels->norm);
        of_update += squares_of(&update);
    }
    const double alpha = fmin(lr, 1 / sqrt(t)) * fmax(adafactor->eps2, sqrt(of_parameter / count));
    update.step = alpha / fmax(1, sqrt(of_update / count) / adafactor->d);
    for (update.matrix = 0; update.matrix < update.matrices; update.matrix++) {
        pass(ctx, &update, kernels->apply);
    }
    return RONDO_OK;
}

static const rondo_optimizer adafactor = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "adafactor",
             .summary =
                 "p = p - alpha u / max(1, RMS(u) / d), u = g / sqrt(v), v of a matrix kept as a row and a column "
                 "(Shazeer and Stern 2018)",
             .options = adafactor_options,
             .options_size = sizeof(struct adafactor)},
    .slots = adafactor_slots,
    .step = adafactor_step,
    .choose_slot = adafactor_choose_slot,
};

RONDO_PLUGIN("adafactor", "1.0", "MIT", &adafactor.base);
