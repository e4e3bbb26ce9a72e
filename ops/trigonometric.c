/* Sine and cosine, element by element.
 *
 * y = sin x,  dy/dx = cos x = sin(x + pi / 2)
 * y = cos x,  dy/dx = -sin x = sin(x + 2 pi / 2)
 *
 * So one kernel is enough: the sine, shifted by a number of quarter turns. In f32 it is vector code for |x| <= 2^26.
 * For the rare larger numbers, whose neighbouring floats are further apart than a period, libm computes the result. */
#include <math.h>
#include <string.h>

#include "ops/elementwise.h"
#include "ops/vector_math.h"

/* sin(x + quarter pi / 2) by libm. */
static double far_sine(double x, uint32_t quarter) {
    const double size = quarter % 2 == 0 ? sin(x) : cos(x);
    return quarter % 4 < 2 ? size : -size;
}

/* out[i] = sin(x[i] + quarter pi / 2), times grad_out[i] if grad_out is not NULL. `out` may be `x`, so x is copied. */
KERNEL_CLONES static void sine_f32(int64_t count, const void *in, uint32_t quarter, const void *grad_out, void *out) {
    enum { RUN = 128 };
    for (int64_t begin = 0; begin < count; begin += RUN) {
        const int64_t n = count - begin < RUN ? count - begin : RUN;
        const float *g = grad_out == NULL ? NULL : (const float *)grad_out + begin;
        float x[RUN], y[RUN], *to = (float *)out + begin;
        uint32_t n_far = 0;
        memcpy(x, (const float *)in + begin, sizeof *x * (size_t)n);
        for (int64_t i = 0; i < n; i++) {
            y[i] = vector_sine_f32(x[i], quarter);
            n_far += !(fabsf(x[i]) <= VECTOR_SINE_RANGE);
        }
        for (int64_t i = 0; i < n && n_far > 0; i++) {
            y[i] = fabsf(x[i]) <= VECTOR_SINE_RANGE ? y[i] : (float)far_sine((double)x[i], quarter);
        }
        KERNEL_LOOP
        for (int64_t i = 0; i < n; i++) {
            to[i] = g == NULL ? y[i] : g[i] * y[i];
        }
    }
}

static void sine_f64(int64_t count, const void *in, uint32_t quarter, const void *grad_out, void *out) {
    const double *x = in, *g = grad_out;
    double *y = out;
    for (int64_t i = 0; i < count; i++) {
        const double value = far_sine(x[i], quarter);
        y[i] = g == NULL ? value : g[i] * value;
    }
}

static void sine_grad(int32_t dtype, int64_t count, const void *const *in, uint32_t quarter, const void *grad_out,
                      void *const *grad_in) {
    if (grad_in[0] != NULL) {
        KERNEL_BY_DTYPE(dtype, sine, count, in[0], quarter, grad_out, grad_in[0]);
    }
}

static void sin_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    KERNEL_BY_DTYPE(dtype, sine, count, in[0], 0, NULL, out);
}

static void sin_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                         const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    sine_grad(dtype, count, in, 1, grad_out, grad_in);
}

static void cos_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    KERNEL_BY_DTYPE(dtype, sine, count, in[0], 1, NULL, out);
}

static void cos_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                         const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    sine_grad(dtype, count, in, 2, grad_out, grad_in);
}

const rondo_op op_sin = ELEMENTWISE_OP(sin, 1, "x", "y = sin x, with x in radians", 0, 0, 0, READS_X);
const rondo_op op_cos = ELEMENTWISE_OP(cos, 1, "x", "y = cos x, with x in radians", 0, 0, 0, READS_X);
