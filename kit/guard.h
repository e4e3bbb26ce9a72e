/* kit/guard.h: buffers that notice what is written beside them, and what was never written into them.
 *
 * A buffer ends at a page that nobody may touch, so one element too far is a crash there and then, which the parent of
 * a check tells. In front of it, and in the gap that alignment leaves behind it, stand canaries. Its bytes are poison
 * at first: not-a-number in f32 and f64, and an index far out of range in i32.
 */
#ifndef RONDO_KIT_GUARD_H
#define RONDO_KIT_GUARD_H

#include "core/arena.h"

/* A set of buffers. A crash by touching one is told of (guard_share_note). Sets are made and destroyed by one thread at
 * a time. */
struct guard;
struct guard *guard_create(void); /* NULL where memory is short */
/* Gives all buffers back: a touch of one is a crash from then on. */
void guard_destroy(struct guard *guard);

/* `bytes` of poison, 64-byte aligned, called `name` in messages (borrowed). NULL where memory is short. */
void *guard_alloc(struct guard *guard, const char *name, size_t bytes);
/* Gives the tensor such data for its shape and dtype. 0 where memory is short. */
int guard_tensor(struct guard *guard, const char *name, rondo_tensor *tensor);
/* Makes a buffer read-only: a write is a crash. `data` came from guard_alloc. */
void guard_protect(struct guard *guard, const void *data);
/* Fills a buffer with poison again; where it was read-only it can be written from now on. */
void guard_poison(struct guard *guard, void *data);

/* The name of the first buffer beside which something was written; NULL: none. */
const char *guard_overrun(const struct guard *guard);
/* The index of the first element of a tensor from this set that is poison still, or -1. */
int64_t guard_unwritten(const struct guard *guard, const rondo_tensor *tensor);

/* A page that processes forked from here on share with this one. One that crashes by touching a buffer leaves there
 * what it did: "wrote to 'the gradient', which is read-only", "touched memory behind 'output'". NULL where memory is
 * short. */
enum { GUARD_NOTE = 256 };
char *guard_share_note(void);

#endif
