#include "core/sobol.h"

enum { MOST_DEGREE = 7 };

/* A primitive polynomial over GF(2), x^s + a_1 x^(s-1) + … + a_(s-1) x + 1, whose inner coefficients are the bits of `inner`, and
 * the first s direction numbers m_1, …, m_s. */
struct sobol_polynomial {
    uint32_t degree, inner, first[MOST_DEGREE];
};

/* Dimension d, from 1, has row d - 1; dimension 0 is the sequence of van der Corput. Rows 2 to 32 of new-joe-kuo-6.21201. */
static const struct sobol_polynomial polynomials[SOBOL_DIMENSIONS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
};

/* The direction numbers of a dimension, v_k = m_k 2^(32 - k), for k from 1 (place 0) to 32:
 *   m_k = 2 a_1 m_(k-1) xor 2^2 a_2 m_(k-2) xor … xor 2^(s-1) a_(s-1) m_(k-s+1) xor 2^s m_(k-s) xor m_(k-s) */
static void make_directions(int32_t dimension, uint32_t *directions) {
    if (dimension == 0) {
        for (uint32_t k = 0; k < 32; k++) {
            directions[k] = 1u << (31 - k);
        }
        return;
    }
    const struct sobol_polynomial *polynomial = &polynomials[dimension - 1];
    const uint32_t s = polynomial->degree;
    for (uint32_t k = 0; k < 32; k++) {
        if (k < s) {
            directions[k] = polynomial->first[k] << (31 - k);
            continue;
        }
        /* In v rather than m the factors 2^i are part of the place, but for the last one. */
        uint32_t v = directions[k - s] ^ (directions[k - s] >> s);
        for (uint32_t i = 1; i < s; i++) {
            if ((polynomial->inner >> (s - 1 - i) & 1) != 0) {
                v ^= directions[k - i];
            }
        }
        directions[k] = v;
    }
}

uint32_t sobol_coordinate(int32_t dimension, uint32_t n) {
    uint32_t directions[32], coordinate = 0;
    make_directions(dimension, directions);
    const uint32_t gray = n ^ (n >> 1);
    for (uint32_t k = 0; k < 32; k++) {
        if ((gray >> k & 1) != 0) {
            coordinate ^= directions[k];
        }
    }
    return coordinate;
}
