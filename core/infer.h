/* core/infer.h: the shape rule of an op, and whether what it says can be.
 *
 * The tape and programs both ask here, so what is checked for one holds for the other.
 * Threads: any.
 */
#ifndef RONDO_CORE_INFER_H
#define RONDO_CORE_INFER_H

#include "core/host.h"

/* Fills call->output and what else `infer` sets, from the inputs. Errors, through `host`: those of the op;
 * RONDO_INTERNAL where an op says what cannot be (a dimension below 0, an unknown dtype, a view beyond its input);
 * RONDO_INVALID where the output would have more bytes than can be counted. */
rondo_status infer_output(const rondo_op *op, rondo_op_call *call, struct host_call *host);

#endif
