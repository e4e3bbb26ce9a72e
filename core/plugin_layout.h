/* core/plugin_layout.h: can all that a plug-in object points at be read?
 *
 * Descriptors come from files that anybody may have written: one of another kind than it says, or a table without its
 * end row, leads a reader out of the plug-in. This comes before core/descriptor.h, which asks whether what is there is
 * fit for use.
 * Threads: pure but for its arguments.
 */
#ifndef RONDO_CORE_PLUGIN_LAYOUT_H
#define RONDO_CORE_PLUGIN_LAYOUT_H

#include "core/plugin_memory.h"
#include "core/status.h"

/* RONDO_INVALID with the descriptor, the field and the row where a pointer of `info` leads out of `memory` or is not
 * aligned, a list does not end in it, or a descriptor has another size than its kind has in the plug-in's version of
 * the ABI. Where it returns RONDO_OK all lists end, all texts are NUL-terminated, and functions can be jumped to. NULL
 * is left to whoever needs more. `info` itself is in `memory`, and its fields of numbers are right. */
rondo_status plugin_layout_check(const struct plugin_memory *memory, const rondo_plugin_info *info,
                                 struct errors *errors);

#endif
