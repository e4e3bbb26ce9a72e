/* core/product/product.h: matrix products whose right side is packed once and used many times.
 *
 * A recurrent product multiplies a few rows by the same weights at every step. The weights are packed once a sequence
 * into panels as the kernel reads them; after that a product is its arithmetic and little else. Kernels are chosen when
 * the program runs, for the processor that it runs on: AVX-512, AVX2 with FMA, or plain C (which also serves arm64).
 *
 * Bits: an element of a result is a sum in an order that depends on k alone (and on the kernel): neither on how many
 * rows or columns are computed with it, nor on threads. So a row comes out the same whoever its batch mates are.
 *
 * All matrices are row-major; ld* is the distance of two rows in elements. dtype is RONDO_F32 or RONDO_F64.
 * Threads: pure functions over their arguments, nothing starts threads here; the caller divides rows or columns.
 */
#ifndef RONDO_CORE_PRODUCT_H
#define RONDO_CORE_PRODUCT_H

#include "core/status.h"

struct product_kernels;

/* The fastest kernels that this processor can run. Never NULL. */
const struct product_kernels *product_kernels(void);
/* Those of this name ("generic", "avx2", "avx512"); NULL where unknown or where this processor cannot run them. */
const struct product_kernels *product_kernels_named(const char *name);
const char *product_kernels_name(const struct product_kernels *kernels);

/* Bytes that a packed B [k, n] takes. SIZE_MAX where they cannot be counted. */
size_t product_packed_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n);
/* Packs op(B) [k, n]: B itself [k, n], or the transpose of B [n, k]. `packed` is 64-byte aligned, of the size above. */
void product_pack(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n, const void *b,
                  int64_t ldb, int transpose, void *packed);

/* One result of product_rows. Those of a call do not overlap. */
struct product_target {
    const void *packed; /* op(B) [k, n] */
    void *c;            /* [m, n] */
    int64_t ldc, n;
};

/* C = A op(B), or C += A op(B) where `add` is 1, for each target: several products that share A [m, k], as the gates of
 * a cell do. m, k, n >= 0; k = 0 is a sum of nothing. */
void product_rows(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t k, const void *a,
                  int64_t lda, const struct product_target *targets, int32_t n_targets, int add);

/* Rows a_row .. a_row + count of A belong to rows b_row .. b_row + count of B. */
struct product_run {
    int64_t a_row, b_row, count;
};

/* Bytes of scratch memory that product_gradient wants (64-byte aligned) for a result [m, n]. */
size_t product_gradient_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t n);
/* C [m, n] += A^T B, summed over the rows of all runs, in their order: the gradient of weights from a whole sequence.
 * A has m columns, B n columns. The bits depend on the list of runs as one sequence of pairs of rows, not on where
 * a run ends and the next begins. */
void product_gradient(const struct product_kernels *kernels, int32_t dtype, const struct product_run *runs,
                      int32_t n_runs, int64_t m, const void *a, int64_t lda, int64_t n, const void *b, int64_t ldb,
                      void *c, int64_t ldc, void *scratch);

#endif
