/* core/arena.h: memory that is freed all at once.
 *
 * An arena hands out pieces of large blocks. arena_reset takes all pieces back and keeps the blocks, so a training step
 * in steady state requests no memory from the system. Pieces are aligned to 64 bytes and uninitialised.
 *
 * Failure is sticky: after one allocation has failed, because memory is short or because a size overflows, the arena is
 * in the failed state and every later allocation returns NULL, until arena_reset. Code that only builds a structure
 * (it allocates, but neither reads nor writes pieces whose size comes from data) may therefore check once, at its end:
 *
 *     plan->values = arena_alloc(arena, ...);
 *     plan->name = arena_printf(arena, ...);
 *     if (arena_failed(arena)) {
 *         return errors_no_memory(errors);
 *     }
 *
 * A piece that is written before that question, such as an array that a loop fills, is still checked for NULL first. A
 * NULL arena behaves as a failed one, so the result of arena_create needs no check either.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef RONDO_CORE_ARENA_H
#define RONDO_CORE_ARENA_H

#include "core/status.h"

struct arena;

/* A new, empty arena; NULL if memory is short. Free with arena_destroy. */
struct arena *arena_create(void);
/* Returns all memory to the system. NULL is allowed. */
void arena_destroy(struct arena *arena);
/* Takes all pieces back, keeps the memory, as one block, so that the same pieces will fit in any order, and leaves the failed
 * state. NULL is allowed. */
void arena_reset(struct arena *arena);

/* 1 if an allocation has failed since the arena was created or reset, or if `arena` is NULL. */
int arena_failed(const struct arena *arena);

/* `bytes` of memory, owned by the arena; NULL if memory is short, if the size overflows, or if the arena has failed. 0
 * bytes give a valid, unique pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* `count` elements of `size` bytes, all zero; fails also if the product overflows. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* Copies of text; NULL as for arena_alloc. A failed arena does not read the arguments: they may come from an allocation
 * that failed. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) RONDO_PRINTF(2, 3);

/* Memory for the duration of a call: arena_release takes back everything that was allocated after arena_mark, and
 * nothing that was allocated before it. Pairs nest: release the inner mark first. A mark is void after a reset.
 *
 * arena_release does not end the failed state, so a caller that calls arena_failed once, at its end, also learns of a
 * failure inside a nested pair. To try an allocation that may fail without consequences, use a separate arena. */
struct arena_mark {
    void *block;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/* Bytes of all blocks: the memory that the arena holds. */
size_t arena_capacity(const struct arena *arena);
/* Bytes of them that pieces have used since their block was added: the rest takes addresses, but no memory. */
size_t arena_resident(const struct arena *arena);

#endif
