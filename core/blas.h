/* core/blas.h: products of matrices by CBLAS. Only blas.c includes the header of CBLAS.
 *
 * Large products are split over the rows of the result, in blocks whose size depends only on the shapes, and BLAS
 * itself keeps to the thread that calls it: so a result has the same bits for any number of threads. OpenBLAS takes a
 * buffer of 128 MiB of addresses for each thread that calls it at the same time; if there is not enough memory for one
 * buffer per thread, fewer threads call it at the same time.
 *
 * Threads: any; uses several inside.
 */
#ifndef RONDO_CORE_BLAS_H
#define RONDO_CORE_BLAS_H

#include "core/parallel.h"
#include "rondo/plugin.h"

/* 0 if a size is too large for the integer type of BLAS. */
int blas_can_count(const rondo_product *product);
/* c = alpha a @ b + beta c, as described at rondo_product. blas_can_count must be 1 for its sizes. RONDO_NO_MEMORY
 * if the system has no memory for the buffer of one call; c is then unchanged. */
rondo_status blas_multiply(const struct parallel *parallel, const rondo_product *product);

/* For the start of a program: 1 if the BLAS library has its own threads, which Rondo does not use, and there may be no
 * memory for their buffers. In OpenBLAS before 0.3.30, these threads then wait for memory forever, and exit and fork wait
 * for these threads. The remedy is to start the program again with OPENBLAS_NUM_THREADS=1 in its environment. */
int blas_is_short_of_memory(void);

#endif
