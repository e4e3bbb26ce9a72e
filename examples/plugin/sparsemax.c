/* sparsemax.c: like softmax, but with exact zeros: the point of the probability simplex that is nearest to x.
 *
 *     y = argmin_p |p - x|^2,   p_i >= 0,   sum_i p_i = 1,   for every row along the last axis
 *
 * Source: Martins & Astudillo, "From softmax to sparsemax", ICML 2016. The op has its own backward pass, because
 * the threshold is found by a search, and differentiating the steps of a search is useless.
 */
#include <math.h>
#include <stddef.h>

#include "parts.h"

/* Rows of n elements each, contiguous. */
struct sparsemax_rows {
    int32_t dtype;
    int64_t count, n;
    const void *x, *y, *grad_y; /* [count, n] */
    void *out;                  /* y, or dL/dx */
};

/* Proposition 1: y_i = max(x_i - t, 0) with t = (sum of x over S - 1) / |S| and S = {i: x_i > t}. S is found by
 * Michelot's algorithm (1986, "A finite algorithm for finding the projection of a point onto the canonical simplex"):
 * begin with all elements, and remove those at or below t until none is left to remove. The largest value is subtracted
 * from all values first, so that t loses no digits to a common offset. */
static double threshold(const struct sparsemax_rows *rows, int64_t begin, double highest) {
    double t = -INFINITY;
    int64_t size = rows->n + 1;
    for (int64_t before = 0; size != before;) {
        double sum = 0;
        before = size;
        size = 0;
        for (int64_t i = begin; i < begin + rows->n; i++) {
            const double x = element(rows->dtype, rows->x, i) - highest;
            if (x > t) {
                sum += x;
                size++;
            }
        }
        t = (sum - 1) / (double)size;
    }
    return t;
}

static void forward_rows(void *arg, int64_t begin, int64_t end) {
    const struct sparsemax_rows *rows = arg;
    for (int64_t row = begin; row < end; row++) {
        double highest = -INFINITY;
        for (int64_t i = row * rows->n; i < (row + 1) * rows->n; i++) {
            highest = fmax(highest, element(rows->dtype, rows->x, i));
        }
        const double t = threshold(rows, row * rows->n, highest);
        for (int64_t i = row * rows->n; i < (row + 1) * rows->n; i++) {
            set_element(rows->dtype, rows->out, i, fmax(element(rows->dtype, rows->x, i) - highest - t, 0));
        }
    }
}

/* Section 2.5: with g = dL/dy and S = {i: y_i > 0},   dL/dx_i = g_i - mean of g over S   in S, else 0 */
static void backward_rows(void *arg, int64_t begin, int64_t end) {
    const struct sparsemax_rows *rows = arg;
    for (int64_t row = begin; row < end; row++) {
        double sum = 0;
        int64_t size = 0;
        for (int64_t i = row * rows->n; i < (row + 1) * rows->n; i++) {
            if (element(rows->dtype, rows->y, i) > 0) {
                sum += element(rows->dtype, rows->grad_y, i);
                size++;
            }
        }
        for (int64_t i = row * rows->n; i < (row + 1) * rows->n; i++) {
            if (element(rows->dtype, rows->y, i) > 0) {
                const double change = element(rows->dtype, rows->grad_y, i) - sum / (double)size;
                set_element(rows->dtype, rows->out, i, element(rows->dtype, rows->out, i) + change);
            }
        }
    }
}

static struct sparsemax_rows rows_of(const rondo_tensor *x) {
    const int64_t n = x->shape[x->ndim - 1];
    return (struct sparsemax_rows){.dtype = x->dtype, .count = n == 0 ? 0 : rondo_count(x) / n, .n = n, .x = x->data};
}

/* The number of rows in a range: about a thousand elements, so that the work is worth starting a thread. */
static int64_t grain_of(const struct sparsemax_rows *rows) {
    return 4096 / (rows->n + 1) + 1;
}

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    if (x->dtype == RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' contains integers, expected f32 or f64");
    }
    if (x->ndim < 1 || x->shape[x->ndim - 1] < 1) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' has no last axis with an element, expected rows of 1 or more");
    }
    call->output = *x;
    call->output.data = NULL;
    return RONDO_OK;
}

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    struct sparsemax_rows rows = rows_of(&call->inputs[0]);
    rows.out = call->output.data;
    ctx->host->parallel_for(ctx, rows.count, grain_of(&rows), forward_rows, &rows);
    return RONDO_OK;
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    struct sparsemax_rows rows = rows_of(&call->inputs[0]);
    rows.y = call->output.data;
    rows.grad_y = call->grad_output->data;
    rows.out = call->grad_inputs[0].data;
    if (rows.out != NULL) { /* the gradient is requested */
        ctx->host->parallel_for(ctx, rows.count, grain_of(&rows), backward_rows, &rows);
    }
    return RONDO_OK;
}

/* Cases for the checks: one element, rows, a stack of matrices, no rows. */
static int32_t sample(int32_t index, rondo_sample *sample) {
    static const rondo_tensor shapes[] = {{.ndim = 1, .shape = {1}},
                                          {.ndim = 1, .shape = {6}},
                                          {.ndim = 2, .shape = {3, 5}},
                                          {.ndim = 3, .shape = {2, 3, 4}},
                                          {.ndim = 2, .shape = {0, 3}}};
    if (index >= (int32_t)(sizeof shapes / sizeof shapes[0])) {
        return 0;
    }
    sample->n_inputs = 1;
    sample->inputs[0] = shapes[index];
    sample->inputs[0].dtype = RONDO_F64;
    sample->low[0] = -1;
    sample->high[0] = 1;
    return 1;
}

const rondo_op sparsemax = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "sparsemax",
             .summary = "y = the probabilities nearest to x, many of them 0 (Martins & Astudillo 2016)"},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
