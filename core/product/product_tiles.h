/* core/product/product_tiles.h: what a set of kernels gives to the driver of product.c. Private to core/product.
 *
 * Packed B: panels of `panel` columns, each k rows of `panel` elements one after the other; column j of row p is at
 *     (j / panel) * k * panel + p * panel + j % panel.
 * The last panel has zeros from column n to the end of that column's vector; what lies behind is never touched.
 *
 * A tile is `rows` rows of A times `vectors` vector-wide columns of packed B, held in registers while it runs over k.
 * The columns of a tile are independent of each other: they may belong to different results.
 *
 * Bits: an element is one chain, c = fma(a[p], b[p], c) for p = 0 .. k - 1, that starts from 0 or from what C holds.
 * So blocks of k, rows and columns may be cut at will. (Without a fused instruction, in plain C, it is a * b + c.)
 */
#ifndef RONDO_CORE_PRODUCT_TILES_H
#define RONDO_CORE_PRODUCT_TILES_H

#include <stdint.h>

/* Vectors in a panel, and the most of them in a tile. */
enum { PRODUCT_VECTORS = 4 };

/* One vector-wide column of a result. */
struct product_column {
    const void *b; /* its first row in a panel */
    void *c;       /* its place in row 0 of C */
    int64_t ldc;
    int64_t width; /* columns of C that there are: 1 .. lanes */
};

struct product_tile {
    int64_t k;
    const void *a; /* element (i, p) is at i * a_row + p * a_step */
    int64_t a_row, a_step;
    int64_t row; /* of C, where the tile begins; `a` is there already */
    int add;     /* 1: starts from what C holds */
    const struct product_column *columns;
};

/* The kernels of one dtype. */
struct product_tiles {
    int32_t size;  /* bytes of an element */
    int32_t lanes; /* elements of a vector */
    int32_t rows;  /* most rows of a tile */
    int32_t flat;  /* tiles of at most so many rows take PRODUCT_VECTORS vectors, higher ones half of them */
    void (*tile)(int64_t rows, int64_t vectors, const struct product_tile *tile);
    /* Copies rows 0 .. k of B [k, n] into panels that begin `distance` elements after each other. */
    void (*pack)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance, void *packed);
    /* The same from the transpose, B [n, k]. */
    void (*pack_transpose)(int64_t k, int64_t n, const void *b, int64_t ldb, int64_t distance, void *packed);
};

struct product_kernels {
    const char *name;
    struct product_tiles f32, f64;
};

/* NULL where they were not compiled or this processor cannot run them. */
const struct product_kernels *product_kernels_generic(void);
const struct product_kernels *product_kernels_avx2(void);
const struct product_kernels *product_kernels_avx512(void);

#endif
