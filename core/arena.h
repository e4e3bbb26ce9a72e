/* core/arena.h: memory that is given back all at once.
 *
 * An arena hands out pieces of large blocks; arena_reset takes all of them back and keeps the blocks, so a training
 * step in steady state asks the system for nothing. Pieces are 64-byte aligned and uninitialised.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef RONDO_CORE_ARENA_H
#define RONDO_CORE_ARENA_H

#include "core/status.h"

struct arena;

/* A new, empty arena; NULL where memory is short. Free with arena_destroy. */
struct arena *arena_create(void);
/* Gives all memory back to the system. NULL is allowed. */
void arena_destroy(struct arena *arena);
/* Takes all pieces back; keeps the blocks. */
void arena_reset(struct arena *arena);

/* `bytes` of memory, owned by the arena; NULL where memory is short or the size overflows. 0 bytes give a valid,
 * unique pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* `count` elements of `size` bytes, all zero; NULL also where the product overflows. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* Copies of text. NULL where memory is short. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) RONDO_PRINTF(2, 3);

/* Memory for the duration of a call: everything allocated after arena_mark is taken back by arena_release. */
struct arena_mark {
    void *block;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/* Bytes of all blocks: what the arena holds of the system's memory. */
size_t arena_capacity(const struct arena *arena);

#endif
