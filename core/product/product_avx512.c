/* Products for AVX-512: sums in 24 of the 32 registers, six rows of four vectors. */
#include <stddef.h>

#include "core/product/product_tiles.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(RONDO_NO_AVX512)
#include "core/product/product_x86.h"

#define TARGET        __attribute__((target("avx512f")))
#define ALL_VECTORS   1
#define PANEL_VECTORS PRODUCT_VECTORS

TARGET static inline __m512 load_f32(const float *p) {
    return _mm512_loadu_ps(p);
}
TARGET static inline __m512 load_some_f32(const float *p, int64_t count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
TARGET static inline void store_f32(float *p, __m512 v) {
    _mm512_storeu_ps(p, v);
}
TARGET static inline void store_some_f32(float *p, __m512 v, int64_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), v);
}
TARGET static inline __m512 broadcast_f32(float x) {
    return _mm512_set1_ps(x);
}
TARGET static inline __m512 multiply_add_f32(__m512 x, __m512 y, __m512 sum) {
    return _mm512_fmadd_ps(x, y, sum);
}
TARGET static inline __m512 in_register_f32(__m512 v) {
    __asm__("" : "+v"(v));
    return v;
}

TARGET static inline __m512d load_f64(const double *p) {
    return _mm512_loadu_pd(p);
}
TARGET static inline __m512d load_some_f64(const double *p, int64_t count) {
    return _mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
}
TARGET static inline void store_f64(double *p, __m512d v) {
    _mm512_storeu_pd(p, v);
}
TARGET static inline void store_some_f64(double *p, __m512d v, int64_t count) {
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), v);
}
TARGET static inline __m512d broadcast_f64(double x) {
    return _mm512_set1_pd(x);
}
TARGET static inline __m512d multiply_add_f64(__m512d x, __m512d y, __m512d sum) {
    return _mm512_fmadd_pd(x, y, sum);
}
TARGET static inline __m512d in_register_f64(__m512d v) {
    __asm__("" : "+v"(v));
    return v;
}

#define REAL    float
#define VECTOR  __m512
#define LANES   16
#define NAME(x) x##_f32
#include "core/product/product_template.h"

#define REAL    double
#define VECTOR  __m512d
#define LANES   8
#define NAME(x) x##_f64
#include "core/product/product_template.h"

enum { DEPTH = 512 }; /* rows of 256 bytes: from the second-level cache */

const struct product_kernels *product_kernels_avx512(void) {
    static const struct product_kernels kernels = {
        "avx512",
        {sizeof(float), 16, PANEL_VECTORS, PRODUCT_VECTORS, ROWS, ROWS, DEPTH, tile_f32, pack_f32, pack_transpose_f32,
         pack_strips_f32},
        {sizeof(double), 8, PANEL_VECTORS, PRODUCT_VECTORS, ROWS, ROWS, DEPTH, tile_f64, pack_f64, pack_transpose_f64,
         pack_strips_f64},
    };
    return __builtin_cpu_supports("avx512f") ? &kernels : NULL;
}

#else

const struct product_kernels *product_kernels_avx512(void) {
    return NULL;
}

#endif
