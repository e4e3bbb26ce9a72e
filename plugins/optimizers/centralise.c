/* plugins/optimizers/centralise.c: gradient centralisation; a wrapper before any optimizer.
 *
 * Source: Yong et al., "Gradient centralization: a new optimization technique for deep neural networks", ECCV 2020,
 * equation 1: the gradient of the weights of one output has mean 0. Rondo's weights are [inputs, outputs], so the mean
 * is that of a column; with more dimensions it is the mean over all dimensions but the last. Vectors (biases, gains)
 * and scalars are not changed. As in the authors' code, weight decay is not centralised, because the optimizer applies
 * it later.
 */
#include "rondo/plugin.h"

/* Columns of a range: a few cache lines of each row. */
enum { GRAIN = 64 };

/* A gradient as a matrix. */
struct matrix {
    void *data;
    int64_t rows, columns;
};

/* With gradient g [rows, columns], for every column j:
 *     g_ij <- g_ij - mean_i(g_ij)
 * Rows are read one after the other, for all columns of a range together, so that reads are contiguous. */
#define CENTRALISE_KERNEL(name, real)                                                                                  \
    static void name(void *arg, int64_t begin, int64_t end) {                                                          \
        const struct matrix *matrix = arg;                                                                             \
        const int64_t width = end - begin;                                                                             \
        real *g = (real *)matrix->data + begin;                                                                        \
        double sum[GRAIN] = {0};                                                                                       \
        real mean[GRAIN];                                                                                              \
        for (int64_t i = 0; i < matrix->rows; i++) {                                                                   \
            for (int64_t j = 0; j < width; j++) {                                                                      \
                sum[j] += (double)g[i * matrix->columns + j];                                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t j = 0; j < width; j++) {                                                                          \
            mean[j] = (real)(sum[j] / (double)matrix->rows);                                                           \
        }                                                                                                              \
        for (int64_t i = 0; i < matrix->rows; i++) {                                                                   \
            for (int64_t j = 0; j < width; j++) {                                                                      \
                g[i * matrix->columns + j] -= mean[j];                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }
CENTRALISE_KERNEL(centralise_f32, float)
CENTRALISE_KERNEL(centralise_f64, double)

static rondo_status centralise_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const rondo_tensor *gradient = &call->gradient;
    const int is_f32 = gradient->dtype == RONDO_F32;
    if (!is_f32 && gradient->dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const int64_t count = rondo_count(gradient);
    if (gradient->ndim < 2 || count == 0) {
        return RONDO_OK;
    }
    const int64_t columns = gradient->shape[gradient->ndim - 1];
    struct matrix matrix = {.data = gradient->data, .rows = count / columns, .columns = columns};
    ctx->host->parallel_for(ctx, columns, GRAIN, is_f32 ? centralise_f32 : centralise_f64, &matrix);
    return RONDO_OK;
}

static const rondo_optimizer centralise = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "centralise",
             .summary =
                 "g = g - mean of g over the inputs of each output, for matrices (gradient centralisation, Yong et "
                 "al. 2020, equation 1)"},
    .stage = RONDO_STAGE_GRADIENT,
    .step = centralise_step,
};

RONDO_PLUGIN("centralise", "1.0", "MIT", &centralise.base);
