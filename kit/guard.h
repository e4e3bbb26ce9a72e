/* kit/guard.h: buffers that detect writes beside them, and elements that were never written.
 *
 * A buffer ends at a page that cannot be accessed, so touching one element too many crashes at once, which the parent
 * of a check reports. The bytes before the buffer, and the gap that alignment leaves after it, hold canaries. The
 * buffer's own bytes are poison at first: not-a-number in f32 and f64, and an index far out of range in i32.
 */
#ifndef RONDO_KIT_GUARD_H
#define RONDO_KIT_GUARD_H

#include "core/arena.h"

/* A set of buffers. A crash at one of them is explained (guard_share_note). Sets are made and destroyed by one thread
 * at a time. */
struct guard;
struct guard *guard_create(void); /* NULL if memory is short */
/* Gives all buffers back; touching one is a crash from then on. */
void guard_destroy(struct guard *guard);

/* `bytes` of poison, 64-byte aligned, called `name` in messages (borrowed). NULL if memory is short. */
void *guard_alloc(struct guard *guard, const char *name, size_t bytes);
/* Gives the tensor such data for its shape and dtype. 0 if memory is short. */
int guard_tensor(struct guard *guard, const char *name, rondo_tensor *tensor);
/* Makes a buffer read-only: a write is a crash. `data` came from guard_alloc. And writable again. */
void guard_protect(struct guard *guard, const void *data);
void guard_unprotect(struct guard *guard, const void *data);
/* Fills a buffer with poison again, and makes it writable. */
void guard_poison(struct guard *guard, void *data);

/* The name of the first buffer beside which something was written; NULL: there is none. */
const char *guard_overrun(const struct guard *guard);
/* The index of the first element that is still poison; -1 if there is none, or the tensor is not of this set. */
int64_t guard_unwritten(const struct guard *guard, const rondo_tensor *tensor);

/* A page that processes forked from now on share with this one. A process that crashes at a buffer leaves a note there:
 * "wrote to 'gradient', which is read-only", "touched memory past the end of 'output'". NULL if memory is short. */
enum { GUARD_NOTE = 256 };
char *guard_share_note(void);

#endif
