/* kit/check_op_accumulate.c: gradients are added to the previous contents, and each is the same whichever other
 * gradients are requested. */
#include "core/tensor.h"
#include "kit/check_op.h"

/* ---- adding ---- */

/* What the gradients contain before a pass: zeros; numbers; the result of the pass that began with these numbers. */
enum adding_stage { FROM_ZERO, FROM_NUMBERS, FROM_ITSELF, STAGES };

/* Every gradient after each stage, in f64. */
struct adding_stages {
    double *numbers[STAGES][RONDO_SAMPLE_INPUTS];
};

static int run_stage(struct op_check *check, struct op_fixture *fixture, enum adding_stage stage,
                     struct adding_stages *stages) {
    const uint32_t asked = op_fixture_gradients(fixture);
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        const rondo_tensor *gradient = &fixture->gradients[k];
        const int64_t count = gradient->data == NULL ? 0 : rondo_count(gradient);
        if (stage == FROM_NUMBERS) {
            op_fixture_reset_gradient(fixture, k);
        }
        for (int64_t i = 0; stage == FROM_ZERO && i < count; i++) {
            tensor_set(gradient, i, 0);
        }
    }
    if (op_fixture_backward_status(fixture, asked) != RONDO_OK) {
        subject_failed(&check->trial, &fixture->subject);
        return 0;
    }
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        const rondo_tensor *gradient = &fixture->gradients[k];
        const int64_t count = gradient->data == NULL ? 0 : rondo_count(gradient);
        double *numbers = arena_calloc(check->trial.kit->arena, (size_t)count + 1, sizeof *numbers);
        if (numbers == NULL) {
            return op_refuse(check, "out of memory");
        }
        for (int64_t i = 0; i < count; i++) {
            numbers[i] = tensor_get(gradient, i);
        }
        stages->numbers[stage][k] = numbers;
    }
    return 1;
}

/* With g = dL/dx, the results must be g after a pass that begins with 0, b + g after one that begins with b, and b + 2
 * g after a second one. Sums may be added in another order, so the comparison allows for rounding: in f32, 1 part in
 * 10^4. */
static int compare_stages(struct op_check *check, const struct op_fixture *fixture, const struct adding_stages *stages,
                          int32_t k) {
    const double tolerance = fixture->settings.dtype == RONDO_F32 ? 1e-4 : 1e-9;
    const int64_t count = fixture->gradients[k].data == NULL ? 0 : rondo_count(&fixture->gradients[k]);
    for (int64_t i = 0; i < count; i++) {
        const double g = stages->numbers[FROM_ZERO][k][i], before = op_before(fixture, k, i);
        const double once = stages->numbers[FROM_NUMBERS][k][i], twice = stages->numbers[FROM_ITSELF][k][i];
        if (!(op_error(once, before + g) <= tolerance)) {
            return op_refuse(check, "gradient of input %d, element %lld: %.9g, expected the previous %.9g plus %.9g",
                             (int)k, (long long)i, once, before, g);
        }
        if (!(op_error(twice, once + g) <= tolerance)) {
            return op_refuse(check, "gradient of input %d, element %lld: %.9g after a second pass, expected %.9g",
                             (int)k, (long long)i, twice, once + g);
        }
    }
    return 1;
}

static int adds(struct op_check *check, struct op_fixture *fixture) {
    struct adding_stages stages;
    int passed = op_fixture_forward(fixture);
    for (enum adding_stage stage = FROM_ZERO; stage < STAGES && passed; stage++) {
        passed = run_stage(check, fixture, stage, &stages);
    }
    for (int32_t k = 0; k < fixture->call.n_inputs && passed; k++) {
        passed = compare_stages(check, fixture, &stages, k);
    }
    return passed;
}

enum verdict op_check_gradient_adds(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if (check.op->map != NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the host adds up the gradients of an elementwise op");
    }
    if (check.op->backward == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the op has no gradient");
    }
    return op_each_run(&check, adds);
}

/* ---- one at a time ---- */

/* Requests only one gradient, then all but that one. */
static int same_alone(struct op_check *check, struct op_fixture *fixture) {
    const uint32_t all = op_fixture_gradients(fixture);
    struct op_fixture other;
    int passed = op_fixture_open(check, fixture->settings, &other);
    passed = passed && op_fixture_both(fixture) && op_fixture_forward(&other);
    for (int32_t k = 0; k < fixture->call.n_inputs && passed; k++) {
        const uint32_t alone = all & 1u << k, rest = all & ~alone;
        if (alone != 0 && rest != 0) {
            passed = op_fixture_backward(&other, alone) &&
                     op_same_runs(check, fixture, &other, alone, "if only this gradient is requested") &&
                     op_fixture_backward(&other, rest) &&
                     op_same_runs(check, fixture, &other, rest, "if another gradient is not requested");
        }
    }
    op_fixture_close(&other);
    return passed;
}

enum verdict op_check_one_gradient(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if (check.op->map == NULL ? check.op->backward == NULL : check.op->map_grad == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the op has no gradient");
    }
    return op_each_run(&check, same_alone);
}
