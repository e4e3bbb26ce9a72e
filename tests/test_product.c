/* core/product: products of every kernel set against a double loop, and what the header promises about bits. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/product/product.h"
#include "core/tensor.h"
#include "tests/suite.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const char *const names[] = {"generic", "avx2", "avx512", "neon"};
static const int32_t dtypes[] = {RONDO_F32, RONDO_F64};

/* ---- matrices of either dtype ---- */

static size_t size_of(int32_t dtype) {
    return dtype == RONDO_F64 ? sizeof(double) : sizeof(float);
}

static double get(int32_t dtype, const void *values, int64_t i) {
    return dtype == RONDO_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

static void set(int32_t dtype, void *values, int64_t i, double value) {
    if (dtype == RONDO_F64) {
        ((double *)values)[i] = value;
    } else {
        ((float *)values)[i] = (float)value;
    }
}

/* The memory has exactly this size, so that a sanitizer detects an access after its end. */
static void *allocate(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

static void *allocate_aligned(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0));
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0xff, bytes); /* not-a-number, if it is read before it is written */
    return memory;
}

/* Values whose sum depends on the order. */
static void *numbers(int32_t dtype, int64_t count, uint32_t seed) {
    void *values = allocate((size_t)count * size_of(dtype));
    uint32_t word = seed * 2654435761u + 1;
    for (int64_t i = 0; i < count; i++) {
        word = word * 1664525u + 1013904223u;
        set(dtype, values, i, (double)(word >> 8) / (double)(1 << 23) - 1);
    }
    return values;
}

/* The number of elements from the first to the last of a matrix of rows x columns with this distance between rows. */
static int64_t span(int64_t rows, int64_t columns, int64_t ld) {
    return rows > 0 && columns > 0 ? (rows - 1) * ld + columns : 0;
}

static void *packed(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n, const void *b,
                    int64_t ldb, int transpose) {
    void *panels = allocate_aligned(product_packed_bytes(kernels, dtype, k, n));
    product_pack(kernels, dtype, k, n, b, ldb, transpose, panels);
    return panels;
}

/* ---- shapes ---- */

enum { MOST_TARGETS = 4 };

struct shape {
    int64_t m, k;
    int64_t n[MOST_TARGETS]; /* a 0 ends the list, except as its first element */
    int64_t more;            /* each ld is the width plus this number */
    int transpose, add;
};

static const struct shape shapes[] = {
    {0, 3, {5}, 0, 0, 0},
    {3, 0, {5}, 0, 0, 0},
    {3, 0, {5}, 0, 0, 1},
    {3, 4, {0}, 0, 0, 0},
    {0, 0, {0}, 0, 0, 0},
    {1, 1, {1}, 0, 0, 0},
    {1, 1, {1}, 0, 1, 1},
    {1, 64, {64, 64, 64, 64}, 0, 0, 0},
    {1, 7, {200}, 0, 0, 1},
    {2, 5, {3}, 1, 1, 0},
    {2, 17, {129}, 0, 1, 1},
    {3, 33, {15, 17, 16}, 3, 0, 0},
    {4, 8, {8}, 0, 1, 0},
    {5, 9, {33, 1}, 2, 1, 1},
    {6, 16, {64}, 0, 1, 0},
    {7, 31, {65, 2, 31}, 0, 0, 1},
    {8, 24, {48}, 0, 1, 0},
    {10, 200, {200, 200}, 0, 1, 0},
    {11, 13, {7, 63, 5, 100}, 5, 1, 0},
    {13, 1, {130}, 0, 0, 0},
    {37, 40, {50}, 7, 1, 1},
    {121, 9, {20}, 0, 0, 0}, /* more than a block of rows */
    {250, 3, {17, 9}, 1, 1, 1},
    {3, 513, {40}, 0, 0, 0}, /* more than a block of k */
    {7, 1100, {19, 33}, 3, 1, 0},
    {125, 530, {35}, 0, 0, 1},
    {50, 301, {320, 330}, 1, 0, 1}, /* more packed weights than are taken to be in a cache */
    {5, 513, {65, 200, 9, 41}, 0, 1, 0},
};

