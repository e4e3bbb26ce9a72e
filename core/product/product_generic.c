/* Products in plain C with vectors of 16 bytes, which gcc and clang map to SSE2, NEON or similar registers, or to scalars
 * on a processor without vectors. */
#include <string.h>

#include "core/product/product_tiles.h"

#define TARGET
#define ALL_VECTORS   0
#define PANEL_VECTORS PRODUCT_VECTORS

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

/* The functions of product_template.h that differ only in their types. */
#define PLAIN_VECTOR(real, vector, suffix)                                                                             \
    static inline vector load_##suffix(const real *p) {                                                                \
        vector v;                                                                                                      \
        memcpy(&v, p, sizeof v);                                                                                       \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline vector load_some_##suffix(const real *p, int64_t count) {                                            \
        vector v = {0};                                                                                                \
        memcpy(&v, p, (size_t)count * sizeof *p);                                                                      \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline void store_##suffix(real *p, vector v) {                                                             \
        memcpy(p, &v, sizeof v);                                                                                       \
    }                                                                                                                  \
    static inline void store_some_##suffix(real *p, vector v, int64_t count) {                                         \
        memcpy(p, &v, (size_t)count * sizeof *p);                                                                      \
    }                                                                                                                  \
    static inline vector in_register_##suffix(vector v) {                                                              \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline void transpose_##suffix(const real *from, int64_t ldb, real *to, int64_t width) {                    \
        for (int p = 0; p < 8; p++) {                                                                                  \
            for (int i = 0; i < 8; i++) {                                                                              \
                to[p * width + i] = from[i * ldb + p];                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }

PLAIN_VECTOR(float, f32x4, f32)
PLAIN_VECTOR(double, f64x2, f64)

static inline f32x4 broadcast_f32(float x) {
    return (f32x4){x, x, x, x};
}
static inline f64x2 broadcast_f64(double x) {
    return (f64x2){x, x};
}

static inline f32x4 multiply_add_f32(f32x4 x, f32x4 y, f32x4 sum) {
    return x * y + sum;
}
static inline f64x2 multiply_add_f64(f64x2 x, f64x2 y, f64x2 sum) {
    return x * y + sum;
}

#define REAL    float
#define VECTOR  f32x4
#define LANES   4
#define NAME(x) x##_f32
#include "core/product/product_template.h"

#define REAL    double
#define VECTOR  f64x2
#define LANES   2
#define NAME(x) x##_f64
#include "core/product/product_template.h"

enum { DEPTH = 512 };

const struct product_kernels *product_kernels_generic(void) {
    static const struct product_kernels kernels = {
        "generic",
        {sizeof(float), 4, PANEL_VECTORS, 2, ROWS, FLAT, DEPTH, tile_f32, pack_f32, pack_transpose_f32,
         pack_strips_f32},
        {sizeof(double), 2, PANEL_VECTORS, 2, ROWS, FLAT, DEPTH, tile_f64, pack_f64, pack_transpose_f64,
         pack_strips_f64},
    };
    return &kernels;
}
