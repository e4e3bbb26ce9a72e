/* kit/child.h: a function in a process of its own, so that it may crash, loop, print or end the process.
 *
 * The child is a fork: it sees all that its parent has made, and what it does to that is gone with it. So nothing of a
 * plug-in under check ever is in the parent, which starts no thread before it forks. The child dies with its parent.
 */
#ifndef RONDO_KIT_CHILD_H
#define RONDO_KIT_CHILD_H

#include "core/arena.h"

/* Bytes of an answer, and of what is kept of a child's prints. */
enum { CHILD_ANSWER = 1 << 16, CHILD_PRINTED = 512 };

enum child_end {
    CHILD_ANSWERED = 0,
    CHILD_EXITED = 1,    /* it ended itself, without an answer: `number` is the exit status */
    CHILD_SIGNALLED = 2, /* a signal ended it: `number` */
    CHILD_TIMED_OUT = 3  /* it was ended, when its time was up */
};

struct child_outcome {
    enum child_end end;
    int number;
    double seconds, limit;
    const char *answer; /* with CHILD_ANSWERED; from the arena, a NUL behind it */
    size_t answer_size;
    char printed[CHILD_PRINTED + 1]; /* the beginning of what it wrote to standard output and standard error */
};

/* Runs `body`, which writes its answer of at most `size` bytes and returns how many it wrote, for at most `seconds`.
 * Memory is limited to 4 GiB more than the process has now (not under a sanitizer). RONDO_IO where the system has no
 * process left. */
rondo_status child_run(size_t (*body)(void *arg, char *answer, size_t size), void *arg, double seconds,
                       struct child_outcome *outcome, struct arena *arena, struct errors *errors);

/* "crashed: segmentation fault", "did not end within 20 s", …, with what it printed; "" for CHILD_ANSWERED. From
 * `arena`; NULL where memory is short. */
const char *child_end_text(const struct child_outcome *outcome, struct arena *arena);

/* What it printed as one line in quotes: "'line one / line two'"; "" where it printed nothing. */
const char *child_printed_text(const struct child_outcome *outcome, struct arena *arena);

/* Seconds of a clock that is never set. */
double child_clock(void);

#endif