/* One target of a product: the matrices, and the expected result. */
struct case_target {
    void *b, *panels, *c, *before;
    int64_t ldb, ldc, n;
};

static struct case_target make_target(const struct product_kernels *kernels, int32_t dtype, const struct shape *shape,
                                      int index) {
    const int64_t n = shape->n[index], k = shape->k, ldc = n + shape->more;
    const int64_t rows = shape->transpose ? n : k, columns = shape->transpose ? k : n, ldb = columns + shape->more;
    struct case_target target = {.ldb = ldb, .ldc = ldc, .n = n};
    target.b = numbers(dtype, span(rows, columns, ldb), 10 + (uint32_t)index);
    target.panels = packed(kernels, dtype, k, n, target.b, ldb, shape->transpose);
    target.c = numbers(dtype, span(shape->m, n, ldc), 20 + (uint32_t)index);
    target.before = numbers(dtype, span(shape->m, n, ldc), 20 + (uint32_t)index);
    return target;
}

static void free_target(struct case_target *target) {
    free(target->b);
    free(target->panels);
    free(target->c);
    free(target->before);
}

static void check_target(int32_t dtype, const struct shape *shape, const void *a, const struct case_target *target) {
    const int64_t lda = shape->k + shape->more;
    const double epsilon = dtype == RONDO_F64 ? 1e-16 : 6e-8;
    for (int64_t i = 0; i < shape->m; i++) {
        for (int64_t j = 0; j < target->n; j++) {
            double expected = shape->add ? get(dtype, target->before, i * target->ldc + j) : 0;
            for (int64_t p = 0; p < shape->k; p++) {
                const int64_t place = shape->transpose ? j * target->ldb + p : p * target->ldb + j;
                expected += get(dtype, a, i * lda + p) * get(dtype, target->b, place);
            }
            ck_assert_double_eq_tol(get(dtype, target->c, i * target->ldc + j), expected,
                                    epsilon * (double)(shape->k + 2) * 2);
        }
        for (int64_t j = i * target->ldc + target->n; j < (i + 1) * target->ldc && i + 1 < shape->m; j++) {
            ck_assert_msg(get(dtype, target->c, j) == get(dtype, target->before, j),
                          "written after the end of a row of C");
        }
    }
}

static void check_shape(const struct product_kernels *kernels, int32_t dtype, const struct shape *shape) {
    const int64_t lda = shape->k + shape->more;
    void *a = numbers(dtype, span(shape->m, shape->k, lda), 1);
    struct case_target cases[MOST_TARGETS];
    struct product_target targets[MOST_TARGETS];
    int count = 0;
    for (; count < MOST_TARGETS && (count == 0 || shape->n[count] > 0); count++) {
        cases[count] = make_target(kernels, dtype, shape, count);
        targets[count] =
            (struct product_target){cases[count].panels, cases[count].c, cases[count].ldc, cases[count].n, NULL};
    }
    product_rows(kernels, dtype, shape->m, shape->k, a, lda, targets, count, shape->add);
    for (int i = 0; i < count; i++) {
        check_target(dtype, shape, a, &cases[i]);
        free_target(&cases[i]);
    }
    free(a);
}

/* Calls check for the kernels of a loop test's index and both dtypes; kernels that cannot run here pass. */
static const struct product_kernels *kernels_of(int index) {
    return product_kernels_named(names[index]);
}

START_TEST(rows_are_those_of_a_double_loop) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int s = 0; s < COUNT(shapes) && kernels != NULL; s++) {
        for (int d = 0; d < COUNT(dtypes); d++) {
            check_shape(kernels, dtypes[d], &shapes[s]);
        }
    }
}
END_TEST

