/* core/infer.h: runs the shape rule of an op and checks its result.
 *
 * Shared by the tape and by programs, so that both check the same.
 * Threads: any.
 */
#ifndef RONDO_CORE_INFER_H
#define RONDO_CORE_INFER_H

#include "core/host.h"

/* The largest number of inputs of one node of a tape or a program, for ops that take any number of them. Far above what
 * a model needs; it keeps the size of every list of inputs far below the limits of its types. */
enum { OP_MAX_INPUTS = 1 << 20 };

/* RONDO_INVALID at `where` if the op does not take `count` inputs. Called wherever a node is added. */
rondo_status infer_check_count(const rondo_op *op, int32_t count, struct location where, struct errors *errors);

/* Sets call->output and the other fields that `infer` sets, from the inputs. Errors are added through `host`: those of
 * the op; RONDO_INTERNAL if the op sets an impossible output (a negative dimension, an unknown dtype, a view that
 * extends past the end of its input); RONDO_INVALID if the output has more bytes than size_t can count. */
rondo_status infer_output(const rondo_op *op, rondo_op_call *call, struct host_call *host);

#endif
