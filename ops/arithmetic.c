/* Arithmetic with one or two operands, element by element. */
#include "ops/elementwise.h"

/* y = a + b,  dy/da = 1,  dy/db = 1 */
ELEMENTWISE_BINARY(add, a + b, 1, 1)
const rondo_op op_add = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "add", .summary = "y = a + b"},
    .flags = RONDO_OP_CHEAP,
    .min_inputs = 2,
    .max_inputs = 2,
    .role = RONDO_ROLE_SUM,
    .operands = "a, b",
    .map = add_map,
    .map_grad = add_map_grad,
    .map_grad_reads = {READS_NOTHING, READS_NOTHING},
};

/* y = a - b,  dy/da = 1,  dy/db = -1 */
ELEMENTWISE_BINARY(sub, a - b, 1, -1)
const rondo_op op_sub = ELEMENTWISE_OP(sub, 2, "a, b", "y = a - b", 0, 0, RONDO_OP_CHEAP, READS_NOTHING, READS_NOTHING);

/* y = a b,  dy/da = b,  dy/db = a */
ELEMENTWISE_BINARY(mul, (a * b), b, a)
const rondo_op op_mul = ELEMENTWISE_OP(mul, 2, "a, b", "y = a * b", 0, 0, RONDO_OP_CHEAP, READS_B, READS_A);

/* y = a / b,  dy/da = 1 / b,  dy/db = -a / b^2 = -y / b */
ELEMENTWISE_BINARY(div, a / b, 1 / b, -y / b)
const rondo_op op_div = ELEMENTWISE_OP(div, 2, "a, b", "y = a / b", 0.5, 2, 0, READS_B, READS_B | READS_Y);

/* y = -x,  dy/dx = -1 */
ELEMENTWISE_UNARY(neg, -x, -1)
const rondo_op op_neg = ELEMENTWISE_OP(neg, 1, "x", "y = -x", 0, 0, RONDO_OP_CHEAP, READS_NOTHING);

/* y = x^2,  dy/dx = 2 x */
ELEMENTWISE_UNARY(square, (x * x), 2 * x)
const rondo_op op_square = ELEMENTWISE_OP(square, 1, "x", "y = x^2", 0, 0, RONDO_OP_CHEAP, READS_X);
