/* core/product/product_template.h: tiles and packing of one dtype and one instruction set. A source includes it once
 * for each dtype, after defining
 *     REAL, VECTOR, LANES    the element type, the vector register type and its number of elements
 *     NAME(x)                x with a suffix for the dtype and the instruction set
 *     TARGET                 the attribute that allows the instructions
 *     ALL_VECTORS            1 if the registers suffice for tiles of more than FLAT rows and PRODUCT_VECTORS vectors
 *     PANEL_VECTORS          vectors of a panel; a panel has at least BLOCK columns
 * and the inline functions
 *     NAME(load)(p), NAME(load_some)(p, count)            the second fills the elements after `count` with zeros
 *     NAME(store)(p, v), NAME(store_some)(p, v, count)
 *     NAME(broadcast)(x), NAME(multiply_add)(x, y, sum)
 *     NAME(in_register)(v)                                v, hidden from the compiler's optimiser
 *     NAME(transpose)(from, ldb, to, width)               BLOCK rows and columns
 * It defines NAME(tile), NAME(pack), NAME(pack_transpose) and NAME(pack_strips), and undefines the macros above.
 */
#include <string.h>

#include "core/product/product_tiles.h"

#ifndef RONDO_CORE_PRODUCT_TEMPLATE_H
#define RONDO_CORE_PRODUCT_TEMPLATE_H
/* Loops over the registers of a tile have constant bounds and must be unrolled: registers cannot be indexed. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
#define INLINED static inline __attribute__((always_inline))

/* The most rows of a tile; the most rows of a tile of more than two vectors, unless ALL_VECTORS; the rows and columns that
 * NAME(transpose) handles. */
enum { ROWS = 6, FLAT = 3, BLOCK = 8, LINE = 64 };
#endif

enum { NAME(PANEL) = PANEL_VECTORS * LANES, NAME(LINES) = NAME(PANEL) * sizeof(REAL) / LINE };

TARGET INLINED void NAME(start_tile)(const int rows, const int vectors, const struct product_tile *tile,
                                     VECTOR sums[ROWS][PRODUCT_VECTORS]) {
    UNROLLED
    for (int v = 0; v < vectors; v++) {
        const struct product_column *column = &tile->columns[v];
        const REAL *c = (const REAL *)column->c + tile->row * column->ldc;
        const VECTOR start = column->start == NULL ? NAME(broadcast)(0) : NAME(load_some)(column->start, column->width);
        UNROLLED
        for (int i = 0; i < rows; i++) {
            sums[i][v] = !tile->add               ? start
                         : column->width == LANES ? NAME(load)(c + i * column->ldc)
                                                  : NAME(load_some)(c + i * column->ldc, column->width);
        }
    }
}

TARGET INLINED void NAME(end_tile)(const int rows, const int vectors, const struct product_tile *tile,
                                   VECTOR sums[ROWS][PRODUCT_VECTORS]) {
    UNROLLED
    for (int v = 0; v < vectors; v++) {
        const struct product_column *column = &tile->columns[v];
        REAL *c = (REAL *)column->c + tile->row * column->ldc;
        if (column->bias != NULL) {
            const VECTOR one = NAME(broadcast)(1), bias = NAME(load_some)(column->bias, column->width);
            UNROLLED
            for (int i = 0; i < rows; i++) {
                sums[i][v] = NAME(multiply_add)(one, bias, sums[i][v]); /* rounds as a sum does */
            }
        }
        UNROLLED
        for (int i = 0; i < rows; i++) {
            if (column->width == LANES) {
                NAME(store)(c + i * column->ldc, sums[i][v]);
            } else {
                NAME(store_some)(c + i * column->ldc, sums[i][v], column->width);
            }
        }
    }
}

/* sums[i, j] += a[i] b[j]: one step of k. */
TARGET INLINED void NAME(step)(const int rows, const int vectors, const REAL *a, int64_t a_row,
                               const REAL *const b[PRODUCT_VECTORS], int64_t p, VECTOR sums[ROWS][PRODUCT_VECTORS]) {
    VECTOR y[PRODUCT_VECTORS];
    UNROLLED
    for (int v = 0; v < vectors; v++) {
        /* Without in_register, gcc loads the vector again for every row, which makes flat tiles a third slower. */
        y[v] = NAME(load)(b[v] + p * NAME(PANEL));
        if (rows > 1) {
            y[v] = NAME(in_register)(y[v]);
        }
    }
    UNROLLED
    for (int i = 0; i < rows; i++) {
        const VECTOR x = NAME(broadcast)(a[i * a_row]);
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            sums[i][v] = NAME(multiply_add)(x, y[v], sums[i][v]);
        }
    }
}

