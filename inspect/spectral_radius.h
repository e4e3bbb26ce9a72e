/* inspect/spectral_radius.h: the largest absolute value of the eigenvalues of a square matrix, real or complex.
 *
 *     rho(A) = lim ||A^k||^(1/k),  k = 1, 2, 4, 8, …                    (Gelfand 1941)
 *
 * by repeated squaring: with complex pairs, equal eigenvalues and matrices that are not normal it needs no special case.
 * The matrix is divided by its norm before each squaring, and the logarithms of the norms are added up, so nothing overflows:
 *
 *     log rho = sum over j of log ||A_j|| / 2^j,  A_0 = A,  A_j+1 = (A_j / ||A_j||)^2
 *
 * With ||A^k|| = c(k) rho^k, the value after the squaring to k is off by the factor c^(1/k). Of two of them, ||A^2k|| / ||A^k||
 * to the power 1/k is off by (c(2k) / c(k))^(1/k) only, and is the result. Squaring ends when it has changed by less than 1e-7
 * twice, and after 30 at the latest. A matrix that is nilpotent has the radius 0.
 *
 * Threads: any; uses several inside.
 */
#ifndef RONDO_INSPECT_SPECTRAL_RADIUS_H
#define RONDO_INSPECT_SPECTRAL_RADIUS_H

#include "core/arena.h"
#include "core/parallel.h"

/* The radius of the n x n matrix `a`; row i begins at a[i * stride]. NaN if an element is not finite. `work` has 2 n n
 * elements. */
rondo_status spectral_radius(const struct parallel *parallel, struct arena *arena, const double *a, int64_t n,
                             int64_t stride, double *work, double *radius, struct errors *errors);

#endif
