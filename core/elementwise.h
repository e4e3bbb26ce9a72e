/* core/elementwise.h: shapes, broadcasting, threads and accumulation for ops that have a `map` (rondo/plugin.h).
 *
 * The author of an elementwise op writes only f for contiguous elements.
 * Threads: any.
 */
#ifndef RONDO_CORE_ELEMENTWISE_H
#define RONDO_CORE_ELEMENTWISE_H

#include "core/parallel.h"
#include "core/tensor.h"

/* Sets call->output to the common shape of the inputs, which have the same float dtype. RONDO_INVALID, with both shapes in
 * the text, if they do not broadcast. */
rondo_status elementwise_infer(const rondo_op *op, rondo_op_call *call, struct errors *errors);
/* output = f(inputs). Uses no scratch memory of the call. */
void elementwise_forward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel);
/* Adds grad_output * df/dinput, summed over the dimensions along which that input was repeated. */
void elementwise_backward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel);

#endif
