/* kit/op_kind.c: the cases of an op, its own samples or those that any elementwise op gets; and the adapter for the
 * shared checks (kit/subject.h). */
#include <stdio.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/op_fixture.h"

/* ---- cases ---- */

/* Cases of an elementwise op: input k has shape k modulo 3. */
static int32_t elementwise_sample(const rondo_op *op, int32_t index, rondo_sample *sample) {
    static const struct {
        int32_t ndim;
        int64_t shape[4];
    } shapes[][3] = {
        {{0, {0}}, {0, {0}}, {0, {0}}},                   /* scalars */
        {{1, {1}}, {1, {1}}, {1, {1}}},                   /* size 1 */
        {{1, {0}}, {1, {0}}, {1, {0}}},                   /* size 0 */
        {{2, {3, 4}}, {2, {3, 4}}, {2, {3, 4}}},          /* equal shapes */
        {{2, {3, 4}}, {1, {4}}, {0, {0}}},                /* a row and a scalar against a matrix */
        {{0, {0}}, {2, {3, 4}}, {1, {4}}},                /* the first input is broadcast as well */
        {{2, {3, 1}}, {2, {1, 4}}, {1, {1}}},             /* each along another dimension */
        {{3, {2, 1, 4}}, {2, {3, 1}}, {3, {2, 3, 4}}},    /* in the middle */
        {{3, {2, 0, 3}}, {2, {1, 3}}, {1, {1}}},          /* broadcast to an empty tensor */
        {{4, {2, 1, 3, 2}}, {3, {4, 1, 2}}, {2, {3, 1}}}, /* all of this together */
        {{2, {7, 50}}, {2, {7, 50}}, {1, {50}}},          /* more than a vector register, and an odd remainder */
    };
    if (index >= (int32_t)(sizeof shapes / sizeof shapes[0])) {
        return 0;
    }
    sample->n_inputs = op->max_inputs < 0 ? op->min_inputs : op->max_inputs;
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        sample->inputs[k].dtype = RONDO_F64;
        sample->inputs[k].ndim = shapes[index][k % 3].ndim;
        memcpy(sample->inputs[k].shape, shapes[index][k % 3].shape, sizeof shapes[index][k % 3].shape);
        const int is_default = op->domain_low == 0 && op->domain_high == 0;
        sample->low[k] = is_default ? -2 : op->domain_low;
        sample->high[k] = is_default ? 2 : op->domain_high;
    }
    return 1;
}

int32_t op_next_sample(const rondo_op *op, int32_t index, rondo_sample *sample) {
    *sample = (rondo_sample){0};
    if (op->sample != NULL) {
        return op->sample(index, sample);
    }
    return op->map == NULL ? 0 : elementwise_sample(op, index, sample);
}

struct op_check op_check_begin(const struct trial *trial) {
    return (struct op_check){.trial = *trial, .op = (const rondo_op *)(const void *)trial->descriptor};
}

/* The sequences of one input, as sample_lengths gives them. */
static int take_lengths(struct op_check *check, int32_t k) {
    const rondo_tensor *input = &check->sample.inputs[k];
    struct op_lengths *lengths = &check->lengths;
    const int32_t count = check->op->sample_lengths(check->trial.index, k, lengths->length[k]);
    const int32_t wanted = k == 0 ? count : lengths->count;
    int64_t sum = 0;
    if (count < (k == 0) || count > RONDO_SAMPLE_SEQUENCES || (count > 0 && count != wanted)) {
        return op_refuse(check, "sample_lengths gives %d sequences for input %d, expected %s%d", (int)count, (int)k,
                         k == 0 ? "1 to " : "0 or ", k == 0 ? RONDO_SAMPLE_SEQUENCES : (int)wanted);
    }
    for (int32_t s = 0; s < count; s++) {
        const int64_t length = lengths->length[k][s], most = input->ndim < 1 ? 0 : input->shape[0] - sum;
        if (length < (k == 0) || length > most) {
            return op_refuse(check, "sample_lengths gives sequence %d of input %d %lld elements, expected %d to %lld",
                             (int)s, (int)k, (long long)length, k == 0, (long long)most);
        }
        sum += length;
    }
    lengths->count = wanted;
    lengths->divided |= count > 0 ? 1u << k : 0;
    return 1;
}

