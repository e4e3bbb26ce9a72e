/* core/blas.c: see core/blas.h. */
#define _DEFAULT_SOURCE
#include "core/blas.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "core/tensor.h"

/* OpenBLAS maps one buffer for each concurrent call and keeps it for later calls. If the system refuses the memory,
 * releases before 0.3.30 retry forever (OpenBLAS issue 5289), both in gemm and in the threads that they start when they
 * are loaded. Therefore this file first tests whether the memory can be mapped, then makes the library map all its
 * buffers, and allows only as many concurrent calls as there are buffers. */
enum {
    BUFFER_BYTES = 128 << 20, /* BUFFER_SIZE of OpenBLAS 0.3 on x86-64; smaller elsewhere */
    MOST_BUFFERS = 128,       /* for more, an OpenBLAS built for 64 threads prints a warning */
};

/* Global, because OpenBLAS and its buffers are. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t left;     /* a call has ended */
    int32_t buffers;         /* mapped by OpenBLAS: the largest number of concurrent calls */
    int32_t calls;           /* running now */
    int32_t library_threads; /* started by OpenBLAS itself; they may not have mapped their buffers yet */
    int is_full;             /* there was no memory for more buffers */
} blas = {.mutex = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

/* A task has at least TASK_WORK multiply-adds. BLAS copies all of op(B) once per task, which costs 10 to 30 % of the time
 * of a task with 64 rows of the result, and less than 5 % with 256. So a task also has at least a quarter of the rows,
 * limited to LEAST_ROWS .. MOST_ROWS. */
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

/* ---- buffers ---- */

#ifdef OPENBLAS_VERSION
/* OpenBLAS exports these without a header. In a build that renames its symbols they are NULL; then the memory is tested,
 * but buffers are not mapped in advance. */
void *blas_memory_alloc(int position) __attribute__((weak));
void blas_memory_free(void *buffer) __attribute__((weak));
#endif

/* The number of buffers, at most `wanted`, that can be mapped now. Maps them and unmaps them again. */
static int32_t try_buffers(int32_t wanted) {
    struct mapped {
        struct mapped *before;
    } *last = NULL;
    int32_t count = 0;
    for (; count < wanted; count++) {
        struct mapped *buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffer == MAP_FAILED) {
            break;
        }
        buffer->before = last;
        last = buffer;
    }
    while (last != NULL) {
        struct mapped *before = last->before;
        munmap(last, BUFFER_BYTES);
        last = before;
    }
    return count;
}

/* Makes OpenBLAS map buffers until it has `count`. A buffer that is freed would be reused, so all are held at the same
 * time. */
static void map_buffers(int32_t count) {
#ifdef OPENBLAS_VERSION
    void *buffers[MOST_BUFFERS];
    for (int32_t i = 0; blas_memory_alloc != NULL && i < count; i++) {
        buffers[i] = blas_memory_alloc(0);
    }
    for (int32_t i = 0; blas_memory_free != NULL && i < count; i++) {
        blas_memory_free(buffers[i]);
    }
#endif
    blas.buffers = count;
}

/* Raises the number of buffers to `wanted`, or as far as memory allows. Waits until no call of the library is running. The
 * caller holds the mutex. */
static void add_buffers(int32_t wanted) {
    while (blas.calls > 0) {
        pthread_cond_wait(&blas.left, &blas.mutex);
    }
    const int32_t missing = wanted - blas.buffers;
    if (missing <= 0) {
        return; /* another thread has added them while this one waited */
    }
    const int32_t found = try_buffers(missing + blas.library_threads) - blas.library_threads;
    blas.is_full = found < missing;
    if (found > 0) {
        map_buffers(blas.buffers + found);
    }
}

/* A child process has only the thread that called fork; calls of other threads do not exist in it. */
static void forget_buffers(void) {
    pthread_mutex_init(&blas.mutex, NULL);
    pthread_cond_init(&blas.left, NULL);
    blas.buffers = 0;
    blas.calls = 0;
    blas.is_full = 0;
}

/* Makes OpenBLAS run each call on the calling thread. */
static void use_one_thread(void) {
#ifdef OPENBLAS_VERSION
    blas.library_threads = openblas_get_num_threads() - 1;
    openblas_set_num_threads(1);
#endif
    pthread_atfork(NULL, NULL, forget_buffers);
}

