/* lang/repeat.h: expands repetitions and indices.
 *
 *     s[0] = h                             s_0 = h
 *     for l in 1..2:                  ->   s_1 = tanh(s_0 @ R_1)
 *       s[l] = tanh(s[l-1] @ R[l])         s_2 = tanh(s_1 @ R_2)
 *
 * An index becomes part of the name. The variable of a repetition is a number in its equations and in
 * options of calls. Ends of ranges and indices are whole numbers, the variable, and options, so that a layer can choose
 * its depth. A range that ends one below its beginning is empty. Places in the text are those of the equation as written.
 *
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_LANG_REPEAT_H
#define RONDO_LANG_REPEAT_H

#include "lang/cell.h"

/* Expands `source`. Trees without an index or repetition are shared with it. Memory from `arena`. A mistake is reported
 * once for each place; then RONDO_INVALID, and the list is empty. */
rondo_status equations_repeat(const struct cell_definition *definition, const struct cell_settings *settings,
                              struct equation *source, struct arena *arena, struct equation **first,
                              struct errors *errors);

#endif