/* The bits of adding to a C whose rows are all that row. */
START_TEST(rows_start_from_a_given_row) {
    enum { M = 13, K = 700, N = 45 };
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        const int32_t dtype = dtypes[d];
        const size_t row_bytes = N * dtype_size(dtype);
        void *a = numbers(dtype, M * K, 1), *b = numbers(dtype, K * N, 2), *start = numbers(dtype, N, 3);
        void *panels = packed(kernels, dtype, K, N, b, N, 0);
        char *expected = numbers(dtype, M * N, 4), *c = numbers(dtype, M * N, 5);
        for (int64_t i = 0; i < M; i++) {
            memcpy(expected + (size_t)i * row_bytes, start, row_bytes);
        }
        const struct product_target added = {panels, expected, N, N, NULL}, started = {panels, c, N, N, start};
        product_rows(kernels, dtype, M, K, a, K, &added, 1, 1);
        product_rows(kernels, dtype, M, K, a, K, &started, 1, 0);
        ck_assert_mem_eq(c, expected, M * row_bytes);
        free(a);
        free(b);
        free(start);
        free(panels);
        free(expected);
        free(c);
    }
}
END_TEST

START_TEST(no_targets_are_no_work) {
    const struct product_kernels *kernels = kernels_of(_i);
    if (kernels != NULL) {
        const float a[2] = {1, 2};
        product_rows(kernels, RONDO_F32, 1, 2, a, 2, NULL, 0, 0);
    }
}
END_TEST

/* ---- bits ---- */

enum { BIT_ROWS = 37, BIT_K = 600, BIT_COLUMNS = 150 };

/* C [m, n] from rows `row` and columns `column` on of A [37, 600] and B [600, 150], as one call. */
static void *part(const struct product_kernels *kernels, int32_t dtype, const void *a, const void *b, int64_t row,
                  int64_t m, int64_t column, int64_t n) {
    const size_t size = size_of(dtype);
    void *c = numbers(dtype, m * n, 9);
    void *panels = packed(kernels, dtype, BIT_K, n, (const char *)b + (size_t)column * size, BIT_COLUMNS, 0);
    const struct product_target target = {panels, c, n, n, NULL};
    product_rows(kernels, dtype, m, BIT_K, (const char *)a + (size_t)(row * BIT_K) * size, BIT_K, &target, 1, 0);
    free(panels);
    return c;
}

static const struct {
    int64_t row, m, column, n;
} parts[] = {
    {0, 1, 0, 150},  {36, 1, 0, 150}, {5, 2, 0, 150},  {7, 3, 0, 150},  {9, 4, 0, 150},   {1, 5, 0, 150},
    {30, 6, 0, 150}, {2, 7, 0, 150},  {0, 32, 0, 150}, {0, 37, 0, 1},   {0, 37, 149, 1},  {0, 37, 3, 16},
    {0, 37, 15, 64}, {3, 10, 7, 100}, {20, 1, 77, 1},  {4, 3, 129, 21}, {11, 11, 64, 86}, {0, 37, 1, 149},
};

static void check_parts(const struct product_kernels *kernels, int32_t dtype) {
    void *a = numbers(dtype, (int64_t)BIT_ROWS * BIT_K, 3), *b = numbers(dtype, (int64_t)BIT_K * BIT_COLUMNS, 4);
    void *whole = part(kernels, dtype, a, b, 0, BIT_ROWS, 0, BIT_COLUMNS);
    const size_t size = size_of(dtype);
    for (int q = 0; q < COUNT(parts); q++) {
        void *c = part(kernels, dtype, a, b, parts[q].row, parts[q].m, parts[q].column, parts[q].n);
        for (int64_t i = 0; i < parts[q].m; i++) {
            const int64_t place = (parts[q].row + i) * BIT_COLUMNS + parts[q].column;
            ck_assert_msg(memcmp((char *)c + (size_t)(i * parts[q].n) * size, (char *)whole + (size_t)place * size,
                                 (size_t)parts[q].n * size) == 0,
                          "row %d of part %d has other bits", (int)i, q);
        }
        free(c);
    }
    free(whole);
    free(a);
    free(b);
}

START_TEST(a_row_or_column_has_the_same_bits_whatever_is_computed_with_it) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        check_parts(kernels, dtypes[d]);
    }
}
END_TEST

