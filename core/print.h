/* core/print.h: tensors and tapes as text, for debugging.
 *
 *     char text[4096];
 *     tensor_print(tape_tensor(tape, value), text, sizeof text);
 *
 *     f32 [2, 3]
 *     [[1, 2, 3],
 *      [4, 5, 6]]
 *
 * From gdb, scripts/gdb/rondo-gdb.py calls these functions: `rondo-tensor EXPRESSION`, `rondo-tape EXPRESSION`.
 *
 * As with snprintf, at most size - 1 bytes and a NUL are written, and the length of the whole text is returned, so that
 * a caller can repeat the call with a buffer that is large enough. size 0: nothing is written, and `text` may be NULL.
 *
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_CORE_PRINT_H
#define RONDO_CORE_PRINT_H

#include "core/tape.h"

/* Dtype, shape and elements. Of a dimension above 8 only the first and the last three entries are shown, and "..."
 * between them. NULL: "(no tensor)". */
size_t tensor_print(const rondo_tensor *tensor, char *text, size_t size);

/* One line per value of the tape: its id, the op with the ids of its inputs, options that are not the default, dtype and
 * shape, "gradient" if tape_backward computes one, "view" if it shares the memory of its first input, and the scope:
 *
 *     %0 = constant f32 [2, 3]
 *     %1 = parameter 'W' f32 [3, 4] gradient
 *     %2 = matmul(%0, %1) f32 [2, 4] gradient in layers.0
 *     %3 = sum(%2) axis=1 f32 [2] gradient in layers.0
 */
size_t tape_print(const struct tape *tape, char *text, size_t size);

#endif
