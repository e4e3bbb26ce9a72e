/* kit/op_accumulate.c: gradients are added to what stands there, and each is the same whichever others are asked for.
 */
#include "core/tensor.h"
#include "kit/op_check.h"

/* ---- adding ---- */

/* What stood in the gradients: zeros; numbers; what the pass over those numbers left. */
enum stage { FROM_ZERO, FROM_NUMBERS, FROM_ITSELF, STAGES };

/* Every gradient after each stage, in f64. */
struct stages {
    double *numbers[STAGES][RONDO_SAMPLE_INPUTS];
};

static int run_stage(struct op_check *check, struct op_run *run, enum stage stage, struct stages *stages) {
    const uint32_t asked = op_run_gradients(run);
    int is_honest;
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        const rondo_tensor *gradient = &run->gradients[k];
        const int64_t count = gradient->data == NULL ? 0 : rondo_count(gradient);
        if (stage == FROM_NUMBERS) {
            op_run_reset_gradient(run, k);
        }
        for (int64_t i = 0; stage == FROM_ZERO && i < count; i++) {
            tensor_set(gradient, i, 0);
        }
    }
    const rondo_status status = op_run_backward_status(run, asked, &is_honest);
    if (status != RONDO_OK) {
        return is_honest ? op_refuse(check, "backward failed: %s", errors_text(&run->errors, 0)) : 0;
    }
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        const rondo_tensor *gradient = &run->gradients[k];
        const int64_t count = gradient->data == NULL ? 0 : rondo_count(gradient);
        double *numbers = arena_calloc(check->kit->arena, (size_t)count + 1, sizeof *numbers);
        if (numbers == NULL) {
            return op_refuse(check, "out of memory");
        }
        for (int64_t i = 0; i < count; i++) {
            numbers[i] = tensor_get(gradient, i);
        }
        stages->numbers[stage][k] = numbers;
    }
    return is_honest;
}

/* With g = dL/dx: g; b + g where b stood; b + 2 g after a second pass. Sums may be taken in another order, so to
 * rounding: of what an op adds up in f32, 1 part in 10^4. */
static int compare_stages(struct op_check *check, const struct op_run *run, const struct stages *stages, int32_t k) {
    const double tolerance = run->settings.dtype == RONDO_F32 ? 1e-4 : 1e-9;
    const int64_t count = run->gradients[k].data == NULL ? 0 : rondo_count(&run->gradients[k]);
    for (int64_t i = 0; i < count; i++) {
        const double g = stages->numbers[FROM_ZERO][k][i], before = op_before(i);
        const double once = stages->numbers[FROM_NUMBERS][k][i], twice = stages->numbers[FROM_ITSELF][k][i];
        if (!(op_error(once, before + g) <= tolerance)) {
            return op_refuse(check,
                             "gradient of input %d, element %lld: %.9g where %.9g stood, expected %.9g added to it",
                             (int)k, (long long)i, once, before, g);
        }
        if (!(op_error(twice, once + g) <= tolerance)) {
            return op_refuse(check, "gradient of input %d, element %lld: %.9g after a second pass, expected %.9g",
                             (int)k, (long long)i, twice, once + g);
        }
    }
    return 1;
}

static int adds(struct op_check *check, struct op_run *run) {
    struct stages stages;
    int passed = op_run_forward(run);
    for (enum stage stage = FROM_ZERO; stage < STAGES && passed; stage++) {
        passed = run_stage(check, run, stage, &stages);
    }
    for (int32_t k = 0; k < run->call.n_inputs && passed; k++) {
        passed = compare_stages(check, run, &stages, k);
    }
    return passed;
}

enum verdict op_check_gradient_adds(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    if (check.op->map != NULL) {
        return kit_say(reason, size, VERDICT_SKIPPED, "the host adds up the gradients of an elementwise op");
    }
    if (check.op->backward == NULL) {
        return kit_say(reason, size, VERDICT_SKIPPED, "the op has no gradient");
    }
    return op_each_run(&check, adds);
}

/* ---- one at a time ---- */

/* Each gradient alone, and all but that one. */
static int same_alone(struct op_check *check, struct op_run *run) {
    const uint32_t all = op_run_gradients(run);
    struct op_run other;
    int passed = op_run_open(check, run->settings, &other);
    passed = passed && op_run_both(run) && op_run_forward(&other);
    for (int32_t k = 0; k < run->call.n_inputs && passed; k++) {
        const uint32_t alone = all & 1u << k, rest = all & ~alone;
        if (alone != 0 && rest != 0) {
            passed = op_run_backward(&other, alone) &&
                     op_same_runs(check, run, &other, alone, "where it alone is asked for") &&
                     op_run_backward(&other, rest) &&
                     op_same_runs(check, run, &other, rest, "where another is not asked for");
        }
    }
    op_run_close(&other);
    return passed;
}

enum verdict op_check_one_gradient(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    if (check.op->map == NULL ? check.op->backward == NULL : check.op->map_grad == NULL) {
        return kit_say(reason, size, VERDICT_SKIPPED, "the op has no gradient");
    }
    return op_each_run(&check, same_alone);
}
