/* model/linear.h: y = x @ W + b as one function of the tape.
 *
 * As two ops it would copy the result, and its gradient, from the product to the sum. The head of a large vocabulary spends
 * much of its time on such copies.
 */
#ifndef RONDO_MODEL_LINEAR_H
#define RONDO_MODEL_LINEAR_H

#include "core/tape.h"

/* x [n, k] @ W [k, m], or, with is_transposed, the transpose of W [m, k]; plus b [m] in every row: [n, m]. k >= 1. Values and
 * gradients have the bits of the ops matmul and add. A failed value after an error of the tape. */
rondo_value linear_record(struct tape *tape, rondo_value x, rondo_value weight, int is_transposed, rondo_value bias);

#endif
