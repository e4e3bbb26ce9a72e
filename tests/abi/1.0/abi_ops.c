/* tests/abi/1.0/abi_ops.c: general ops as of ABI 1.0, which use what the host offers to ops.
 *
 *     abi_affine    y = gain x @ w, by host->product, with the sum of each row of x in `saved`
 *     abi_mask      y = x m / (1 - rate), m random in training: 0 with probability rate; else y = x
 *     abi_first     y = x without the rows from `rows` on: a view
 */
#include <stddef.h>
#include <string.h>

#include "element.h"

/* Shapes of a sample. */
static int32_t fill(rondo_sample *sample, int32_t n_inputs, const int64_t shapes[][2], const char *options) {
    sample->n_inputs = n_inputs;
    sample->options = options;
    for (int32_t k = 0; k < n_inputs; k++) {
        sample->inputs[k].dtype = RONDO_F64;
        sample->inputs[k].ndim = 2;
        memcpy(sample->inputs[k].shape, shapes[k], sizeof shapes[k]);
        sample->low[k] = -1;
        sample->high[k] = 1;
    }
    return 1;
}

/* ---- abi_affine ---- */

struct affine {
    rondo_ints gain; /* [2]: their product */
};
static const rondo_option affine_options[] = {
    RONDO_OPTION_INTS(struct affine, gain, "[1, 2]", 1, 9, "two factors"),
    RONDO_OPTION_END,
};

static double gain_of(const void *options) {
    const rondo_ints *gain = &((const struct affine *)options)->gain;
    double product = 1;
    for (int32_t i = 0; i < gain->count; i++) {
        product *= (double)gain->values[i];
    }
    return product;
}

static rondo_status affine_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *w = &call->inputs[1];
    if (x->dtype == RONDO_I32 || x->dtype != w->dtype) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' and 'w' have other dtypes, expected the same of f32 and f64");
    }
    if (x->ndim != 2 || w->ndim != 2 || x->shape[1] != w->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' has %lld columns in %d dimensions, 'w' %lld rows in %d",
                               (long long)x->shape[1], (int)x->ndim, (long long)w->shape[0], (int)w->ndim);
    }
    call->output = (rondo_tensor){.dtype = x->dtype, .ndim = 2, .shape = {x->shape[0], w->shape[1]}};
    call->saved_bytes = (size_t)x->shape[0] * sizeof(double);
    call->scratch_bytes = 64;
    return RONDO_OK;
}

/* What a range of rows works on. */
struct sums {
    const rondo_tensor *x;
    double *sums;
};

static void sum_rows(void *arg, int64_t begin, int64_t end) {
    const struct sums *work = arg;
    for (int64_t row = begin; row < end; row++) {
        work->sums[row] = 0;
        for (int64_t k = row * work->x->shape[1]; k < (row + 1) * work->x->shape[1]; k++) {
            work->sums[row] += get(work->x->dtype, work->x->data, k);
        }
    }
}

/* c = gain a @ b + beta c; each matrix without gaps, [rows, columns] as it is stored. */
static rondo_status multiply(rondo_context *ctx, const rondo_op_call *call, rondo_matrix a, rondo_matrix b,
                             const rondo_tensor *c, double beta) {
    const int64_t inner = a.transposed   ? call->inputs[0].shape[0]
                          : b.transposed ? call->inputs[1].shape[1]
                                         : call->inputs[0].shape[1];
    const rondo_product product = {.struct_size = sizeof product,
                                   .dtype = c->dtype,
                                   .m = c->shape[0],
                                   .n = c->shape[1],
                                   .k = inner,
                                   .stack = 1,
                                   .alpha = gain_of(call->options),
                                   .beta = beta,
                                   .a = a,
                                   .b = b,
                                   .c = c->data};
    return ctx->host->product(ctx, &product);
}

static rondo_matrix matrix(const rondo_tensor *tensor, int32_t transposed) {
    return (rondo_matrix){.data = tensor->data, .leading = tensor->shape[1], .transposed = transposed};
}

static rondo_status affine_forward(rondo_context *ctx, rondo_op_call *call) {
    struct sums work = {&call->inputs[0], call->saved};
    memset(call->scratch, 0, 64);
    if (ctx->host->get_extension(ctx, "nobody-has-this/1") != NULL) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the host offers what nobody has");
    }
    ctx->host->parallel_for(ctx, call->inputs[0].shape[0], 2, sum_rows, &work);
    return multiply(ctx, call, matrix(&call->inputs[0], 0), matrix(&call->inputs[1], 0), &call->output, 0);
}

/* dx += gain g @ w', dw += gain x' @ g. What forward saved must be there still. */
static rondo_status affine_backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const double *saved = call->saved;
    double *again = ctx->host->alloc(ctx, (size_t)x->shape[0] * sizeof(double));
    if (again == NULL) {
        return RONDO_NO_MEMORY;
    }
    sum_rows(&(struct sums){x, again}, 0, x->shape[0]);
    if (x->shape[0] > 0 && memcmp(again, saved, (size_t)x->shape[0] * sizeof(double)) != 0) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "'saved' is not what forward saved");
    }
    rondo_status status = RONDO_OK;
    if (call->grad_inputs[0].data != NULL) {
        status =
            multiply(ctx, call, matrix(call->grad_output, 0), matrix(&call->inputs[1], 1), &call->grad_inputs[0], 1);
    }
    if (status == RONDO_OK && call->grad_inputs[1].data != NULL) {
        status = multiply(ctx, call, matrix(x, 1), matrix(call->grad_output, 0), &call->grad_inputs[1], 1);
    }
    return status;
}

