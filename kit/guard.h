/* kit/guard.h: buffers that detect writes outside them, and elements that were never written.
 *
 * A buffer ends at a page that cannot be accessed, so an access to the element after the last one crashes immediately,
 * which the parent of a check reports. The bytes before the buffer, and the gap that alignment leaves after it, hold
 * canaries. The buffer's own bytes are poison at first: not-a-number in f32 and f64, and an index far out of range in
 * i32.
 */
#ifndef RONDO_KIT_GUARD_H
#define RONDO_KIT_GUARD_H

#include "core/arena.h"

/* A set of buffers. A crash at one of them is explained in a note (guard_share_note). Sets are made and destroyed by
 * one thread at a time. */
struct guard;
struct guard *guard_create(void); /* NULL if memory is short */
/* Frees all buffers. An access to one of them crashes from then on. */
void guard_destroy(struct guard *guard);

/* `bytes` of poison, 64-byte aligned, called `name` in messages (borrowed). NULL if memory is short. */
void *guard_alloc(struct guard *guard, const char *name, size_t bytes);
/* Allocates such data for the tensor, by its shape and dtype. 0 if memory is short. */
int guard_tensor(struct guard *guard, const char *name, rondo_tensor *tensor);
/* Makes a buffer read-only, so that a write crashes, and writable again. `data` is a result of guard_alloc. */
void guard_protect(struct guard *guard, const void *data);
void guard_unprotect(struct guard *guard, const void *data);
/* Fills a buffer with poison again, and makes it writable. */
void guard_poison(struct guard *guard, void *data);

/* The name of the first buffer whose canaries were overwritten; NULL: there is none. */
const char *guard_overrun(const struct guard *guard);
/* The index of the first element that is still poison; -1 if there is none, or if the tensor is not in this set. */
int64_t guard_unwritten(const struct guard *guard, const rondo_tensor *tensor);

/* Returns a page of memory that processes forked from now on share with this one. A process that crashes at a buffer
 * leaves a note there: "wrote to 'gradient', which is read-only", "touched memory past the end of 'output'". NULL if
 * memory is short. */
enum { GUARD_NOTE = 256 };
char *guard_share_note(void);

#endif
