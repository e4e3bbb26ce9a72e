/* Products for AVX2 with FMA: sums in 12 of the 16 registers, six rows of two vectors or three rows of four. */
#include <stddef.h>

#include "core/product/product_tiles.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <string.h>

#include "core/product/product_x86.h"

#define TARGET        __attribute__((target("avx2,fma")))
#define ALL_VECTORS   0
#define PANEL_VECTORS 2

TARGET static inline __m256 load_f32(const float *p) {
    return _mm256_loadu_ps(p);
}
TARGET static inline __m256 load_some_f32(const float *p, int64_t count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane));
}
TARGET static inline void store_f32(float *p, __m256 v) {
    _mm256_storeu_ps(p, v);
}
/* Through memory: a masked store takes dozens of cycles on some processors. */
TARGET static inline void store_some_f32(float *p, __m256 v, int64_t count) {
    float all[8];
    _mm256_storeu_ps(all, v);
    memcpy(p, all, (size_t)count * sizeof *p);
}
TARGET static inline __m256 broadcast_f32(float x) {
    return _mm256_set1_ps(x);
}
TARGET static inline __m256 multiply_add_f32(__m256 x, __m256 y, __m256 sum) {
    return _mm256_fmadd_ps(x, y, sum);
}
TARGET static inline __m256 in_register_f32(__m256 v) {
    return v;
}

TARGET static inline __m256d load_f64(const double *p) {
    return _mm256_loadu_pd(p);
}
TARGET static inline __m256d load_some_f64(const double *p, int64_t count) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return _mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), lane));
}
TARGET static inline void store_f64(double *p, __m256d v) {
    _mm256_storeu_pd(p, v);
}
TARGET static inline void store_some_f64(double *p, __m256d v, int64_t count) {
    double all[4];
    _mm256_storeu_pd(all, v);
    memcpy(p, all, (size_t)count * sizeof *p);
}
TARGET static inline __m256d broadcast_f64(double x) {
    return _mm256_set1_pd(x);
}
TARGET static inline __m256d multiply_add_f64(__m256d x, __m256d y, __m256d sum) {
    return _mm256_fmadd_pd(x, y, sum);
}
TARGET static inline __m256d in_register_f64(__m256d v) {
    return v;
}

#define REAL    float
#define VECTOR  __m256
#define LANES   8
#define NAME(x) x##_f32
#include "core/product/product_template.h"

#define REAL    double
#define VECTOR  __m256d
#define LANES   4
#define NAME(x) x##_f64
#include "core/product/product_template.h"

enum { DEPTH = 384 }; /* rows of 64 bytes: 24 KiB, beside which rows of A and C fit in 32 KiB */

const struct product_kernels *product_kernels_avx2(void) {
    static const struct product_kernels kernels = {
        "avx2",
        {sizeof(float), 8, PANEL_VECTORS, 2, ROWS, FLAT, DEPTH, tile_f32, pack_f32, pack_transpose_f32,
         pack_strips_f32},
        {sizeof(double), 4, PANEL_VECTORS, 2, ROWS, FLAT, DEPTH, tile_f64, pack_f64, pack_transpose_f64,
         pack_strips_f64},
    };
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels : NULL;
}

#else

const struct product_kernels *product_kernels_avx2(void) {
    return NULL;
}

#endif