static int32_t affine_sample(int32_t index, rondo_sample *sample) {
    static const int64_t shapes[][2][2] = {{{3, 4}, {4, 2}}, {{1, 1}, {1, 1}}, {{5, 2}, {2, 3}}};
    static const char *const options[] = {NULL, "gain=[3]", "gain=[2, 2]"};
    return index >= 3 ? 0 : fill(sample, 2, shapes[index], options[index]);
}

static const rondo_op affine = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "abi_affine",
             .summary = "y = gain x @ w",
             .options = affine_options,
             .options_size = sizeof(struct affine)},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, w",
    .infer = affine_infer,
    .forward = affine_forward,
    .backward = affine_backward,
    .sample = affine_sample,
};

/* ---- abi_mask ---- */

struct mask {
    double rate;
};
static const rondo_option mask_options[] = {
    RONDO_OPTION_REAL(struct mask, rate, "0.25", 0, 0.9, "share of elements set to 0 in training"),
    RONDO_OPTION_END,
};

/* Rows do not depend on each other, and what they save stands row behind row: a factor for each element. */
static rondo_status mask_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    if (x->dtype == RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' holds integers, expected numbers");
    }
    if (x->ndim != 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' has %d dimensions, expected 2", (int)x->ndim);
    }
    call->output = *x;
    call->output.data = NULL;
    call->saved_bytes = (size_t)rondo_count(x) * sizeof(double);
    return RONDO_OK;
}

static rondo_status mask_forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const double rate = ((const struct mask *)call->options)->rate;
    double *factors = call->saved;
    for (int64_t i = 0; i < rondo_count(x); i++) {
        uint32_t bits = UINT32_MAX;
        if (call->training) {
            ctx->host->random(ctx, (uint64_t)i, 1, &bits);
        }
        factors[i] = call->training ? ((double)bits / 4294967296.0 < rate ? 0 : 1 / (1 - rate)) : 1;
        set(x->dtype, call->output.data, i, factors[i] * get(x->dtype, x->data, i));
    }
    return RONDO_OK;
}

static rondo_status mask_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const rondo_tensor *g = call->grad_output;
    const double *factors = call->saved;
    void *sum = call->grad_inputs[0].data;
    for (int64_t i = 0; sum != NULL && i < rondo_count(g); i++) {
        set(g->dtype, sum, i, get(g->dtype, sum, i) + factors[i] * get(g->dtype, g->data, i));
    }
    return RONDO_OK;
}

static int32_t mask_sample(int32_t index, rondo_sample *sample) {
    static const int64_t shapes[][1][2] = {{{3, 4}}, {{1, 1}}, {{0, 2}}};
    return index >= 3 ? 0 : fill(sample, 1, shapes[index], index == 1 ? "rate=0.5" : NULL);
}

static const rondo_op mask = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "abi_mask",
             .summary = "y = x m / (1 - rate), m random",
             .options = mask_options,
             .options_size = sizeof(struct mask)},
    .flags = RONDO_OP_RANDOM | RONDO_OP_SAVES_ROWS,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = mask_infer,
    .forward = mask_forward,
    .backward = mask_backward,
    .sample = mask_sample,
};

/* ---- abi_first ---- */

struct first {
    int64_t rows, skipped;
};
static const rondo_option first_options[] = {
    RONDO_OPTION_INT(struct first, rows, "1", 0, 1e6, "rows that are kept"),
    RONDO_OPTION_INT(struct first, skipped, "0", 0, 1e6, "rows in front of them"),
    RONDO_OPTION_END,
};

static rondo_status first_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct first *options = call->options;
    const rondo_tensor *x = &call->inputs[0];
    if (x->ndim < 1 || x->shape[0] < options->skipped + options->rows) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x' has fewer rows than %lld",
                               (long long)(options->skipped + options->rows));
    }
    call->output = *x;
    call->output.data = NULL;
    call->output.shape[0] = options->rows;
    call->is_view = 1;
    call->view_offset = x->shape[0] == 0 ? 0 : options->skipped * (rondo_count(x) / x->shape[0]);
    return RONDO_OK;
}

/* Not called: the output is a view. */
static rondo_status first_nothing(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    (void)call;
    return RONDO_OK;
}

static int32_t first_sample(int32_t index, rondo_sample *sample) {
    static const int64_t shapes[][1][2] = {{{3, 4}}, {{4, 2}}, {{1, 1}}};
    return index >= 3 ? 0 : fill(sample, 1, shapes[index], index == 1 ? "rows=2 skipped=1" : NULL);
}

static const rondo_op first = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "abi_first",
             .summary = "y = some rows of x",
             .options = first_options,
             .options_size = sizeof(struct first)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = first_infer,
    .forward = first_nothing,
    .backward = first_nothing,
    .sample = first_sample,
};

RONDO_PLUGIN("abi_ops", "1.0", "MIT", &affine.base, &mask.base, &first.base);
