/* core/multiply_openblas.c: the products of core/multiply.h by OpenBLAS, through CBLAS: meson -Dproduct=openblas.
 *
 * For processors whose vector units core/product has no kernels for, such as those of arm64. The bits are those of the
 * kernels that OpenBLAS chooses for the processor, and may depend on the number of rows. OpenBLAS computes each call on one
 * thread; Rondo's threads divide the rows.
 */
#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "core/multiply.h"
#include "core/tensor.h"

/* A task has at least TASK_WORK multiply-adds, and LEAST_ROWS rows of a result, because BLAS copies its columns of op(B) for
 * each task. */
enum { TASK_WORK = 1 << 20, LEAST_ROWS = 64 };

/* A product in blocks of `block` rows of a result. */
struct openblas_blocks {
    const rondo_product *product;
    const void *bias; /* NULL: none */
    int64_t block, n_blocks;
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

/* c [rows, n] += bias in every row. */
static void add_bias(const rondo_product *p, void *c, const void *bias, int64_t rows) {
    for (int64_t i = 0; i < rows * p->n; i++) {
        if (p->dtype == RONDO_F32) {
            ((float *)c)[i] += ((const float *)bias)[i % p->n];
        } else {
            ((double *)c)[i] += ((const double *)bias)[i % p->n];
        }
    }
}

/* Rows `row` to `row + rows` of pair number `pair`: c = alpha op(a) op(b) + beta c. */
static void multiply_rows(const struct openblas_blocks *work, int64_t pair, int64_t row, int64_t rows) {
    const rondo_product *p = work->product;
    const enum CBLAS_TRANSPOSE ta = p->a.transposed ? CblasTrans : CblasNoTrans;
    const enum CBLAS_TRANSPOSE tb = p->b.transposed ? CblasTrans : CblasNoTrans;
    const int m = (int)rows, n = (int)p->n, k = (int)p->k, lda = (int)p->a.leading, ldb = (int)p->b.leading;
    const double beta = p->reduce && pair > 0 ? 1 : p->beta;
    const void *a = at(p->a.data, pair * p->a.stride + row * (p->a.transposed ? 1 : p->a.leading), p->dtype);
    const void *b = at(p->b.data, pair * p->b.stride, p->dtype);
    void *c = at(p->c, (p->reduce ? 0 : pair * p->m * p->n) + row * p->n, p->dtype);
    if (p->dtype == RONDO_F32) {
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, (float)p->alpha, a, lda, b, ldb, (float)beta, c, n);
    } else {
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, p->alpha, a, lda, b, ldb, beta, c, n);
    }
    if (work->bias != NULL) {
        add_bias(p, c, work->bias, rows);
    }
}

/* Task t is row block t % n_blocks of pair t / n_blocks, or of all pairs if they are added up. */
static void run_tasks(void *arg, int64_t begin, int64_t end) {
    const struct openblas_blocks *work = arg;
    const rondo_product *p = work->product;
    for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % work->n_blocks * work->block, rows = smaller(work->block, p->m - row);
        const int64_t first = p->reduce ? 0 : task / work->n_blocks, last = p->reduce ? p->stack : first + 1;
        for (int64_t pair = first; pair < last; pair++) {
            multiply_rows(work, pair, row, rows);
        }
    }
}

/* OpenBLAS would start threads of its own inside ours. */
static void use_one_thread(void) {
    static atomic_int is_set;
    if (!atomic_load(&is_set)) {
        openblas_set_num_threads(1);
        atomic_store(&is_set, 1);
    }
}

rondo_status multiply_with_bias(const struct parallel *parallel, struct arena *arena, const rondo_product *p,
                                const void *bias) {
    const int64_t results = p->reduce ? 1 : p->stack;
    (void)arena;
    if (p->m == 0 || p->n == 0 || results == 0) {
        return RONDO_OK;
    }
    if (p->k == 0 || p->stack == 0) {
        const rondo_tensor c = tensor_1d(p->dtype, results * p->m * p->n, p->c);
        if (p->beta == 0) {
            memset(p->c, 0, tensor_bytes(&c));
        } else {
            tensor_scale(&c, 0, rondo_count(&c), p->beta);
        }
        return RONDO_OK;
    }
    if (larger(larger(p->n, p->k), larger(p->a.leading, p->b.leading)) > INT_MAX) {
        return RONDO_INVALID; /* CBLAS has int */
    }
    use_one_thread();
    const double row_work = (double)p->n * (double)p->k * (double)(p->reduce ? p->stack : 1);
    const int64_t wanted = row_work >= TASK_WORK ? 1 : (int64_t)(TASK_WORK / row_work) + 1;
    struct openblas_blocks work = {
        .product = p, .bias = bias, .block = smaller(smaller(larger(wanted, LEAST_ROWS), p->m), INT_MAX)};
    work.n_blocks = (p->m + work.block - 1) / work.block;
    parallel_for(parallel, results * work.n_blocks, 1, run_tasks, &work);
    return RONDO_OK;
}

rondo_status multiply(const struct parallel *parallel, struct arena *arena, const rondo_product *product) {
    return multiply_with_bias(parallel, arena, product, NULL);
}
