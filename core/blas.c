/* core/blas.c: see core/blas.h. */
#define _POSIX_C_SOURCE 200809L
#include "core/blas.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>

#include "core/tensor.h"

/* A task has so many multiply-adds or more. It has at least LEAST_ROWS rows of the result, as BLAS copies all of op(B)
 * for each: at 64 rows that costs 10 to 30 in a hundred, at 256 less than 5. So a quarter of the rows in between. */
enum { TASK_WORK = 1 << 20, LEAST_ROWS = 64, MOST_ROWS = 256 };

/* A product in blocks of `block` rows of a result. */
struct blocks {
    const rondo_product *product;
    int64_t block;
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static const void *at(const void *data, int64_t element, int32_t dtype) {
    return (const char *)data + (size_t)element * dtype_size(dtype);
}

/* Rows `row` to `row + rows` of pair number `pair` by BLAS. */
static void multiply_rows(const rondo_product *p, int64_t pair, int64_t row, int64_t rows) {
    const enum CBLAS_TRANSPOSE ta = p->a.transposed ? CblasTrans : CblasNoTrans;
    const enum CBLAS_TRANSPOSE tb = p->b.transposed ? CblasTrans : CblasNoTrans;
    const int m = (int)rows, n = (int)p->n, k = (int)p->k, lda = (int)p->a.leading, ldb = (int)p->b.leading;
    const double beta = p->reduce && pair > 0 ? 1 : p->beta;
    const void *a = at(p->a.data, pair * p->a.stride + row * (p->a.transposed ? 1 : p->a.leading), p->dtype);
    const void *b = at(p->b.data, pair * p->b.stride, p->dtype);
    void *c = (char *)p->c + (size_t)((p->reduce ? 0 : pair * p->m * p->n) + row * p->n) * dtype_size(p->dtype);
    if (p->dtype == RONDO_F32) {
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, (float)p->alpha, a, lda, b, ldb, (float)beta, c, n);
    } else {
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, p->alpha, a, lda, b, ldb, beta, c, n);
    }
}

/* Task t is row block t % blocks of pair t / blocks. */
static void run_tasks(void *arg, int64_t begin, int64_t end) {
    const struct blocks *blocks = arg;
    const rondo_product *p = blocks->product;
    const int64_t count = (p->m + blocks->block - 1) / blocks->block;
    for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % count * blocks->block;
        const int64_t rows = smaller(blocks->block, p->m - row);
        const int64_t first = p->reduce ? 0 : task / count;
        const int64_t end_pair = p->reduce ? p->stack : first + 1;
        for (int64_t pair = first; pair < end_pair; pair++) {
            multiply_rows(p, pair, row, rows);
        }
    }
}

/* The product of sizes without fear of overflow: past 2^62 it stays there. */
static int64_t work_of(int64_t a, int64_t b, int64_t c) {
    const double work = (double)a * (double)b * (double)c;
    return work > 4e18 ? INT64_C(1) << 62 : (int64_t)work;
}

/* c = beta c: a sum of nothing, which BLAS would not take for a leading dimension of 0. */
static void add_nothing(const rondo_product *p, int64_t results) {
    const int64_t count = results * p->m * p->n;
    if (p->beta == 0) {
        memset(p->c, 0, (size_t)count * dtype_size(p->dtype));
    } else if (p->beta != 1) {
        const rondo_tensor c = tensor_1d(p->dtype, count, p->c);
        tensor_scale(&c, 0, count, p->beta);
    }
}

/* BLAS itself keeps to the thread that calls it. */
static void use_one_thread(void) {
#ifdef OPENBLAS_VERSION
    openblas_set_num_threads(1);
#endif
}

int blas_can_count(const rondo_product *p) {
    return p->m <= INT32_MAX && p->n <= INT32_MAX && p->k <= INT32_MAX && p->a.leading <= INT32_MAX &&
           p->b.leading <= INT32_MAX;
}

void blas_multiply(const struct parallel *parallel, const rondo_product *p) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
    const int64_t results = p->reduce ? 1 : p->stack;
    if (p->m == 0 || p->n == 0 || results == 0) {
        return;
    }
    if (p->k == 0 || p->stack == 0) {
        add_nothing(p, results);
        return;
    }
    const int64_t row_work = work_of(p->n, p->k, p->reduce ? p->stack : 1);
    const int64_t quarter = smaller(larger(p->m / 4, LEAST_ROWS), MOST_ROWS);
    struct blocks blocks = {p, smaller(larger(TASK_WORK / row_work + 1, quarter), p->m)};
    const int64_t tasks = results * ((p->m + blocks.block - 1) / blocks.block);
    const int64_t grain = TASK_WORK / work_of(row_work, blocks.block, 1) + 1;
    parallel_for(parallel, tasks, grain, run_tasks, &blocks);
}
