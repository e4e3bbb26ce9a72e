/* ops/softmax_line.h: the sums of softmax over a line: n elements that are normalised together, `stride` apart.
 *
 *     m = max_j x_j,    s = sum_j e^(x_j - m),    log softmax(x)_i = (x_i - m) - ln s
 *
 * Most lines are contiguous. Callers pass a constant stride of 1 for these, so that compilers generate vector code. Sums
 * are computed in f64 for every dtype, in LINE_LANES partial sums: one sum would wait for each addition.
 */
#ifndef RONDO_OPS_SOFTMAX_LINE_H
#define RONDO_OPS_SOFTMAX_LINE_H

#include <tgmath.h>

#include "core/kernel.h"
#include "ops/vector_math.h"

/* LINE_BLOCK: elements whose exponentials are kept at a time, in the first-level cache. A multiple of LINE_LANES, so that
 * the order of a sum does not depend on it. */
enum { LINE_LANES = 16, LINE_BLOCK = 512 };

/* The largest element: exact, so that its order is free. A comparison with not-a-number is false. */
#define SOFTMAX_LINE_OF(T, suffix)                                                                                     \
    KERNEL_INLINE T line_max_##suffix(const T *x, int64_t n, int64_t stride) {                                         \
        T most[LINE_LANES];                                                                                            \
        int64_t i = 0;                                                                                                 \
        KERNEL_LOOP                                                                                                    \
        for (int64_t l = 0; l < LINE_LANES; l++) {                                                                     \
            most[l] = x[0];                                                                                            \
        }                                                                                                              \
        for (; i + LINE_LANES <= n; i += LINE_LANES) {                                                                 \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < LINE_LANES; l++) {                                                                 \
                most[l] = x[(i + l) * stride] > most[l] ? x[(i + l) * stride] : most[l];                               \
            }                                                                                                          \
        }                                                                                                              \
        T largest = most[0];                                                                                           \
        for (int64_t l = 1; l < LINE_LANES; l++) {                                                                     \
            largest = most[l] > largest ? most[l] : largest;                                                           \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            largest = x[i * stride] > largest ? x[i * stride] : largest;                                               \
        }                                                                                                              \
        return largest;                                                                                                \
    }                                                                                                                  \
    /* Adds the elements of x to the partial sums. */                                                                  \
    KERNEL_INLINE void line_add_##suffix(double sums[LINE_LANES], const T *x, int64_t n, int64_t stride) {             \
        int64_t i = 0;                                                                                                 \
        for (; i + LINE_LANES <= n; i += LINE_LANES) {                                                                 \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < LINE_LANES; l++) {                                                                 \
                sums[l] += (double)x[(i + l) * stride];                                                                \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t l = 0; i + l < n; l++) {                                                                          \
            sums[l] += (double)x[(i + l) * stride];                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_INLINE double line_sum_##suffix(const T *x, int64_t n, int64_t stride) {                                    \
        double sums[LINE_LANES] = {0};                                                                                 \
        line_add_##suffix(sums, x, n, stride);                                                                         \
        return line_total(sums);                                                                                       \
    }                                                                                                                  \
    /* ln s; nothing is written. */                                                                                    \
    KERNEL_INLINE T line_log_sum_##suffix(const T *x, T largest, int64_t n, int64_t stride) {                          \
        double sums[LINE_LANES] = {0};                                                                                 \
        T block[LINE_BLOCK];                                                                                           \
        for (int64_t begin = 0; begin < n; begin += LINE_BLOCK) {                                                      \
            const int64_t count = n - begin < LINE_BLOCK ? n - begin : LINE_BLOCK;                                     \
            const T *from = x + begin * stride;                                                                        \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = 0; i < count; i++) {                                                                      \
                block[i] = VECTOR_EXP_OF_NEGATIVE(from[i * stride] - largest);                                         \
            }                                                                                                          \
            line_add_##suffix(sums, block, count, 1);                                                                  \
        }                                                                                                              \
        return (T)log(line_total(sums));                                                                               \
    }

KERNEL_INLINE double line_total(double sums[LINE_LANES]) {
    for (int64_t half = LINE_LANES / 2; half > 0; half /= 2) {
        for (int64_t l = 0; l < half; l++) {
            sums[l] += sums[l + half];
        }
    }
    return sums[0];
}

SOFTMAX_LINE_OF(float, f32)
SOFTMAX_LINE_OF(double, f64)

#endif
