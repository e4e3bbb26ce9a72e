/* Sums of arrays. */
#include <string.h>

#include "core/kernel.h"
#include "core/scan/run.h"

enum { BLOCK = 32 }; /* rows whose sum is added to the total at once */

#define SUMS_OF(T, suffix)                                                                                             \
    KERNEL_CLONES static void add_##suffix(int64_t count, const T *a, const T *b, T *out) {                            \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            out[i] = a[i] + b[i];                                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void columns_##suffix(int64_t rows, int64_t width, const T *in, T *sums, T *work) {           \
        for (int64_t first = 0; first < rows; first += BLOCK) {                                                        \
            const int64_t end = first + BLOCK < rows ? first + BLOCK : rows;                                           \
            for (int64_t j = 0; j < width; j++) {                                                                      \
                work[j] = in[first * width + j];                                                                       \
            }                                                                                                          \
            for (int64_t i = first + 1; i < end; i++) {                                                                \
                KERNEL_LOOP                                                                                            \
                for (int64_t j = 0; j < width; j++) {                                                                  \
                    work[j] += in[i * width + j];                                                                      \
                }                                                                                                      \
            }                                                                                                          \
            KERNEL_LOOP                                                                                                \
            for (int64_t j = 0; j < width; j++) {                                                                      \
                sums[j] += work[j];                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }

SUMS_OF(float, f32)
SUMS_OF(double, f64)

void sum_arrays(int32_t dtype, int64_t count, const void *const *in, int32_t n, void *out) {
    int32_t first = 0; /* the operand that is overwritten must be read first */
    for (int32_t k = 1; k < n; k++) {
        first = in[k] == out ? k : first;
    }
    if (n == 1) {
        memmove(out, in[0], (size_t)count * (dtype == RONDO_F32 ? sizeof(float) : sizeof(double)));
        return;
    }
    const void *sum = in[first];
    for (int32_t k = 0; k < n; k++) {
        if (k == first) {
            continue;
        }
        KERNEL_BY_DTYPE(dtype, add, count, sum, in[k], out);
        sum = out;
    }
}

void sum_columns(int32_t dtype, int64_t rows, int64_t width, const void *in, void *sums, void *work) {
    KERNEL_BY_DTYPE(dtype, columns, rows, width, in, sums, work);
}
