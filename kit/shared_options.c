/* kit/shared_options.c: every option works at both ends of its range, and results do not depend on the options of the
 * first call. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/tensor.h"
#include "kit/child.h"
#include "kit/option_settings.h"
#include "kit/shared.h"
#include "kit/subject.h"

static int has_options(const struct trial *trial) {
    return trial->descriptor->options != NULL && trial->descriptor->options->key != NULL;
}

/* ---- options_ends ---- */

enum { WARNING = 300 };

struct end_trial {
    clock_t begin;         /* when the test of this end began */
    char warning[WARNING]; /* the first warning; later ends may still fail */
};

/* Checks the status of a call with an extreme value. Kinds with a function `check` may refuse only there; if it accepts
 * the value, calls have to work. */
static int is_bearable(const struct trial *trial, const struct subject *subject, rondo_status status) {
    if (subject->dishonest_function != NULL) {
        return 0;
    }
    return status == RONDO_OK || (status == RONDO_NOT_FINITE && option_may_diverge(trial->values[0])) ||
           (trial->kind->refuses_in_calls &&
            (status == RONDO_INVALID || status == RONDO_NOT_FINITE || status == RONDO_NO_MEMORY));
}

static enum verdict judge_results(const struct trial *trial, const struct subject *subject) {
    struct subject_tensor result;
    if (trial->kind->judge != NULL) {
        return trial->kind->judge(trial, subject);
    }
    for (int32_t i = 0; trial->kind->result(subject, i, &result); i++) {
        const int64_t unwritten = guard_unwritten(subject->guard, &result.tensor);
        if (unwritten >= 0) {
            return trial_say(trial, VERDICT_FAIL, "result '%s', element %lld is not written", result.name,
                             (long long)unwritten);
        }
        if (result.tensor.dtype != RONDO_I32 && !tensor_is_finite(&result.tensor) &&
            !option_may_diverge(trial->values[0])) {
            return trial_say(trial, VERDICT_WARNING,
                             "result '%s' is not finite: a narrower range would refuse such a value", result.name);
        }
    }
    return VERDICT_PASS;
}

/* If calls take long, for example with the largest number of iterations that an option allows, only some situations are
 * tried. */
static enum verdict visit_end(struct trial *trial) {
    struct end_trial *end = trial->arg;
    if (clock() - end->begin > CLOCKS_PER_SEC) {
        return VERDICT_PASS;
    }
    struct subject *subject = trial->kind->create(trial, (struct subject_settings){.size = SIZE_SMALL});
    if (subject == NULL) {
        return VERDICT_FAIL;
    }
    const rondo_status status = trial->kind->run(subject, subject->updates);
    enum verdict verdict = subject_judge_guard(trial, subject);
    if (verdict == VERDICT_PASS && !is_bearable(trial, subject, status)) {
        verdict = subject_failed(trial, subject);
    } else if (verdict == VERDICT_PASS && status == RONDO_OK && !subject->is_idle) {
        verdict = judge_results(trial, subject);
    }
    close_subject(trial, subject);
    if (verdict == VERDICT_WARNING) {
        if (end->warning[0] == '\0') {
            snprintf(end->warning, sizeof end->warning, "%s", trial->reason);
        }
        trial_unsay(trial);
        verdict = VERDICT_PASS;
    }
    return verdict;
}

enum verdict shared_options_ends(struct trial *trial) {
    struct end_trial end_trial = {0};
    struct option_setting end;
    if (!has_options(trial)) {
        return VERDICT_SKIPPED;
    }
    trial->arg = &end_trial;
    trial->may_refuse = 1;
    for (int32_t i = 0; option_end(trial->descriptor->options, i, &end); i++) {
        trial->values[0] = option_is_parsed(trial, &end) ? &end : NULL;
        end_trial.begin = clock();
        const enum verdict verdict = trial->values[0] == NULL ? VERDICT_PASS : trial->kind->each(trial, visit_end);
        if (verdict == VERDICT_FAIL) {
            return verdict;
        }
    }
    trial->values[0] = NULL;
    return end_trial.warning[0] == '\0' ? VERDICT_PASS : trial_say(trial, VERDICT_WARNING, "%s", end_trial.warning);
}

/* ---- first_call ---- */

/* If the first call of a process keeps a value, as in `static double a; if (a == 0) { a = options->alpha; }`, the value
 * never changes again, so later calls in the same process cannot show the mistake. Two processes can: one calls with
 * the defaults first, the other does not. */
