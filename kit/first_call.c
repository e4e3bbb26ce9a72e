#include "kit/first_call.h"

#include <string.h>

#include "core/tensor.h"
#include "kit/child.h"

/* What one process does. */
struct branch {
    struct kit *kit;
    const rondo_descriptor *descriptor;
    first_call_numbers *numbers;
    const struct option_end *value;
    int calls_defaults; /* first */
};

static size_t run_branch(void *arg, char *answer, size_t size) {
    const struct branch *branch = arg;
    double *numbers = (double *)(void *)answer; /* of calloc */
    const size_t capacity = size / sizeof *numbers;
    if (branch->calls_defaults) {
        branch->numbers(branch->kit, branch->descriptor, NULL, numbers, capacity);
        memset(answer, 0, size);
    }
    return sizeof *numbers * branch->numbers(branch->kit, branch->descriptor, branch->value, numbers, capacity);
}

size_t first_call_append(double *numbers, size_t count, size_t capacity, const rondo_tensor *tensor) {
    for (int64_t i = 0; tensor->data != NULL && i < rondo_count(tensor) && count < capacity; i++) {
        numbers[count++] = tensor_get(tensor, i);
    }
    return count;
}

static int run(struct branch *branch, int calls_defaults, struct child_outcome *outcome) {
    const double seconds = 5;
    branch->calls_defaults = calls_defaults;
    return child_run(run_branch, branch, seconds, outcome, branch->kit->arena, branch->kit->errors) == RONDO_OK;
}

/* The first number that differs, as "number 3 is 0.5, and 0.25 ". */
static enum verdict tell(const struct branch *branch, const struct child_outcome *alone,
                         const struct child_outcome *after, char *reason, size_t size) {
    const size_t count = (alone->answer_size < after->answer_size ? alone : after)->answer_size / sizeof(double);
    double expected = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(&expected, alone->answer + i * sizeof expected, sizeof expected);
        memcpy(&found, after->answer + i * sizeof found, sizeof found);
        if (memcmp(alone->answer + i * sizeof expected, after->answer + i * sizeof found, sizeof found) != 0) {
            return kit_say(reason, size, VERDICT_FAIL,
                           "with %s a result is %.9g, but %.9g where a call with the defaults came before (a static "
                           "variable that the first call sets?)",
                           branch->value->text, expected, found);
        }
    }
    return kit_say(reason, size, VERDICT_FAIL,
                   "with %s there are %zu numbers, but %zu where a call with the defaults came before",
                   branch->value->text, alone->answer_size / sizeof(double), after->answer_size / sizeof(double));
}

/* Where the call does not come back even alone, other checks tell. */
static enum verdict compare(struct branch *branch, char *reason, size_t size) {
    struct child_outcome alone, after;
    if (!run(branch, 0, &alone) || !run(branch, 1, &after)) {
        return kit_say(reason, size, VERDICT_FAIL, "%s", errors_text(branch->kit->errors, 0));
    }
    if (alone.end != CHILD_ANSWERED) {
        return VERDICT_PASS;
    }
    if (after.end != CHILD_ANSWERED) {
        return kit_say(reason, size, VERDICT_FAIL, "with %s, after a call with the defaults, it %s",
                       branch->value->text, child_end_text(&after, branch->kit->arena));
    }
    return alone.answer_size == after.answer_size && memcmp(alone.answer, after.answer, alone.answer_size) == 0
               ? VERDICT_PASS
               : tell(branch, &alone, &after, reason, size);
}

enum verdict first_call_is_forgotten(struct kit *kit, const rondo_descriptor *descriptor, first_call_numbers *numbers,
                                     char *reason, size_t size) {
    struct branch branch = {.kit = kit, .descriptor = descriptor, .numbers = numbers};
    const rondo_option *last = NULL;
    struct option_end trial;
    for (int32_t i = 0; option_trial(descriptor->options, kit->seed, i, &trial); i++) {
        const int is_next = trial.option != last && !trial.is_end;
        branch.value = &trial;
        if (is_next && compare(&branch, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        last = is_next ? trial.option : last;
    }
    return last == NULL ? VERDICT_SKIPPED : VERDICT_PASS;
}
