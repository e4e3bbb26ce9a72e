/* tests/abi_layout.h: checks that a later version of rondo/plugin.h keeps the rules of growth, on layouts that
 * tests/abi/layout.py prints.
 */
#ifndef RONDO_TESTS_ABI_LAYOUT_H
#define RONDO_TESTS_ABI_LAYOUT_H

#include <stddef.h>

/* Compares two layouts. Writes to `reason` the first difference that breaks a plug-in built against `frozen`; "" if
 * there is none. The rules:
 *   nothing changes that exists: fields with their place, size and type, values of enums and macros;
 *   a struct with struct_size may grow, by fields after its old end; rondo_descriptor and rondo_plugin_info may not;
 *   lists of values may grow;
 *   if anything but a macro was added, RONDO_ABI_MINOR is above the frozen one: a macro names a value, and changes
 *   nothing that crosses between host and plug-in. */
void abi_layout_compare(const char *frozen, const char *today, char *reason, size_t size);

#endif
