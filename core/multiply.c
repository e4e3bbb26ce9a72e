#include "core/multiply.h"

#include <stdatomic.h>
#include <string.h>

#include "core/product/product.h"
#include "core/tensor.h"

/* A task has at least TASK_WORK multiply-adds and LEAST_ROWS rows of a result, because each packs its columns of op(B). How
 * many rows it has changes no bit. */
enum { TASK_WORK = 1 << 20, LEAST_ROWS = 64 };

/* A product in blocks of `block` rows of a result. Task t is row block t % n_blocks of pair t / n_blocks, or of all pairs if
 * they are added up. Workers take the tasks one after the other. */
struct multiplication {
    const rondo_product *product;
    const void *bias; /* NULL: none */
    int64_t block, n_blocks, n_tasks;
    atomic_llong next;
    char *scratch; /* of all workers */
    size_t scratch_bytes;
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static char *at(const void *data, int64_t element, int32_t dtype) {
    return (char *)data + (size_t)element * dtype_size(dtype);
}

static struct product_side side_of(const rondo_matrix *matrix, int64_t pair, int64_t row, int32_t dtype) {
    const int64_t first = pair * matrix->stride + row * (matrix->transposed ? 1 : matrix->leading);
    return (struct product_side){at(matrix->data, first, dtype), matrix->leading, matrix->transposed};
}

/* c = beta c for `count` elements. */
static void scale(const rondo_product *p, void *c, int64_t count, double beta) {
    if (beta == 0) {
        memset(c, 0, (size_t)count * dtype_size(p->dtype));
    } else if (beta != 1) {
        const rondo_tensor tensor = tensor_1d(p->dtype, count, c);
        tensor_scale(&tensor, 0, count, beta);
    }
}

/* Rows `row` to `row + rows` of pair number `pair`. */
static void multiply_rows(const struct multiplication *work, int64_t pair, int64_t row, int64_t rows, void *scratch) {
    const rondo_product *p = work->product;
    const double beta = p->reduce && pair > 0 ? 1 : p->beta;
    char *c = at(p->c, (p->reduce ? 0 : pair * p->m * p->n) + row * p->n, p->dtype);
    const struct product_matrices matrices = {.m = rows,
                                              .n = p->n,
                                              .k = p->k,
                                              .alpha = p->alpha,
                                              .a = side_of(&p->a, pair, row, p->dtype),
                                              .b = side_of(&p->b, pair, 0, p->dtype),
                                              .c = c,
                                              .ldc = p->n,
                                              .add = beta != 0,
                                              .bias = work->bias};
    if (beta != 0) {
        scale(p, c, rows * p->n, beta);
    }
    product_multiply(product_kernels(), p->dtype, &matrices, scratch);
}

static void run_tasks(void *arg, int64_t begin, int64_t end) {
    struct multiplication *work = arg;
    const rondo_product *p = work->product;
    for (int64_t worker = begin; worker < end; worker++) {
        for (int64_t task; (task = atomic_fetch_add(&work->next, 1)) < work->n_tasks;) {
            const int64_t row = task % work->n_blocks * work->block;
            const int64_t rows = smaller(work->block, p->m - row);
            const int64_t first = p->reduce ? 0 : task / work->n_blocks;
            const int64_t end_pair = p->reduce ? p->stack : first + 1;
            for (int64_t pair = first; pair < end_pair; pair++) {
                multiply_rows(work, pair, row, rows, work->scratch + (size_t)worker * work->scratch_bytes);
            }
        }
    }
}

/* a * b * c, at most 2^62: it cannot overflow. */
static int64_t work_of(int64_t a, int64_t b, int64_t c) {
    const double work = (double)a * (double)b * (double)c;
    return work > 4e18 ? INT64_C(1) << 62 : (int64_t)work;
}

rondo_status multiply_open(const struct parallel *parallel, struct errors *errors) {
    (void)parallel;
    (void)errors;
    return RONDO_OK;
}

rondo_status multiply_with_bias(const struct parallel *parallel, struct arena *arena, const rondo_product *p,
                                const void *bias) {
    const int64_t results = p->reduce ? 1 : p->stack;
    if (p->m == 0 || p->n == 0 || results == 0) {
        return RONDO_OK;
    }
    if (p->k == 0 || p->stack == 0) {
        scale(p, p->c, results * p->m * p->n, p->beta);
        return RONDO_OK;
    }
    const int64_t most_workers = parallel == NULL ? 1 : parallel_threads(parallel);
    const int64_t row_work = work_of(p->n, p->k, p->reduce ? p->stack : 1);
    const int64_t part = most_workers == 1 ? p->m : (p->m + 2 * most_workers - 1) / (2 * most_workers);
    struct multiplication work = {
        .product = p, .bias = bias, .block = smaller(larger(larger(TASK_WORK / row_work + 1, part), LEAST_ROWS), p->m)};
    work.n_blocks = (p->m + work.block - 1) / work.block;
    work.n_tasks = results * work.n_blocks;
    /* Small matrices of a stack: several tasks for each worker. */
    const int64_t useful = work_of(row_work, p->m, results) / TASK_WORK + 1;
    const int64_t workers = smaller(smaller(most_workers, work.n_tasks), useful);
    work.scratch_bytes = product_gradient_bytes(product_kernels(), p->dtype, work.block, p->n);
    const struct arena_mark mark = arena_mark(arena);
    work.scratch = arena_alloc(arena, work.scratch_bytes * (size_t)workers);
    if (work.scratch == NULL) {
        return RONDO_NO_MEMORY;
    }
    parallel_for(parallel, workers, 1, run_tasks, &work);
    arena_release(arena, mark);
    return RONDO_OK;
}

rondo_status multiply(const struct parallel *parallel, struct arena *arena, const rondo_product *product) {
    return multiply_with_bias(parallel, arena, product, NULL);
}
