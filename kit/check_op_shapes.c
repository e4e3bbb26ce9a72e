/* kit/check_op_shapes.c: the samples of an op, and how it handles wrong shapes and sizes of 0.
 */
#include <math.h>
#include <string.h>

#include "core/infer.h"
#include "core/tensor.h"
#include "kit/check_op.h"

/* ---- samples ---- */

static int check_inputs(struct op_check *check) {
    const rondo_op *op = check->op;
    const rondo_sample *sample = &check->sample;
    if (sample->n_inputs < op->min_inputs || sample->n_inputs > RONDO_SAMPLE_INPUTS ||
        (op->max_inputs >= 0 && sample->n_inputs > op->max_inputs)) {
        return op_refuse(check, "it has %d inputs, expected %d to %d", (int)sample->n_inputs, (int)op->min_inputs,
                         op->max_inputs >= 0 ? (int)op->max_inputs : RONDO_SAMPLE_INPUTS);
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        const rondo_tensor *input = &sample->inputs[k];
        if (input->dtype != RONDO_F64 && input->dtype != RONDO_I32) {
            return op_refuse(check, "input %d has dtype %d, expected RONDO_F64 or RONDO_I32", (int)k,
                             (int)input->dtype);
        }
        if (input->data != NULL) {
            return op_refuse(check, "input %d has data, expected NULL: the host draws the data", (int)k);
        }
        if (tensor_checked_bytes(input) == SIZE_MAX) {
            return op_refuse(check, "input %d has shape %s", (int)k, tensor_shape_text(input).text);
        }
        if (!isfinite(sample->low[k]) || !isfinite(sample->high[k]) || sample->low[k] > sample->high[k]) {
            return op_refuse(check, "input %d is to be drawn from [%g, %g), which is not an interval", (int)k,
                             sample->low[k], sample->high[k]);
        }
    }
    return 1;
}

static int check_sample(struct op_check *check) {
    struct op_fixture fixture;
    if (!check_inputs(check)) {
        return 0;
    }
    const int accepted = op_fixture_open(check, (struct op_settings){.dtype = RONDO_F64, .training = 1}, &fixture);
    check->tally += accepted && rondo_count(&fixture.call.output) > 0;
    op_fixture_close(&fixture);
    return accepted;
}

enum verdict op_check_samples(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    rondo_sample sample;
    int32_t count = 0;
    if (check.op->sample == NULL && check.op->map == NULL) {
        return trial_say(trial, VERDICT_FAIL, "the op has no samples");
    }
    if (((check.op->flags & RONDO_OP_SEQUENCES) != 0) != (check.op->sample_lengths != NULL)) {
        return trial_say(
            trial, VERDICT_FAIL,
            check.op->sample_lengths == NULL
                ? "RONDO_OP_SEQUENCES is set, and 'sample_lengths' is missing, which gives the sequences of the "
                  "samples"
                : "'sample_lengths' is set without RONDO_OP_SEQUENCES");
    }
    while (count < MOST_CASES && op_next_sample(check.op, count, &sample)) {
        count++;
    }
    if (count == MOST_CASES) {
        return trial_say(trial, VERDICT_FAIL, "the samples have no end: there is still one with index %d",
                         MOST_CASES - 1);
    }
    if (count < LEAST_CASES && (check.op->map == NULL || count == 0)) {
        return trial_say(trial, VERDICT_FAIL, "only %d samples, expected %d or more", (int)count, LEAST_CASES);
    }
    const enum verdict verdict = op_each_case(&check, check_sample);
    return verdict == VERDICT_PASS && check.tally == 0
               ? trial_say(trial, VERDICT_FAIL, "the output of every sample is empty")
               : verdict;
}

/* ---- shapes that the op did not offer ---- */

