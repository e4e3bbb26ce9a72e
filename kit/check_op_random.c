/* kit/check_op_random.c: an op with RONDO_OP_RANDOM_ELEMENTS draws word i for element i, and nothing else. */
#include <string.h>

#include "core/tensor.h"
#include "kit/check_op.h"

/* The case again, where random word `number` is another one: only element `number` may change. */
static int changes_own_element(struct op_check *check, const struct op_fixture *fixture, int64_t number) {
    struct op_fixture other;
    int passed = op_fixture_open(check, fixture->settings, &other);
    other.subject.changed_word = 1 + number;
    passed = passed && op_fixture_forward(&other);
    const size_t size = dtype_size(fixture->call.output.dtype);
    const char *with = other.call.output.data, *without = fixture->call.output.data;
    for (int64_t i = 0; passed && i < rondo_count(&fixture->call.output); i++) {
        const int differs = memcmp(with + (size_t)i * size, without + (size_t)i * size, size) != 0;
        check->tally += differs;
        if (differs && i != number) {
            passed = op_refuse(check, "element %lld of the output depends on random word %lld", (long long)i,
                               (long long)number);
        }
    }
    op_fixture_close(&other);
    return passed;
}

static int words_belong_to_elements(struct op_check *check, struct op_fixture *fixture) {
    const int64_t count = rondo_count(&fixture->call.output),
                  numbers[] = {0, 1, count / 2, count - 1, count, 2 * count};
    int passed = op_fixture_forward(fixture);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && passed; i++) {
        passed = numbers[i] < 0 || changes_own_element(check, fixture, numbers[i]);
    }
    return passed;
}

enum verdict op_check_random_elements(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if ((check.op->flags & RONDO_OP_RANDOM_ELEMENTS) == 0) {
        return trial_say(trial, VERDICT_SKIPPED, "RONDO_OP_RANDOM_ELEMENTS is not set");
    }
    const enum verdict verdict = op_each_run(&check, words_belong_to_elements);
    return verdict == VERDICT_PASS && check.tally == 0
               ? trial_say(trial, VERDICT_FAIL, "no element depends on its random word in any case")
               : verdict;
}
