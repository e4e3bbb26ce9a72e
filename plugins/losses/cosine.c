/* plugins/losses/cosine.c: vectors, such as embeddings. Only the angle to the target counts, not the length.
 *
 * Source: Salton, Wong & Yang, "A vector space model for automatic indexing", Communications of the ACM 18, 1975.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

enum { SIMILARITY, ANGLE };
static const rondo_metric metrics[] = {
    {"similarity", RONDO_METRIC_MEAN, 1}, {"angle", RONDO_METRIC_MEAN, 0}, {0}}; /* the angle in degrees */

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(
            ctx, RONDO_INVALID,
            "targets have 1 number, expected 2 or more: one number has only a sign as its direction");
    }
    *size = call->target_size;
    return RONDO_OK;
}

static double largest_of(const rondo_tensor *tensor, int64_t begin, int64_t n) {
    double largest = 0;
    for (int64_t k = begin; k < begin + n; k++) {
        largest = fmax(largest, fabs(rondo_get(tensor, k)));
    }
    return largest;
}

/* The length of a row after division by its largest entry, so that no square overflows; 1 for a zero row. */
static double scaled_length(const rondo_tensor *tensor, int64_t begin, int64_t n, double largest) {
    double squares = 0;
    for (int64_t k = begin; largest > 0 && k < begin + n; k++) {
        const double part = rondo_get(tensor, k) / largest;
        squares += part * part;
    }
    return squares > 0 ? sqrt(squares) : 1;
}

/* The constants of the loss of a row. The cosine does not depend on the length of x, so x is scaled until its largest
 * entry is 1, which keeps its squares in range. A row of zeros has no direction: an `offset` of 1 instead of its length
 * makes the loss 1 and the gradient 0. */
struct constants {
    rondo_tensor direction; /* (rows, n) y / |y|; zeros if y is zero */
    rondo_tensor factor;    /* (rows, 1) 1 / max |x|; 0 if x is zero */
    rondo_tensor offset;    /* (rows) 1 if x is zero, else 0 */
};

static rondo_status fill(rondo_context *ctx, const rondo_tensor *x, const rondo_tensor *y,
                         struct constants *constants) {
    const int64_t rows = x->shape[0];
    const int64_t n = x->shape[1];
    constants->direction = (rondo_tensor){.dtype = x->dtype, .ndim = 2, .shape = {rows, n}};
    constants->factor = (rondo_tensor){.dtype = x->dtype, .ndim = 2, .shape = {rows, 1}};
    constants->offset = (rondo_tensor){.dtype = x->dtype, .ndim = 1, .shape = {rows}};
    constants->direction.data = ctx->host->alloc(ctx, (size_t)(rows * n) * sizeof(double));
    constants->factor.data = ctx->host->alloc(ctx, (size_t)rows * sizeof(double));
    constants->offset.data = ctx->host->alloc(ctx, (size_t)rows * sizeof(double));
    if (constants->direction.data == NULL || constants->factor.data == NULL || constants->offset.data == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    /* The inverse of a number below this is infinite. */
    const double smallest = x->dtype == RONDO_F32 ? FLT_MIN : DBL_MIN;
    for (int64_t row = 0; row < rows; row++) {
        const double of_x = largest_of(x, row * n, n);
        const double of_y = largest_of(y, row * n, n);
        const double length = scaled_length(y, row * n, n, of_y);
        for (int64_t k = row * n; k < row * n + n; k++) {
            rondo_set(&constants->direction, k, of_y > 0 ? rondo_get(y, k) / of_y / length : 0);
        }
        rondo_set(&constants->factor, row, of_x >= smallest ? 1 / of_x : 0);
        rondo_set(&constants->offset, row, of_x >= smallest ? 0 : 1);
    }
    return RONDO_OK;
}

/* With x the outputs and y the targets of a row:  loss = 1 - x . y / (|x| |y|) */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    (void)call;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows, n) */
    struct constants constants;
    if (x == NULL || y == NULL || fill(ctx, x, y, &constants) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value direction = ctx->host->constant(ctx, &constants.direction);
    const rondo_value factor = ctx->host->constant(ctx, &constants.factor);
    const rondo_value offset = ctx->host->constant(ctx, &constants.offset);
    const rondo_value scaled = rondo_apply2(ctx, "mul", NULL, outputs, factor);  /* (rows, n) */
    const rondo_value along = rondo_apply2(ctx, "mul", NULL, scaled, direction); /* (rows, n) */
    const rondo_value product = rondo_apply1(ctx, "sum", "axis=-1", along);      /* (rows) */
    const rondo_value square = rondo_apply1(ctx, "square", NULL, scaled);        /* (rows, n) */
    const rondo_value squares = rondo_apply1(ctx, "sum", "axis=-1", square);     /* (rows) */
    const rondo_value length = rondo_apply1(ctx, "sqrt", NULL, rondo_apply2(ctx, "add", NULL, squares, offset));
    const rondo_value cosine = rondo_apply2(ctx, "div", NULL, product, length);    /* (rows) */
    return rondo_apply2(ctx, "sub", NULL, rondo_number(ctx, x->dtype, 1), cosine); /* (rows) */
}

/* The similarity is the cosine of the angle between prediction and target; 0 if one of them is zero. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const double degrees = 57.295779513082320877; /* 180 / pi */
    const int64_t n = call->target_size;
    for (int64_t at = 0; at < rondo_count(targets); at += n) {
        const double of_x = largest_of(predictions, at, n);
        const double of_y = largest_of(targets, at, n);
        double product = 0;
        for (int64_t k = at; of_x > 0 && of_y > 0 && k < at + n; k++) {
            product += rondo_get(predictions, k) / of_x * (rondo_get(targets, k) / of_y);
        }
        const double cosine = product / scaled_length(predictions, at, n, of_x) / scaled_length(targets, at, n, of_y);
        sums[SIMILARITY] += cosine;
        sums[ANGLE] += degrees * acos(fmin(fmax(cosine, -1), 1));
    }
    return RONDO_OK;
}

static const rondo_loss cosine = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "cosine",
             .summary = "1 - x . y / (|x| |y|): the angle between output and target (Salton et al. 1975)"},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .measure = measure,
};

RONDO_PLUGIN("cosine", "1.0", "MIT", &cosine.base);
