/* Products of matrices or of batches of matrices, computed by the host (rondo_host.product).
 *
 * C = op(A) op(B), where op is the identity or the transpose, as the options say
 * dL/dA = dL/dC op(B)^T,  dL/dB = op(A)^T dL/dC,  transposed where A, or B, was */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/axis.h"
#include "ops/sample.h"

struct matmul_options {
    int32_t transpose_a, transpose_b;
};

static const rondo_option matmul_option_table[] = {
    RONDO_OPTION_BOOL(struct matmul_options, transpose_a, "false",
                      "transpose the last two dimensions of a before the product"),
    RONDO_OPTION_BOOL(struct matmul_options, transpose_b, "false",
                      "transpose the last two dimensions of b before the product"),
    RONDO_OPTION_END,
};

/* The shapes of one application of the op. */
struct application {
    int64_t m, n, k, stack;
    int shares_b; /* one b for all matrices of a */
    rondo_matrix a, b;
};

static rondo_status refuse_shapes(rondo_context *ctx, const rondo_op_call *call, const char *why) {
    const struct matmul_options *options = call->options;
    return ctx->host->fail(ctx, RONDO_INVALID, "cannot multiply %s%s by %s%s: %s",
                           ops_shape_text(&call->inputs[0]).text, options->transpose_a ? " transposed" : "",
                           ops_shape_text(&call->inputs[1]).text, options->transpose_b ? " transposed" : "", why);
}

static rondo_status understand(rondo_context *ctx, const rondo_op_call *call, struct application *found) {
    const struct matmul_options *options = call->options;
    const rondo_tensor *a = &call->inputs[0], *b = &call->inputs[1];
    if (a->ndim < 2 || b->ndim < 2) {
        return refuse_shapes(ctx, call, "each needs 2 dimensions or more");
    }
    const int64_t a_rows = a->shape[a->ndim - 2], a_columns = a->shape[a->ndim - 1];
    const int64_t b_rows = b->shape[b->ndim - 2], b_columns = b->shape[b->ndim - 1];
    *found = (struct application){
        .m = options->transpose_a ? a_columns : a_rows,
        .k = options->transpose_a ? a_rows : a_columns,
        .n = options->transpose_b ? b_rows : b_columns,
        .stack = 1,
        .shares_b = b->ndim == 2,
        .a = {a->data, a_columns, a_rows * a_columns, options->transpose_a, 0},
        .b = {b->data, b_columns, b->ndim == 2 ? 0 : b_rows * b_columns, options->transpose_b, 0},
    };
    const int64_t b_inner = options->transpose_b ? b_columns : b_rows;
    if (found->k != b_inner) {
        char why[96];
        snprintf(why, sizeof why, "%" PRId64 " columns against %" PRId64 " rows", found->k, b_inner);
        return refuse_shapes(ctx, call, why);
    }
    const int same_stack =
        a->ndim == b->ndim && memcmp(a->shape, b->shape, sizeof a->shape[0] * (size_t)(a->ndim - 2)) == 0;
    if (!found->shares_b && !same_stack) {
        return refuse_shapes(ctx, call, "b needs 2 dimensions, or the same leading dimensions as a");
    }
    for (int32_t d = 0; d < a->ndim - 2; d++) {
        found->stack *= a->shape[d];
    }
    if (found->shares_b && !options->transpose_a) {
        found->m *= found->stack; /* the leading dimensions of a count as further rows */
        found->stack = 1;
    }
    return RONDO_OK;
}

static rondo_status matmul_infer(rondo_context *ctx, rondo_op_call *call) {
    struct application found = {0};
    rondo_status status = ops_need_float(ctx, call, 0, "a");
    status = status == RONDO_OK ? ops_need_float(ctx, call, 1, "b") : status;
    status = status == RONDO_OK ? understand(ctx, call, &found) : status;
    if (status != RONDO_OK) {
        return status;
    }
    const struct matmul_options *options = call->options;
    const rondo_tensor *a = &call->inputs[0];
    call->output = *a;
    call->output.data = NULL;
    call->output.shape[a->ndim - 2] = a->shape[a->ndim - (options->transpose_a ? 1 : 2)];
    call->output.shape[a->ndim - 1] = found.n;
    return ops_check_size(ctx, call);
}

static rondo_status matmul_forward(rondo_context *ctx, rondo_op_call *call) {
    struct application found = {0};
    const rondo_status status = understand(ctx, call, &found);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_product product = {.struct_size = sizeof product,
                                   .dtype = call->output.dtype,
                                   .m = found.m,
                                   .n = found.n,
                                   .k = found.k,
                                   .stack = found.stack,
                                   .alpha = 1,
                                   .a = found.a,
                                   .b = found.b,
                                   .c = call->output.data};
    return ctx->host->product(ctx, &product);
}