static int prepare(struct op_check *check) {
    const rondo_sample *sample = &check->sample;
    if (sample->n_inputs < 0 || sample->n_inputs > RONDO_SAMPLE_INPUTS) {
        return op_refuse(check, "it has %d inputs, expected 0 to %d", (int)sample->n_inputs, RONDO_SAMPLE_INPUTS);
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        if (sample->inputs[k].ndim < 0 || sample->inputs[k].ndim > RONDO_MAX_DIMS) {
            return op_refuse(check, "input %d has %d dimensions, expected 0 to %d", (int)k, (int)sample->inputs[k].ndim,
                             RONDO_MAX_DIMS);
        }
    }
    check->lengths = (struct op_lengths){0};
    for (int32_t k = 0; k < sample->n_inputs && (check->op->flags & RONDO_OP_SEQUENCES) != 0; k++) {
        if (!take_lengths(check, k)) {
            return 0;
        }
    }
    check->options = trial_options(&check->trial, sample->options);
    return check->options != NULL || check->op->base.options == NULL ||
           op_refuse(check, "%s",
                     check->trial.kit->errors->count > 0 ? errors_text(check->trial.kit->errors, 0) : "out of memory");
}

static void describe_case(struct op_check *check) {
    static const char *const arrangements[OP_ARRANGEMENTS] = {
        [OP_IN_ORDER] = "",
        [OP_SCATTERED] = ", sequences in another order with unused elements between them",
        [OP_SHARED] = ", sequences that share elements",
    };
    const char *options = check->sample.options;
    snprintf(check->trial.situation, sizeof check->trial.situation, "case %d%s%s%s%s", (int)check->trial.index,
             options == NULL ? "" : " (", options == NULL ? "" : options, options == NULL ? "" : ")",
             arrangements[check->arrangement]);
}

/* Visits a sample: once, or for each arrangement of its sequences. */
static int visit_arrangements(struct op_check *check, op_case_visit *visit) {
    int passed = 1;
    for (int a = 0; passed && a < OP_ARRANGEMENTS; a++) {
        check->arrangement = (enum op_arrangement)a;
        describe_case(check);
        passed = a > 0 || prepare(check);
        if (passed && (a == OP_IN_ORDER || (a == OP_SCATTERED && check->lengths.count > 0) ||
                       (a == OP_SHARED && op_lengths_can_share(&check->lengths)))) {
            passed = visit(check);
            check->number++;
        }
    }
    return passed;
}

enum verdict op_each_case(struct op_check *check, op_case_visit *visit) {
    if ((check->op->flags & RONDO_OP_SEQUENCES) != 0 && check->op->sample_lengths == NULL) {
        return trial_say(&check->trial, VERDICT_SKIPPED, "the op has no sample_lengths");
    }
    check->number = 0;
    for (check->trial.index = 0; check->trial.index < DIRECT_CASES; check->trial.index++) {
        if (!op_next_sample(check->op, check->trial.index, &check->sample)) {
            break;
        }
        if (!visit_arrangements(check, visit)) {
            return VERDICT_FAIL;
        }
    }
    if (check->trial.index == 0) {
        return trial_say(&check->trial, VERDICT_SKIPPED, "the op has no samples");
    }
    check->trial.index = -1;
    check->trial.situation[0] = '\0';
    return VERDICT_PASS;
}

/* The combinations of dtype and mode in which every case is run. */
static const struct {
    int32_t dtype, training;
    const char *where;
} ways[] = {{RONDO_F64, 1, "f64, training"},
            {RONDO_F64, 0, "f64, evaluation"},
            {RONDO_F32, 1, "f32, training"},
            {RONDO_F32, 0, "f32, evaluation"}};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void choose_way(struct op_check *check, int way) {
    check->trial.where = ways[way].where;
    check->settings = (struct op_settings){.dtype = ways[way].dtype, .training = ways[way].training};
}