/* Three targets in one call, and each in its own call, packed from the transpose. */
static void check_lists(const struct product_kernels *kernels, int32_t dtype) {
    enum { M = 5, K = 70 };
    static const int64_t widths[] = {19, 1, 77};
    void *a = numbers(dtype, M * K, 5);
    void *together[3], *alone[3], *panels[3], *panels_of_transpose[3];
    struct product_target targets[3];
    for (int t = 0; t < 3; t++) {
        const int64_t n = widths[t];
        void *b = numbers(dtype, K * n, 6 + (uint32_t)t), *transpose = numbers(dtype, K * n, 0);
        for (int64_t i = 0; i < K * n; i++) {
            set(dtype, transpose, i % n * K + i / n, get(dtype, b, i));
        }
        panels[t] = packed(kernels, dtype, K, n, b, n, 0);
        panels_of_transpose[t] = packed(kernels, dtype, K, n, transpose, K, 1);
        together[t] = numbers(dtype, M * n, 8);
        alone[t] = numbers(dtype, M * n, 8);
        targets[t] = (struct product_target){panels[t], together[t], n, n, NULL};
        free(b);
        free(transpose);
    }
    product_rows(kernels, dtype, M, K, a, K, targets, 3, 1);
    for (int t = 0; t < 3; t++) {
        const struct product_target target = {panels_of_transpose[t], alone[t], widths[t], widths[t], NULL};
        product_rows(kernels, dtype, M, K, a, K, &target, 1, 1);
        ck_assert_mem_eq(together[t], alone[t], (size_t)(M * widths[t]) * size_of(dtype));
        free(together[t]);
        free(alone[t]);
        free(panels[t]);
        free(panels_of_transpose[t]);
    }
    free(a);
}

START_TEST(a_target_has_the_same_bits_alone_and_from_a_transpose) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        check_lists(kernels, dtypes[d]);
    }
}
END_TEST

/* So all sets with a fused multiply-add, those of other processors too, have the same bits: product_tiles.h has the chain. */
START_TEST(an_element_is_a_chain_of_fused_operations) {
    const struct product_kernels *kernels = kernels_of(_i);
    const int is_fused = strcmp(names[_i], "generic") != 0;
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL && is_fused; d++) {
        const int32_t dtype = dtypes[d];
        void *a = numbers(dtype, (int64_t)BIT_ROWS * BIT_K, 3), *b = numbers(dtype, (int64_t)BIT_K * BIT_COLUMNS, 4);
        void *c = part(kernels, dtype, a, b, 0, BIT_ROWS, 0, BIT_COLUMNS);
        for (int64_t i = 0; i < (int64_t)BIT_ROWS * BIT_COLUMNS; i++) {
            double chain = 0;
            for (int64_t p = 0; p < BIT_K; p++) {
                const double x = get(dtype, a, i / BIT_COLUMNS * BIT_K + p);
                const double y = get(dtype, b, p * BIT_COLUMNS + i % BIT_COLUMNS);
                chain = dtype == RONDO_F64 ? fma(x, y, chain) : (double)fmaf((float)x, (float)y, (float)chain);
            }
            ck_assert_msg(get(dtype, c, i) == chain, "element %d is not the sum in order", (int)i);
        }
        free(a);
        free(b);
        free(c);
    }
}
END_TEST

/* ---- gradients ---- */

