/* Piecewise linear functions: the size of a number, the larger and the smaller of two.
 *
 * At a tie the gradient goes to the first operand; abs has derivative 0 at 0. A result is not-a-number where an operand
 * is: a comparison with one is false, so `a != a` stands beside it, and a `b` of that kind loses no comparison to a. */
#include <tgmath.h>

#include "ops/elementwise.h"

/* y = |x|,  dy/dx = sign(x) */
ELEMENTWISE_UNARY(abs, fabs(x), (T)(x > 0) - (T)(x < 0))
const rondo_op op_abs = ELEMENTWISE_OP(abs, 1, "x", "y = |x|, with derivative 0 at 0", 0, 0, RONDO_OP_CHEAP, READS_X);

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
