/* kit/shared_bits.c: runs that must give the same bits when they are repeated, on more threads, and at the same time as
 * others. */
#include <time.h>

#include "core/tensor.h"
#include "kit/globals.h"
#include "kit/run_on_threads.h"
#include "kit/shared.h"
#include "kit/subject.h"

enum verdict compare_results(const struct trial *trial, const struct subject *a, const struct subject *b,
                             const char *what) {
    struct subject_tensor first, second;
    char text[200];
    for (int32_t i = 0; trial->kind->result(a, i, &first) && trial->kind->result(b, i, &second); i++) {
        if (!subject_same_bits(&first, &second, text, sizeof text)) {
            return trial_say(trial, VERDICT_FAIL, "%s: %s", what, text);
        }
    }
    return VERDICT_PASS;
}

size_t append_results(const struct trial *trial, const struct subject *subject, double *numbers, size_t count,
                      size_t capacity) {
    struct subject_tensor result;
    for (int32_t r = 0; trial->kind->result(subject, r, &result); r++) {
        for (int64_t i = 0; i < rondo_count(&result.tensor) && count < capacity; i++) {
            numbers[count++] = tensor_get(&result.tensor, i);
        }
    }
    return count;
}

/* Creates and runs a subject. NULL with the reason. */
static struct subject *run_one(const struct trial *trial, struct subject_settings settings,
                               const struct parallel *parallel) {
    struct subject *subject = trial->kind->create(trial, settings);
    if (subject != NULL && parallel != NULL) {
        subject->parallel = *parallel;
    }
    if (subject != NULL && trial->kind->run(subject, subject->updates) != RONDO_OK) {
        subject_failed(trial, subject);
        return NULL;
    }
    return subject;
}

/* ---- deterministic ---- */

/* In the second run, updates of another subject alternate with its own. If the plug-in keeps data in a static variable,
 * it then has the data of the other subject. */
static enum verdict visit_deterministic(struct trial *trial) {
    const struct subject_kind *kind = trial->kind;
    struct subject *first = run_one(trial, (struct subject_settings){0}, NULL);
    struct subject *other = kind->create(trial, (struct subject_settings){.instance = 1});
    struct subject *second = kind->create(trial, (struct subject_settings){0});
    if (first == NULL || other == NULL || second == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t k = 0; k < second->updates; k++) {
        if (kind->run(other, 1) != RONDO_OK) {
            return subject_failed(trial, other);
        }
        if (kind->run(second, 1) != RONDO_OK) {
            return subject_failed(trial, second);
        }
    }
    const enum verdict verdict = compare_results(
        trial, first, second, "the same run again, with calls on other data in between (a static variable?)");
    close_subject(trial, first);
    close_subject(trial, other);
    close_subject(trial, second);
    return verdict;
}

enum verdict shared_deterministic(struct trial *trial) {
    return trial->kind->each(trial, visit_deterministic);
}

/* ---- threads ---- */

/* All threads start a round together. There are LEAST_ROUNDS, and more, up to MOST_ROUNDS, as long as they take little
 * processor time. */
enum { MOST_THREADS = 16, LEAST_ROUNDS = 2, MOST_ROUNDS = 20 };
static const clock_t rounds_moment = CLOCKS_PER_SEC / 50;

/* If two threads overwrite each other's globals, the results are wrong only sometimes. That a call writes to a global
 * can always be seen, so this is checked. The first run is not compared, because it may initialise data that is set
 * only once. */
static enum verdict compare_globals(struct trial *trial) {
    struct globals globals = {0};
    const void *first = NULL;
    const struct arena_mark mark = arena_mark(trial->kit->arena);
    struct subject *one = run_one(trial, (struct subject_settings){0}, NULL);
    if (one == NULL) {
        return VERDICT_FAIL;
    }
    struct subject *other = trial->kind->create(trial, (struct subject_settings){.instance = 1});
    if (other == NULL) {
        return VERDICT_FAIL;
    }
    const int has_globals =
        globals_copy(trial->descriptor->name, trial->kit->arena, &globals); /* 0: a built-in op, in a test */
    if (trial->kind->run(other, other->updates) != RONDO_OK) {
        return subject_failed(trial, other);
    }
    const size_t changed = has_globals ? globals_changed(&globals, &first) : 0;
    close_subject(trial, one);
    close_subject(trial, other);
    arena_release(trial->kit->arena, mark);
    return changed == 0 ? VERDICT_PASS
                        : trial_say(trial, VERDICT_FAIL,
                                    "a call changed %zu bytes of the plug-in's global variables, which all threads "
                                    "share",
                                    changed);
}

