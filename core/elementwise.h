/* core/elementwise.h: shapes, broadcasting, threads and accumulation for ops that have a `map` (rondo/plugin.h).
 *
 * The author of an elementwise op writes f on a run of contiguous elements. Everything else is here, once.
 * Threads: any.
 */
#ifndef RONDO_CORE_ELEMENTWISE_H
#define RONDO_CORE_ELEMENTWISE_H

#include "core/parallel.h"
#include "core/tensor.h"

/* The common shape of the inputs (all of one float dtype) into call->output. RONDO_INVALID where they do not broadcast,
 * with both shapes in the text. */
rondo_status elementwise_infer(const rondo_op *op, rondo_op_call *call, struct errors *errors);
/* output = f(inputs). Needs no scratch from the call. */
void elementwise_forward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel);
/* Adds grad_output * df/dinput, summed over the dimensions along which that input was stretched. */
void elementwise_backward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel);

#endif