static rondo_matrix turned(rondo_matrix operand) {
    operand.transposed = !operand.transposed;
    return operand;
}

static rondo_product gradient_of_a(const struct application *f, rondo_matrix grad) {
    if (f->a.transposed) { /* A is [k, m]: dL/dA = op(B) dL/dC^T */
        return (rondo_product){.m = f->k, .n = f->m, .k = f->n, .a = f->b, .b = turned(grad)};
    }
    return (rondo_product){.m = f->m, .n = f->k, .k = f->n, .a = grad, .b = turned(f->b)};
}

static rondo_product gradient_of_b(const struct application *f, rondo_matrix grad) {
    if (f->b.transposed) { /* B is [n, k]: dL/dB = dL/dC^T op(A) */
        return (rondo_product){.m = f->n, .n = f->k, .k = f->m, .a = turned(grad), .b = f->a};
    }
    return (rondo_product){.m = f->k, .n = f->n, .k = f->m, .a = turned(f->a), .b = grad};
}

static rondo_status matmul_backward(rondo_context *ctx, rondo_op_call *call) {
    struct application found = {0};
    const rondo_status status = understand(ctx, call, &found);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_matrix grad = {call->grad_output->data, found.n, found.m * found.n, 0, 0};
    rondo_status done = RONDO_OK;
    for (int32_t k = 0; k < 2 && done == RONDO_OK; k++) {
        if (call->grad_inputs[k].data == NULL) {
            continue;
        }
        rondo_product product = k == 0 ? gradient_of_a(&found, grad) : gradient_of_b(&found, grad);
        product.struct_size = sizeof product;
        product.dtype = call->output.dtype;
        product.alpha = product.beta = 1; /* adds to the existing gradient */
        product.stack = found.stack;
        product.reduce = k == 1 && found.shares_b;
        product.c = call->grad_inputs[k].data;
        done = ctx->host->product(ctx, &product);
    }
    return done;
}

static int32_t matmul_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 0, NULL, {{2, {3, 4}}, {2, {4, 5}}}},
        {2, 0, NULL, {{2, {1, 1}}, {2, {1, 1}}}},
        {2, 0, "transpose_a=true", {{2, {4, 3}}, {2, {4, 5}}}},
        {2, 0, "transpose_b=true", {{2, {3, 4}}, {2, {5, 4}}}},
        {2, 0, "transpose_a=true transpose_b=true", {{2, {4, 3}}, {2, {5, 4}}}},
        {2, 0, NULL, {{3, {2, 3, 4}}, {2, {4, 5}}}},
        {2, 0, "transpose_b=true", {{4, {2, 1, 3, 4}}, {2, {5, 4}}}},
        {2, 0, "transpose_a=true", {{3, {2, 4, 3}}, {2, {4, 5}}}},
        {2, 0, "transpose_a=true transpose_b=true", {{3, {2, 4, 3}}, {2, {5, 4}}}},
        {2, 0, NULL, {{3, {2, 3, 4}}, {3, {2, 4, 5}}}},
        {2, 0, "transpose_a=true", {{3, {2, 4, 3}}, {3, {2, 4, 5}}}},
        {2, 0, "transpose_b=true", {{3, {2, 3, 4}}, {3, {2, 5, 4}}}},
        {2, 0, "transpose_a=true transpose_b=true", {{4, {2, 1, 4, 3}}, {4, {2, 1, 5, 4}}}},
        {2, 0, NULL, {{2, {3, 0}}, {2, {0, 5}}}},
        {2, 0, NULL, {{2, {0, 4}}, {2, {4, 5}}}},
        {2, 0, NULL, {{2, {3, 4}}, {2, {4, 0}}}},
        {2, 0, "transpose_a=true", {{3, {0, 4, 3}}, {2, {4, 5}}}},
        {2, 0, NULL, {{3, {0, 3, 4}}, {3, {0, 4, 5}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_matmul = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "matmul",
             .summary = "y = a @ b: [..., m, k] by [k, n], or by [..., k, n], one matrix at a time",
             .options = matmul_option_table,
             .options_size = sizeof(struct matmul_options)},
    .min_inputs = 2,
    .max_inputs = 2,
    .role = RONDO_ROLE_PRODUCT,
    .operands = "a, b",
    .infer = matmul_infer,
    .forward = matmul_forward,
    .backward = matmul_backward,
    .sample = matmul_sample,
};
