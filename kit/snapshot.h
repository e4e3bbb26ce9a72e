/* kit/snapshot.h: copies of buffers that a call must not change. */
#ifndef RONDO_KIT_SNAPSHOT_H
#define RONDO_KIT_SNAPSHOT_H

#include "core/tensor.h"

enum { SNAPSHOT_MAX = 16 };

/* Zero-initialised is empty. */
struct snapshot {
    int32_t count;
    struct {
        const char *name; /* for messages; borrowed */
        const void *data;
        size_t bytes;
        void *copy;
    } items[SNAPSHOT_MAX];
};

/* Copies `bytes` at `data` into memory of `arena`. Nothing is added if `data` is NULL, `bytes` is 0, or memory is
 * short. */
void snapshot_add(struct snapshot *snapshot, const char *name, const void *data, size_t bytes, struct arena *arena);
/* The name of the first buffer that no longer has the bytes of its copy; NULL: none. */
const char *snapshot_changed(const struct snapshot *snapshot);

#endif
