/* core/sobol.h: points that fill a cube evenly: the sequence of Sobol' (1967), with the direction numbers new-joe-kuo-6 of Joe
 * and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30, 2008.
 *
 * The first 2^k points have one coordinate of each dimension in each interval [i / 2^k, (i + 1) / 2^k), in another order in each
 * dimension. The points are in the order of the Gray code (Antonov and Saleev 1979), as in scipy.stats.qmc.Sobol.
 *
 * Threads: all functions are pure.
 */
#ifndef RONDO_CORE_SOBOL_H
#define RONDO_CORE_SOBOL_H

#include <stdint.h>

#define SOBOL_DIMENSIONS 32

/* Coordinate `dimension` in [0, SOBOL_DIMENSIONS) of point `n`, times 2^32. Point 0 has only zeros.
 *
 * Exclusive or with 32 random bits, the same for all points of a dimension, moves the points at random and keeps their evenness: a
 * digital shift (Owen, "Monte Carlo theory, methods and examples", chapter 17). */
uint32_t sobol_coordinate(int32_t dimension, uint32_t n);

#endif
