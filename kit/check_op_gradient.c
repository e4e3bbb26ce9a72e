/* kit/check_op_gradient.c: the gradient of an op against central differences, and f32 against f64.
 *
 * For each case L = sum(w * op(inputs)) with random w. The gradient of the tape is compared, for every element of every
 * float input, with the central difference (L(x + h) - L(x - h)) / 2h in f64.
 *
 * The error of a gradient a against its difference n is |a - n| / max(1, |a|, |n|): relative where gradients are large,
 * absolute where they are small. A difference has few correct digits for a gradient near 0, because cancellation causes
 * an error of about 1e-16 |L| / h = 1e-11 |L|, whatever the size of the gradient. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/registry.h"
#include "core/rng.h"
#include "core/tape.h"
#include "kit/check_op.h"

/* H: half the distance between the two points of a difference. The truncation error grows with its square, the rounding
 * error with its inverse. */
static const double H = 1e-5, TOLERANCE = 1e-6, F32_TOLERANCE = 1e-4;
enum { FEW = 24 }; /* elements of an input that are compared with each further value of an option */

/* The case on a tape. */
struct differentiation {
    struct op_check *check;
    const rondo_op *mul; /* multiplies the result by the weights */
    struct tape *tape;
    struct arena *arena; /* memory for the case */
    struct errors errors;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS]; /* f64 or i32 */
    struct op_places places;                  /* of the sequences of an op that looks along them */
    rondo_tensor weights;                     /* f64, of the shape of the result */
    int is_float;                             /* 1: the result is a float */
    int is_refused;                           /* 1: the op refuses the options, which are not those of the case */
    double magnitude;                         /* magnitude of L: the sum of |w y| */
    double worst;                             /* largest error of a gradient so far */
};

/* The results of one pass, in f64. */
struct differentiated {
    rondo_tensor result;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS]; /* data is NULL if the input has no gradient */
};

/* 1 if an option has another value than in the case. */
static int has_values(const struct differentiation *pass) {
    return pass->check->trial.values[0] != NULL;
}

/* The op may refuse options that are not those of the case. */
static int refuse_errors(struct differentiation *pass) {
    const rondo_status status = pass->errors.status;
    if (has_values(pass) && (status == RONDO_INVALID || status == RONDO_NOT_FINITE)) {
        pass->is_refused = 1;
        return 0;
    }
    return op_refuse(pass->check, "%s",
                     pass->errors.count > 0 ? errors_text(&pass->errors, 0) : "failed without a reason");
}

static int draw(struct differentiation *pass, rondo_tensor *tensor, const rondo_rows *rows, double low, double high,
                const char *what) {
    if (tensor_alloc(tensor, pass->arena, &pass->errors) != RONDO_OK) {
        return refuse_errors(pass);
    }
    op_draw(pass->check, tensor, rows, low, high, what, 0);
    return 1;
}