struct first_call {
    struct trial *trial;
    const struct option_setting *value;
    int calls_defaults; /* 1: a call with the defaults comes first */
};

/* The results of all situations, one after the other. */
struct collected_numbers {
    double *numbers;
    size_t count, capacity;
};

static enum verdict visit_numbers(struct trial *trial) {
    struct collected_numbers *all = trial->arg;
    struct subject *subject = trial->kind->create(trial, (struct subject_settings){0});
    if (subject != NULL && !subject->is_idle && trial->kind->run(subject, subject->updates) == RONDO_OK) {
        all->count = append_results(trial, subject, all->numbers, all->count, all->capacity);
    }
    if (subject != NULL) {
        close_subject(trial, subject);
    }
    return VERDICT_PASS;
}

static size_t collect(const struct first_call *first, const struct option_setting *value, double *numbers,
                      size_t capacity) {
    struct collected_numbers all = {numbers, 0, capacity};
    struct trial trial = *first->trial;
    trial.arg = &all;
    trial.may_refuse = trial.is_brief = 1;
    trial.values[0] = value;
    trial.kind->each(&trial, visit_numbers);
    return all.count;
}

static size_t run_process(void *arg, char *answer, size_t size) {
    const struct first_call *first = arg;
    double *numbers = (double *)(void *)answer; /* memory from calloc, so it is aligned */
    const size_t capacity = size / sizeof *numbers;
    if (first->calls_defaults) {
        collect(first, NULL, numbers, capacity);
        memset(answer, 0, size);
    }
    return sizeof *numbers * collect(first, first->value, numbers, capacity);
}

static int run_in_process(struct first_call *first, int calls_defaults, struct child_outcome *outcome) {
    const double seconds = 5;
    const struct kit *kit = first->trial->kit;
    first->calls_defaults = calls_defaults;
    return child_run(run_process, first, seconds, outcome, kit->arena, kit->errors) == RONDO_OK;
}

static enum verdict report_difference(const struct first_call *first, const struct child_outcome *alone,
                                      const struct child_outcome *after) {
    const size_t count = (alone->answer_size < after->answer_size ? alone : after)->answer_size / sizeof(double);
    double expected = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(&expected, alone->answer + i * sizeof expected, sizeof expected);
        memcpy(&found, after->answer + i * sizeof found, sizeof found);
        if (memcmp(alone->answer + i * sizeof expected, after->answer + i * sizeof found, sizeof found) != 0) {
            return trial_say(first->trial, VERDICT_FAIL,
                             "with %s a result is %.9g, but %.9g after a call with the defaults (a static variable "
                             "that the first call sets?)",
                             first->value->text, expected, found);
        }
    }
    return trial_say(first->trial, VERDICT_FAIL,
                     "with %s there are %zu results, but %zu after a call with the defaults", first->value->text,
                     alone->answer_size / sizeof(double), after->answer_size / sizeof(double));
}

/* If the calls do not return even without a previous call with the defaults, other checks report it. */
static enum verdict compare_processes(struct first_call *first) {
    struct child_outcome alone, after;
    const struct kit *kit = first->trial->kit;
    if (!run_in_process(first, 0, &alone) || !run_in_process(first, 1, &after)) {
        return trial_say(first->trial, VERDICT_FAIL, "%s", errors_text(kit->errors, 0));
    }
    if (alone.end != CHILD_ANSWERED) {
        return VERDICT_PASS;
    }
    if (after.end != CHILD_ANSWERED) {
        return trial_say(first->trial, VERDICT_FAIL, "with %s, after a call with the defaults, it %s",
                         first->value->text, child_end_text(&after, kit->arena));
    }
    return alone.answer_size == after.answer_size && memcmp(alone.answer, after.answer, alone.answer_size) == 0
               ? VERDICT_PASS
               : report_difference(first, &alone, &after);
}

/* Each option is tried with one moderate value. */
enum verdict shared_first_call(struct trial *trial) {
    const rondo_option *last = NULL;
    struct option_setting value;
    struct first_call first = {.trial = trial, .value = &value};
    for (int32_t i = 0; option_moderate(trial->descriptor->options, trial->kit->seed, i, &value); i++) {
        const int is_next = value.option != last && !value.is_end;
        if (is_next && compare_processes(&first) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        last = is_next ? value.option : last;
    }
    return last == NULL ? VERDICT_SKIPPED : VERDICT_PASS;
}
