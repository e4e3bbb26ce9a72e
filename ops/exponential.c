/* Powers, exponentials and logarithms, element by element. */
#include <tgmath.h>

#include "ops/elementwise.h"
#include "ops/vector_math.h"

/* y = e^x,  dy/dx = y */
ELEMENTWISE_UNARY(exp, VECTOR_EXP(x), y)
const rondo_op op_exp = ELEMENTWISE_OP(exp, 1, "x", "y = e^x", 0, 0, 0, READS_Y);

/* y = ln x,  dy/dx = 1 / x */
ELEMENTWISE_UNARY(log, VECTOR_LOG(x), 1 / x)
const rondo_op op_log = ELEMENTWISE_OP(log, 1, "x", "y = ln x, the natural logarithm", 0.5, 3, 0, READS_X);

/* y = e^x - 1,  dy/dx = e^x = y + 1 */
ELEMENTWISE_UNARY(expm1, VECTOR_EXPM1(x), (y + 1))
const rondo_op op_expm1 = ELEMENTWISE_OP(expm1, 1, "x", "y = e^x - 1, accurate near 0", 0, 0, 0, READS_Y);

/* y = ln(1 + x),  dy/dx = 1 / (1 + x) */
ELEMENTWISE_UNARY(log1p, VECTOR_LOG1P(x), 1 / (1 + x))
const rondo_op op_log1p = ELEMENTWISE_OP(log1p, 1, "x", "y = ln(1 + x), accurate near 0", -0.5, 2, 0, READS_X);

/* y = sqrt(x),  dy/dx = 1 / (2 y) */
ELEMENTWISE_UNARY(sqrt, sqrt(x), 1 / (2 * y))
const rondo_op op_sqrt = ELEMENTWISE_OP(sqrt, 1, "x", "y = sqrt(x)", 0.5, 3, 0, READS_Y);
