/* core/product/product.h: all matrix products; for the recurrence those whose right side is packed once and used many times.
 *
 * A recurrent product multiplies a few rows by the same weights at every step. The weights are packed once per sequence,
 * into panels in the order in which the kernel reads them; a product then costs little more than its arithmetic. Kernels
 * are chosen at run time, for the processor: AVX-512, AVX2 with FMA, NEON on arm64, or plain C for all others.
 *
 * Bits: an element of a result is a sum in an order that depends only on k (and on the kernel), not on the number of rows
 * or columns that are computed with it, nor on threads. So the bits of a row do not depend on the rest of its batch.
 *
 * All matrices are row-major; ld* is the distance between two rows, in elements. dtype is RONDO_F32 or RONDO_F64.
 * Threads: pure functions of their arguments; none starts threads. The caller divides rows or columns.
 */
#ifndef RONDO_CORE_PRODUCT_H
#define RONDO_CORE_PRODUCT_H

#include "core/status.h"

struct product_kernels;

/* The fastest kernels that this processor can run. Never NULL. */
const struct product_kernels *product_kernels(void);
/* The kernels of this name ("generic", "avx2", "avx512", "neon"); NULL if it is unknown, or if this processor cannot run them. */
const struct product_kernels *product_kernels_named(const char *name);
const char *product_kernels_name(const struct product_kernels *kernels);

/* Columns of a panel: column j of a packed B [k, n], for j a multiple of it, begins at element j * k, and is a packed B of its own. */
int64_t product_panel(const struct product_kernels *kernels, int32_t dtype);
/* Bytes of a packed B [k, n]; SIZE_MAX if the size overflows. */
size_t product_packed_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n);
/* Packs op(B) [k, n]: B itself [k, n], or, if `transpose` is 1, the transpose of B [n, k]. `packed` has
 * product_packed_bytes bytes, aligned to 64 bytes. */
void product_pack(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n, const void *b,
                  int64_t ldb, int transpose, void *packed);

/* One result of product_rows. The results of a call do not overlap. */
struct product_target {
    const void *packed; /* op(B) [k, n] */
    void *c;            /* [m, n] */
    int64_t ldc, n;
    const void *start; /* [n] what every row of C starts from, unless it is added to; NULL: 0 */
};

/* For each target C = start + A op(B), or C += A op(B) if `add` is 1. The products share A [m, k], as the gates of a cell do.
 * m, k, n >= 0; with k = 0 the product is zero. */
void product_rows(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t k, const void *a,
                  int64_t lda, const struct product_target *targets, int32_t n_targets, int add);

/* One side of a product of two matrices. */
struct product_side {
    const void *data;
    int64_t ld;
    int transposed; /* 1: the stored matrix is the transpose of the one that is multiplied */
};

/* C [m, n] = alpha op(A) op(B), plus C if `add` is 1; then plus `bias` in every row, with the bits of a separate sum. */
struct product_matrices {
    int64_t m, n, k; /* k >= 1 */
    double alpha;
    struct product_side a, b;
    void *c;
    int64_t ldc;
    int add;
    const void *bias; /* [n]; NULL: none */
};

/* A product of two matrices of any size, whose sides are packed block by block. `scratch` as for product_gradient. The
 * same bits as product_rows and, if A is transposed, as product_gradient. */
void product_multiply(const struct product_kernels *kernels, int32_t dtype, const struct product_matrices *product,
                      void *scratch);

/* A pairing of rows a_row .. a_row + count of A with rows b_row .. b_row + count of B. `begin` pairs are in the runs before it. */
struct product_run {
    int64_t a_row, b_row, count, begin;
};

/* Bytes of scratch memory, aligned to 64 bytes, that product_gradient needs for a result of at most m rows and n columns, and
 * product_gradients for an A of at most m columns and B of at most n columns together, those of each rounded up to product_panel. */
size_t product_gradient_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t n);
/* C [m, n] += A^T B, summed over the pairs of rows of all runs, in order: the gradient of weights over a whole sequence.
 * A has m columns, B has n. The bits depend only on the pairs and their order, not on how they are cut into runs. */
void product_gradient(const struct product_kernels *kernels, int32_t dtype, const struct product_run *runs,
                      int32_t n_runs, int64_t m, const void *a, int64_t lda, int64_t n, const void *b, int64_t ldb,
                      void *c, int64_t ldc, void *scratch);

/* A side of several gradients. */
struct product_factor {
    const void *data;
    int64_t ld, columns;
    const struct product_run *runs; /* of an A: its pairs with rows of B; of a B: NULL */
    int32_t n_runs;
};

/* One of several gradients. data NULL: it is not wanted. */
struct product_result {
    void *data;
    int64_t ld;
};

/* product_gradient for every A and every B: c [n_a, n_b] are the results, which do not overlap. Every side is packed once for all of
 * them. The runs of each A list the same rows of B in the same order. The same bits as one by one. */
void product_gradients(const struct product_kernels *kernels, int32_t dtype, const struct product_factor *a,
                       int32_t n_a, const struct product_factor *b, int32_t n_b, const struct product_result *c,
                       void *scratch);

#endif
