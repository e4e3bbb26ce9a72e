/* bench/product.c: the packed products of core/product beside OpenBLAS, one thread, f32.
 *
 *     bench_product [KERNELS [WORD]]     KERNELS as product_kernels_named has them; only the cases that contain WORD
 *
 * Both run in turn, several rounds each; the table has the medians in GFLOP/s and their ratio. OpenBLAS gets the
 * columns of all targets as one product, which is the best that it can do. Packing counts bytes read and written, in
 * GB/s, beside memcpy.
 */
#define _POSIX_C_SOURCE 200809L
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timing.h"
#include "core/product/product.h"

enum { ROUNDS = 15, MOST_TARGETS = 8, MOST_RUNS = 4096 };

enum kind { ROWS, ADD, GRADIENT, PACK, TRANSPOSE };

static const struct {
    enum kind kind;
    int64_t m, k, n;
    int32_t parts; /* targets of n columns, or calls of k that add up, or runs that the rows are in */
} cases[] = {
    {ROWS, 32, 256, 256, 4},        {ADD, 32, 256, 256, 4},
    {ROWS, 10, 200, 200, 4},        {ROWS, 16, 64, 64, 4},
    {ROWS, 32, 512, 512, 4},        {ROWS, 8, 128, 128, 4},
    {ROWS, 16, 128, 128, 4},        {ROWS, 7, 100, 100, 3},
    {ROWS, 2240, 256, 256, 4},      {ROWS, 2240, 1024, 256, 1},
    {ROWS, 4096, 512, 512, 4},      {ROWS, 1024, 2048, 256, 1},
    {ROWS, 1, 64, 64, 4},           {ROWS, 1, 256, 256, 4},
    {ROWS, 2, 64, 64, 4},           {ROWS, 3, 64, 64, 4},
    {ROWS, 4, 64, 64, 4},           {GRADIENT, 256, 2240, 256, 1},
    {GRADIENT, 256, 2240, 256, 70}, {GRADIENT, 200, 700, 200, 1},
    {GRADIENT, 200, 700, 200, 35},  {GRADIENT, 64, 4096, 64, 1},
    {GRADIENT, 512, 4096, 512, 1},  {GRADIENT, 512, 4096, 512, 128},
    {GRADIENT, 128, 1600, 128, 1},  {GRADIENT, 64, 100, 64, 1},
    {GRADIENT, 64, 100, 64, 100},   {GRADIENT, 1024, 2240, 1024, 1},
    {ROWS, 32, 350, 350, 4},        {ADD, 32, 350, 350, 4},
    {ROWS, 1120, 350, 350, 4},      {ADD, 1120, 350, 350, 4},
    {GRADIENT, 350, 1120, 350, 1},  {GRADIENT, 350, 1120, 350, 35},
    {ROWS, 32, 650, 650, 4},        {ADD, 32, 650, 650, 4},
    {GRADIENT, 650, 1120, 650, 1},  {GRADIENT, 1000, 1120, 1000, 1},
    {ROWS, 20, 300, 300, 4},        {GRADIENT, 300, 700, 300, 1},
    {ROWS, 50, 513, 513, 3},        {ROWS, 10, 597, 597, 4},
    {ROWS, 10, 708, 708, 4},        {ROWS, 100, 825, 825, 4},
    {ROWS, 32, 1000, 1000, 4},      {GRADIENT, 513, 4500, 513, 1},
    {GRADIENT, 708, 910, 708, 1},   {GRADIENT, 825, 2400, 825, 1},
    {PACK, 0, 64, 64, 1},           {PACK, 0, 256, 256, 1},
    {PACK, 0, 512, 512, 1},         {TRANSPOSE, 0, 64, 64, 1},
    {TRANSPOSE, 0, 256, 256, 1},    {TRANSPOSE, 0, 512, 512, 1},
    {TRANSPOSE, 0, 200, 200, 1},
};

/* One case and all that it works on. */
struct product_work {
    const struct product_kernels *kernels;
    enum kind kind;
    int64_t m, k, n;
    int32_t parts;
    float *a, *b, *c, *packed;
    struct product_target targets[MOST_TARGETS];
    struct product_run runs[MOST_RUNS];
};

static double now(void) {
    return timing_now(CLOCK_MONOTONIC);
}

static float *numbers(int64_t count) {
    const size_t bytes = ((size_t)count * sizeof(float) + 63) / 64 * 64;
    float *values = aligned_alloc(64, bytes);
    for (int64_t i = 0; values != NULL && i < (int64_t)(bytes / sizeof *values); i++) {
        values[i] = (float)(i % 7) * 0.25f - 0.5f;
    }
    return values;
}

static void ours(struct product_work *work) {
    const int64_t m = work->m, k = work->k, n = work->n;
    switch (work->kind) {
    case ROWS:
        product_rows(work->kernels, RONDO_F32, m, k, work->a, k, work->targets, work->parts, 0);
        return;
    case ADD:
        for (int32_t part = 0; part < work->parts; part++) {
            product_rows(work->kernels, RONDO_F32, m, k, work->a + part * m * k, k, &work->targets[part], 1, part > 0);
        }
        return;
    case GRADIENT:
        product_gradient(work->kernels, RONDO_F32, work->runs, work->parts, m, work->a, m, n, work->b, n, work->c, n,
                         work->packed);
        return;
    case PACK:
    case TRANSPOSE:
        product_pack(work->kernels, RONDO_F32, k, n, work->b, n, work->kind == TRANSPOSE, work->packed);
        return;
    }
}

