/* ops/axis.h: helpers of the ops in this folder: axes, shapes in messages, checks of inputs, ranges of threads.
 *
 * Threads: any. The only side effect is the error that a function reports through its context.
 */
#ifndef RONDO_OPS_AXIS_H
#define RONDO_OPS_AXIS_H

#include "rondo/plugin.h"

/* "[3, 4]"; "[]" for a scalar; "[batch, 4]" and "[memory, 4]" while a cell is traced, before these sizes
 * are known. */
struct ops_shape_text {
    char text[160];
};
struct ops_shape_text ops_shape_text(const rondo_tensor *tensor);

/* Bytes of one element of a dtype. */
size_t ops_element_size(int32_t dtype);

/* The dimensions of a tensor before, at and after an axis: element (o, a, i) is at (o * axis + a) * inner + i. */
struct ops_split {
    int64_t outer, axis, inner;
};
struct ops_split ops_split(const rondo_tensor *tensor, int32_t axis);

/* Converts `axis`, which counts from the end if it is negative, to an index into the shape of `tensor`. RONDO_INVALID
 * if the tensor has no such axis. */
rondo_status ops_find_axis(rondo_context *ctx, const rondo_tensor *tensor, int64_t axis, int32_t *found);

/* RONDO_INVALID unless input `index` is RONDO_F32 or RONDO_F64 and has the dtype of input 0. `name` is for the
 * message. */
rondo_status ops_need_float(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name);
/* RONDO_INVALID unless input `index` is RONDO_I32. */
rondo_status ops_need_index(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name);
/* RONDO_INVALID unless all `count` indices of input `input` are in [0, end). `what` names the things that are indexed,
 * such as "rows". */
rondo_status ops_check_indices(rondo_context *ctx, const rondo_op_call *call, int32_t input, int64_t end,
                               const char *what);

/* RONDO_INVALID if the number of bytes of the output overflows. For ops whose output can be larger than their
 * inputs. */
rondo_status ops_check_size(rondo_context *ctx, const rondo_op_call *call);

/* The number of items per range of parallel_for, if each item costs about `work` simple operations: enough work to
 * justify starting a thread. It depends only on shapes, so results do not depend on the number of threads. */
int64_t ops_grain(int64_t work);

#endif
