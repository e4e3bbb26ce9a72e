/* kit/check_op_threads.c: random words come only from the host; map gives the same bits on pieces of a run. */
#include "core/tensor.h"
#include "kit/check_op.h"
#include "kit/shared.h"

/* ---- random words ---- */

/* Runs the case with other settings and compares; -1 if it cannot be run. */
static int same_with(struct op_check *check, struct op_fixture *fixture, struct op_settings settings, const char *so) {
    struct op_fixture other;
    const int ran = op_fixture_open(check, settings, &other) && op_fixture_both(&other);
    const int same = ran ? op_same_runs(check, fixture, &other, op_fixture_gradients(fixture), so) : -1;
    op_fixture_close(&other);
    return same;
}

/* With other random words the result must differ, unless the op draws none. */
static int is_deterministic(struct op_check *check, struct op_fixture *fixture) {
    struct op_settings settings = fixture->settings;
    if (!op_fixture_both(fixture)) {
        return 0;
    }
    settings.stream++;
    const int same = same_with(check, fixture, settings,
                               "with other random words: the op draws some, but RONDO_OP_RANDOM is not set");
    check->tally += same == 0;
    return same == 1 || (same == 0 && (check->op->flags & RONDO_OP_RANDOM) != 0);
}

enum verdict op_check_deterministic(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    enum verdict verdict = shared_deterministic(trial);
    if (verdict != VERDICT_PASS) {
        return verdict;
    }
    verdict = op_each_run(&check, is_deterministic);
    if (verdict == VERDICT_PASS && (check.op->flags & RONDO_OP_RANDOM) != 0 && check.tally == 0) {
        return trial_say(trial, VERDICT_FAIL,
                         "RONDO_OP_RANDOM is set, but other random words give the same result in every case");
    }
    if (verdict == VERDICT_PASS) {
        trial_unsay(trial); /* the reason of a difference that was expected */
    }
    return verdict;
}

/* ---- in pieces ---- */

enum { PIECE = 43 }; /* not a multiple of the size of a vector register */

/* The engine calls map on runs of any length, which depends on threads and caches. So an element must not depend on its
 * neighbours. */
static int same_in_pieces(struct op_check *check, struct op_fixture *fixture) {
    struct op_fixture pieces;
    int passed = op_fixture_open(check, fixture->settings, &pieces);
    const size_t size = dtype_size(fixture->settings.dtype);
    const int64_t count = passed ? rondo_count(&pieces.call.output) : 0;
    for (int64_t begin = 0; begin < count; begin += PIECE) {
        const void *in[RONDO_SAMPLE_INPUTS];
        for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
            in[k] = (const char *)pieces.inputs[k].data + (size_t)begin * size;
        }
        check->op->map(pieces.call.options, fixture->settings.dtype, count - begin < PIECE ? count - begin : PIECE, in,
                       (char *)pieces.call.output.data + (size_t)begin * size);
    }
    passed = passed && op_same_runs(check, fixture, &pieces, 0, "if map is called on pieces of the run");
    op_fixture_close(&pieces);
    return passed;
}

/* ---- the check ---- */

static int same_on_pieces(struct op_check *check, struct op_fixture *fixture) {
    return op_fixture_both(fixture) && same_in_pieces(check, fixture);
}

enum verdict op_check_threads(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    const enum verdict verdict = shared_threads(trial);
    return verdict == VERDICT_PASS && check.op->map != NULL ? op_each_run(&check, same_on_pieces) : verdict;
}