/* C[i, j] += A[i, p] B[p, j] for p = 0 .. k - 1. The numbers of rows i and of vectors of columns j are constants. */
TARGET INLINED void NAME(run_tile)(const int rows, const int vectors, const struct product_tile *tile) {
    VECTOR sums[ROWS][PRODUCT_VECTORS];
    NAME(start_tile)(rows, vectors, tile, sums);
    const REAL *b[PRODUCT_VECTORS];
    UNROLLED
    for (int v = 0; v < vectors; v++) {
        b[v] = tile->columns[v].b;
    }
    const REAL *a = tile->a;
    const int64_t k = tile->k, a_row = tile->a_row, a_step = tile->a_step;
    int64_t p = 0;
    if (tile->ahead !=
        NULL) { /* into the second-level cache: the first-level one has no room beside the panel in use */
        const char *ahead = tile->ahead;
        for (; p + 2 <= k; p += 2, a += 2 * a_step) {
            UNROLLED
            for (int line = 0; line < NAME(LINES); line++, ahead += tile->ahead_step) {
                __builtin_prefetch(ahead, 0, 2);
            }
            NAME(step)(rows, vectors, a, a_row, b, p, sums);
            NAME(step)(rows, vectors, a + a_step, a_row, b, p + 1, sums);
        }
    }
    for (; p < k; p++, a += a_step) {
        NAME(step)(rows, vectors, a, a_row, b, p, sums);
    }
    NAME(end_tile)(rows, vectors, tile, sums);
}

#define TILE(rows, vectors)                                                                                            \
    case (rows)*8 + (vectors):                                                                                         \
        NAME(run_tile)(rows, vectors, tile);                                                                           \
        break

TARGET static void NAME(tile)(int64_t rows, int64_t vectors, const struct product_tile *tile) {
    switch (rows * 8 + vectors) {
        TILE(1, 1);
        TILE(1, 2);
        TILE(1, 3);
        TILE(1, 4);
        TILE(2, 1);
        TILE(2, 2);
        TILE(2, 3);
        TILE(2, 4);
        TILE(3, 1);
        TILE(3, 2);
        TILE(3, 3);
        TILE(3, 4);
        TILE(4, 1);
        TILE(4, 2);
        TILE(5, 1);
        TILE(5, 2);
        TILE(6, 1);
        TILE(6, 2);
#if ALL_VECTORS
        TILE(4, 3);
        TILE(4, 4);
        TILE(5, 3);
        TILE(5, 4);
        TILE(6, 3);
        TILE(6, 4);
#endif
    }
}

/* Packs BLOCK rows of a panel before the next panel: panels are far apart, often each in a page of its own. */
TARGET static void NAME(pack)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance, void *packed) {
    for (int64_t first = 0; first < k; first += BLOCK) {
        const int64_t rows = k - first < BLOCK ? k - first : BLOCK;
        const REAL *from = (const REAL *)b + first * ldb;
        REAL *to = (REAL *)packed + first * NAME(PANEL);
        int64_t j = 0;
        for (; j + NAME(PANEL) <= n; j += NAME(PANEL), to += distance) {
            for (int64_t p = 0; p < rows; p++) {
                UNROLLED
                for (int v = 0; v < PANEL_VECTORS; v++) {
                    NAME(store)(to + p * NAME(PANEL) + v * LANES, NAME(load)(from + p * ldb + j + v * LANES));
                }
            }
        }
        for (; j < n; j += LANES, to += LANES) {
            for (int64_t p = 0; p < rows; p++) {
                NAME(store)
                (to + p * NAME(PANEL),
                 j + LANES <= n ? NAME(load)(from + p * ldb + j) : NAME(load_some)(from + p * ldb + j, n - j));
            }
        }
    }
}

TARGET static void NAME(pack_transpose)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance,
                                        void *packed) {
    const int64_t end = (n + LANES - 1) / LANES * LANES;
    for (int64_t j = 0; j < end; j += BLOCK) {
        const REAL *from = (const REAL *)b + j * ldb;
        REAL *to = (REAL *)packed + j / NAME(PANEL) * distance + j % NAME(PANEL);
        int64_t p = 0;
        for (; j + BLOCK <= n && p + BLOCK <= k; p += BLOCK) {
            NAME(transpose)(from + p, ldb, to + p * NAME(PANEL), NAME(PANEL));
        }
        for (; p < k; p++) {
            for (int64_t i = 0; i < BLOCK && j + i < end; i++) {
                to[p * NAME(PANEL) + i] = j + i < n ? from[i * ldb + p] : 0;
            }
        }
    }
}

/* BLOCK rows of a strip before the next strip, as for panels. ROWS columns are copied at a time, whatever the height, except at the
 * end: all strips but the last have ROWS columns at and after their first, because no strip of several is lower than ROWS / 2. */
TARGET static void NAME(pack_strips)(int64_t k, int64_t m, int64_t height, int64_t higher, const void *a, int64_t lda,
                                     int64_t distance, void *packed) {
    for (int64_t first = 0; first < k; first += BLOCK) {
        const int64_t rows = k - first < BLOCK ? k - first : BLOCK;
        const REAL *from = (const REAL *)a + first * lda;
        REAL *to = (REAL *)packed + first * ROWS;
        int64_t column = 0;
        for (int64_t strip = 0; column + ROWS <= m; strip++, to += distance) {
            for (int64_t p = 0; p < rows; p++) {
                memcpy(to + p * ROWS, from + p * lda + column, ROWS * sizeof *to);
            }
            column += height + (strip < higher);
        }
        for (int64_t p = 0; p < rows && column < m; p++) {
            memcpy(to + p * ROWS, from + p * lda + column, (size_t)(m - column) * sizeof *to);
        }
    }
}

#undef TILE
#undef REAL
#undef VECTOR
#undef LANES
#undef NAME
