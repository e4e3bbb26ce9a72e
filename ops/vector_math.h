/* ops/vector_math.h: exp, log and related functions, written so that compilers generate vector code.
 *
 * In f32 they have no branch, table or call, so a loop over them uses whole vector registers, and is several times as
 * fast as libm. Such functions take most of the time of the gates of a cell. Errors stay below 3 units in the last
 * place over all floats, those of sine and cosine over |x| <= VECTOR_SINE_RANGE; infinities, not-a-number and subnormal
 * results are the same as with libm. In f64, which is only used to check gradients, they call libm. gcc needs
 * -fno-trapping-math to generate vector code.
 *
 * VECTOR_EXP(x), VECTOR_EXP_OF_NEGATIVE(x) for x <= 40, VECTOR_TANH(x), VECTOR_SIGMOID(x), VECTOR_LOG(x), VECTOR_LOG1P(x) and
 * VECTOR_EXPM1(x) take a float or a double and return the same type.
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

/* a b + c, rounded once: half the instructions of a polynomial, and the same bits on every processor. Where the hardware has no such
 * instruction, the C library computes it, slowly. clang compiles these functions for the oldest processors only, unless it is
 * told otherwise (core/kernel.h): there the sum is rounded twice. */
static inline float vector_fma_f32(float a, float b, float c) {
#if defined(__clang__) && defined(__x86_64__) && !defined(__FMA__)
    return a * b + c;
#else
    return fmaf(a, b, c);
#endif
}

/* x = k ln 2 + r,  |r| <= ln 2 / 2.  Returns exp(r) = 1 + r + r^2 q(r), where q is the minimax polynomial of degree 4 (Remez);
 * relative error 3e-9. *bits gets k + VECTOR_NO_EXPONENT. */
#define VECTOR_NO_EXPONENT 0x4b400000u
static inline float vector_exp_part_f32(float x, uint32_t *bits) {
    const float log2_e = 1.44269504f;
    const float ln2_high = 0x1.62e4p-1f; /* few enough bits that k * ln2_high is exact */
    const float ln2_low = 1.42860682e-6f;
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to the nearest integer, in its low bits */
    const float shifted = vector_fma_f32(x, log2_e, to_integer);
    const float k = shifted - to_integer;
    const float r = vector_fma_f32(k, -ln2_low, vector_fma_f32(k, -ln2_high, x));
    float q = vector_fma_f32(r, 0.001381459865f, 0.00836871688f);
    q = vector_fma_f32(r, q, 0.04166838805f);
    q = vector_fma_f32(r, q, 0.1666652063f);
    q = vector_fma_f32(r, q, 0.4999999345f);
    *bits = vector_bits_of_float(shifted);
    return 1.0f + vector_fma_f32(r * r, q, r);
}

/* exp(x) = 2^k exp(r) */
static inline float vector_exp_f32(float x) {
    /* beyond these limits exp is 0 or infinity; not-a-number passes both comparisons */
    const float above = x < -104.0f ? -104.0f : x;
    const float within = above > 89.0f ? 89.0f : above;
    uint32_t bits;
    const float exp_r = vector_exp_part_f32(within, &bits);
    /* 2^k as two factors, because k is between -150 and 128 */
    const int32_t exponent = (int32_t)(bits - VECTOR_NO_EXPONENT);
    const int32_t half = exponent >> 1;
    const float scale_a = vector_float_of_bits((uint32_t)(half + 127) << 23);
    const float scale_b = vector_float_of_bits((uint32_t)(exponent - half + 127) << 23);
    return exp_r * scale_a * scale_b;
}

/* The same for x <= 40: 2^k = 2^(k + 64) 2^-64, of which the first factor is a normal number. */
static inline float vector_exp_of_negative_f32(float x) {
    const float within = x < -104.0f ? -104.0f : x;
    uint32_t bits;
    const float exp_r = vector_exp_part_f32(within, &bits);
    return exp_r * vector_float_of_bits((bits - VECTOR_NO_EXPONENT + 64u + 127u) << 23) * 0x1p-64f;
}

