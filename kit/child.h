/* kit/child.h: runs a function in its own process, so that it may crash, loop, print or end the process.
 *
 * The child is a fork: it sees everything that its parent has created, and its changes are lost when it ends. A plug-in
 * under check is loaded only in children, never in the parent, which starts no thread before it forks. The child is
 * killed when its parent ends.
 */
#ifndef RONDO_KIT_CHILD_H
#define RONDO_KIT_CHILD_H

#include "core/arena.h"

/* The largest numbers of bytes of an answer, and of printed text that is kept. */
enum { CHILD_ANSWER = 1 << 16, CHILD_PRINTED = 512 };

enum child_end {
    CHILD_ANSWERED = 0,
    CHILD_EXITED = 1,    /* it ended without an answer: `number` is the exit status */
    CHILD_SIGNALLED = 2, /* a signal ended it: `number` is the signal */
    CHILD_TIMED_OUT = 3  /* it was killed because its time was over */
};

struct child_outcome {
    enum child_end end;
    int number;
    double seconds, limit;
    const char *answer; /* with CHILD_ANSWERED; from the arena, with a NUL after it */
    size_t answer_size;
    char printed[CHILD_PRINTED + 1]; /* the beginning of what it wrote to standard output and standard error */
};

/* Runs `body` in a child process for at most `seconds`. `body` writes its answer of at most `size` bytes, and returns
 * their number. The child may use 4 GiB of memory more than this process has now (no limit with a sanitizer). RONDO_IO
 * if the system cannot start another process. */
rondo_status child_run(size_t (*body)(void *arg, char *answer, size_t size), void *arg, double seconds,
                       struct child_outcome *outcome, struct arena *arena, struct errors *errors);

/* "crashed: segmentation fault", "did not end within 20 s", …, with what it printed; "" for CHILD_ANSWERED. From
 * `arena`; NULL if memory is short. */
const char *child_end_text(const struct child_outcome *outcome, struct arena *arena);

/* The text that it printed, as one line in quotes: "'line one / line two'"; "" if it printed nothing. */
const char *child_printed_text(const struct child_outcome *outcome, struct arena *arena);

/* The time in seconds, of a clock that changes of the system time do not affect. */
double child_clock(void);

#endif
