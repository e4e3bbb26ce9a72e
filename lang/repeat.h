/* lang/repeat.h: expands repetitions and indices.
 *
 *     s[0] = h                             s_0 = h
 *     for l in 1..2:                  ->   s_1 = tanh(s_0 @ R_1)
 *       s[l] = tanh(s[l-1] @ R[l])         s_2 = tanh(s_1 @ R_2)
 *
 * An index becomes part of the name. In its equations and in options of calls, the counter of a repetition is a number.
 * Bounds and indices are whole numbers, counters or options, so that a layer may choose its depth. A range that ends
 * one below its beginning is empty. Places in messages are those of the equation as written.
 *
 * Threads: pure apart from the arguments.
 */
#ifndef RONDO_LANG_REPEAT_H
#define RONDO_LANG_REPEAT_H

#include "lang/cell.h"

/* Expands `source`; expressions without index or repetition are shared with it. Memory from `arena`. A mistake is
 * reported once for each place; the result is then RONDO_INVALID, and the list is empty. */
rondo_status equations_repeat(const struct cell_definition *definition, const struct cell_settings *settings,
                              struct equation *source, struct arena *arena, struct equation **first,
                              struct errors *errors);

#endif
