/* core/blas.h: products of matrices through CBLAS. blas.c is the one file that includes it.
 *
 * Large products are split over the rows of the result, in blocks whose size depends on the shapes alone, and BLAS
 * itself keeps to the thread that calls it: so a result has the same bits whatever the number of threads.
 *
 * Threads: any; uses several inside.
 */
#ifndef RONDO_CORE_BLAS_H
#define RONDO_CORE_BLAS_H

#include "core/parallel.h"
#include "rondo/plugin.h"

/* 0 where a size is above what BLAS counts in. */
int blas_can_count(const rondo_product *product);
/* c = alpha a @ b + beta c, as rondo_product says. What blas_can_count denies must not be given. */
void blas_multiply(const struct parallel *parallel, const rondo_product *product);

#endif
