/* kit/check_loss_bits.c: two runs of a loss that must give the same bits. */
#include <string.h>

#include "kit/at_once.h"
#include "kit/check_loss.h"
#include "kit/first_call.h"
#include "kit/judged.h"
#include "kit/no_globals.h"

/* What a batch came to. */
struct outcome {
    struct judged *judged;
    double sums[JUDGED_METRICS];
    const char *failed; /* the call that did; NULL: none */
};

static void judge(struct outcome *outcome) {
    struct judged *judged = outcome->judged;
    memset(outcome->sums, 0, sizeof outcome->sums);
    outcome->failed = judged_record(judged, 1) != RONDO_OK                ? "record"
                      : judged_predict(judged) != RONDO_OK                ? "predict"
                      : judged_measure(judged, outcome->sums) != RONDO_OK ? "measure"
                                                                          : NULL;
}

static int open_outcome(struct judged_visit *visit, struct outcome *outcome, int64_t rows, int32_t instance) {
    *outcome = (struct outcome){.judged = judged_create(visit, RONDO_F32, rows, instance)};
    return outcome->judged != NULL;
}

static int same(const rondo_tensor *a, const rondo_tensor *b) {
    return tensor_bytes(a) == 0 || memcmp(a->data, b->data, tensor_bytes(a)) == 0;
}

/* What differs; NULL: nothing. */
static const char *difference(const struct outcome *a, const struct outcome *b) {
    if (!same(a->judged->losses, b->judged->losses)) {
        return "losses";
    }
    for (int32_t k = 0; k < a->judged->n_inputs; k++) {
        if (!same(&a->judged->gradients[k], &b->judged->gradients[k])) {
            return "gradients";
        }
    }
    if (!same(&a->judged->predictions, &b->judged->predictions)) {
        return "predictions";
    }
    return memcmp((const char *)a->sums, (const char *)b->sums, sizeof a->sums) != 0 ? "metrics" : NULL;
}

static enum verdict compare(struct judged_visit *visit, const struct outcome *a, const struct outcome *b,
                            const char *what) {
    const struct outcome *both[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        if (both[k]->failed != NULL) {
            return judged_failed(visit, both[k]->judged, both[k]->failed);
        }
    }
    const char *differs = difference(a, b);
    return differs == NULL ? VERDICT_PASS : judged_say(visit, VERDICT_FAIL, "%s: the %s differ", what, differs);
}

/* ---- deterministic ---- */

/* Between the two runs stands a batch of others, which would be in a static variable. */
static enum verdict visit_deterministic(struct judged_visit *visit) {
    struct outcome first, other, second;
    if (!open_outcome(visit, &first, JUDGED_ROWS, 0) || !open_outcome(visit, &other, JUDGED_ROWS, 1) ||
        !open_outcome(visit, &second, JUDGED_ROWS, 0)) {
        return VERDICT_FAIL;
    }
    judge(&first);
    judge(&other);
    judge(&second);
    const enum verdict verdict =
        compare(visit, &first, &second, "the same batch, with another between (a static variable?)");
    judged_close(first.judged);
    judged_close(other.judged);
    judged_close(second.judged);
    return verdict;
}

enum verdict loss_deterministic(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_deterministic, reason, size);
}

/* ---- threads ---- */

enum { MOST_THREADS = 8, REPEATS = 5 };

/* One batch, worth dividing, on one thread and on several. A loss that couples rows may look at all pairs of them. */
static enum verdict compare_inside(struct judged_visit *visit) {
    const int64_t rows = (visit->loss->flags & RONDO_LOSS_COUPLES_ROWS) != 0 ? 64 : 2000;
    struct outcome alone, together;
    if (!open_outcome(visit, &alone, rows, 0) || !open_outcome(visit, &together, rows, 0)) {
        return VERDICT_FAIL;
    }
    together.judged->parallel = visit->kit->parallel;
    judge(&alone);
    judge(&together);
    const enum verdict verdict = compare(visit, &alone, &together, "one thread inside a call, and several");
    judged_close(alone.judged);
    judged_close(together.judged);
    return verdict;
}

