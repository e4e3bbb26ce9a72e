/* core/host.h: the host's side of a call into a plug-in, behind rondo_context (rondo/plugin.h).
 *
 * Threads: a call belongs to one thread at a time; calls that share no arena, errors or tape may run at the same time.
 */
#ifndef RONDO_CORE_HOST_H
#define RONDO_CORE_HOST_H

#include <stdatomic.h>

#include "core/parallel.h"
#include "core/rng.h"
#include "core/tape.h"

/* One call. `base` comes first, so that a plug-in's rondo_context* is this struct. Make it with host_call; memory taken
 * through it comes from `arena` and lasts as long as that is not reset or released. */
struct host_call {
    rondo_context base;
    struct arena *arena;
    struct errors *errors;
    const struct parallel *parallel;
    struct tape *tape;        /* losses alone: what apply records on; NULL otherwise */
    struct rng_stream stream; /* for random */
    uint64_t random_first;    /* added to the number of each random word: the call works on a later part of a tensor */
    /* Memory is short once so many more calls of alloc have been served; each takes one off. NULL: no limit. */
    int64_t *allocations_left;
    const char *subject;             /* "op 'matmul'": in front of error texts; borrowed */
    const struct registry *registry; /* where `subject` is the name of an op: tells its file; NULL: not to be told */
    struct location where;           /* in front of that; zero: none */
    rondo_status failed;             /* what fail was called with first; RONDO_OK while it was not */
    /* Gets each line that the plug-in logs, which is valid during the call; NULL: nobody listens. */
    void (*log)(void *arg, const char *text);
    void *log_arg;
    /* A body of parallel_for must not use the context of its call. While one runs, each function of the host that is
     * called through this context is called from a body, on whatever thread. */
    atomic_int bodies_run;
    _Atomic(const char *) called_by_body; /* the first such function: "alloc"; NULL while there is none */
};

/* A call with the host's table filled in. parallel and tape may be NULL. */
struct host_call host_call(struct arena *arena, struct errors *errors, const struct parallel *parallel,
                           const char *subject);

/* Adds that the plug-in of this call did what it must not; returns RONDO_INTERNAL. */
rondo_status host_blame(struct host_call *call, const char *format, ...) RONDO_PRINTF(2, 3);

/* What a callback returned, made honest: an unknown status becomes RONDO_INTERNAL, and a failure for which fail was not
 * called gets a text. `call` is the host_call that was passed. */
rondo_status host_result(struct host_call *call, rondo_status status);

#endif
