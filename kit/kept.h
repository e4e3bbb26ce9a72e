/* kit/kept.h: bytes that a call must leave as they are. */
#ifndef RONDO_KIT_KEPT_H
#define RONDO_KIT_KEPT_H

#include "core/tensor.h"

enum { KEPT_MAX = 8 };

/* Zero-initialised is empty. */
struct kept {
    int32_t count;
    struct {
        const char *name; /* for messages; borrowed */
        const void *data;
        size_t bytes;
        void *copy;
    } items[KEPT_MAX];
};

/* Remembers what stands at `data` now; the copy comes from `arena`. `data` may be NULL. */
void kept_add(struct kept *kept, const char *name, const void *data, size_t bytes, struct arena *arena);
/* The name of the first whose bytes are others now; NULL: none. */
const char *kept_changed(const struct kept *kept);

#endif
