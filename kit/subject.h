/* kit/subject.h: a plug-in with its data, as the checks that all kinds share see it.
 *
 * A subject is one instance of a plug-in with its data: an op on certain inputs, a parameter with an optimizer, a batch
 * with a loss, a run with a schedule. All of its buffers are guarded (kit/guard.h), and all calls get a host that
 * records whether the plug-in follows the rules. A kind provides a struct subject_kind to the checks that all kinds
 * share (kit/shared.h).
 *
 * To add a kind, write a fixture whose first member is a struct subject, with functions that call the plug-in; a struct
 * subject_kind that uses it; a table of checks; and a row in kit/kinds.c. kit/schedule_fixture.c is the shortest
 * example.
 *
 * Threads: a subject belongs to one thread at a time; different subjects may run at the same time. They are created and
 * closed by one thread.
 */
#ifndef RONDO_KIT_SUBJECT_H
#define RONDO_KIT_SUBJECT_H

#include <stdatomic.h>

#include "core/host.h"
#include "kit/check.h"
#include "kit/guard.h"
#include "kit/snapshot.h"

/* How writes to read-only buffers are detected: not at all; by comparing copies after each call; or by read-only pages,
 * so that even writing the same bits again crashes. */
enum subject_watch { WATCH_NOTHING = 0, WATCH_COPIES, WATCH_PAGES };

/* Small: for extreme options, which may make a row expensive. Medium: calls last long enough to overlap on several
 * threads. Large: enough work to divide among threads. */
enum subject_size { SIZE_USUAL = 0, SIZE_SMALL, SIZE_MEDIUM, SIZE_LARGE };

/* The first member of every fixture. */
struct subject {
    struct kit *kit;
    const rondo_descriptor *descriptor;
    struct guard *guard;
    struct arena *arena; /* memory for host->alloc; reset before each call */
    struct errors errors;
    const void *options; /* a guarded copy; NULL: the descriptor has none */
    int is_idle; /* 1: nothing to call, because the plug-in refused and may do so, or because it does not apply; no reason */
    int64_t updates;  /* number of updates of a whole run; 1 if calls leave no state */
    int64_t cut;      /* number of updates after which `resume` saves the run */
    int64_t position; /* number of updates made so far */

    /* How the host behaves; a check may change it between calls. */
    struct parallel parallel;  /* threads of host->parallel_for; one at first */
    int64_t *allocations_left; /* see struct host_call */
    int gives_one_word;        /* 1: all random words of a call are equal */
    int64_t changed_word;      /* 1 + the number of the random word that is another one; 0: none */
    int is_clean;              /* 1: memory that the plug-in must write before it reads it contains zeros, not poison */
    enum subject_watch watch;

    /* What the calls did. */
    const char *function;           /* the last function that was called: "forward" */
    const char *dishonest_function; /* the first function that broke one of the following rules; NULL: none */
    int32_t unknown_status;         /* the value it returned, if that is not a rondo_status; else 0 */
    int is_quiet;                   /* 1: it failed without calling host->fail */
    int is_ignored;                 /* 1: it returned RONDO_OK after calling host->fail */
    atomic_int drew;                /* 1: a call drew random words; atomic, because calls may run on several threads */
    const char *overwriter;         /* the first function that wrote to memory that it must not write; NULL: none */
    const char *overwritten;        /* the read-only buffer that it wrote to; NULL: it wrote outside `overrun` */
    const char *overrun;
    struct snapshot reads; /* copies of the read-only buffers of the current call */
    struct arena_mark mark;
};

/* ---- making one, for fixtures ---- */

/* A fixture of `size` bytes, zeroed, from kit->arena, with its subject opened. NULL with the reason. */
void *subject_create(const struct trial *trial, size_t size);
/* Prepares a subject in memory of the caller. 0 with the reason if memory is short. */
int subject_open(struct subject *subject, const struct trial *trial);
/* Frees the buffers. */
void subject_close(struct subject *subject);
/* Sets subject->options to a guarded copy of an options struct, or to NULL if there is none. */
rondo_status subject_copy_options(struct subject *subject, const void *options);
/* The same with the options of the trial. `text` has the options of the situation; NULL: trial->options. */
rondo_status subject_set_options(struct subject *subject, const struct trial *trial, const char *text);
/* Calls the descriptor's function `check` on the options, if it has one. */
rondo_status subject_check_options(struct subject *subject, const struct trial *trial);
/* What create returns after an error: the subject, idle, if the plug-in refused and the trial allows refusals;
 * otherwise NULL with the reason. */
