/* kit/op_threads.c: the same call gives the same bits: again, on more threads, in pieces, beside others of its kind. */
#include <string.h>

#include "core/tensor.h"
#include "kit/at_once.h"
#include "kit/globals.h"
#include "kit/op_check.h"

/* ---- again ---- */

/* Runs the case with other settings and compares; -1 where it cannot be run. */
static int same_with(struct op_check *check, struct op_run *run, struct op_settings settings, const char *so) {
    struct op_run other;
    const int ran = op_run_open(check, settings, &other) && op_run_both(&other);
    const int same = ran ? op_same_runs(check, run, &other, op_run_gradients(run), so) : -1;
    op_run_close(&other);
    return same;
}

/* Other random words: another result is what they are for, and nothing to an op that draws none. */
static int is_deterministic(struct op_check *check, struct op_run *run) {
    struct op_settings settings = run->settings;
    if (!op_run_both(run) || same_with(check, run, settings, "in a second call with the same inputs") != 1) {
        return 0;
    }
    settings.stream++;
    const int same =
        same_with(check, run, settings, "with other random words: the op draws some, but RONDO_OP_RANDOM is not set");
    check->tally += same == 0;
    return same == 1 || (same == 0 && (check->op->flags & RONDO_OP_RANDOM) != 0);
}

enum verdict op_check_deterministic(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    const enum verdict verdict = op_each_run(&check, is_deterministic);
    if (verdict == VERDICT_PASS && (check.op->flags & RONDO_OP_RANDOM) != 0 && check.tally == 0) {
        return kit_say(reason, size, VERDICT_FAIL,
                       "RONDO_OP_RANDOM is set, but other random words give the same result in every case");
    }
    if (verdict == VERDICT_PASS && size > 0) {
        reason[0] = '\0'; /* other bits, where they were expected */
    }
    return verdict;
}

/* ---- more threads ---- */

/* LARGE: elements, so that there is something to divide; MEDIUM: so that calls last long enough to meet. LARGE_CASES:
 * so many of them, as they take memory. */
enum { LARGE = 1 << 16, MEDIUM = 1 << 13, LARGE_CASES = 16 };

/* Multiplies every dimension above 1 as long as no input has too many elements. A whole number that an option says is
 * not known here, so infer may refuse. */
static int enlarge(rondo_sample *sample, int64_t limit) {
    int64_t most = 0;
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        rondo_tensor *input = &sample->inputs[k];
        for (int32_t d = 0; d < input->ndim; d++) {
            input->shape[d] *= input->shape[d] > 1 ? 2 : 1;
        }
        const int64_t count = rondo_count(input);
        most = count > most ? count : most;
    }
    return most > 1 && most < limit;
}

/* The largest case of its kind that the op accepts; the case itself where it accepts none. */
static void choose_large(struct op_check *check, struct op_settings settings, int64_t limit) {
    rondo_sample sample = check->sample;
    settings.may_refuse = settings.infers_alone = 1;
    while (enlarge(&sample, limit)) {
        const rondo_sample before = check->sample;
        struct op_run run;
        check->sample = sample;
        const int accepted = op_run_open(check, settings, &run) && !run.is_refused &&
                             tensor_bytes(&run.call.output) <= sizeof(double) * 4 * (size_t)limit;
        op_run_close(&run);
        if (!accepted) {
            check->sample = before;
            return;
        }
    }
}

static int same_on_more_threads(struct op_check *check, struct op_settings settings) {
    const rondo_sample sample = check->sample;
    struct op_run one = {0}, several = {0};
    choose_large(check, settings, LARGE);
    int passed = op_run_open(check, settings, &one) && op_run_both(&one);
    settings.parallel = &check->kit->parallel;
    passed = passed && op_run_open(check, settings, &several) && op_run_both(&several);
    passed = passed && op_same_runs(check, &one, &several, op_run_gradients(&one), "on several threads");
    op_run_close(&one);
    op_run_close(&several);
    check->sample = sample;
    return passed;
}

/* ---- in pieces ---- */

enum { PIECE = 43 }; /* no multiple of a vector register */

/* The engine calls map on runs of any length, which it cuts for threads and for caches: an element must not depend on
 * those beside it. */