static int visit_runs(struct op_check *check) {
    int passed = 1;
    for (int way = 0; passed && way < WAYS; way++) {
        struct op_fixture fixture;
        choose_way(check, way);
        passed = op_fixture_open(check, check->settings, &fixture) &&
                 (fixture.call.is_view || check->visit(check, &fixture));
        op_fixture_close(&fixture);
    }
    check->trial.where = NULL;
    return passed;
}

enum verdict op_each_run(struct op_check *check, op_run_visit *visit) {
    check->visit = visit;
    return op_each_case(check, visit_runs);
}

/* ---- the adapter ---- */

static int visit_shared(struct op_check *check) {
    for (int way = 0; way < WAYS; way++) {
        if (check->trial.may_refuse && !ways[way].training) {
            continue; /* other options are tried only in training */
        }
        choose_way(check, way);
        check->verdict = check->shared_visit(&check->trial);
        if (check->verdict != VERDICT_PASS) {
            return 0;
        }
    }
    check->trial.where = NULL;
    return 1;
}

static enum verdict each(struct trial *trial, trial_visit *visit) {
    struct op_check check = op_check_begin(trial);
    check.shared_visit = visit;
    check.verdict = VERDICT_FAIL; /* if a case cannot be prepared */
    const enum verdict verdict = op_each_case(&check, visit_shared);
    return verdict == VERDICT_FAIL ? check.verdict : verdict;
}

/* Numbers of elements: LARGE are enough to divide among threads; with MEDIUM, calls last long enough to overlap in
 * time. Both take time, so only the first cases are tried. */
enum { LARGE = 1 << 16, MEDIUM = 1 << 13, LARGE_CASES = 16, MEDIUM_CASES = 4 };
/* Of a sequence in such a case: an op may take time that grows with the square of the length. */
enum { LONGEST = 512 };

/* Multiplies every dimension above 1, and the lengths of the sequences in it, as long as no input has too many elements and
 * no sequence is too long. */
static int enlarge(struct op_check *check, int64_t limit) {
    int64_t most = 0;
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        rondo_tensor *input = &check->sample.inputs[k];
        for (int32_t s = 0; s < check->lengths.count && input->ndim > 0 && input->shape[0] > 1; s++) {
            check->lengths.length[k][s] *= 2;
            most = check->lengths.length[k][s] > LONGEST ? limit : most;
        }
        for (int32_t d = 0; d < input->ndim; d++) {
            input->shape[d] *= input->shape[d] > 1 ? 2 : 1;
        }
        const int64_t count = rondo_count(input);
        most = count > most ? count : most;
    }
    return most > 1 && most < limit;
}

/* The case, with its dimensions enlarged as far as the op accepts. The original case if the op accepts no enlarged one,
 * because a size may also be an option. */
static void choose_large(struct op_check *check, int64_t limit) {
    struct op_check larger = *check;
    struct op_settings settings = check->settings;
    settings.may_refuse = settings.only_infers = 1;
    while (enlarge(&larger, limit)) {
        struct op_fixture fixture;
        const int accepted = op_fixture_open(&larger, settings, &fixture) && !fixture.subject.is_idle &&
                             tensor_bytes(&fixture.call.output) <= sizeof(double) * 4 * (size_t)limit;
        op_fixture_close(&fixture);
        if (!accepted) {
            return;
        }
        check->sample = larger.sample;
        check->lengths = larger.lengths;
    }
}

/* An elementwise op cannot divide its own work, because it gets no host. */
static int is_applicable(const struct op_check *check, enum subject_size size) {
    return size == SIZE_LARGE    ? check->op->map == NULL && check->trial.index < LARGE_CASES
           : size == SIZE_MEDIUM ? check->settings.training && check->trial.index < MEDIUM_CASES
                                 : 1;
}

