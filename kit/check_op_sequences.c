/* kit/check_op_sequences.c: the sequences of an op with RONDO_OP_SEQUENCES do not depend on each other or on where they are,
 * and elements of no sequence are neither read nor written. */
#include <string.h>

#include "core/tensor.h"
#include "kit/check_op.h"

/* ---- elements of no sequence ---- */

static int keeps_output(struct op_check *check, const struct op_fixture *fixture) {
    const rondo_tensor *output = &fixture->call.output;
    for (int64_t i = 0; i < rondo_count(output); i++) {
        const double unused = output->dtype == RONDO_I32 ? (double)(int32_t)OP_UNUSED : OP_UNUSED;
        if (!op_rows_contain(fixture->places.list[0], output, i) && tensor_get(output, i) != unused) {
            return op_refuse(check, "output, element %lld is in no sequence, and forward writes it", (long long)i);
        }
    }
    return 1;
}

static int keeps_gradient(struct op_check *check, const struct op_fixture *fixture, int32_t k) {
    const rondo_tensor *gradient = &fixture->gradients[k];
    const int64_t count = gradient->data == NULL ? 0 : rondo_count(gradient);
    for (int64_t i = 0; i < count; i++) {
        if (!op_rows_contain(fixture->places.list[k], gradient, i) &&
            tensor_get(gradient, i) != op_before(fixture, k, i)) {
            return op_refuse(check,
                             "gradient of input %d, element %lld is in no sequence, and backward adds %.9g to it",
                             (int)k, (long long)i, tensor_get(gradient, i) - op_before(fixture, k, i));
        }
    }
    return 1;
}

static int run_and_keep(struct op_check *check, struct op_fixture *fixture) {
    const uint32_t asked = op_fixture_gradients(fixture);
    int passed = op_fixture_forward(fixture) && keeps_output(check, fixture);
    passed = passed && (asked == 0 || op_fixture_backward(fixture, asked));
    for (int32_t k = 0; k < fixture->call.n_inputs && passed; k++) {
        passed = keeps_gradient(check, fixture, k);
    }
    return passed;
}

/* ---- one sequence in two runs ---- */

/* Two runs of a case: all sequences, and the same data elsewhere or without the others. */
struct sequence_runs {
    const struct op_fixture *all, *other;
    int32_t s, other_s; /* number of the sequence in each of them */
    const char *so;     /* what is different in the other run */
};

/* `name` and k describe the tensor; input k has the sequences that it consists of. */
static int same_elements(struct op_check *check, const struct sequence_runs *runs, const char *name, int32_t k,
                         const rondo_tensor *expected, const rondo_tensor *found) {
    const rondo_rows *rows = runs->all->places.list[k], *other_rows = runs->other->places.list[k];
    const size_t element = expected->shape[0] == 0 ? 0 : tensor_bytes(expected) / (size_t)expected->shape[0];
    const size_t size = dtype_size(expected->dtype);
    const char *a = (const char *)expected->data + (size_t)rows->begin[runs->s] * element;
    const char *b = (const char *)found->data + (size_t)other_rows->begin[runs->other_s] * element;
    for (size_t at = 0; at < (size_t)rows->length[runs->s] * element; at += size) {
        if (memcmp(a + at, b + at, size) != 0) {
            const int64_t i = (int64_t)((size_t)rows->begin[runs->s] * element + at) / (int64_t)size;
            const int64_t j = (int64_t)((size_t)other_rows->begin[runs->other_s] * element + at) / (int64_t)size;
            return op_refuse(check, "%s, sequence %d, element %lld: %.9g, but %.9g %s", name, (int)runs->s,
                             (long long)i, tensor_get(expected, i), tensor_get(found, j), runs->so);
        }
    }
    return 1;
}

/* Gradients of inputs that are the same for all sequences, or that sequences share, are sums over sequences. */
static int same_sequence(struct op_check *check, const struct sequence_runs *runs) {
    static const char *const names[] = {"gradient of input 0", "gradient of input 1", "gradient of input 2",
                                        "gradient of input 3", "gradient of input 4", "gradient of input 5",
                                        "gradient of input 6", "gradient of input 7"};
    const struct op_fixture *all = runs->all, *other = runs->other;
    int same = same_elements(check, runs, "output", 0, &all->call.output, &other->call.output);
    for (int32_t k = 0; k < all->call.n_inputs && same; k++) {
        if (all->places.list[k] != NULL && all->gradients[k].data != NULL &&
            (k == 0 || check->arrangement != OP_SHARED)) {
            same = same_elements(check, runs, names[k], k, &all->gradients[k], &other->gradients[k]);
        }
    }
    return same;
}

/* Every sequence again without the others, whose elements are then not-a-number. */
static int same_without_others(struct op_check *check, const struct op_fixture *fixture) {
    int passed = 1;
    for (int32_t s = 0; s < check->lengths.count && passed; s++) {
        struct op_settings settings = fixture->settings;
        struct op_fixture alone;
        settings.alone = s + 1;
        passed = op_fixture_open(check, settings, &alone) && run_and_keep(check, &alone) &&
                 same_sequence(check, &(struct sequence_runs){fixture, &alone, s, 0,
                                                              "without the other sequences: they are not independent"});
        op_fixture_close(&alone);
    }
    return passed;
}

/* Every sequence again where the sequences are one after the other. */
static int same_in_order(struct op_check *check, const struct op_fixture *fixture) {
    struct op_check in_order = *check;
    struct op_fixture other;
    in_order.arrangement = OP_IN_ORDER;
    int passed = op_fixture_open(&in_order, fixture->settings, &other) && op_fixture_both(&other);
    for (int32_t s = 0; s < check->lengths.count && passed; s++) {
        passed = same_sequence(
            check, &(struct sequence_runs){fixture, &other, s, s, "if the sequences are one after the other"});
    }
    op_fixture_close(&other);
    return passed;
}

/* An op that draws random words may draw others at other places. */
static int are_independent(struct op_check *check, struct op_fixture *fixture) {
    const int is_random = (check->op->flags & RONDO_OP_RANDOM) != 0;
    check->tally += check->lengths.count > 1;
    return run_and_keep(check, fixture) &&
           (is_random || (same_without_others(check, fixture) &&
                          (check->arrangement != OP_SCATTERED || same_in_order(check, fixture))));
}

enum verdict op_check_sequences(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if ((check.op->flags & RONDO_OP_SEQUENCES) == 0) {
        return trial_say(trial, VERDICT_SKIPPED, "RONDO_OP_SEQUENCES is not set");
    }
    const enum verdict verdict = op_each_run(&check, are_independent);
    return verdict == VERDICT_PASS && check.tally == 0
               ? trial_say(trial, VERDICT_FAIL, "RONDO_OP_SEQUENCES is set, and no case has two sequences or more")
               : verdict;
}