static void judge_often(void *arg, int32_t k) {
    struct outcome *outcomes = arg;
    for (int i = 0; i < REPEATS; i++) {
        judge(&outcomes[k]);
    }
}

/* Batches of their own, one after the other and at the same time. */
static enum verdict compare_beside(struct judged_visit *visit) {
    struct outcome serial[MOST_THREADS], crowd[MOST_THREADS];
    const struct parallel parallel = {visit->kit->parallel.threads < MOST_THREADS ? visit->kit->parallel.threads
                                                                                  : MOST_THREADS};
    for (int32_t k = 0; k < parallel.threads; k++) {
        if (!open_outcome(visit, &serial[k], JUDGED_ROWS, k) || !open_outcome(visit, &crowd[k], JUDGED_ROWS, k)) {
            return VERDICT_FAIL;
        }
        judge(&serial[k]);
    }
    at_once(&parallel, judge_often, crowd);
    for (int32_t k = 0; k < parallel.threads; k++) {
        if (compare(visit, &serial[k], &crowd[k], "batches one after the other, and at the same time (a global?)") !=
            VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        judged_close(serial[k].judged);
        judged_close(crowd[k].judged);
    }
    return VERDICT_PASS;
}

/* Another batch each time. */
static void judge_another(void *arg) {
    struct outcome *outcome = arg;
    judged_draw(outcome->judged, outcome->judged->drawn + 1, 0, outcome->judged->rows);
    judge(outcome);
}

static enum verdict check_globals(struct judged_visit *visit) {
    struct outcome outcome;
    char found[200];
    if (!open_outcome(visit, &outcome, JUDGED_ROWS, 0)) {
        return VERDICT_FAIL;
    }
    const enum verdict verdict =
        keeps_no_globals(visit->kit, &visit->loss->base, judge_another, &outcome, found, sizeof found);
    judged_close(outcome.judged);
    return verdict == VERDICT_PASS ? verdict : judged_say(visit, verdict, "%s", found);
}

static enum verdict visit_threads(struct judged_visit *visit) {
    if (check_globals(visit) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    return compare_inside(visit) == VERDICT_PASS ? compare_beside(visit) : VERDICT_FAIL;
}

enum verdict loss_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_threads, reason, size);
}

/* ---- first_call ---- */

/* Numbers as they come, batch after batch. */
struct numbers {
    double *at;
    size_t count, capacity;
};

static enum verdict visit_numbers(struct judged_visit *visit) {
    struct numbers *numbers = (struct numbers *)visit->arg;
    struct outcome outcome;
    if (!open_outcome(visit, &outcome, JUDGED_ROWS, 0)) {
        return VERDICT_PASS;
    }
    judge(&outcome);
    const struct judged *judged = outcome.judged;
    if (outcome.failed == NULL) {
        numbers->count = first_call_append(numbers->at, numbers->count, numbers->capacity, judged->losses);
        numbers->count = first_call_append(numbers->at, numbers->count, numbers->capacity, &judged->gradients[0]);
        numbers->count = first_call_append(numbers->at, numbers->count, numbers->capacity, &judged->predictions);
        const rondo_tensor sums = tensor_1d(RONDO_F64, judged_metrics(visit->loss), outcome.sums);
        numbers->count = first_call_append(numbers->at, numbers->count, numbers->capacity, &sums);
    }
    judged_close(outcome.judged);
    return VERDICT_PASS;
}

static size_t numbers_of(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *value,
                         double *numbers, size_t capacity) {
    char reason[200];
    struct numbers all = {numbers, 0, capacity};
    judged_each_with(kit, descriptor, value == NULL ? NULL : value->text, &all, visit_numbers, reason, sizeof reason);
    return all.count;
}

enum verdict loss_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return first_call_is_forgotten(kit, descriptor, numbers_of, reason, size);
}
