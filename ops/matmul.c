/* Products of matrices, alone or in batches, through CBLAS: the one file that includes it.
 *
 * C = op(A) op(B), where op is the identity or the transpose
 * dL/dA = dL/dC op(B)^T,  dL/dB = op(A)^T dL/dC,  transposed where A, or B, was
 *
 * Large products are split over the rows of the result, in blocks whose size depends on the shapes alone, and BLAS
 * itself keeps to the thread that calls it: so a result has the same bits whatever the number of threads. */
#define _POSIX_C_SOURCE 200809L
#include <cblas.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ops/axis.h"
#include "ops/sample.h"

struct matmul_options {
    int32_t transpose_a, transpose_b;
};

static const rondo_option matmul_option_table[] = {
    RONDO_OPTION_BOOL(struct matmul_options, transpose_a, "false", "swap the last two dimensions of a first"),
    RONDO_OPTION_BOOL(struct matmul_options, transpose_b, "false", "swap the last two dimensions of b first"),
    RONDO_OPTION_END,
};

/* One side of a product: a stack of stored matrices. */
struct operand {
    const void *data;
    int transpose;
    int64_t leading; /* elements from one stored row to the next */
    int64_t stride;  /* elements from one matrix to the next; 0: the same one each time */
};

/* For every o < stack: C[o] = A[o] B[o], added to C[o] where `add` is set. With `reduce`, which needs `add`, there is
 * one C that all of them are added to. */
struct product {
    int32_t dtype;
    int64_t m, n, k; /* C is [m, n], op(A) [m, k], op(B) [k, n] */
    int64_t stack;
    int reduce;
    int add;
    struct operand a, b;
    void *c;
    int64_t block; /* rows of C that one task computes */
};

/* An application of the op: what the two inputs are to each other. */
struct application {
    int64_t m, n, k, stack;
    int shares_b; /* one b for all matrices of a */
    struct operand a, b;
};

/* A task has so many multiply-adds or more. It has at least LEAST_ROWS rows of the result, as BLAS copies all of op(B)
 * for each: at 64 rows that costs 10 to 30 in a hundred, at 256 less than 5. So a quarter of the rows in between. */
enum { TASK_WORK = 1 << 20, LEAST_ROWS = 64, MOST_ROWS = 256 };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static const void *at(const void *data, int64_t element, int32_t dtype) {
    return (const char *)data + (size_t)element * ops_element_size(dtype);
}

/* Rows `row` to `row + rows` of C[o] by BLAS. */
static void multiply_rows(const struct product *p, int64_t matrix, int64_t row, int64_t rows) {
    const enum CBLAS_TRANSPOSE ta = p->a.transpose ? CblasTrans : CblasNoTrans;
    const enum CBLAS_TRANSPOSE tb = p->b.transpose ? CblasTrans : CblasNoTrans;
    const int m = (int)rows, n = (int)p->n, k = (int)p->k, lda = (int)p->a.leading, ldb = (int)p->b.leading;
    const void *a = at(p->a.data, matrix * p->a.stride + row * (p->a.transpose ? 1 : p->a.leading), p->dtype);
    const void *b = at(p->b.data, matrix * p->b.stride, p->dtype);
    void *c = (char *)p->c + (size_t)((p->reduce ? 0 : matrix * p->m * p->n) + row * p->n) * ops_element_size(p->dtype);
    if (p->dtype == RONDO_F32) {
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, p->add ? 1 : 0, c, n);
    } else {
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, p->add ? 1 : 0, c, n);
    }
}

/* Task t is row block t % blocks of matrix t / blocks. */
static void run_tasks(void *arg, int64_t begin, int64_t end) {
    const struct product *p = arg;
    const int64_t blocks = (p->m + p->block - 1) / p->block;
    for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % blocks * p->block;
        const int64_t rows = smaller(p->block, p->m - row);
        const int64_t first = p->reduce ? 0 : task / blocks;
        const int64_t end_matrix = p->reduce ? p->stack : first + 1;
        for (int64_t matrix = first; matrix < end_matrix; matrix++) {
            multiply_rows(p, matrix, row, rows);
        }
    }
}

/* The product of sizes without fear of overflow: past 2^62 it stays there. */
static int64_t work_of(int64_t a, int64_t b, int64_t c) {
    const double work = (double)a * (double)b * (double)c;
    return work > 4e18 ? INT64_C(1) << 62 : (int64_t)work;
}