struct subject *subject_refused(const struct trial *trial, struct subject *subject);

/* ---- calling, for fixtures ---- */

/* One call. `host` is the first member, so that its rondo_context* also points at this struct. */
struct subject_call {
    struct host_call host;
    rondo_host table; /* the host's functions; `random` also records that it was called */
    struct subject *subject;
};
/* The host of a call into the plug-in under check, whose log lines reach the receiver of the registry. Memory and errors
 * of the call are the caller's. */
struct host_call kit_host_call(const struct kit *kit, struct arena *arena, struct errors *errors,
                               const struct parallel *parallel, const char *name);
/* To be called before a call of `function`. Then the fixture sets host.stream, and names the buffers that the call may
 * only read. */
void subject_begin(struct subject *subject, struct subject_call *call, const char *function);
void subject_reads(struct subject_call *call, const char *name, const void *data, size_t bytes);
void subject_reads_tensor(struct subject_call *call, const char *name, const rondo_tensor *tensor);
/* To be called after it: host_result of the status that it returned. */
rondo_status subject_end(struct subject_call *call, rondo_status status);

/* ---- for checks ---- */

/* "step failed: …" as the reason; VERDICT_FAIL. */
enum verdict subject_failed(const struct trial *trial, const struct subject *subject);
/* VERDICT_FAIL if a call returned a number that is not a status, failed without a reason, or returned RONDO_OK after
 * calling host->fail. */
enum verdict subject_judge_answers(const struct trial *trial, const struct subject *subject);
/* VERDICT_FAIL if something was written outside a buffer. */
enum verdict subject_judge_guard(const struct trial *trial, const struct subject *subject);

/* A tensor of a subject, with its name in messages ("gradient of input 1"). */
struct subject_tensor {
    const char *name; /* borrowed, or from kit->arena */
    rondo_tensor tensor;
};
/* 1 if both have the same bits; 0 with "value[3] is 0.5 and 0.25" in `text`. */
int subject_same_bits(const struct subject_tensor *a, const struct subject_tensor *b, char *text, size_t size);

/* ---- the adapter of a kind ---- */

struct subject_settings {
    int32_t instance; /* determines the numbers that the data are filled with */
    enum subject_size size;
};

typedef rondo_status options_check(rondo_context *ctx, const void *options);

/* A shared check that does not apply to a kind, and the reason. */
struct kind_omission {
    const char *check, *reason;
};

struct subject_kind {
    const char *run_name; /* what one call of `run` does, for messages: "a batch", "18 updates" */
    int refuses_in_calls; /* 1: the calls themselves refuse options, because the kind has no function `check` */
    /* The shared checks that the table of the kind leaves out, ends with a NULL name. It must have all others
     * (tests/test_plugin_check.c). */
    const struct kind_omission *omissions;

    /* The descriptor's function `check`; NULL: it has none. */
    options_check *(*check_of)(const rondo_descriptor *descriptor);
    /* Calls visit with every situation in which the plug-in is tried until one is not VERDICT_PASS, and returns that.
     */
    enum verdict (*each)(struct trial *trial, trial_visit *visit);
    /* A subject in the situation of the trial, which came from `each`. NULL with the reason. */
    struct subject *(*create)(const struct trial *trial, struct subject_settings settings);
    /* Makes all calls of one update, or of `updates` updates if calls leave state. Returns the first status that is not
     * RONDO_OK. Must not write to the trial: several subjects run at the same time. */
    rondo_status (*run)(struct subject *subject, int64_t updates);
    /* Result number `index` of the last run, for comparisons; 0 after the last. */
    int (*result)(const struct subject *subject, int32_t index, struct subject_tensor *result);
    /* Part number `index` of the state that a checkpoint keeps; 0 after the last. NULL: calls leave no state. */
    int (*state)(const struct subject *subject, int32_t index, struct subject_tensor *state);
    /* Tests whether results with extreme options are allowed. NULL: they have to be finite, unless the option may
     * diverge. */
    enum verdict (*judge)(const struct trial *trial, const struct subject *subject);
    /* Lets another thread call the plug-in in the middle of a call; NULL: calls cannot be interrupted. */
    enum verdict (*interrupt)(const struct trial *trial);
    void (*close)(struct subject *subject); /* NULL: subject_close */
};

extern const struct subject_kind op_subject_kind, optimizer_subject_kind, loss_subject_kind, schedule_subject_kind,
    metric_subject_kind;

#endif