/* VERDICT_FAIL, and NULL, if the op refuses with a status that reports a bug. */
static struct subject *judge_refusal(const struct trial *trial, struct subject *subject) {
    const rondo_status status = subject->errors.status;
    if (!subject->is_idle || status == RONDO_OK || status == RONDO_INVALID || status == RONDO_NOT_FINITE ||
        status == RONDO_NO_MEMORY) {
        return subject;
    }
    trial_say(trial, VERDICT_FAIL, "infer refuses with '%s: %s', expected RONDO_INVALID and the reason",
              status_text(status), errors_text(&subject->errors, 0));
    return NULL;
}

/* The fixture has its own copy of the check, whose case may be a larger one. */
static struct subject *create(const struct trial *trial, struct subject_settings settings) {
    const struct op_check *given = (const struct op_check *)trial; /* trial is the first member */
    struct op_fixture *fixture = arena_calloc(trial->kit->arena, 1, sizeof *fixture);
    struct op_check *check = arena_alloc(trial->kit->arena, sizeof *check);
    if (fixture == NULL || check == NULL) {
        trial_say(trial, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    *check = *given;
    check->settings.variant = (uint64_t)settings.instance;
    check->settings.may_refuse = trial->may_refuse;
    if (!is_applicable(check, settings.size)) {
        fixture->subject.is_idle = 1;
        return &fixture->subject;
    }
    if (settings.size >= SIZE_MEDIUM) {
        choose_large(check, settings.size == SIZE_LARGE ? LARGE : MEDIUM);
    }
    return op_fixture_open(check, check->settings, fixture) ? judge_refusal(trial, &fixture->subject) : NULL;
}

/* 1 if there is something to call: the result is not a view, and the shape not too large for a test. */
static int has_data(const struct op_fixture *fixture) {
    return !fixture->subject.is_idle && !fixture->call.is_view && fixture->call.output.data != NULL;
}

static rondo_status run(struct subject *subject, int64_t updates) {
    struct op_fixture *fixture = (struct op_fixture *)subject; /* subject is the first member */
    const uint32_t asked = has_data(fixture) ? op_fixture_gradients(fixture) : 0;
    (void)updates;
    if (!has_data(fixture)) {
        return RONDO_OK;
    }
    if (fixture->check->op->map == NULL) {
        const rondo_op_call call = fixture->call; /* infer overwrites the pointers to data */
        RONDO_TRY(op_fixture_infer(fixture));
        fixture->call = call;
    }
    RONDO_TRY(op_fixture_forward_status(fixture));
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        op_fixture_reset_gradient(fixture, k);
    }
    return asked == 0 ? RONDO_OK : op_fixture_backward_status(fixture, asked);
}

static int result(const struct subject *subject, int32_t index, struct subject_tensor *result) {
    static const char *const names[] = {"gradient of input 0", "gradient of input 1", "gradient of input 2",
                                        "gradient of input 3", "gradient of input 4", "gradient of input 5",
                                        "gradient of input 6", "gradient of input 7"};
    const struct op_fixture *fixture = (const struct op_fixture *)subject;
    int32_t k = 0;
    if (!has_data(fixture)) {
        return 0;
    }
    if (index == 0) {
        *result = (struct subject_tensor){"output", fixture->call.output};
        return 1;
    }
    for (int32_t left = index; k < fixture->call.n_inputs; k++) {
        left -= op_fixture_has_gradient(fixture, k);
        if (left == 0) {
            *result = (struct subject_tensor){names[k], fixture->gradients[k]};
            return 1;
        }
    }
    return 0;
}

static options_check *check_of(const rondo_descriptor *descriptor) {
    (void)descriptor;
    return NULL;
}

static const struct kind_omission omissions[] = {{"resume", "an op keeps no state"}, {NULL, NULL}};

const struct subject_kind op_subject_kind = {.run_name = "a call of infer, forward and backward",
                                             .refuses_in_calls = 1,
                                             .omissions = omissions,
                                             .check_of = check_of,
                                             .each = each,
                                             .create = create,
                                             .run = run,
                                             .result = result,
                                             .interrupt = op_interrupt};
