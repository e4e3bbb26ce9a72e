/* core/descriptor.h: decides whether a descriptor (rondo/plugin.h) can be used.
 *
 * Descriptors come from files that anybody may have written. A descriptor is checked here once, before it is
 * registered, and not again when it is used.
 * Threads: any; a function accesses only what its arguments point to. */
#ifndef RONDO_CORE_DESCRIPTOR_H
#define RONDO_CORE_DESCRIPTOR_H

#include "core/status.h"

/* The largest number of values that a schedule keeps, as documented in rondo/plugin.h. */
#define SCHEDULE_MAX_STATE 64

/* A descriptor of any kind, with all fields of the current ABI. */
union descriptor {
    rondo_descriptor base;
    rondo_op op;
    rondo_optimizer optimizer;
    rondo_loss loss;
    rondo_schedule schedule;
    rondo_metric_plugin metric;
};

/* Bytes of a descriptor of this kind in the first ABI that has the kind (1.0, or 1.1 for metrics), which is the smallest
 * valid struct_size, and in the current ABI. */
uint32_t descriptor_first_size(int32_t kind);
uint32_t descriptor_size(int32_t kind);

/* Copies the first struct_size bytes of a descriptor; the fields that were added to the ABI after it was compiled are
 * zero. Its kind must be a known one, and its struct_size at least descriptor_first_size. */
union descriptor descriptor_copy(const rondo_descriptor *descriptor);

/* RONDO_INVALID, with the reason, if a descriptor cannot be used: an unknown kind, a struct_size below the first of its kind,
 * a missing function, an option whose default does not parse, … `origin`, the file that it came from, is named in the
 * error. Reads at most struct_size bytes. */
rondo_status descriptor_check(const rondo_descriptor *descriptor, const char *origin, struct errors *errors);

#endif