/* Maps buffers for `threads` concurrent calls, or fewer if memory is short. 0 if there is none. */
static int open_buffers(int32_t threads) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
    pthread_mutex_lock(&blas.mutex);
    const int32_t wanted = threads < MOST_BUFFERS ? threads : MOST_BUFFERS;
    if (blas.buffers == 0 || (blas.buffers < wanted && !blas.is_full)) {
        add_buffers(wanted);
    }
    const int is_open = blas.buffers > 0;
    pthread_mutex_unlock(&blas.mutex);
    return is_open;
}

/* enter_library and leave_library enclose calls of the library and limit their number. A thread inside never waits for
 * another one, so there is no deadlock. */
static void enter_library(void) {
    pthread_mutex_lock(&blas.mutex);
    while (blas.calls >= blas.buffers) {
        pthread_cond_wait(&blas.left, &blas.mutex);
    }
    blas.calls++;
    pthread_mutex_unlock(&blas.mutex);
}

static void leave_library(void) {
    pthread_mutex_lock(&blas.mutex);
    blas.calls--;
    pthread_cond_broadcast(&blas.left);
    pthread_mutex_unlock(&blas.mutex);
}

int blas_is_short_of_memory(void) {
#ifdef OPENBLAS_VERSION
    /* One buffer for each of its threads, which may not have started yet, one for each calling thread, and 4 more as a
     * reserve for all other memory. */
    const int32_t threads = openblas_get_num_threads() - 1;
    const int32_t wanted = 2 * threads + 4;
    return threads > 0 && try_buffers(wanted) < wanted;
#else
    return 0;
#endif
}

/* ---- products ---- */

/* Task t is row block t % blocks of pair t / blocks. */
static void run_tasks(void *arg, int64_t begin, int64_t end) {
    const struct blocks *blocks = arg;
    const rondo_product *p = blocks->product;
    const int64_t count = (p->m + blocks->block - 1) / blocks->block;
    enter_library();
    for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % count * blocks->block;
        const int64_t rows = smaller(blocks->block, p->m - row);
        const int64_t first = p->reduce ? 0 : task / count;
        const int64_t end_pair = p->reduce ? p->stack : first + 1;
        for (int64_t pair = first; pair < end_pair; pair++) {
            multiply_rows(p, pair, row, rows);
        }
    }
    leave_library();
}

/* a * b * c, at most 2^62: it cannot overflow. */
static int64_t work_of(int64_t a, int64_t b, int64_t c) {
    const double work = (double)a * (double)b * (double)c;
    return work > 4e18 ? INT64_C(1) << 62 : (int64_t)work;
}

/* c = beta c, for products with k = 0 or an empty stack. BLAS would reject their leading dimension of 0. */
static void add_nothing(const rondo_product *p, int64_t results) {
    const int64_t count = results * p->m * p->n;
    if (p->beta == 0) {
        memset(p->c, 0, (size_t)count * dtype_size(p->dtype));
    } else if (p->beta != 1) {
        const rondo_tensor c = tensor_1d(p->dtype, count, p->c);
        tensor_scale(&c, 0, count, p->beta);
    }
}

int blas_can_count(const rondo_product *p) {
    return p->m <= INT32_MAX && p->n <= INT32_MAX && p->k <= INT32_MAX && p->a.leading <= INT32_MAX &&
           p->b.leading <= INT32_MAX;
}

rondo_status blas_multiply(const struct parallel *parallel, const rondo_product *p) {
    const int64_t results = p->reduce ? 1 : p->stack;
    if (p->m == 0 || p->n == 0 || results == 0) {
        return RONDO_OK;
    }
    if (p->k == 0 || p->stack == 0) {
        add_nothing(p, results);
        return RONDO_OK;
    }
    if (!open_buffers(parallel == NULL ? 1 : parallel->threads)) {
        return RONDO_NO_MEMORY;
    }
    const int64_t row_work = work_of(p->n, p->k, p->reduce ? p->stack : 1);
    const int64_t quarter = smaller(larger(p->m / 4, LEAST_ROWS), MOST_ROWS);
    struct blocks blocks = {p, smaller(larger(TASK_WORK / row_work + 1, quarter), p->m)};
    const int64_t tasks = results * ((p->m + blocks.block - 1) / blocks.block);
    const int64_t grain = TASK_WORK / work_of(row_work, blocks.block, 1) + 1;
    parallel_for(parallel, tasks, grain, run_tasks, &blocks);
    return RONDO_OK;
}
