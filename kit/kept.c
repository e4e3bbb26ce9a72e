#include "kit/kept.h"

#include <string.h>

void kept_add(struct kept *kept, const char *name, const void *data, size_t bytes, struct arena *arena) {
    void *copy = data == NULL || bytes == 0 || kept->count == KEPT_MAX ? NULL : arena_alloc(arena, bytes);
    if (copy == NULL) {
        return; /* nothing to keep, or no memory: a guard page still stands behind it */
    }
    memcpy(copy, data, bytes);
    kept->items[kept->count].name = name;
    kept->items[kept->count].data = data;
    kept->items[kept->count].bytes = bytes;
    kept->items[kept->count++].copy = copy;
}

const char *kept_changed(const struct kept *kept) {
    for (int32_t i = 0; i < kept->count; i++) {
        if (memcmp(kept->items[i].data, kept->items[i].copy, kept->items[i].bytes) != 0) {
            return kept->items[i].name;
        }
    }
    return NULL;
}