static int draw_inputs(struct differentiation *pass) {
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    const struct op_check *check = pass->check;
    const rondo_sample *sample = &check->sample;
    memcpy(pass->inputs, sample->inputs, sizeof pass->inputs);
    if (check->lengths.count > 0) {
        op_places_make(&pass->places, &check->lengths, check->arrangement, pass->inputs);
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        if (!draw(pass, &pass->inputs[k], pass->places.list[k], sample->low[k], sample->high[k], names[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- one pass ---- */

/* Fills the memory that the tape will use next with not-a-number (in f32 and f64), so that an element that the op does
 * not write is not right by chance. */
static int poison_tape(struct differentiation *pass) {
    enum { BYTES = 1 << 16 };
    tape_reset(pass->tape);
    void *memory = arena_alloc(tape_arena(pass->tape), BYTES);
    if (memory == NULL) {
        return op_refuse(pass->check, "out of memory");
    }
    memset(memory, 0xff, BYTES);
    tape_reset(pass->tape);
    return 1;
}

/* A copy of `tensor` in the arena; floats are converted to `dtype`. */
static int convert(struct differentiation *pass, const rondo_tensor *tensor, int32_t dtype, rondo_tensor *copy) {
    *copy = *tensor;
    copy->dtype = tensor->dtype == RONDO_I32 ? RONDO_I32 : dtype;
    if (tensor_alloc(copy, pass->arena, &pass->errors) != RONDO_OK) {
        return refuse_errors(pass);
    }
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(copy, i, tensor_get(tensor, i));
    }
    return 1;
}

/* Applies the op on a fresh tape with floats of `dtype`; all of them are parameters if `gradients` is not NULL. */
static int apply(struct differentiation *pass, int32_t dtype, const rondo_tensor *inputs, rondo_tensor *gradients,
                 rondo_value *result) {
    const struct op_check *check = pass->check;
    rondo_value values[RONDO_SAMPLE_INPUTS];
    if (!poison_tape(pass)) {
        return 0;
    }
    tape_set_training(pass->tape, 1);
    tape_enter(pass->tape, "gradient", rng_stream(check->trial.kit->seed, "gradient"));
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        const int asks = gradients != NULL && inputs[k].dtype != RONDO_I32;
        if (asks && !convert(pass, &inputs[k], dtype, &gradients[k])) {
            return 0;
        }
        for (int64_t i = 0; asks && i < rondo_count(&inputs[k]); i++) {
            tensor_set(&gradients[k], i, 0);
        }
        values[k] = asks ? tape_parameter(pass->tape, "input", &inputs[k], &gradients[k])
                         : tape_constant(pass->tape, &inputs[k]);
    }
    *result = tape_apply_rows(pass->tape, check->op, check->options, values, check->sample.n_inputs, pass->places.list);
    return tape_status(pass->tape) == RONDO_OK ? 1 : refuse_errors(pass);
}

/* A pass forward and backward; its results are converted to f64. */
static int differentiate(struct differentiation *pass, int32_t dtype, struct differentiated *outcome) {
    const int32_t n_inputs = pass->check->sample.n_inputs;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS], weights;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS] = {{0}};
    *outcome = (struct differentiated){0};
    for (int32_t k = 0; k < n_inputs; k++) {
        if (!convert(pass, &pass->inputs[k], dtype, &inputs[k])) {
            return 0;
        }
    }
    rondo_value result;
    if (!apply(pass, dtype, inputs, gradients, &result)) {
        return 0;
    }
    if (!convert(pass, tape_tensor(pass->tape, result), RONDO_F64, &outcome->result) ||
        !convert(pass, &pass->weights, dtype, &weights)) {
        return 0;
    }
    const rondo_value operands[2] = {result, tape_constant(pass->tape, &weights)};
    const rondo_value root = tape_apply(pass->tape, pass->mul, NULL, operands, 2);
    if (tape_status(pass->tape) != RONDO_OK || tape_backward(pass->tape, root) != RONDO_OK) {
        return refuse_errors(pass);
    }
    for (int32_t k = 0; k < n_inputs; k++) {
        if (gradients[k].data != NULL && !convert(pass, &gradients[k], RONDO_F64, &outcome->gradients[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- comparisons ---- */

/* L for the inputs as they are now. */
static int loss(struct differentiation *pass, double *sum) {
    rondo_value result;
    if (!apply(pass, RONDO_F64, pass->inputs, NULL, &result)) {
        return 0;
    }
    const rondo_tensor *y = tape_tensor(pass->tape, result);
    *sum = pass->magnitude = 0;
    for (int64_t i = 0; i < rondo_count(y); i++) {
        if (!op_rows_contain(pass->places.list[0], y, i)) {
            continue;
        }
        const double term = tensor_get(y, i) * tensor_get(&pass->weights, i);
        *sum += term;
        pass->magnitude += fabs(term);
    }
    return 1;
}

/* Weights of the shape of the result. */
static int weigh(struct differentiation *pass) {
    rondo_value result;
    if (!apply(pass, RONDO_F64, pass->inputs, NULL, &result)) {
        return 0;
    }
    const rondo_tensor *y = tape_tensor(pass->tape, result);
    pass->is_float = y->dtype != RONDO_I32;
    pass->weights = tensor_of(RONDO_F64, y->ndim, y->shape);
    return draw(pass, &pass->weights, pass->places.list[0], -1, 1, "weights");
}

/* (L(x + h) - L(x - h)) / 2h, with h added to element i. */
static int difference(struct differentiation *pass, const rondo_tensor *x, int64_t i, double h, double *numeric) {
    const double value = tensor_get(x, i);
    double above, below;
    tensor_set(x, i, value + h);
    int ok = loss(pass, &above);
    tensor_set(x, i, value - h);
    ok = ok && loss(pass, &below);
    tensor_set(x, i, value);
    *numeric = ok ? (above - below) / ((value + h) - (value - h)) : 0;
    return ok;
}

/* The interval of inputs fits the options of the case. With other options it may contain poles and steep places, where
 * a difference is inaccurate. So an error is reported only if two differences of different width agree, and if it is
 * larger than rounding. Values that are not finite at an end of a range are left to the check options_ends. */
static int is_trusted(struct differentiation *pass, const rondo_tensor *x, int64_t i, double found, double numeric) {
    double narrow;
    if (!isfinite(numeric) || (!isfinite(found) && pass->check->trial.values[0]->is_end) ||
        !difference(pass, x, i, H / 4, &narrow)) {
        return 0;
    }
    const double rounding = 10 * DBL_EPSILON * pass->magnitude / (H / 4), error = fabs(found - numeric);
    return isfinite(narrow) && !(error <= rounding) && !(fabs(narrow - numeric) > 0.1 * error);
}

static int compare_element(struct differentiation *pass, const struct differentiated *outcome, int32_t k, int64_t i) {
    const rondo_tensor *x = &pass->inputs[k];
    double numeric;
    if (!op_rows_contain(pass->places.list[k], x, i)) {
        return 1; /* the check `sequences` looks at it */
    }
    if (!difference(pass, x, i, H, &numeric)) {
        return 0;
    }
    const double found = tensor_get(&outcome->gradients[k], i), error = op_error(found, numeric);
    if (error <= TOLERANCE) {
        pass->worst = fmax(pass->worst, error);
        return 1;
    }
    if (has_values(pass) && !is_trusted(pass, x, i, found, numeric)) {
        return !pass->is_refused;
    }
    return op_refuse(pass->check, "input %d, element %lld: the gradient is %.9g, the difference %.9g", (int)k,
                     (long long)i, found, numeric);
}

/* Compares all elements; with options that are not those of the case, only some evenly spaced ones. */
static int compare_with_differences(struct differentiation *pass, const struct differentiated *outcome) {
    for (int32_t k = 0; k < pass->check->sample.n_inputs; k++) {
        const int64_t count = pass->inputs[k].dtype == RONDO_I32 ? 0 : rondo_count(&pass->inputs[k]);
        for (int64_t i = 0; i < count; i += has_values(pass) ? 1 + count / FEW : 1) {
            if (!compare_element(pass, outcome, k, i)) {
                return 0;
            }
        }
    }
    return 1;
}

static int compare_near(struct differentiation *pass, const char *what, const rondo_rows *rows, const rondo_tensor *f32,
                        const rondo_tensor *f64) {
    for (int64_t i = 0; f64->data != NULL && i < rondo_count(f64); i++) {
        if (!op_rows_contain(rows, f64, i) || (has_values(pass) && !isfinite(tensor_get(f64, i)))) {
            continue; /* in no sequence, or outside the domain that the option allows */
        }
        if (!(op_error(tensor_get(f32, i), tensor_get(f64, i)) <= F32_TOLERANCE)) {
            return op_refuse(pass->check, "%s, element %lld: %.9g in f32, %.9g in f64", what, (long long)i,
                             tensor_get(f32, i), tensor_get(f64, i));
        }
    }
    return 1;
}

static int compare_with_f32(struct differentiation *pass, const struct differentiated *f64) {
    struct differentiated f32;
    if (!differentiate(pass, RONDO_F32, &f32) ||
        !compare_near(pass, "output", pass->places.list[0], &f32.result, &f64->result)) {
        return 0;
    }
    for (int32_t k = 0; k < pass->check->sample.n_inputs; k++) {
        if (!compare_near(pass, "a gradient", pass->places.list[k], &f32.gradients[k], &f64->gradients[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- the check ---- */

/* For an op without a gradient, only f32 is compared with f64. For an integer result, such as indices, neither
 * comparison is made. */
static int check_trial(struct differentiation *pass) {
    struct differentiated all;
    if (!draw_inputs(pass) || !weigh(pass)) {
        return 0;
    }
    if (!pass->is_float) {
        return 1;
    }
    if (!differentiate(pass, RONDO_F64, &all)) {
        return 0;
    }
    const int has_gradient = (pass->check->op->flags & RONDO_OP_NO_GRADIENT) == 0;
    const int is_at_end =
        has_values(pass) && pass->check->trial.values[0]->is_end; /* f32 may have no correct digits there */
    return (!has_gradient || compare_with_differences(pass, &all)) && (is_at_end || compare_with_f32(pass, &all));
}

static int check_case(struct op_check *check) {
    struct differentiation pass = {
        .check = check, .mul = registry_op(check->trial.kit->registry, "mul"), .arena = arena_create()};
    const struct tape_settings settings = {.registry = check->trial.kit->registry, .errors = &pass.errors};
    pass.tape = tape_create(&settings);
    const int passed = pass.mul == NULL                          ? op_refuse(check, "there is no op 'mul'")
                       : pass.arena == NULL || pass.tape == NULL ? op_refuse(check, "out of memory")
                                                                 : check_trial(&pass) || pass.is_refused;
    check->worst = fmax(check->worst, pass.worst);
    tape_destroy(pass.tape);
    arena_destroy(pass.arena);
    errors_free(&pass.errors);
    return passed;
}

enum verdict op_check_gradient(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    const rondo_op *op = check.op;
    const int has_gradient = op->map != NULL ? op->map_grad != NULL : op->backward != NULL;
    if (!has_gradient && (op->flags & RONDO_OP_NO_GRADIENT) == 0) {
        return trial_say(trial, VERDICT_FAIL, "there is no gradient, and RONDO_OP_NO_GRADIENT is not set");
    }
    enum verdict verdict = op_each_case(&check, check_case);
    struct option_setting value;
    for (int32_t i = 0; verdict == VERDICT_PASS && option_moderate(op->base.options, trial->kit->seed, i, &value);
         i++) {
        check.trial.values[0] = &value;
        verdict = option_is_parsed(trial, &value) ? op_each_case(&check, check_case) : VERDICT_PASS;
    }
    return verdict == VERDICT_PASS && has_gradient ? trial_say(trial, VERDICT_PASS, "worst %.1e", check.worst)
                                                   : verdict;
}

static int is_finite(struct op_check *check, struct op_fixture *fixture) {
    if (!op_fixture_both(fixture)) {
        return 0;
    }
    const rondo_tensor *tensors[RONDO_SAMPLE_INPUTS + 1] = {&fixture->call.output};
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        tensors[k + 1] = &fixture->gradients[k];
    }
    for (int32_t t = 0; t <= fixture->call.n_inputs; t++) {
        const int64_t count = tensors[t]->data == NULL ? 0 : rondo_count(tensors[t]);
        for (int64_t i = 0; i < count; i++) {
            const double value = tensor_get(tensors[t], i);
            if (!isfinite(value) && t == 0) {
                return op_refuse(check, "output, element %lld is %g", (long long)i, value);
            }
            if (!isfinite(value)) {
                return op_refuse(check, "gradient of input %d, element %lld is %g", (int)(t - 1), (long long)i, value);
            }
        }
    }
    return 1;
}

enum verdict op_check_finite(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    return op_each_run(&check, is_finite);
}
