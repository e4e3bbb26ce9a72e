/* kit/snapshot.c: see kit/snapshot.h. */
#include "kit/snapshot.h"

#include <string.h>

void snapshot_add(struct snapshot *snapshot, const char *name, const void *data, size_t bytes, struct arena *arena) {
    void *copy = data == NULL || bytes == 0 || snapshot->count == SNAPSHOT_MAX ? NULL : arena_alloc(arena, bytes);
    if (copy == NULL) {
        return; /* if there is no memory for a copy, the buffer still has its guard page */
    }
    memcpy(copy, data, bytes);
    snapshot->items[snapshot->count].name = name;
    snapshot->items[snapshot->count].data = data;
    snapshot->items[snapshot->count].bytes = bytes;
    snapshot->items[snapshot->count++].copy = copy;
}

const char *snapshot_changed(const struct snapshot *snapshot) {
    for (int32_t i = 0; i < snapshot->count; i++) {
        if (memcmp(snapshot->items[i].data, snapshot->items[i].copy, snapshot->items[i].bytes) != 0) {
            return snapshot->items[i].name;
        }
    }
    return NULL;
}