static int same_in_pieces(struct op_check *check, struct op_run *run) {
    struct op_run pieces;
    int passed = op_run_open(check, run->settings, &pieces);
    const size_t size = dtype_size(run->settings.dtype);
    const int64_t count = passed ? rondo_count(&pieces.call.output) : 0;
    for (int64_t begin = 0; begin < count; begin += PIECE) {
        const void *in[RONDO_SAMPLE_INPUTS];
        for (int32_t k = 0; k < run->call.n_inputs; k++) {
            in[k] = (const char *)pieces.inputs[k].data + (size_t)begin * size;
        }
        check->op->map(pieces.options, run->settings.dtype, count - begin < PIECE ? count - begin : PIECE, in,
                       (char *)pieces.call.output.data + (size_t)begin * size);
    }
    passed = passed && op_same_runs(check, run, &pieces, 0, "where map is called on pieces of the run");
    op_run_close(&pieces);
    return passed;
}

/* ---- what is kept from call to call ---- */

/* The first call may fill what is filled once. */
static int keeps_no_globals(struct op_check *check, const struct op_run *run) {
    struct op_settings settings = run->settings;
    struct op_run other;
    struct globals globals = {0};
    const void *first = NULL;
    const struct arena_mark mark = arena_mark(check->kit->arena);
    const int has_globals = globals_copy(check->op->base.name, check->kit->arena, &globals);
    settings.variant++;
    int passed = op_run_open(check, settings, &other) && op_run_both(&other);
    const size_t changed = passed && has_globals ? globals_changed(&globals, &first) : 0;
    if (changed > 0) {
        passed = op_refuse(check, "a call changed %zu bytes of the plug-in's global variables, which all threads share",
                           changed);
    }
    op_run_close(&other);
    arena_release(check->kit->arena, mark);
    return passed;
}

/* ---- beside others ---- */

/* MEETINGS: cases at which threads meet, in training: it takes time. */
enum { MOST_THREADS = 16, ROUNDS = 20, REASON = 256, MEETINGS = 4 };

/* One thread with data of its own. */
struct member {
    struct op_check check; /* a copy, with a reason of its own */
    char reason[REASON];
    struct op_run alone, beside;
    int passed;
};

static void run_member(void *arg, int32_t k) {
    struct member *member = (struct member *)arg + k;
    for (int round = 0; round < ROUNDS && member->passed; round++) {
        member->passed = op_run_both(&member->beside) &&
                         op_same_runs(&member->check, &member->alone, &member->beside, op_run_gradients(&member->alone),
                                      "while other threads call the op on other data");
    }
}

static int same_beside_others(struct op_check *check, const struct op_run *run) {
    static struct member members[MOST_THREADS];
    const rondo_sample sample = check->sample;
    struct parallel parallel = check->kit->parallel;
    int passed = 1;
    parallel.threads = parallel.threads > MOST_THREADS ? MOST_THREADS : parallel.threads;
    choose_large(check, run->settings, MEDIUM);
    for (int32_t k = 0; k < parallel.threads; k++) {
        struct member *member = &members[k];
        struct op_settings settings = run->settings;
        settings.variant = (uint64_t)k;
        *member = (struct member){.check = *check};
        member->check.reason = member->reason;
        member->check.size = sizeof member->reason;
        member->passed = op_run_open(&member->check, settings, &member->alone) && op_run_both(&member->alone) &&
                         op_run_open(&member->check, settings, &member->beside);
        passed = passed && member->passed;
    }
    if (passed) {
        at_once(&parallel, run_member, members);
    }
    passed = 1;
    for (int32_t k = 0; k < parallel.threads; k++) {
        if (!members[k].passed && passed) {
            passed = 0;
            kit_say(check->reason, check->size, VERDICT_FAIL, "%s", members[k].reason);
        }
        op_run_close(&members[k].alone);
        op_run_close(&members[k].beside);
    }
    check->sample = sample;
    return passed;
}

static int bears_threads(struct op_check *check, struct op_run *run) {
    const int is_enough = run->settings.training == 0 || check->index >= MEETINGS;
    if (!op_run_both(run) || !keeps_no_globals(check, run)) {
        return 0;
    }
    if (check->op->map != NULL ? !same_in_pieces(check, run)
                               : check->index < LARGE_CASES && !same_on_more_threads(check, run->settings)) {
        return 0;
    }
    return (is_enough || (op_same_interrupted(check, run) && same_beside_others(check, run)));
}

enum verdict op_check_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    return op_each_run(&check, bears_threads);
}
