/* core/product/product_tiles.h: what a set of kernels provides to the driver in product.c. Private to core/product.
 *
 * Packed B consists of panels of `panel` columns: those of the most usual tile, so that the rows of B that a tile reads follow each
 * other in memory, and do not compete for half of the sets of the first-level cache. A panel is k rows of `panel` elements, one
 * after the other. Element (p, j) of B is at
 *     (j / panel) * k * panel + p * panel + j % panel.
 * The last panel has zeros from column n to the end of that column's vector; the memory after them is never accessed.
 *
 * Packed columns of A consist of strips, one for each tile. A strip is k rows of `rows` elements, of which the tile reads as many
 * as it has rows.
 *
 * A tile is the product of `rows` rows of A and `vectors` vector-wide columns of packed B. Its sums stay in registers for
 * all of k. The columns of a tile are independent of each other: they may belong to different results.
 *
 * Bits: an element is one chain, c = fma(a[p], b[p], c) for p = 0 .. k - 1, starting from 0 or from the value in C. So
 * k, rows and columns may be divided into blocks in any way. (Plain C without a fused instruction computes a * b + c.)
 */
#ifndef RONDO_CORE_PRODUCT_TILES_H
#define RONDO_CORE_PRODUCT_TILES_H

#include <stdint.h>

/* The largest number of vectors in a tile. */
enum { PRODUCT_VECTORS = 4 };

/* One vector-wide column of a result. */
struct product_column {
    const void *b; /* its first row in a panel */
    void *c;       /* its first element in row 0 of C */
    int64_t ldc;
    int64_t width;     /* columns that exist in C: 1 .. lanes */
    const void *start; /* [width] what the sums start from if they do not start from C; NULL: 0 */
    const void *bias;  /* [width], added to the column in every row at last; NULL: none */
};

struct product_tile {
    int64_t k;
    const void *a; /* element (i, p) is at i * a_row + p * a_step */
    int64_t a_row, a_step;
    int64_t row; /* of C, where the tile begins; `a` already points to the row of A */
    int add;     /* 1: start from the values in C */
    const struct product_column *columns;
    const char *ahead; /* a part of the panels of the next tiles, which this one prefetches; NULL: none */
    int64_t
        ahead_step; /* bytes between two prefetches; there are as many in two rows of B as one row of a panel has lines */
};

/* The kernels of one dtype. */
struct product_tiles {
    int32_t size;    /* bytes of an element */
    int32_t lanes;   /* elements of a vector */
    int32_t panel;   /* vectors of a panel */
    int32_t vectors; /* vectors of a tile of more than `flat` rows; others take PRODUCT_VECTORS */
    int32_t rows;    /* the largest number of rows of a tile */
    int32_t flat;
    int32_t depth; /* rows of a panel that product_rows uses at a time: those of a tile stay in the first-level cache */
    void (*tile)(int64_t rows, int64_t vectors, const struct product_tile *tile);
    /* Copies B [k, n] into panels. Each panel begins `distance` elements after the one before. */
    void (*pack)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance, void *packed);
    /* The same from the transpose, B [n, k]. */
    void (*pack_transpose)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance, void *packed);
    /* Copies A [k, m] into strips of `height` columns, the first `higher` ones of height + 1, at most `rows`. Each strip begins
     * `distance` elements after the one before. */
    void (*pack_strips)(int64_t k, int64_t m, int64_t height, int64_t higher, const void *a, int64_t lda,
                        int64_t distance, void *packed);
};

struct product_kernels {
    const char *name;
    struct product_tiles f32, f64;
};

/* NULL if they were not compiled, or if this processor cannot run them. */
const struct product_kernels *product_kernels_generic(void);
const struct product_kernels *product_kernels_avx2(void);
const struct product_kernels *product_kernels_avx512(void);
const struct product_kernels *product_kernels_neon(void);

#endif
