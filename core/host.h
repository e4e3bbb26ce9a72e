/* core/host.h: the host's side of a call into a plug-in: the implementation of rondo_context (rondo/plugin.h).
 *
 * Threads: a call belongs to one thread at a time. Calls that share no arena, errors or recorder may run at the same
 * time.
 */
#ifndef RONDO_CORE_HOST_H
#define RONDO_CORE_HOST_H

#include <stdatomic.h>

#include "core/parallel.h"
#include "core/recorder.h"
#include "core/registry.h"
#include "core/rng.h"

/* One call; create it with host_call. `base` is the first member, so a plug-in's rondo_context* points at this struct.
 * Memory that the plug-in allocates comes from `arena` and lasts until that is reset or released. */
struct host_call {
    rondo_context base;
    struct arena *arena;
    struct errors *errors;
    const struct parallel *parallel;
    struct recorder recorder; /* for a loss: where apply and constant record; zero for any other plug-in */
    struct rng_stream stream; /* for random */
    uint64_t random_first; /* added to the number of each random word, if the call works on a later part of a tensor */
    /* For tests: the number of `alloc` calls that still succeed. NULL: no limit. */
    int64_t *allocations_left;
    const char *subject; /* prefix of error messages, such as "op 'matmul'"; borrowed */
    /* For an op, whose name is `subject`: the registry, which gives its file for messages and log lines, and the
     * receiver of log lines. May be NULL. */
    const struct registry *registry;
    /* For any other plug-in: the receiver of its log lines (NULL: they are dropped), and its file. */
    const struct log_receiver *log;
    const char *origin;
    struct location where; /* place that error messages begin with, before the subject; zero: none */
    rondo_status failed;   /* the code of the first call of fail; RONDO_OK before that */
    /* A body of parallel_for must not use the context of its call. While bodies run, every function of the host that is
     * called with this context is called from a body, on whatever thread. */
    atomic_int bodies_run;
    _Atomic(const char *) called_by_body; /* the first such function, "alloc"; NULL: none so far */
};

/* A call with the host's table filled in. `parallel` may be NULL: one thread. */
struct host_call host_call(struct arena *arena, struct errors *errors, const struct parallel *parallel,
                           const char *subject);

/* Adds an error: the plug-in of this call broke a rule of the ABI. Returns RONDO_INTERNAL. */
rondo_status host_blame(struct host_call *call, const char *format, ...) RONDO_PRINTF(2, 3);

/* The final status of a callback that returned `status`: an unknown status becomes RONDO_INTERNAL, a failure for which
 * the plug-in did not call fail gets an error message, and a call of fail counts even if the callback returned
 * RONDO_OK. */
rondo_status host_result(struct host_call *call, rondo_status status);

#endif
