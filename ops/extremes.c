/* Piecewise linear functions: magnitude and sign of a number, maximum and minimum of two numbers.
 *
 * At a tie the gradient goes to the first operand; abs has derivative 0 at 0. A result is not-a-number if an operand
 * is. A comparison with not-a-number is false, so the code tests `a != a` as well, and takes `b` if the comparison is
 * false. */
#include <tgmath.h>

#include "ops/elementwise.h"

/* y = |x|,  dy/dx = sign(x) */
ELEMENTWISE_UNARY(abs, fabs(x), (T)(x > 0) - (T)(x < 0))
const rondo_op op_abs = ELEMENTWISE_OP(abs, 1, "x", "y = |x|, with derivative 0 at 0", 0, 0, RONDO_OP_CHEAP, READS_X);

/* y = 1 where x > 0, -1 where x < 0, else x itself: 0 or not-a-number. The derivative is 0 wherever it exists. */
#define SIGN_OF(T, suffix)                                                                                             \
    KERNEL_CLONES static void sign_map_##suffix(int64_t count, const void *in, void *out) {                            \
        const T *x = in;                                                                                               \
        T *y = out;                                                                                                    \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            y[i] = x[i] == x[i] ? (T)(x[i] > 0) - (T)(x[i] < 0) : x[i];                                                \
        }                                                                                                              \
    }
SIGN_OF(float, f32)
SIGN_OF(double, f64)

static void sign_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    KERNEL_BY_DTYPE(dtype, sign_map, count, in[0], out);
}

const rondo_op op_sign = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "sign",
             .summary = "y = 1 where x > 0, -1 where x < 0, else x; no gradient flows to x"},
    .flags = RONDO_OP_CHEAP | RONDO_OP_NO_GRADIENT,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = sign_map,
};

/* y = max(a, b),  dy/da = 1 where a >= b, else 0,  dy/db = 1 - dy/da */
ELEMENTWISE_BINARY(maximum, a >= b || a != a ? a : b, (T)(a >= b), (T)(a < b))
const rondo_op op_maximum =
    ELEMENTWISE_OP(maximum, 2, "a, b", "y = max(a, b); where they are equal the gradient goes to a", 0, 0,
                   RONDO_OP_CHEAP, READS_A | READS_B, READS_A | READS_B);

/* y = min(a, b),  dy/da = 1 where a <= b, else 0,  dy/db = 1 - dy/da */
ELEMENTWISE_BINARY(minimum, a <= b || a != a ? a : b, (T)(a <= b), (T)(a > b))
const rondo_op op_minimum =
    ELEMENTWISE_OP(minimum, 2, "a, b", "y = min(a, b); where they are equal the gradient goes to a", 0, 0,
                   RONDO_OP_CHEAP, READS_A | READS_B, READS_A | READS_B);