static const struct {
    int64_t m, n, more;
    int32_t n_runs;
    struct product_run runs[5];
} gradients[] = {
    {0, 4, 0, 1, {{0, 0, 3, 0}}},
    {4, 0, 0, 1, {{0, 0, 3, 0}}},
    {3, 4, 0, 0, {{0, 0, 0, 0}}},
    {3, 4, 0, 2, {{0, 0, 0, 0}, {1, 1, 0, 0}}},
    {1, 1, 0, 1, {{0, 0, 1, 0}}},
    {5, 7, 2, 1, {{1, 0, 9, 0}}},
    {16, 64, 0, 2, {{0, 3, 5, 0}, {9, 8, 0, 5}}},
    {17, 65, 0, 3, {{4, 0, 2, 0}, {0, 4, 1, 2}, {9, 9, 20, 3}}},
    {64, 64, 0, 1, {{0, 0, 100, 0}}},
    {23, 200, 3, 2, {{0, 1, 255, 0}, {300, 256, 2, 255}}},
    {40, 31, 0, 4, {{0, 0, 256, 0}, {600, 256, 256, 256}, {256, 600, 1, 512}, {300, 300, 80, 513}}},
    {20, 9, 0, 2, {{0, 0, 400, 0}, {600, 420, 300, 400}}}, /* a block begins within a run and ends in a distant one */
    {5, 70, 3, 3, {{300, 0, 270, 0}, {0, 300, 20, 270}, {620, 400, 40, 290}}},
    {515, 3, 0, 1, {{2, 5, 7, 0}}}, /* more than a block of columns of A, and of B */
    {3, 1030, 1, 2, {{2, 5, 7, 0}, {0, 0, 1, 7}}},
    {513, 513, 0, 1, {{0, 0, 2, 0}}},
};

enum { GRADIENT_ROWS = 900 };

/* C += A^T B over a list of runs, from the same C every time. */
static void *gradient(const struct product_kernels *kernels, int32_t dtype, const struct product_run *runs,
                      int32_t n_runs, int64_t m, const void *a, int64_t n, const void *b, int64_t more) {
    void *c = numbers(dtype, span(m, n, n + more), 30);
    void *scratch = allocate_aligned(product_gradient_bytes(kernels, dtype, m, n));
    product_gradient(kernels, dtype, runs, n_runs, m, a, m + more, n, b, n + more, c, n + more, scratch);
    free(scratch);
    return c;
}

static void check_gradient(const struct product_kernels *kernels, int32_t dtype, int index) {
    const int64_t m = gradients[index].m, n = gradients[index].n, more = gradients[index].more;
    const int64_t lda = m + more, ldb = n + more;
    void *a = numbers(dtype, span(GRADIENT_ROWS, m, lda), 31), *b = numbers(dtype, span(GRADIENT_ROWS, n, ldb), 32);
    void *before = numbers(dtype, span(m, n, ldb), 30);
    void *c = gradient(kernels, dtype, gradients[index].runs, gradients[index].n_runs, m, a, n, b, more);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < (i + 1 < m ? ldb : n); j++) {
            double expected = get(dtype, before, i * ldb + j);
            int64_t pairs = 0;
            for (int32_t r = 0; r < gradients[index].n_runs && j < n; r++) {
                const struct product_run *run = &gradients[index].runs[r];
                pairs += run->count;
                for (int64_t p = 0; p < run->count; p++) {
                    expected += get(dtype, a, (run->a_row + p) * lda + i) * get(dtype, b, (run->b_row + p) * ldb + j);
                }
            }
            ck_assert_double_eq_tol(get(dtype, c, i * ldb + j), expected,
                                    (dtype == RONDO_F64 ? 1e-16 : 6e-8) * (double)(2 * pairs + 1));
        }
    }
    free(a);
    free(b);
    free(before);
    free(c);
}

START_TEST(gradient_is_that_of_a_double_loop) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int g = 0; g < COUNT(gradients) && kernels != NULL; g++) {
        for (int d = 0; d < COUNT(dtypes); d++) {
            check_gradient(kernels, dtypes[d], g);
        }
    }
}
END_TEST

/* How the same 700 pairs of rows are cut into runs. */
static const int64_t cuts[][6] = {
    {700}, {1, 699}, {255, 1, 0, 444}, {256, 256, 188}, {300, 300, 100}, {2, 0, 3, 600, 94, 1},
};

