/* core/plugin_layout.h: checks that everything that a plug-in object points to can be read.
 *
 * Descriptors come from files that anybody may have written. A descriptor with the wrong kind, or a table without its
 * end row, would make the reader leave the memory of the plug-in. This check comes first; core/descriptor.h then checks
 * whether the values make sense.
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_CORE_PLUGIN_LAYOUT_H
#define RONDO_CORE_PLUGIN_LAYOUT_H

#include "core/plugin_memory.h"
#include "core/status.h"

/* RONDO_INVALID, with the descriptor, the field and the row, if a pointer of `info` leads out of `memory` or is not
 * aligned, if a list does not end within `memory`, or if the size of a descriptor is not that of its kind in the
 * plug-in's version of the ABI. After RONDO_OK all lists end, all texts are NUL-terminated, and all functions are in
 * executable memory; any pointer may still be NULL. The caller has already checked that `info` itself is in `memory`, and
 * that its numbers (magic, sizes, versions) are right. */
rondo_status plugin_layout_check(const struct plugin_memory *memory, const rondo_plugin_info *info,
                                 struct errors *errors);

#endif