static void theirs(struct product_work *work) {
    const int m = (int)work->m, k = (int)work->k, n = (int)work->n, all = n * work->parts;
    switch (work->kind) {
    case ROWS:
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, all, k, 1, work->a, k, work->b, all, 0, work->c, all);
        return;
    case ADD:
        for (int32_t part = 0; part < work->parts; part++) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, work->a + part * m * k, k,
                        work->b + part * k * n, n, part > 0, work->c, n);
        }
        return;
    case GRADIENT:
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, work->a, m, work->b, n, 1, work->c, n);
        return;
    case PACK:
    case TRANSPOSE:
        memcpy(work->packed, work->b, (size_t)(k * n) * sizeof(float));
        return;
    }
}

static void set_up(struct product_work *work) {
    const int64_t m = work->m, k = work->k, n = work->n, parts = work->parts;
    const size_t packed_bytes = product_packed_bytes(work->kernels, RONDO_F32, k, n);
    const size_t scratch_bytes = product_gradient_bytes(work->kernels, RONDO_F32, m, n);
    const int64_t packed = (int64_t)(packed_bytes / sizeof(float));
    const int64_t most = packed * parts + (int64_t)(scratch_bytes / sizeof(float));
    work->a = numbers((m + 1) * k * parts);
    work->b = numbers(k * n * parts);
    work->c = numbers((m + 1) * n * parts);
    work->packed = numbers(most);
    if (work->a == NULL || work->b == NULL || work->c == NULL || work->packed == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    for (int32_t i = 0; i < parts && (work->kind == ROWS || work->kind == ADD); i++) {
        float *to = work->packed + i * packed;
        product_pack(work->kernels, RONDO_F32, k, n, work->b + i * k * n, n, 0, to);
        work->targets[i] = work->kind == ROWS ? (struct product_target){to, work->c + i * n, n * parts, n, NULL}
                                              : (struct product_target){to, work->c, n, n, NULL};
    }
    for (int32_t i = 0; i < parts && work->kind == GRADIENT; i++) {
        const int64_t begin = k * i / parts, end = k * (i + 1) / parts;
        work->runs[i] = (struct product_run){begin, begin, end - begin, begin};
    }
}

static double seconds(struct product_work *work, void (*call)(struct product_work *work), int64_t times) {
    const double start = now();
    for (int64_t i = 0; i < times; i++) {
        call(work);
    }
    return (now() - start) / (double)times;
}

static void measure(struct product_work *work, const char *name) {
    double our[ROUNDS], their[ROUNDS];
    set_up(work);
    const int is_copy = work->kind == PACK || work->kind == TRANSPOSE;
    const double amount =
        is_copy ? 8.0 * (double)(work->k * work->n)
                : 2.0 * (double)(work->m * work->k * work->n) * (work->kind == GRADIENT ? 1 : work->parts);
    const int64_t times = 1 + (int64_t)((is_copy ? 2e7 : 2e8) / amount);
    for (int round = 0; round < ROUNDS; round++) {
        our[round] = seconds(work, ours, times);
        their[round] = seconds(work, theirs, times);
    }
    const double rate = 1e-9 * amount / timing_median(our, ROUNDS), peer = 1e-9 * amount / timing_median(their, ROUNDS);
    printf("%-28s %8.1f %8.1f %8.2f\n", name, rate, peer, rate / peer);
    free(work->a);
    free(work->b);
    free(work->c);
    free(work->packed);
}

static void name_case(char name[64], int i) {
    static const char *const kinds[] = {"rows", "add", "gradient", "pack", "transpose"};
    static const char *const parts[] = {"targets", "calls", "runs", "", ""};
    const int written = snprintf(name, 64, "%s %ldx%ldx%ld", kinds[cases[i].kind], (long)cases[i].m, (long)cases[i].k,
                                 (long)cases[i].n);
    if (cases[i].parts > 1) {
        snprintf(name + written, 64 - (size_t)written, " %d %s", cases[i].parts, parts[cases[i].kind]);
    }
}

int main(int argc, char **argv) {
    static struct product_work work;
    work.kernels = argc > 1 ? product_kernels_named(argv[1]) : product_kernels();
    if (work.kernels == NULL || argc > 3) {
        fprintf(
            stderr,
            "usage: bench_product [KERNELS [PART_OF_A_NAME]]; KERNELS: avx512, avx2, neon, generic; here at best %s\n",
            product_kernels_name(product_kernels()));
        return 2;
    }
    openblas_set_num_threads(1);
    printf("%-28s %8s %8s %8s\n", "m x k x n", product_kernels_name(work.kernels), "OpenBLAS", "ratio");
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        char name[64];
        name_case(name, i);
        if (argc < 3 || strstr(name, argv[2]) != NULL) {
            work.kind = cases[i].kind;
            work.m = cases[i].m;
            work.k = cases[i].k;
            work.n = cases[i].n;
            work.parts = cases[i].parts;
            measure(&work, name);
        }
    }
    return 0;
}
