/* kit/shared_calls.c: the status that calls return, the memory that they access, and what they do if no memory is
 * left. */
#include "kit/heap.h"
#include "kit/shared.h"
#include "kit/subject.h"

const char *const shared_check_names[] = {"status",    "stays_inside", "deterministic", "threads",    "resume",
                                          "no_memory", "leaks",        "options_ends",  "first_call", NULL};

void close_subject(const struct trial *trial, struct subject *subject) {
    if (trial->kind->close != NULL) {
        trial->kind->close(subject);
    } else {
        subject_close(subject);
    }
}

/* ---- status ---- */

/* This check ignores calls that fail; other checks report them. */
static enum verdict visit_status(struct trial *trial) {
    struct subject *subject = trial->kind->create(trial, (struct subject_settings){0});
    if (subject == NULL) {
        return VERDICT_FAIL;
    }
    trial->kind->run(subject, subject->updates);
    const enum verdict verdict = subject_judge_answers(trial, subject);
    close_subject(trial, subject);
    return verdict;
}

enum verdict shared_status(struct trial *trial) {
    return trial->kind->each(trial, visit_status);
}

/* ---- stays_inside ---- */

static enum verdict run_watched(const struct trial *trial, struct subject *subject, enum subject_watch watch) {
    subject->watch = watch;
    if (trial->kind->run(subject, subject->updates) != RONDO_OK) {
        return subject_failed(trial, subject);
    }
    return subject_judge_guard(trial, subject);
}

/* In the second run read-only buffers are protected, so that even writing the same bits again crashes. */
static enum verdict visit_stays_inside(struct trial *trial) {
    enum verdict verdict = VERDICT_PASS;
    for (int32_t instance = 0; instance < 2 && verdict == VERDICT_PASS; instance++) { /* sizes may differ */
        struct subject *subject = trial->kind->create(trial, (struct subject_settings){.instance = instance});
        if (subject == NULL) {
            return VERDICT_FAIL;
        }
        verdict = run_watched(trial, subject, WATCH_COPIES);
        if (verdict == VERDICT_PASS) {
            verdict = run_watched(trial, subject, WATCH_PAGES);
        }
        close_subject(trial, subject);
    }
    return verdict;
}

enum verdict shared_stays_inside(struct trial *trial) {
    return trial->kind->each(trial, visit_stays_inside);
}

/* ---- no_memory ---- */

enum { MOST_ALLOCATIONS = 2000 };

/* A run in which allocation number `served` + 1 is refused. *is_done: the run needs at most `served` allocations. */
static enum verdict run_short(const struct trial *trial, int64_t served, int *is_done) {
    struct subject *subject = trial->kind->create(trial, (struct subject_settings){0});
    int64_t left = served;
    if (subject == NULL) {
        return VERDICT_FAIL;
    }
    subject->allocations_left = &left;
    const rondo_status status = trial->kind->run(subject, subject->updates);
    enum verdict verdict = subject_judge_guard(trial, subject);
    *is_done = left >= 0;
    if (verdict == VERDICT_PASS && left < 0 && status != RONDO_NO_MEMORY) {
        verdict =
            trial_say(trial, VERDICT_FAIL,
                      "allocation %lld was refused, and the run ended in '%s', expected '%s' from the call that "
                      "asked for it (%s was the last)",
                      (long long)served + 1, status_text(status), status_text(RONDO_NO_MEMORY), subject->function);
    } else if (verdict == VERDICT_PASS && left >= 0 && status != RONDO_OK) {
        verdict = subject_failed(trial, subject);
    }
    close_subject(trial, subject);
    return verdict;
}

static enum verdict visit_no_memory(struct trial *trial) {
    int64_t *refused = trial->arg;
    int is_done = 0;
    for (int64_t served = 0; !is_done; served++) {
        if (served == MOST_ALLOCATIONS) {
            return trial_say(trial, VERDICT_WARNING, "%s takes more than %d allocations", trial->kind->run_name,
                             MOST_ALLOCATIONS);
        }
        const enum verdict verdict = run_short(trial, served, &is_done);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
        *refused += !is_done;
    }
    return VERDICT_PASS;
}

enum verdict shared_no_memory(struct trial *trial) {
    int64_t refused = 0;
    trial->arg = &refused; /* cppcheck-suppress autoVariables; only for this visit */
    trial->is_brief = 1;
    const enum verdict verdict = trial->kind->each(trial, visit_no_memory);
    return verdict == VERDICT_PASS && refused > 0
               ? trial_say(trial, verdict, "%lld allocations refused", (long long)refused)
               : verdict;
}

/* ---- leaks ---- */

enum { LEAK_RUNS = 50 };

struct leaking_run {
    const struct subject_kind *kind;
    struct subject *subject;
    rondo_status status;
};

static void run_again(void *arg) {
    struct leaking_run *run = arg;
    if (run->status == RONDO_OK) {
        run->status = run->kind->run(run->subject, run->subject->updates);
    }
}

static enum verdict visit_leaks(struct trial *trial) {
    struct leaking_run run = {trial->kind, trial->kind->create(trial, (struct subject_settings){0}), RONDO_OK};
    if (run.subject == NULL) {
        return VERDICT_FAIL;
    }
    const double bytes = heap_leak(run_again, &run, LEAK_RUNS);
    enum verdict verdict = VERDICT_PASS;
    if (run.status != RONDO_OK) {
        verdict = subject_failed(trial, run.subject);
    } else if (bytes >= 1) {
        verdict = trial_say(trial, VERDICT_FAIL,
                            "%s leaves %.0f bytes of malloc on the heap, expected none (take memory from host->alloc)",
                            trial->kind->run_name, bytes);
    }
    close_subject(trial, run.subject);
    return verdict;
}

enum verdict shared_leaks(struct trial *trial) {
    trial->is_brief = 1;
    return heap_in_use() < 0 ? trial_say(trial, VERDICT_SKIPPED, HEAP_IS_UNKNOWN)
                             : trial->kind->each(trial, visit_leaks);
}