static enum verdict compare_inside(struct trial *trial) {
    const struct subject_settings settings = {.size = SIZE_LARGE};
    struct subject *one = run_one(trial, settings, NULL);
    struct subject *several = one == NULL || one->is_idle ? one : run_one(trial, settings, &trial->kit->parallel);
    if (one == NULL || several == NULL) {
        return VERDICT_FAIL;
    }
    const enum verdict verdict =
        one == several ? VERDICT_PASS
                       : compare_results(trial, one, several, "host->parallel_for with one thread and with several");
    if (several != one) {
        close_subject(trial, several);
    }
    close_subject(trial, one);
    return verdict;
}

struct thread_members {
    const struct subject_kind *kind;
    struct subject *subjects[MOST_THREADS];
    rondo_status status[MOST_THREADS];
};

static void run_member(void *arg, int32_t k) {
    struct thread_members *members = arg;
    members->status[k] = members->kind->run(members->subjects[k], members->subjects[k]->updates);
}

/* One round: each thread runs its own subject. */
static enum verdict compare_round(struct trial *trial, struct subject *const *serial, int32_t threads) {
    struct thread_members members = {.kind = trial->kind};
    enum verdict verdict = VERDICT_PASS;
    for (int32_t k = 0; k < threads; k++) {
        members.subjects[k] = trial->kind->create(trial, (struct subject_settings){.instance = k, .size = SIZE_MEDIUM});
        if (members.subjects[k] == NULL) {
            return VERDICT_FAIL;
        }
    }
    run_on_threads(&(struct parallel){threads}, run_member, &members);
    for (int32_t k = 0; k < threads; k++) {
        if (verdict == VERDICT_PASS && members.status[k] != RONDO_OK) {
            verdict = subject_failed(trial, members.subjects[k]);
        } else if (verdict == VERDICT_PASS) {
            verdict = compare_results(trial, serial[k], members.subjects[k],
                                      "runs one after the other, and at the same time on several threads (a global?)");
        }
        close_subject(trial, members.subjects[k]);
    }
    return verdict;
}

static enum verdict compare_beside(struct trial *trial) {
    struct subject *serial[MOST_THREADS] = {NULL};
    const int32_t threads = trial->kit->parallel.threads < MOST_THREADS ? trial->kit->parallel.threads : MOST_THREADS;
    const struct arena_mark mark = arena_mark(trial->kit->arena);
    enum verdict verdict = VERDICT_PASS;
    for (int32_t k = 0; k < threads; k++) {
        serial[k] = run_one(trial, (struct subject_settings){.instance = k, .size = SIZE_MEDIUM}, NULL);
        if (serial[k] == NULL) {
            return VERDICT_FAIL;
        }
    }
    const clock_t begin = clock();
    for (int round = 0; round < MOST_ROUNDS && verdict == VERDICT_PASS && !serial[0]->is_idle; round++) {
        if (round >= LEAST_ROUNDS && clock() - begin > rounds_moment) {
            break;
        }
        verdict = compare_round(trial, serial, threads);
    }
    for (int32_t k = 0; k < threads; k++) {
        close_subject(trial, serial[k]);
    }
    arena_release(trial->kit->arena, mark);
    return verdict;
}

static enum verdict visit_threads(struct trial *trial) {
    enum verdict verdict = compare_globals(trial);
    if (verdict == VERDICT_PASS) {
        verdict = compare_inside(trial);
    }
    if (verdict == VERDICT_PASS && trial->kind->interrupt != NULL) {
        verdict = trial->kind->interrupt(trial);
    }
    return verdict == VERDICT_PASS ? compare_beside(trial) : verdict;
}

enum verdict shared_threads(struct trial *trial) {
    trial->is_brief = 1;
    return trial->kind->each(trial, visit_threads);
}
