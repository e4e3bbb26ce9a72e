/* ops/dot.h: sums of products for the kernels of attention.
 *
 * A dot product adds up DOT_LANES partial sums, lane l the elements l, l + DOT_LANES, and so on, and then these in pairs. So
 * compilers generate vector code, and rounding errors grow with n / DOT_LANES. The order is the same in all functions.
 */
#ifndef RONDO_OPS_DOT_H
#define RONDO_OPS_DOT_H

#include "core/kernel.h"

enum { DOT_LANES = 16 };

#define DOT_OF(T, suffix)                                                                                              \
    KERNEL_INLINE T dot_##suffix(const T *a, const T *b, int64_t n) {                                                  \
        T lanes[DOT_LANES] = {0};                                                                                      \
        int64_t i = 0;                                                                                                 \
        for (; i + DOT_LANES <= n; i += DOT_LANES) {                                                                   \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < DOT_LANES; l++) {                                                                  \
                lanes[l] += a[i + l] * b[i + l];                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t l = 0; i + l < n; l++) {                                                                          \
            lanes[l] += a[i + l] * b[i + l];                                                                           \
        }                                                                                                              \
        for (int64_t half = DOT_LANES / 2; half > 0; half /= 2) {                                                      \
            for (int64_t l = 0; l < half; l++) {                                                                       \
                lanes[l] += lanes[l + half];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        return lanes[0];                                                                                               \
    }                                                                                                                  \
    /* y += c x */                                                                                                     \
    KERNEL_INLINE void add_scaled_##suffix(T *y, T c, const T *x, int64_t n) {                                         \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            y[i] += c * x[i];                                                                                          \
        }                                                                                                              \
    }

DOT_OF(float, f32)
DOT_OF(double, f64)

#endif
