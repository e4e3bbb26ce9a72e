/* Products for NEON, which every arm64 processor has: sums in 24 of the 32 registers, six rows of four vectors. */
#include <stddef.h>

#include "core/product/product_tiles.h"

#if defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>

#define TARGET
#define ALL_VECTORS   1
#define PANEL_VECTORS PRODUCT_VECTORS

static inline float32x4_t load_f32(const float *p) {
    return vld1q_f32(p);
}
/* Element by element: after a call, such as that of memcpy, the compiler would keep sums of the tile in memory. */
static inline float32x4_t load_some_f32(const float *p, int64_t count) {
    float32x4_t v = vld1q_lane_f32(p, vdupq_n_f32(0), 0);
    v = count > 1 ? vld1q_lane_f32(p + 1, v, 1) : v;
    v = count > 2 ? vld1q_lane_f32(p + 2, v, 2) : v;
    return count > 3 ? vld1q_lane_f32(p + 3, v, 3) : v;
}
static inline void store_f32(float *p, float32x4_t v) {
    vst1q_f32(p, v);
}
static inline void store_some_f32(float *p, float32x4_t v, int64_t count) {
    vst1q_lane_f32(p, v, 0);
    if (count > 1) {
        vst1q_lane_f32(p + 1, v, 1);
    }
    if (count > 2) {
        vst1q_lane_f32(p + 2, v, 2);
    }
    if (count > 3) {
        vst1q_lane_f32(p + 3, v, 3);
    }
}
/* The element is loaded as a scalar, and the multiplications read it from there: on many processors, an instruction that
 * loads it into every lane would take an arithmetic unit from them. `volatile` keeps the rows in order. Without it, gcc
 * loads several rows ahead, so that the registers no longer suffice. */
static inline float32x4_t broadcast_f32(float x) {
    __asm__ volatile("" : "+w"(x));
    return vdupq_n_f32(x);
}
static inline float32x4_t multiply_add_f32(float32x4_t x, float32x4_t y, float32x4_t sum) {
    return vfmaq_f32(sum, y, x);
}
static inline float32x4_t in_register_f32(float32x4_t v) {
    __asm__("" : "+w"(v));
    return v;
}

/* to[p, i] = from[i, p] for 4 rows and columns. */
static inline void transpose_quarter(const float *from, int64_t ldb, float *to, int64_t width) {
    const float32x4_t a = vld1q_f32(from), b = vld1q_f32(from + ldb);
    const float32x4_t c = vld1q_f32(from + 2 * ldb), d = vld1q_f32(from + 3 * ldb);
    const float64x2_t ab_even = vreinterpretq_f64_f32(vtrn1q_f32(a, b)),
                      ab_odd = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
    const float64x2_t cd_even = vreinterpretq_f64_f32(vtrn1q_f32(c, d)),
                      cd_odd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
    vst1q_f32(to, vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even)));
    vst1q_f32(to + width, vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd)));
    vst1q_f32(to + 2 * width, vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even)));
    vst1q_f32(to + 3 * width, vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd)));
}
static inline void transpose_f32(const float *from, int64_t ldb, float *to, int64_t width) {
    for (int i = 0; i < 8; i += 4) {
        transpose_quarter(from + i * ldb, ldb, to + i, width);
        transpose_quarter(from + i * ldb + 4, ldb, to + i + 4 * width, width);
    }
}

static inline float64x2_t load_f64(const double *p) {
    return vld1q_f64(p);
}
static inline float64x2_t load_some_f64(const double *p, int64_t count) {
    const float64x2_t v = vld1q_lane_f64(p, vdupq_n_f64(0), 0);
    return count > 1 ? vld1q_lane_f64(p + 1, v, 1) : v;
}
static inline void store_f64(double *p, float64x2_t v) {
    vst1q_f64(p, v);
}
static inline void store_some_f64(double *p, float64x2_t v, int64_t count) {
    vst1q_lane_f64(p, v, 0);
    if (count > 1) {
        vst1q_lane_f64(p + 1, v, 1);
    }
}
static inline float64x2_t broadcast_f64(double x) {
    __asm__ volatile("" : "+w"(x));
    return vdupq_n_f64(x);
}
static inline float64x2_t multiply_add_f64(float64x2_t x, float64x2_t y, float64x2_t sum) {
    return vfmaq_f64(sum, y, x);
}
static inline float64x2_t in_register_f64(float64x2_t v) {
    __asm__("" : "+w"(v));
    return v;
}
static inline void transpose_f64(const double *from, int64_t ldb, double *to, int64_t width) {
    for (int i = 0; i < 8; i += 2) {
        for (int p = 0; p < 8; p += 2) {
            const float64x2_t a = vld1q_f64(from + i * ldb + p), b = vld1q_f64(from + (i + 1) * ldb + p);
            vst1q_f64(to + p * width + i, vtrn1q_f64(a, b));
            vst1q_f64(to + (p + 1) * width + i, vtrn2q_f64(a, b));
        }
    }
}

#define REAL    float
#define VECTOR  float32x4_t
#define LANES   4
#define NAME(x) x##_f32
#include "core/product/product_template.h"

#define REAL    double
#define VECTOR  float64x2_t
#define LANES   2
#define NAME(x) x##_f64
#include "core/product/product_template.h"

enum { DEPTH = 384 }; /* rows of 64 bytes, as for AVX2: some of these processors have a first-level cache of 32 KiB */

const struct product_kernels *product_kernels_neon(void) {
    static const struct product_kernels kernels = {
        "neon",
        {sizeof(float), 4, PANEL_VECTORS, PRODUCT_VECTORS, ROWS, ROWS, DEPTH, tile_f32, pack_f32, pack_transpose_f32,
         pack_strips_f32},
        {sizeof(double), 2, PANEL_VECTORS, PRODUCT_VECTORS, ROWS, ROWS, DEPTH, tile_f64, pack_f64, pack_transpose_f64,
         pack_strips_f64},
    };
    return &kernels;
}

#else

const struct product_kernels *product_kernels_neon(void) {
    return NULL;
}

#endif
