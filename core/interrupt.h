/* core/interrupt.h: how long-running work learns that it should stop: Ctrl-C, or a host program's cancel button.
 *
 * Such work calls interrupt_is_requested between its pieces: after a batch, after some thousand rows of a file, after a
 * column of a large matrix. If the answer is yes, it adds an error of status RONDO_INTERRUPTED that says what it was
 * doing, and returns as after any other failure: it frees its memory and leaves nothing half-made.
 *
 *     if (interrupt_is_requested(&interrupt)) {
 *         return errors_add(errors, RONDO_INTERRUPTED, "interrupted while …");
 *     }
 *
 * Threads: any, several at the same time.
 */
#ifndef RONDO_CORE_INTERRUPT_H
#define RONDO_CORE_INTERRUPT_H

#include <stddef.h>

/* The source of interrupts. If zero-initialised, it never requests one. */
struct interrupt {
    int (*is_requested)(void *arg); /* cheap; once it has returned 1, it always returns 1 */
    /* NULL: nothing is done. The interrupted work now writes what must not be lost: it should get the time for that. */
    void (*begin_saving)(void *arg);
    void *arg;
};

/* 1 if the work should stop. */
static inline int interrupt_is_requested(const struct interrupt *interrupt) {
    return interrupt->is_requested != NULL && interrupt->is_requested(interrupt->arg);
}

/* Tells the source that what must not be lost is written from now on. */
static inline void interrupt_begin_saving(const struct interrupt *interrupt) {
    if (interrupt->begin_saving != NULL) {
        interrupt->begin_saving(interrupt->arg);
    }
}

#endif
