/* The nonlinearities of neural networks, element by element. */
#include <tgmath.h>

#include "ops/elementwise.h"
#include "ops/vector_math.h"

/* y = 1 / (1 + e^-x),  dy/dx = y (1 - y) */
ELEMENTWISE_UNARY(sigmoid, VECTOR_SIGMOID(x), (y * (1 - y)))
const rondo_op op_sigmoid =
    ELEMENTWISE_OP(sigmoid, 1, "x", "y = 1 / (1 + e^-x), the logistic function", 0, 0, 0, READS_Y);

/* y = tanh x,  dy/dx = 1 - y^2 */
ELEMENTWISE_UNARY(tanh, VECTOR_TANH(x), 1 - y * y)
const rondo_op op_tanh = ELEMENTWISE_OP(tanh, 1, "x", "y = tanh(x)", 0, 0, 0, READS_Y);

/* y = max(x, 0),  dy/dx = 1 where x > 0, else 0. The comparison keeps not-a-number. */
ELEMENTWISE_UNARY(relu, x < 0 ? 0 : x, (T)(x > 0))
const rondo_op op_relu = ELEMENTWISE_OP(relu, 1, "x", "y = max(x, 0), with derivative 0 at 0 (Nair & Hinton 2010)", 0,
                                        0, RONDO_OP_CHEAP, READS_X);

/* y = ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which neither overflows nor loses digits,  dy/dx = sigmoid(x) */
ELEMENTWISE_UNARY(softplus, (x < 0 ? 0 : x) + VECTOR_LOG1P(VECTOR_EXP_OF_NEGATIVE(-fabs(x))), VECTOR_SIGMOID(x))
const rondo_op op_softplus = ELEMENTWISE_OP(softplus, 1, "x", "y = ln(1 + e^x) (Dugas et al. 2001)", 0, 0, 0, READS_X);

/* y = ln sigmoid(x) = min(x, 0) - ln(1 + e^-|x|),  dy/dx = 1 - sigmoid(x) = sigmoid(-x) */
ELEMENTWISE_UNARY(log_sigmoid, (x > 0 ? 0 : x) - VECTOR_LOG1P(VECTOR_EXP_OF_NEGATIVE(-fabs(x))), VECTOR_SIGMOID(-x))
const rondo_op op_log_sigmoid = ELEMENTWISE_OP(log_sigmoid, 1, "x", "y = ln(1 / (1 + e^-x))", 0, 0, 0, READS_X);

/* y = x s,  dy/dx = s (1 + x (1 - s)),  where s = sigmoid(x) */
ELEMENTWISE_UNARY(silu, (x * VECTOR_SIGMOID(x)), (VECTOR_SIGMOID(x) * (1 + x * VECTOR_SIGMOID(-x))))
const rondo_op op_silu =
    ELEMENTWISE_OP(silu, 1, "x", "y = x / (1 + e^-x) (Elfwing et al. 2017; swish with beta 1)", 0, 0, 0, READS_X);

/* y = x P(x),  dy/dx = P(x) + x p(x),  where P(x) = (1 + erf(x / sqrt 2)) / 2 and p(x) = e^(-x^2 / 2) / sqrt(2 pi) are
 * the distribution and the density of the standard normal. The exact form of Hendrycks & Gimpel 2016, section 2. For
 * negative x, P is computed by erfc: 1 + erf would lose digits by cancellation. */
#define NORMAL_BELOW(x)   ((T)0.5 * erfc((T)-0.70710678118654752440 * (x)))
#define NORMAL_DENSITY(x) ((T)0.39894228040143267794 * VECTOR_EXP_OF_NEGATIVE((T)-0.5 * (x) * (x)))
ELEMENTWISE_UNARY(gelu, (x * NORMAL_BELOW(x)), NORMAL_BELOW(x) + x * NORMAL_DENSITY(x))
const rondo_op op_gelu = ELEMENTWISE_OP(
    gelu, 1, "x", "y = x * P(X <= x), X standard normal, by erf (Hendrycks & Gimpel 2016)", 0, 0, 0, READS_X);
