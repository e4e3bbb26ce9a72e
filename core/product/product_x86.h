/* core/product/product_x86.h: the transposes that the AVX2 and AVX-512 kernels share. Private to core/product. */
#ifndef RONDO_CORE_PRODUCT_X86_H
#define RONDO_CORE_PRODUCT_X86_H

#include <immintrin.h>
#include <stdint.h>

/* to[p, i] = from[i, p] for 8 rows and columns. */
__attribute__((target("avx2"))) static inline void transpose_f32(const float *from, int64_t ldb, float *to,
                                                                 int64_t width) {
    __m256 row[8], pair[8];
    /* Puts halves of rows i and i + 4 side by side. The remaining shuffles then stay within halves of a register. */
    for (int i = 0; i < 4; i++) {
        const float *upper = from + i * ldb, *lower = from + (i + 4) * ldb;
        row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(upper)), _mm_loadu_ps(lower), 1);
        row[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(upper + 4)), _mm_loadu_ps(lower + 4), 1);
    }
    for (int i = 0; i < 8; i += 4) {
        pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
        pair[i + 2] = _mm256_unpacklo_ps(row[i + 2], row[i + 3]);
        pair[i + 3] = _mm256_unpackhi_ps(row[i + 2], row[i + 3]);
    }
    for (int i = 0; i < 8; i += 4) {
        _mm256_storeu_ps(to + i * width, _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44));
        _mm256_storeu_ps(to + (i + 1) * width, _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee));
        _mm256_storeu_ps(to + (i + 2) * width, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44));
        _mm256_storeu_ps(to + (i + 3) * width, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee));
    }
}

/* Doubles are for gradient checks, so their speed does not matter. */
static inline void transpose_f64(const double *from, int64_t ldb, double *to, int64_t width) {
    for (int p = 0; p < 8; p++) {
        for (int i = 0; i < 8; i++) {
            to[p * width + i] = from[i * ldb + p];
        }
    }
}

#endif