/* If infer accepts the shapes, forward and backward have to work. Each function may refuse them with a reason. */
static int run_changed(struct op_check *check, const char *change) {
    struct op_fixture fixture;
    check->trial.where = change;
    int passed =
        op_fixture_open(check, (struct op_settings){.dtype = RONDO_F64, .training = 1, .may_refuse = 1}, &fixture);
    if (passed && !fixture.subject.is_idle && !fixture.call.is_view && fixture.call.output.data != NULL) {
        passed = op_fixture_both(&fixture);
        const char *overrun = passed ? guard_overrun(fixture.subject.guard) : NULL;
        if (overrun != NULL) {
            passed = op_refuse(check, "something was written outside '%s'", overrun);
        }
    }
    op_fixture_close(&fixture);
    check->trial.where = NULL;
    return passed;
}

/* Makes change number `change` to an input. Returns its description; NULL after the last change; "" if it does not
 * apply. */
static const char *change_input(rondo_tensor *input, int32_t change) {
    const int32_t ndim = input->ndim;
    switch (change) {
    case 0:
        if (ndim == RONDO_MAX_DIMS) {
            return "";
        }
        memmove(input->shape + 1, input->shape, sizeof input->shape[0] * (size_t)ndim);
        input->shape[0] = 2;
        input->ndim++;
        return "an input with one more dimension";
    case 1:
        input->ndim -= ndim > 0;
        return ndim == 0 ? "" : "an input with one dimension less";
    case 2:
        input->ndim = 0;
        return "a scalar as input";
    case 3:
        input->ndim = RONDO_MAX_DIMS;
        for (int32_t d = 0; d < RONDO_MAX_DIMS; d++) {
            input->shape[d] = 1;
        }
        return "an input with the largest number of dimensions";
    case 4:
        input->dtype = input->dtype == RONDO_I32 ? RONDO_F64 : RONDO_I32;
        return input->dtype == RONDO_I32 ? "an input of integers instead of floats"
                                         : "an input of floats instead of integers";
    case 5:
        input->dtype = RONDO_F32; /* the others are f64 */
        return "an input of another float type";
    default:
        break;
    }
    const int32_t d = (change - 6) / 2;
    if (d >= ndim) {
        return NULL;
    }
    if (change % 2 == 0) {
        input->shape[d]++;
        return "an input with a size one larger";
    }
    input->shape[d] = INT64_C(1) << 40;
    return "an input with a size of 2^40";
}

static int refuses_honestly(struct op_check *check) {
    const rondo_sample sample = check->sample;
    int passed = run_changed(check, NULL);
    for (int32_t k = 0; k < sample.n_inputs && passed; k++) {
        const char *what = "";
        for (int32_t change = 0; what != NULL && passed; change++) {
            check->sample = sample;
            what = change_input(&check->sample.inputs[k], change);
            passed = what == NULL || what[0] == '\0' || run_changed(check, what);
        }
    }
    check->sample = sample;
    return passed;
}

enum verdict op_check_status(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if (check.op->map != NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the host handles the shapes of an elementwise op");
    }
    return op_each_case(&check, refuses_honestly);
}

/* ---- sizes of 0 ---- */

/* Sets all dimensions of this size, in all inputs, to 0, because they may have to be equal. */
static int run_without(struct op_check *check, int64_t size) {
    const rondo_sample sample = check->sample;
    for (int32_t k = 0; k < sample.n_inputs; k++) {
        rondo_tensor *input = &check->sample.inputs[k];
        for (int32_t d = 0; d < input->ndim; d++) {
            input->shape[d] = input->shape[d] == size ? 0 : input->shape[d];
        }
    }
    const int passed = run_changed(check, "all dimensions of one size 0");
    check->sample = sample;
    return passed;
}

static int bears_nothing(struct op_check *check) {
    const rondo_sample sample = check->sample;
    int passed = 1;
    for (int32_t k = 0; k < sample.n_inputs && passed; k++) {
        for (int32_t d = 0; d < sample.inputs[k].ndim && passed; d++) {
            passed = run_without(check, sample.inputs[k].shape[d]);
            check->sample.inputs[k].shape[d] = 0;
            passed = passed && run_changed(check, "a size of 0");
            check->sample = sample;
        }
    }
    return passed;
}

enum verdict op_check_zero_size(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if (check.op->map != NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "an elementwise op is not called for empty tensors");
    }
    return op_each_case(&check, bears_nothing);
}
