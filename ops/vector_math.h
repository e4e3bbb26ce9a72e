/* ops/vector_math.h: exp and its relatives in forms that a compiler turns into vector code.
 *
 * In f32 there is no branch, no table and no call, so that a loop over them runs on whole vector registers, several
 * times as fast as libm; and a gate of a cell is little else. Errors stay below 3 units in the last place over all
 * floats; infinities, not-a-number and subnormal results come out as from libm. In f64, which only checks gradients,
 * exp and tanh are libm's. gcc makes vector code of them with -fno-trapping-math.
 *
 * VECTOR_EXP(x), VECTOR_TANH(x) and VECTOR_SIGMOID(x) take a float or a double and return the same.
 */
#ifndef RONDO_OPS_VECTOR_MATH_H
#define RONDO_OPS_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float vector_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t vector_bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(x) = 2^k exp(r),  x = k ln 2 + r,  |r| <= ln 2 / 2
 * exp(r) = 1 + r + r^2 q(r), q being the polynomial of degree 4 with the least largest relative error (Remez): 3e-9. */
static inline float vector_exp_f32(float x) {
    const float log2_e = 1.44269504f;
    const float ln2_high = 0x1.62e4p-1f; /* few enough bits for k * ln2_high to be exact */
    const float ln2_low = 1.42860682e-6f;
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to the nearest integer, in its low bits */

    /* past these exp is 0 and infinity; not-a-number passes both comparisons */
    const float above = x < -104.0f ? -104.0f : x;
    const float within = above > 89.0f ? 89.0f : above;
    const float shifted = within * log2_e + to_integer;
    const float k = shifted - to_integer;
    const float r = (within - k * ln2_high) - k * ln2_low;
    const float q =
        0.4999999345f + r * (0.1666652063f + r * (0.04166838805f + r * (0.00836871688f + r * 0.001381459865f)));
    const float exp_r = 1.0f + (r + r * r * q);

    /* 2^k in two factors, since k reaches from -150 to 128 */
    const int32_t exponent = (int32_t)(vector_bits_of_float(shifted) - vector_bits_of_float(to_integer));
    const int32_t half = exponent >> 1;
    const float scale_a = vector_float_of_bits((uint32_t)(half + 127) << 23);
    const float scale_b = vector_float_of_bits((uint32_t)(exponent - half + 127) << 23);
    return exp_r * scale_a * scale_b;
}

/* tanh(x) = (1 - e) / (1 + e), e = exp(-2|x|), with the sign of x; near 0, where that cancels, x + x^3 q(x^2) with a
 * minimax q of degree 4, relative error 4e-9. */
static inline float vector_tanh_f32(float x) {
    const float size = fabsf(x);
    const float e = vector_exp_f32(-2.0f * size);
    const float far = (1.0f - e) / (1.0f + e);
    const float z = size * size;
    const float q =
        -0.3333328393f + z * (0.1333149129f + z * (-0.05374349822f + z * (0.02065058771f + z * -0.005717045493f)));
    const float near = size + size * z * q;
    return copysignf(size < 0.625f ? near : far, x);
}

/* 1 / (1 + exp(-x)), by exp(-|x|) alone so that nothing overflows and small results keep their digits. */
static inline float vector_sigmoid_f32(float x) {
    const float e = vector_exp_f32(-fabsf(x));
    const float upper = 1.0f / (1.0f + e);
    return x < 0.0f ? e * upper : upper;
}

static inline double vector_sigmoid_f64(double x) {
    const double e = exp(-fabs(x));
    const double upper = 1.0 / (1.0 + e);
    return x < 0.0 ? e * upper : upper;
}

#define VECTOR_EXP(x)     _Generic((x), float : vector_exp_f32, double : exp)(x)
#define VECTOR_TANH(x)    _Generic((x), float : vector_tanh_f32, double : tanh)(x)
#define VECTOR_SIGMOID(x) _Generic((x), float : vector_sigmoid_f32, double : vector_sigmoid_f64)(x)

#endif
