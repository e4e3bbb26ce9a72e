/* ops/elementwise.h: from an equation to the f32 and f64 kernels of an elementwise op.
 *
 *     ELEMENTWISE_UNARY(square, x * x, 2 * x)
 *     const rondo_op op_square = ELEMENTWISE_OP(square, 1, "x", "y = x^2", 0, 0, RONDO_OP_CHEAP, READS_X);
 *
 * The equation is written in terms of `x` (or `a` and `b`); the derivative may also use the result `y`. T is the type
 * of all of them. Functions of <tgmath.h> and ops/vector_math.h take the type of their argument. Write a constant that
 * is not an integer as (T)0.5: without the cast, f32 would be computed in f64.
 */
#ifndef RONDO_OPS_ELEMENTWISE_H
#define RONDO_OPS_ELEMENTWISE_H

#include "core/kernel.h"
#include "rondo/plugin.h"

/* y = forward,  dL/dx = dL/dy * derivative */
#define ELEMENTWISE_UNARY_OF(name, T_, suffix, forward, derivative)                                                    \
    KERNEL_CLONES static void name##_map_##suffix(int64_t count, const void *in, void *out) {                          \
        typedef T_ T;                                                                                                  \
        const T *x_ = in;                                                                                              \
        T *y_ = out;                                                                                                   \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T x = x_[i];                                                                                         \
            y_[i] = (forward);                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void name##_grad_##suffix(int64_t count, const void *in, const void *out,                     \
                                                   const void *grad_out, void *grad_in) {                              \
        typedef T_ T;                                                                                                  \
        const T *x_ = in, *y_ = out, *g_ = grad_out;                                                                   \
        T *gx_ = grad_in;                                                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T x = x_[i], y = y_[i];                                                                              \
            (void)x;                                                                                                   \
            (void)y;                                                                                                   \
            gx_[i] = g_[i] * (derivative);                                                                             \
        }                                                                                                              \
    }

#define ELEMENTWISE_UNARY(name, forward, derivative)                                                                   \
    ELEMENTWISE_UNARY_OF(name, float, f32, forward, derivative)                                                        \
    ELEMENTWISE_UNARY_OF(name, double, f64, forward, derivative)                                                       \
    static void name##_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {      \
        (void)options;                                                                                                 \
        KERNEL_BY_DTYPE(dtype, name##_map, count, in[0], out);                                                         \
    }                                                                                                                  \
    static void name##_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,              \
                                const void *out, const void *grad_out, void *const *grad_in) {                         \
        (void)options;                                                                                                 \
        if (grad_in[0] == NULL) {                                                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        KERNEL_BY_DTYPE(dtype, name##_grad, count, in[0], out, grad_out, grad_in[0]);                                  \
    }

/* dL/d(operand) = dL/dy * derivative, for one operand of a binary op. */
#define ELEMENTWISE_BINARY_GRAD_OF(name, T_, suffix, derivative)                                                       \
    KERNEL_CLONES static void name##_##suffix(int64_t count, const void *const *in, const void *out,                   \
                                              const void *grad_out, void *grad_in) {                                   \
        typedef T_ T;                                                                                                  \
        const T *a_ = in[0], *b_ = in[1], *y_ = out, *g_ = grad_out;                                                   \
        T *gx_ = grad_in;                                                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T a = a_[i], b = b_[i], y = y_[i];                                                                   \
            (void)a;                                                                                                   \
            (void)b;                                                                                                   \
            (void)y;                                                                                                   \
            gx_[i] = g_[i] * (derivative);                                                                             \
        }                                                                                                              \
    }

#define ELEMENTWISE_BINARY_OF(name, T_, suffix, forward, derivative_a, derivative_b)                                   \
    KERNEL_CLONES static void name##_map_##suffix(int64_t count, const void *const *in, void *out) {                   \
        typedef T_ T;                                                                                                  \
        const T *a_ = in[0], *b_ = in[1];                                                                              \
        T *y_ = out;                                                                                                   \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T a = a_[i], b = b_[i];                                                                              \
            y_[i] = (forward);                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    ELEMENTWISE_BINARY_GRAD_OF(name##_grad_a, T_, suffix, derivative_a)                                                \
    ELEMENTWISE_BINARY_GRAD_OF(name##_grad_b, T_, suffix, derivative_b)

/* y = forward,  dL/da = dL/dy * derivative_a,  dL/db = dL/dy * derivative_b */
#define ELEMENTWISE_BINARY(name, forward, derivative_a, derivative_b)                                                  \
    ELEMENTWISE_BINARY_OF(name, float, f32, forward, derivative_a, derivative_b)                                       \
    ELEMENTWISE_BINARY_OF(name, double, f64, forward, derivative_a, derivative_b)                                      \
    static void name##_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {      \
        (void)options;                                                                                                 \
        KERNEL_BY_DTYPE(dtype, name##_map, count, in, out);                                                            \
    }                                                                                                                  \
    static void name##_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,              \
                                const void *out, const void *grad_out, void *const *grad_in) {                         \
        (void)options;                                                                                                 \
        if (grad_in[0] != NULL) {                                                                                      \
            KERNEL_BY_DTYPE(dtype, name##_grad_a, count, in, out, grad_out, grad_in[0]);                               \
        }                                                                                                              \
        if (grad_in[1] != NULL) {                                                                                      \
            KERNEL_BY_DTYPE(dtype, name##_grad_b, count, in, out, grad_out, grad_in[1]);                               \
        }                                                                                                              \
    }

/* The values that a derivative is computed from, for the last arguments of ELEMENTWISE_OP: one per operand. */
#define READS_X       RONDO_READS_INPUT(0)
#define READS_A       RONDO_READS_INPUT(0)
#define READS_B       RONDO_READS_INPUT(1)
#define READS_Y       RONDO_READS_OUTPUT
#define READS_NOTHING RONDO_READS_NOTHING

/* The descriptor of an elementwise op without options. Checks draw inputs from [low, high); both 0: the default
 * range. */
#define ELEMENTWISE_OP(name_, n_inputs, operands_, summary_, low, high, flags_, ...)                                   \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = #name_, .summary = summary_},         \
        .flags = flags_, .min_inputs = n_inputs, .max_inputs = n_inputs, .operands = operands_, .map = name_##_map,    \
        .map_grad = name_##_map_grad, .domain_low = low, .domain_high = high, .map_grad_reads = {                      \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

#endif