START_TEST(gradient_has_the_same_bits_however_runs_are_cut) {
    enum { M = 37, N = 150, PAIRS = 700 };
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        const int32_t dtype = dtypes[d];
        void *a = numbers(dtype, (PAIRS + 5) * M, 33), *b = numbers(dtype, (PAIRS + 9) * N, 34), *expected = NULL;
        struct product_run *runs = allocate(PAIRS * sizeof *runs);
        for (int cut = 0; cut <= COUNT(cuts); cut++) {
            int32_t n_runs = 0;
            for (int64_t begin = 0; begin < PAIRS; n_runs++) { /* in the last cut, every pair is a run */
                const int64_t count = cut < COUNT(cuts) ? cuts[cut][n_runs] : 1;
                runs[n_runs] = (struct product_run){5 + begin, 9 + begin, count, begin};
                begin += count;
            }
            void *c = gradient(kernels, dtype, runs, n_runs, M, a, N, b, 0);
            if (expected == NULL) {
                expected = c;
                continue;
            }
            ck_assert_mem_eq(c, expected, (size_t)(M * N) * size_of(dtype));
            free(c);
        }
        free(runs);
        free(expected);
        free(a);
        free(b);
    }
}
END_TEST

/* Random runs in A and B are compared with the same rows copied one after the other. Widths of A are on both sides of
 * the limit up to which its rows are read where they are. */
static void check_places(const struct product_kernels *kernels, int32_t dtype, uint32_t seed) {
    enum { MOST_RUNS = 12 };
    static const int64_t widths[][2] = {{7, 5}, {64, 33}, {200, 16}, {260, 3}, {530, 40}};
    const size_t size = size_of(dtype);
    const int64_t m = widths[seed % COUNT(widths)][0], n = widths[seed % COUNT(widths)][1];
    struct product_run runs[MOST_RUNS];
    uint32_t word = seed * 2654435761u + 1;
    int64_t total = 0;
    int32_t n_runs = 0;
    for (; n_runs < MOST_RUNS; n_runs++) {
        int64_t drawn[3];
        for (int i = 0; i < 3; i++) {
            word = word * 1664525u + 1013904223u;
            drawn[i] = word >> 8;
        }
        const int64_t count = drawn[0] % (n_runs % 3 == 0 ? 330 : 40);
        runs[n_runs] =
            (struct product_run){drawn[1] % (GRADIENT_ROWS - count), drawn[2] % (GRADIENT_ROWS - count), count, total};
        total += count;
    }
    void *a = numbers(dtype, GRADIENT_ROWS * m, 41), *b = numbers(dtype, GRADIENT_ROWS * n, 42);
    char *near_a = allocate((size_t)(total * m) * size), *near_b = allocate((size_t)(total * n) * size);
    const struct product_run all = {0, 0, total, 0};
    for (int32_t r = 0, row = 0; r < n_runs; row += (int32_t)runs[r++].count) {
        memcpy(near_a + (size_t)(row * m) * size, (char *)a + (size_t)(runs[r].a_row * m) * size,
               (size_t)(runs[r].count * m) * size);
        memcpy(near_b + (size_t)(row * n) * size, (char *)b + (size_t)(runs[r].b_row * n) * size,
               (size_t)(runs[r].count * n) * size);
    }
    void *found = gradient(kernels, dtype, runs, n_runs, m, a, n, b, 0);
    void *expected = gradient(kernels, dtype, &all, 1, m, near_a, n, near_b, 0);
    ck_assert_mem_eq(found, expected, (size_t)(m * n) * size);
    free(found);
    free(expected);
    free(near_a);
    free(near_b);
    free(a);
    free(b);
}

START_TEST(gradient_has_the_same_bits_wherever_runs_are) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (uint32_t seed = 0; seed < 20 && kernels != NULL; seed++) {
        check_places(kernels, dtypes[seed / 5 % 2], seed);
    }
}
END_TEST