static void multiply(rondo_context *ctx, struct product *p) {
    const int64_t results = p->reduce ? 1 : p->stack;
    if (p->m == 0 || p->n == 0 || results == 0) {
        return;
    }
    if (p->k == 0 || p->stack == 0) { /* a sum of nothing; BLAS would not take a leading dimension of 0 */
        if (!p->add) {
            memset(p->c, 0, (size_t)(results * p->m * p->n) * ops_element_size(p->dtype));
        }
        return;
    }
    const int64_t row_work = work_of(p->n, p->k, p->reduce ? p->stack : 1);
    const int64_t quarter = smaller(larger(p->m / 4, LEAST_ROWS), MOST_ROWS);
    p->block = smaller(larger(TASK_WORK / row_work + 1, quarter), p->m);
    const int64_t tasks = results * ((p->m + p->block - 1) / p->block);
    const int64_t grain = TASK_WORK / work_of(row_work, p->block, 1) + 1;
    if (tasks <= grain) {
        run_tasks(p, 0, tasks);
    } else {
        ctx->host->parallel_for(ctx, tasks, grain, run_tasks, p);
    }
}

static rondo_status refuse_shapes(rondo_context *ctx, const rondo_op_call *call, const char *why) {
    const struct matmul_options *options = call->options;
    return ctx->host->fail(ctx, RONDO_INVALID, "cannot multiply a %s%s by b %s%s: %s",
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
        .a = {a->data, options->transpose_a, a_columns, a_rows * a_columns},
        .b = {b->data, options->transpose_b, b_columns, b->ndim == 2 ? 0 : b_rows * b_columns},
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
        found->m *= found->stack; /* the leading dimensions of a are but more rows */
        found->stack = 1;
    }
    return RONDO_OK;
}

static rondo_status matmul_infer(rondo_context *ctx, rondo_op_call *call) {
    struct application found;
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

static void use_one_thread(void) {
#ifdef OPENBLAS_VERSION
    openblas_set_num_threads(1);
#endif
}

static rondo_status matmul_forward(rondo_context *ctx, rondo_op_call *call) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
    struct application found;
    const rondo_status status = understand(ctx, call, &found);
    if (status != RONDO_OK) {
        return status;
    }
    if (found.m > INT32_MAX || found.n > INT32_MAX || found.k > INT32_MAX) {
        return refuse_shapes(ctx, call, "BLAS counts rows and columns up to 2147483647");
    }
    struct product product = {.dtype = call->output.dtype,
                              .m = found.m,
                              .n = found.n,
                              .k = found.k,
                              .stack = found.stack,
                              .a = found.a,
                              .b = found.b,
                              .c = call->output.data};
    multiply(ctx, &product);
    return RONDO_OK;
}

static struct operand turned(struct operand operand) {
    operand.transpose = !operand.transpose;
    return operand;
}

static struct product gradient_of_a(const struct application *f, struct operand grad) {
    if (f->a.transpose) { /* A is [k, m]: dL/dA = op(B) dL/dC^T */
        return (struct product){.m = f->k, .n = f->m, .k = f->n, .a = f->b, .b = turned(grad)};
    }
    return (struct product){.m = f->m, .n = f->k, .k = f->n, .a = grad, .b = turned(f->b)};
}

static struct product gradient_of_b(const struct application *f, struct operand grad) {
    if (f->b.transpose) { /* B is [n, k]: dL/dB = dL/dC^T op(A) */
        return (struct product){.m = f->n, .n = f->k, .k = f->m, .a = turned(grad), .b = f->a};
    }
    return (struct product){.m = f->k, .n = f->n, .k = f->m, .a = turned(f->a), .b = grad};
}

static rondo_status matmul_backward(rondo_context *ctx, rondo_op_call *call) {
    struct application found;
    const rondo_status status = understand(ctx, call, &found);
    if (status != RONDO_OK) {
        return status;
    }
    const struct operand grad = {call->grad_output->data, 0, found.n, found.m * found.n};
    for (int32_t k = 0; k < 2; k++) {
        if (call->grad_inputs[k].data == NULL) {
            continue;
        }
        struct product product = k == 0 ? gradient_of_a(&found, grad) : gradient_of_b(&found, grad);
        product.dtype = call->output.dtype;
        product.stack = found.stack;
        product.reduce = k == 1 && found.shares_b;
        product.add = 1;
        product.c = call->grad_inputs[k].data;
        multiply(ctx, &product);
    }
    return RONDO_OK;
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
             .summary = "y = a @ b: [..., m, k] by [k, n], or by [..., k, n] matrix by matrix",
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