/* tanh(x) = (1 - e) / (1 + e),  e = exp(-2|x|),  with the sign of x; from |x| = 32 on the result is 1 to the last digit
 * Near 0, where this loses digits: x + x^3 q(x^2), where q is the minimax polynomial of degree 4; relative error 4e-9. */
static inline float vector_tanh_f32(float x) {
    const float size = fabsf(x);
    const float twice = -2.0f * size;
    const float within = twice < -64.0f ? -64.0f : twice;
    uint32_t bits;
    const float exp_r = vector_exp_part_f32(within, &bits);
    const float e = exp_r * vector_float_of_bits((bits - VECTOR_NO_EXPONENT + 127u) << 23);
    const float far = (1.0f - e) / (1.0f + e);
    const float z = size * size;
    float q = vector_fma_f32(z, -0.005717045493f, 0.02065058771f);
    q = vector_fma_f32(z, q, -0.05374349822f);
    q = vector_fma_f32(z, q, 0.1333149129f);
    q = vector_fma_f32(z, q, -0.3333328393f);
    const float near = vector_fma_f32(size * z, q, size);
    return copysignf(size < 0.625f ? near : far, x);
}

/* 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x)), computed from exp(-|x|), so that nothing overflows and small results keep their
 * digits. */
static inline float vector_sigmoid_f32(float x) {
    const float e = vector_exp_of_negative_f32(-fabsf(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline double vector_sigmoid_f64(double x) {
    const double e = exp(-fabs(x));
    const double upper = 1.0 / (1.0 + e);
    return x < 0.0 ? e * upper : upper;
}

/* expm1(x) = 2^k expm1(r) + (2^k - 1),  x = k ln 2 + r,  |r| <= ln 2 / 2
 * expm1(r) = r + r^2 / 2 + r^3 q(r), where q is the minimax polynomial of degree 4; relative error 4e-10.
 * The code computes with 2^(k - 1) and doubles the result, because 2^128 is not a float. */
static inline float vector_expm1_f32(float x) {
    const float log2_e = 1.44269504f, ln2_high = 0x1.62e4p-1f, ln2_low = 1.42860682e-6f;
    const float to_integer = 12582912.0f;

    /* below -18 the result is -1 to the last digit; above 89 it is infinite */
    const float above = x < -18.0f ? -18.0f : x;
    const float within = above > 89.0f ? 89.0f : above;
    const float shifted = vector_fma_f32(within, log2_e, to_integer);
    const float k = shifted - to_integer;
    const float r = vector_fma_f32(k, -ln2_low, vector_fma_f32(k, -ln2_high, within));
    float q = vector_fma_f32(r, 0.0001982409501f, 0.001393333311f);
    q = vector_fma_f32(r, q, 0.008333419957f);
    q = vector_fma_f32(r, q, 0.04166648198f);
    q = vector_fma_f32(r, q, 0.166666663f);
    const float expm1_r = vector_fma_f32(r * r, vector_fma_f32(r, q, 0.5f), r);
    const int32_t exponent = (int32_t)(vector_bits_of_float(shifted) - vector_bits_of_float(to_integer));
    const float half = vector_float_of_bits((uint32_t)(exponent + 126) << 23); /* 2^(k - 1) */
    return 2.0f * (half * expm1_r + (half - 0.5f));
}

/* ln(x + small) for a `small` that is much smaller than x:
 * x = 2^k m,  sqrt(1/2) <= m < sqrt(2),  f = m - 1
 * ln x = k ln 2 + (f - f^2 / 2 + f^3 q(f)), where q is the minimax polynomial of degree 7; relative error 6e-9.
 * `relative` is small / x. `more` is added to k. Only for normal x > 0. */
static inline float vector_log_normal_f32(float x, float relative, int32_t more) {
    const float ln2_high = 0x1.62e4p-1f, ln2_low = 1.42860682e-6f;
    const uint32_t root = 0x3f3504f3u; /* bits of sqrt(1/2) */
    const int32_t exponent = (int32_t)(vector_bits_of_float(x) - root) >> 23;
    const float k = (float)(exponent + more);
    const float f = vector_float_of_bits(vector_bits_of_float(x) - ((uint32_t)exponent << 23)) - 1.0f;
    float q = vector_fma_f32(f, -0.0763565613f, 0.1276332753f);
    q = vector_fma_f32(f, q, -0.1316058232f);
    q = vector_fma_f32(f, q, 0.1420155298f);
    q = vector_fma_f32(f, q, -0.1662329838f);
    q = vector_fma_f32(f, q, 0.2000123339f);
    q = vector_fma_f32(f, q, -0.2500082271f);
    q = vector_fma_f32(f, q, 0.3333333166f);
    const float square = f * f;
    return (f - (0.5f * square - (square * f * q + (k * ln2_low + relative)))) + k * ln2_high;
}

static inline float vector_log_f32(float x) {
    const int32_t is_subnormal = x < 0x1p-126f;
    const float y = vector_log_normal_f32(is_subnormal ? x * 0x1p23f : x, 0.0f, is_subnormal ? -23 : 0);
    const float at_zero = x == 0.0f ? -INFINITY : y;
    const float below = x < 0.0f ? NAN : at_zero;
    return x < INFINITY ? below : x; /* keeps infinity and not-a-number */
}

/* ln(1 + x) = ln(u + d),  u = 1 + x rounded,  d the rounding error. */
static inline float vector_log1p_f32(float x) {
    const float u = 1.0f + x;
    const float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
    const float y = vector_log_normal_f32(u, lost / u, 0);
    const float at_end = x == -1.0f ? -INFINITY : y;
    const float below = x < -1.0f ? NAN : at_end;
    return x < INFINITY ? below : x;
}

/* sin(x + quarter pi / 2) for |x| <= VECTOR_SINE_RANGE: x = k pi / 2 + r, |r| <= pi / 4, in doubles. pi / 2 is stored
 * in parts that are short enough that their products with k are exact (Cody & Waite 1980). Then, with minimax
 * polynomials, sin r = r + r^3 s(r^2), relative error 4e-9, and cos r = 1 - r^2 / 2 + r^4 c(r^2), 1e-10. Outside the
 * range the value is undefined. */
#define VECTOR_SINE_RANGE 0x1p26f
static inline float vector_sine_f32(float x, uint32_t quarter) {
    const double to_integer = 6755399441055744.0; /* 1.5 * 2^52 */
    const double wide = (double)x;
    const double shifted = wide * 0.63661977236758134308 + to_integer;
    const double k = shifted - to_integer;
    const float r = (float)(((wide - k * 0x1.921fb54p+0) - k * 0x1.10b46p-30) - k * 0x1.1a62633145c07p-54);
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    const uint32_t turn = (uint32_t)bits + quarter; /* in quarter turns; only the last two bits matter */

    const float z = r * r;
    const float sine = r + r * z * (-0.1666665491f + z * (0.008332175847f + z * -0.0001951697753f));
    const float cosine = 1.0f - (0.5f * z - z * z * (0.04166664681f + z * (-0.001388736449f + z * 2.443809098e-05f)));
    const float size = turn & 1u ? cosine : sine;
    return vector_float_of_bits(vector_bits_of_float(size) ^ (turn & 2u) << 30);
}

#define VECTOR_EXP(x)             _Generic((x), float : vector_exp_f32, double : exp)(x)
#define VECTOR_EXP_OF_NEGATIVE(x) _Generic((x), float : vector_exp_of_negative_f32, double : exp)(x)
#define VECTOR_TANH(x)            _Generic((x), float : vector_tanh_f32, double : tanh)(x)
#define VECTOR_SIGMOID(x)         _Generic((x), float : vector_sigmoid_f32, double : vector_sigmoid_f64)(x)
#define VECTOR_LOG(x)             _Generic((x), float : vector_log_f32, double : log)(x)
#define VECTOR_LOG1P(x)           _Generic((x), float : vector_log1p_f32, double : log1p)(x)
#define VECTOR_EXPM1(x)           _Generic((x), float : vector_expm1_f32, double : expm1)(x)

#endif
