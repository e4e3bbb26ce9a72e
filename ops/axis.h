/* ops/axis.h: what the ops of this folder share: axes, shapes in messages, checks of inputs, sizes of threads' ranges.
 *
 * Threads: all functions are pure but for the errors that they report through their context.
 */
#ifndef RONDO_OPS_AXIS_H
#define RONDO_OPS_AXIS_H

#include "rondo/plugin.h"

/* "[3, 4]"; "[]" for a scalar; "[batch, 4]" where a cell is traced, before its rows are known. */
struct ops_shape_text {
    char text[160];
};
struct ops_shape_text ops_shape_text(const rondo_tensor *tensor);

/* Bytes of one element of a dtype. */
size_t ops_element_size(int32_t dtype);

/* A tensor seen around one of its dimensions: element (o, a, i) stands at (o * axis + a) * inner + i. */
struct ops_split {
    int64_t outer, axis, inner;
};
struct ops_split ops_split(const rondo_tensor *tensor, int32_t axis);

/* `axis`, which counts from the end where it is negative, as an index into the shape of `tensor`. INVALID where the
 * tensor has no such axis. */
rondo_status ops_find_axis(rondo_context *ctx, const rondo_tensor *tensor, int64_t axis, int32_t *found);

/* INVALID unless input `index` is RONDO_F32 or RONDO_F64 and has the dtype of input 0. `name` is for the message. */
rondo_status ops_need_float(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name);
/* INVALID unless input `index` is RONDO_I32. */
rondo_status ops_need_index(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name);
/* INVALID unless the `count` indices of input `input` are all in [0, end). `what` is what they number: "rows". */
rondo_status ops_check_indices(rondo_context *ctx, const rondo_op_call *call, int32_t input, int64_t end,
                               const char *what);

/* INVALID where the number of bytes of the output overflows. For ops whose output can be larger than their inputs. */
rondo_status ops_check_size(rondo_context *ctx, const rondo_op_call *call);

/* How many items to give to a thread at a time where each costs about `work` simple operations: enough for the work to
 * be worth starting a thread. A function of shapes alone, so that results do not depend on the number of threads. */
int64_t ops_grain(int64_t work);

#endif
