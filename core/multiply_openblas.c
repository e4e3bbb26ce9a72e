/* core/multiply_openblas.c: the products of core/multiply.h by OpenBLAS, through CBLAS: meson -Dproduct=openblas.
 *
 * For processors whose vector units core/product has no kernels for. The bits are those of the kernels that OpenBLAS
 * chooses for the processor, and may depend on the number of rows. OpenBLAS computes each call on one thread; Rondo's
 * threads divide the rows.
 *
 * OpenBLAS maps a buffer for every thread that computes, and starts threads when it is loaded, which map buffers too. If there
 * are no addresses for one, it tries again for ever, and a thread that does so is waited for at the end of the process. So
 * it is not linked, but loaded by the first product: without threads, after the room for the buffers has been looked for,
 * and all buffers are taken then.
 */
#define _POSIX_C_SOURCE 200809L
#include <cblas.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include "core/multiply.h"
#include "core/tensor.h"

/* A task has at least TASK_WORK multiply-adds, and LEAST_ROWS rows of a result, because BLAS copies its columns of op(B) for
 * each task. */
enum { TASK_WORK = 1 << 20, LEAST_ROWS = 64 };

/* What is called of the library. */
static struct {
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(cblas_dgemm) *dgemm;
    void *(*take_buffer)(int); /* blas_memory_alloc and _free, which OpenBLAS exports; NULL: this version does not */
    void (*give_buffer)(void *);
    atomic_int buffers; /* the number of threads that can compute at the same time; 0: the library is not loaded */
    pthread_mutex_t mutex;
} library = {.mutex = PTHREAD_MUTEX_INITIALIZER};

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
        library.sgemm(CblasRowMajor, ta, tb, m, n, k, (float)p->alpha, a, lda, b, ldb, (float)beta, c, n);
    } else {
        library.dgemm(CblasRowMajor, ta, tb, m, n, k, p->alpha, a, lda, b, ldb, beta, c, n);
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

/* ---- loading ---- */

#define OPENBLAS_LIBRARY "libopenblas.so.0" /* its interface; libopenblas.so is installed for compilers only */
enum { MOST_BUFFERS = 64 };                 /* more threads take theirs when they first compute */
/* Addresses of the library and of a buffer, 42 and 134 MB in version 0.3.21, and some more. */
static const uint64_t library_bytes = (uint64_t)64 << 20, buffer_bytes = (uint64_t)130 << 20;

/* A function of the library; NULL: there is none. POSIX converts the pointer by this assignment (dlsym). */
static void find(void *handle, const char *name, void *function) {
    void *found = dlsym(handle, name);
    memcpy(function, &found, sizeof found);
}

static rondo_status load(void) {
    static const char variable[] = "OPENBLAS_NUM_THREADS";
    const char *is_set = getenv(variable);
    if (is_set == NULL) {
        setenv(variable, "1", 0); /* it would start threads of its own */
    }
    void *handle = dlopen(OPENBLAS_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (is_set == NULL) {
        unsetenv(variable); /* the processes that this one starts have other threads */
    }
    if (handle == NULL) {
        return RONDO_NOT_FOUND;
    }
    void (*set_threads)(int);
    find(handle, "cblas_sgemm", &library.sgemm);
    find(handle, "cblas_dgemm", &library.dgemm);
    find(handle, "blas_memory_alloc", &library.take_buffer);
    find(handle, "blas_memory_free", &library.give_buffer);
    find(handle, "openblas_set_num_threads", &set_threads);
    if (library.sgemm == NULL || library.dgemm == NULL || set_threads == NULL) {
        return RONDO_NOT_FOUND;
    }
    set_threads(1);
    return RONDO_OK;
}

/* Loads the library if it is not, and takes buffers until there are `buffers`. */
static rondo_status take_buffers(int buffers) {
    const int before = atomic_load(&library.buffers);
    if (buffers <= before) {
        return RONDO_OK;
    }
    const uint64_t bytes =
        (before == 0 ? library_bytes : 0) + (uint64_t)buffers * buffer_bytes; /* some may be in use */
    if (!memory_has_addresses(bytes)) {
        memory_refuse(bytes);
        return RONDO_NO_MEMORY;
    }
    if (before == 0) {
        RONDO_TRY(load());
    }
    void *taken[MOST_BUFFERS];
    const int can_take = library.take_buffer != NULL && library.give_buffer != NULL;
    for (int i = 0; can_take && i < buffers; i++) {
        taken[i] = library.take_buffer(0);
    }
    for (int i = 0; can_take && i < buffers; i++) {
        library.give_buffer(taken[i]);
    }
    atomic_store(&library.buffers, buffers);
    return RONDO_OK;
}

static rondo_status prepare(const struct parallel *parallel) {
    const int32_t threads = parallel == NULL ? 1 : parallel->threads;
    const int buffers = (int)smaller(threads, MOST_BUFFERS);
    if (atomic_load(&library.buffers) >= buffers) {
        return RONDO_OK;
    }
    pthread_mutex_lock(&library.mutex);
    const rondo_status status = take_buffers(buffers);
    pthread_mutex_unlock(&library.mutex);
    return status;
}

rondo_status multiply_open(const struct parallel *parallel, struct errors *errors) {
    const rondo_status status = prepare(parallel);
    return status == RONDO_OK          ? RONDO_OK
           : status == RONDO_NO_MEMORY ? errors_memory_for(errors, errors_no_memory(errors), (struct location){0},
                                                           "OpenBLAS, which computes matrix products on %d threads",
                                                           (int)(parallel == NULL ? 1 : parallel->threads))
                                       : errors_add(errors, status, "%s", multiply_failure(status));
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
    RONDO_TRY(prepare(parallel));
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