/* Three A and four B, with pairs that are not wanted; all columns of B together are more than a block. */
START_TEST(gradients_that_share_sides_have_the_bits_of_single_ones) {
    enum { N_A = 3, N_B = 4, TOTAL = 290 };
    static const int64_t widths_a[N_A] = {3, 300, 67}, widths_b[N_B] = {513, 40, 600, 17};
    static const int wanted[N_A][N_B] = {{1, 1, 0, 1}, {0, 1, 1, 0}, {1, 0, 1, 1}};
    static const struct product_run runs[N_A][2] = {{{0, 0, TOTAL, 0}},
                                                    {{7, 0, 30, 0}, {100, 30, TOTAL - 30, 30}},
                                                    {{0, 0, TOTAL - 1, 0}, {5, TOTAL - 1, 1, TOTAL - 1}}};
    static const int32_t n_runs[N_A] = {1, 2, 2};
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        const int64_t panel = product_panel(kernels, dtypes[d]);
        struct product_factor a[N_A], b[N_B];
        struct product_result c[N_A * N_B] = {{NULL, 0}};
        void *data_a[N_A], *data_b[N_B];
        int64_t n = 0;
        for (int i = 0; i < N_A; i++) {
            data_a[i] = numbers(dtypes[d], (TOTAL + 100) * widths_a[i], 50 + (uint32_t)i);
            a[i] = (struct product_factor){data_a[i], widths_a[i], widths_a[i], runs[i], n_runs[i]};
        }
        for (int j = 0; j < N_B; j++) {
            data_b[j] = numbers(dtypes[d], TOTAL * widths_b[j], 60 + (uint32_t)j);
            b[j] = (struct product_factor){data_b[j], widths_b[j], widths_b[j], NULL, 0};
            n += (widths_b[j] + panel - 1) / panel * panel;
        }
        for (int i = 0; i < N_A * N_B; i++) {
            const int64_t width = widths_b[i % N_B];
            c[i].data = wanted[i / N_B][i % N_B] ? numbers(dtypes[d], widths_a[i / N_B] * width, 30) : NULL;
            c[i].ld = width;
        }
        void *scratch = allocate_aligned(product_gradient_bytes(kernels, dtypes[d], 300, n));
        product_gradients(kernels, dtypes[d], a, N_A, b, N_B, c, scratch);
        free(scratch);
        for (int i = 0; i < N_A * N_B; i++) {
            const int of_a = i / N_B, of_b = i % N_B;
            if (c[i].data != NULL) {
                void *single = gradient(kernels, dtypes[d], runs[of_a], n_runs[of_a], widths_a[of_a], data_a[of_a],
                                        widths_b[of_b], data_b[of_b], 0);
                ck_assert_mem_eq(c[i].data, single, (size_t)(widths_a[of_a] * widths_b[of_b]) * size_of(dtypes[d]));
                free(single);
                free(c[i].data);
            }
        }
        for (int i = 0; i < N_A; i++) {
            free(data_a[i]);
        }
        for (int j = 0; j < N_B; j++) {
            free(data_b[j]);
        }
    }
}
END_TEST

/* ---- choice and sizes ---- */

START_TEST(kernels_are_found_by_name) {
    const struct product_kernels *best = product_kernels();
    ck_assert_ptr_nonnull(best);
    ck_assert_ptr_eq(product_kernels_named(product_kernels_name(best)), best);
    ck_assert_ptr_nonnull(product_kernels_named("generic"));
    ck_assert_str_eq(product_kernels_name(product_kernels_named("generic")), "generic");
#ifdef __aarch64__
    ck_assert_str_eq(product_kernels_name(best), "neon");
#else
    ck_assert_ptr_null(product_kernels_named("neon"));
#endif
    ck_assert_ptr_null(product_kernels_named("sse9"));
    ck_assert_ptr_null(product_kernels_named(""));
}
END_TEST

/* ---- bias ---- */

static const struct {
    int64_t m, n, k;
    int transpose_a, transpose_b, add;
} biased[] = {
    {1, 1, 1, 0, 0, 0},      {5, 17, 3, 0, 0, 0},
    {130, 600, 20, 0, 1, 0}, /* more than a block of rows and of columns */
    {7, 33, 600, 0, 0, 1},   {20, 65, 300, 1, 0, 0},
    {3, 530, 513, 1, 1, 1}, /* k in several blocks */
};

