/* tests/abi_layout.h: the rule of growth of rondo/plugin.h, applied to two layouts as tests/abi/layout.py prints them.
 */
#ifndef RONDO_TESTS_ABI_LAYOUT_H
#define RONDO_TESTS_ABI_LAYOUT_H

#include <stddef.h>

/* Writes to `reason` what the layout `today` has that a plug-in built against `frozen` could not live with; "" where
 * there is nothing:
 *   what was there stays: fields with place, size and type, values of enums and macros;
 *   a struct with struct_size may grow, by fields behind its old end; rondo_descriptor and rondo_plugin_info may not;
 *   lists of values may grow;
 *   if anything but a macro was added, RONDO_ABI_MINOR is above the frozen one: a macro names a value, and changes
 *   nothing that crosses between host and plug-in. */
void abi_layout_compare(const char *frozen, const char *today, char *reason, size_t size);

#endif
