/* Powers, exponentials and logarithms, element by element. */
#include <tgmath.h>

#include "ops/elementwise.h"
#include "ops/vector_math.h"

/* y = e^x,  dy/dx = y */
ELEMENTWISE_UNARY(exp, VECTOR_EXP(x), y)
const rondo_op op_exp = ELEMENTWISE_OP(exp, 1, "x", "y = e^x", 0, 0, 0, READS_Y);

/* y = ln x,  dy/dx = 1 / x */
ELEMENTWISE_UNARY(log, log(x), 1 / x)
const rondo_op op_log = ELEMENTWISE_OP(log, 1, "x", "y = ln x, the natural logarithm", 0.5, 3, 0, READS_X);

/* y = sqrt(x),  dy/dx = 1 / (2 y) */
ELEMENTWISE_UNARY(sqrt, sqrt(x), 1 / (2 * y))
const rondo_op op_sqrt = ELEMENTWISE_OP(sqrt, 1, "x", "y = sqrt(x)", 0.5, 3, 0, READS_Y);