static void check_bias(const struct product_kernels *kernels, int32_t dtype, int row) {
    const int64_t m = biased[row].m, n = biased[row].n, k = biased[row].k;
    void *a = numbers(dtype, m * k, 1), *b = numbers(dtype, k * n, 2), *bias = numbers(dtype, n, 3);
    void *c = numbers(dtype, m * n, 4), *expected = numbers(dtype, m * n, 4);
    void *scratch = allocate_aligned(product_gradient_bytes(kernels, dtype, m, n));
    struct product_matrices product = {.m = m,
                                       .n = n,
                                       .k = k,
                                       .alpha = 1,
                                       .a = {a, biased[row].transpose_a ? m : k, biased[row].transpose_a},
                                       .b = {b, biased[row].transpose_b ? k : n, biased[row].transpose_b},
                                       .c = expected,
                                       .ldc = n,
                                       .add = biased[row].add};
    product_multiply(kernels, dtype, &product, scratch);
    for (int64_t i = 0; i < m * n; i++) {
        set(dtype, expected, i, get(dtype, expected, i) + get(dtype, bias, i % n));
    }
    product.c = c;
    product.bias = bias;
    product_multiply(kernels, dtype, &product, scratch);
    ck_assert_mem_eq(c, expected, (size_t)(m * n) * size_of(dtype));
    free(a);
    free(b);
    free(bias);
    free(c);
    free(expected);
    free(scratch);
}

START_TEST(a_bias_gives_the_bits_of_a_separate_sum) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int row = 0; row < COUNT(biased) && kernels != NULL; row++) {
        for (int d = 0; d < COUNT(dtypes); d++) {
            check_bias(kernels, dtypes[d], row);
        }
    }
}
END_TEST

START_TEST(sizes_that_overflow_are_reported) {
    const struct product_kernels *kernels = kernels_of(_i);
    for (int d = 0; d < COUNT(dtypes) && kernels != NULL; d++) {
        const int32_t dtype = dtypes[d];
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, 0, 0), 0);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, 3, 0), 0);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, 0, 3), 0);
        ck_assert_uint_ge(product_packed_bytes(kernels, dtype, 3, 5), 15 * size_of(dtype));
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, -1, 5), SIZE_MAX);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, 3, -1), SIZE_MAX);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, INT64_MAX, INT64_MAX), SIZE_MAX);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, 1, INT64_MAX), SIZE_MAX);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, INT64_MAX / 8, 1), SIZE_MAX);
        ck_assert_uint_eq(product_packed_bytes(kernels, dtype, INT64_C(1) << 31, INT64_C(1) << 31), SIZE_MAX);
        ck_assert_uint_lt(product_gradient_bytes(kernels, dtype, INT64_MAX, INT64_MAX), SIZE_MAX);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("product");
    TCase *cases = tcase_create("product");
    const int sets = COUNT(names);
    tcase_add_test(cases, kernels_are_found_by_name);
    tcase_add_loop_test(cases, sizes_that_overflow_are_reported, 0, sets);
    tcase_add_loop_test(cases, rows_are_those_of_a_double_loop, 0, sets);
    tcase_add_loop_test(cases, rows_start_from_a_given_row, 0, sets);
    tcase_add_loop_test(cases, no_targets_are_no_work, 0, sets);
    tcase_add_loop_test(cases, a_row_or_column_has_the_same_bits_whatever_is_computed_with_it, 0, sets);
    tcase_add_loop_test(cases, a_target_has_the_same_bits_alone_and_from_a_transpose, 0, sets);
    tcase_add_loop_test(cases, an_element_is_a_chain_of_fused_operations, 0, sets);
    tcase_add_loop_test(cases, gradient_is_that_of_a_double_loop, 0, sets);
    tcase_add_loop_test(cases, gradient_has_the_same_bits_however_runs_are_cut, 0, sets);
    tcase_add_loop_test(cases, gradient_has_the_same_bits_wherever_runs_are, 0, sets);
    tcase_add_loop_test(cases, gradients_that_share_sides_have_the_bits_of_single_ones, 0, sets);
    tcase_add_loop_test(cases, a_bias_gives_the_bits_of_a_separate_sum, 0, sets);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
