/* core/descriptor.h: is a descriptor (rondo/plugin.h) fit for use?
 *
 * Descriptors come from files that anybody may have written. What is checked here once, before a descriptor is
 * registered, is not checked again where it is used.
 * Threads: pure but for its arguments.
 */
#ifndef RONDO_CORE_DESCRIPTOR_H
#define RONDO_CORE_DESCRIPTOR_H

#include "core/status.h"

/* The most numbers that a schedule keeps (rondo/plugin.h says so). */
#define SCHEDULE_MAX_STATE 64

/* RONDO_INVALID with the reason where a field of `descriptor` cannot be used: an unknown kind, a struct_size below that
 * of ABI 1.0, a missing function, an option whose default does not parse, … `origin` is named in the error. */
rondo_status descriptor_check(const rondo_descriptor *descriptor, const char *origin, struct errors *errors);

/* struct_size of a descriptor of a kind in ABI 1.0, which is the smallest that any has. */
uint32_t descriptor_first_size(int32_t kind);

#endif
