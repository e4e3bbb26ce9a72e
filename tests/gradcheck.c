#include "tests/gradcheck.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/options.h"
#include "core/registry.h"
#include "core/rng.h"
#include "core/tape.h"

/* H: half the distance of the two points of a difference. Truncation grows as its square, rounding as its inverse. */
static const double H = 1e-5, TOLERANCE = 1e-6, F32_TOLERANCE = 1e-4;
/* What stands in a gradient before the backward pass. */
static const double BEFORE = 0.25;

enum { LEAST_SAMPLES = 3, MOST_SAMPLES = 1000, ALL_INPUTS = -1 };

/* One op under check, and the case at hand. */
struct check {
    const rondo_op *op;
    const rondo_op *mul; /* weighs the result */
    struct tape *tape;
    struct arena *arena; /* for the case */
    struct errors errors;
    char *message;
    size_t size;

    int32_t index; /* of the case */
    rondo_sample sample;
    const void *options;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS]; /* f64 or i32 */
    rondo_tensor weights;                     /* f64, of the shape of the result */
};

/* What one pass gives. All are f64. */
struct outcome {
    rondo_tensor result;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS]; /* data NULL where it was not asked for */
};

static int refuse(struct check *check, const char *format, ...) RONDO_PRINTF(2, 3);
static int refuse(struct check *check, const char *format, ...) {
    const int used = snprintf(check->message, check->size, "op '%s', case %d (%s): ", check->op->base.name,
                              (int)check->index, check->sample.options == NULL ? "" : check->sample.options);
    if (used >= 0 && (size_t)used < check->size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(check->message + used, check->size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return 0;
}

static int refuse_errors(struct check *check) {
    return refuse(check, "%s", check->errors.count > 0 ? errors_text(&check->errors, 0) : "failed without a reason");
}

static const rondo_op *find_mul(void) {
    for (int32_t i = 0; builtin_ops[i] != NULL; i++) {
        if (strcmp(builtin_ops[i]->name, "mul") == 0) {
            return (const rondo_op *)(const void *)builtin_ops[i];
        }
    }
    return NULL;
}

/* ---- cases ---- */

/* Cases of an elementwise op: input k takes shape k, and past the third the first again. */
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
        {{0, {0}}, {2, {3, 4}}, {1, {4}}},                /* the first is stretched as well */
        {{2, {3, 1}}, {2, {1, 4}}, {1, {1}}},             /* each along another dimension */
        {{3, {2, 1, 4}}, {2, {3, 1}}, {3, {2, 3, 4}}},    /* in the middle */
        {{3, {2, 0, 3}}, {2, {1, 3}}, {1, {1}}},          /* stretched to nothing */
        {{4, {2, 1, 3, 2}}, {3, {4, 1, 2}}, {2, {3, 1}}}, /* all at once */
        {{2, {7, 50}}, {2, {7, 50}}, {1, {50}}},          /* more than a vector register, and an odd rest */
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

static int32_t next_sample(const rondo_op *op, int32_t index, rondo_sample *sample) {
    *sample = (rondo_sample){0};
    if (op->sample != NULL) {
        return op->sample(index, sample);
    }
    return op->map == NULL ? 0 : elementwise_sample(op, index, sample);
}

/* Of their streams. */
static const char *const input_names[RONDO_SAMPLE_INPUTS] = {"0", "1", "2", "3", "4", "5", "6", "7"};

static int draw(struct check *check, rondo_tensor *tensor, double low, double high, const char *name) {
    if (tensor_alloc(tensor, check->arena, &check->errors) != RONDO_OK) {
        return refuse_errors(check);
    }
    const struct rng_stream stream = rng_substream(rng_stream(1, name), (uint64_t)check->index);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double value = low + (high - low) * rng_uniform(stream, (uint64_t)i);
        tensor_set(tensor, i, tensor->dtype == RONDO_I32 ? floor(value) : value);
    }
    return 1;
}

/* Options and inputs of the case in check->sample. */
static int prepare(struct check *check) {
    const rondo_descriptor *base = &check->op->base;
    const rondo_sample *sample = &check->sample;
    const struct location nowhere = {NULL, 0, 0};
    if (sample->n_inputs < check->op->min_inputs || sample->n_inputs > RONDO_SAMPLE_INPUTS) {
        return refuse(check, "the case has %d inputs", (int)sample->n_inputs);
    }
    arena_reset(check->arena);
    void *options = NULL;
    if (base->options != NULL) {
        options = options_create(base->options, base->options_size, check->arena, &check->errors);
        if (options == NULL) {
            return refuse_errors(check);
        }
    }
    if (options_parse(base->options, options, sample->options, base->name, check->arena, nowhere, &check->errors) !=
        RONDO_OK) {
        return refuse_errors(check);
    }
    check->options = options;
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        check->inputs[k] = sample->inputs[k];
        if (!draw(check, &check->inputs[k], sample->low[k], sample->high[k], input_names[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- one pass ---- */

/* Leaves the memory that the tape will use next full of bits that are not-a-number in f32 and f64: an element that an
 * op forgets to write cannot look right by chance. */
static int soil(struct check *check) {
    enum { BYTES = 1 << 16 };
    tape_reset(check->tape);
    void *memory = arena_alloc(tape_arena(check->tape), BYTES);
    if (memory == NULL) {
        return refuse(check, "out of memory");
    }
    memset(memory, 0xff, BYTES);
    tape_reset(check->tape);
    return 1;
}

/* A copy of `tensor` in `arena` with its floats as `dtype`. */
static int convert(struct check *check, const rondo_tensor *tensor, int32_t dtype, rondo_tensor *copy) {
    *copy = *tensor;
    copy->dtype = tensor->dtype == RONDO_I32 ? RONDO_I32 : dtype;
    if (tensor_alloc(copy, check->arena, &check->errors) != RONDO_OK) {
        return refuse_errors(check);
    }
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(copy, i, tensor_get(tensor, i));
    }
    return 1;
}

/* Applies the op on a fresh tape with floats of `dtype`. Input number `asking` is a parameter, or all floats are. */
static int apply(struct check *check, int32_t dtype, int32_t asking, const rondo_tensor *inputs,
                 rondo_tensor *gradients, rondo_value *result) {
    rondo_value values[RONDO_SAMPLE_INPUTS];
    if (!soil(check)) {
        return 0;
    }
    tape_set_training(check->tape, 1);
    tape_enter(check->tape, "gradcheck", rng_stream(2, "gradcheck"));
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        const int asks = inputs[k].dtype != RONDO_I32 && (asking == ALL_INPUTS || asking == k);
        if (asks) {
            if (!convert(check, &inputs[k], dtype, &gradients[k])) {
                return 0;
            }
            for (int64_t i = 0; i < rondo_count(&inputs[k]); i++) {
                tensor_set(&gradients[k], i, BEFORE);
            }
        }
        values[k] = asks ? tape_parameter(check->tape, "input", &inputs[k], &gradients[k])
                         : tape_constant(check->tape, &inputs[k]);
    }
    *result = tape_apply(check->tape, check->op, check->options, values, check->sample.n_inputs);
    return tape_status(check->tape) == RONDO_OK ? 1 : refuse_errors(check);
}

/* A full pass, forward and backward; its outcome is in f64. */
static int differentiate(struct check *check, int32_t dtype, int32_t asking, struct outcome *outcome) {
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS], weights;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS] = {{0}};
    *outcome = (struct outcome){0};
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        if (!convert(check, &check->inputs[k], dtype, &inputs[k])) {
            return 0;
        }
    }
    rondo_value result;
    if (!apply(check, dtype, asking, inputs, gradients, &result)) {
        return 0;
    }
    if (!convert(check, tape_tensor(check->tape, result), RONDO_F64, &outcome->result) ||
        !convert(check, &check->weights, dtype, &weights)) {
        return 0;
    }
    const rondo_value operands[2] = {result, tape_constant(check->tape, &weights)};
    const rondo_value root = tape_apply(check->tape, check->mul, NULL, operands, 2);
    if (tape_status(check->tape) != RONDO_OK || tape_backward(check->tape, root) != RONDO_OK) {
        return refuse_errors(check);
    }
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        if (gradients[k].data != NULL && !convert(check, &gradients[k], RONDO_F64, &outcome->gradients[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- comparisons ---- */

static double error_of(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}

/* L for the inputs as they are now. */
static int loss(struct check *check, double *sum) {
    rondo_value result;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS];
    const int32_t none = RONDO_SAMPLE_INPUTS;
    if (!apply(check, RONDO_F64, none, check->inputs, gradients, &result)) {
        return 0;
    }
    const rondo_tensor *y = tape_tensor(check->tape, result);
    *sum = 0;
    for (int64_t i = 0; i < rondo_count(y); i++) {
        *sum += tensor_get(y, i) * tensor_get(&check->weights, i);
    }
    return 1;
}

/* Weights of the shape of the result, which is looked at on the way. */
static int weigh(struct check *check) {
    rondo_value result;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS];
    const int32_t none = RONDO_SAMPLE_INPUTS;
    if (!apply(check, RONDO_F64, none, check->inputs, gradients, &result)) {
        return 0;
    }
    const rondo_tensor y = *tape_tensor(check->tape, result);
    for (int64_t i = 0; i < rondo_count(&y); i++) {
        if (!isfinite(tensor_get(&y, i))) {
            return refuse(check, "element %lld of the result is %g: not written, or not finite", (long long)i,
                          tensor_get(&y, i));
        }
    }
    check->weights = tensor_of(RONDO_F64, y.ndim, y.shape);
    return draw(check, &check->weights, -1, 1, "weights");
}

static int compare_with_differences(struct check *check, const struct outcome *outcome) {
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        rondo_tensor *x = &check->inputs[k];
        if (x->dtype == RONDO_I32) {
            continue;
        }
        for (int64_t i = 0; i < rondo_count(x); i++) {
            const double value = tensor_get(x, i);
            double above, below;
            tensor_set(x, i, value + H);
            int ok = loss(check, &above);
            tensor_set(x, i, value - H);
            ok = ok && loss(check, &below);
            tensor_set(x, i, value);
            if (!ok) {
                return 0;
            }
            const double numeric = (above - below) / ((value + H) - (value - H));
            const double tape = tensor_get(&outcome->gradients[k], i) - BEFORE;
            if (!(error_of(tape, numeric) <= TOLERANCE)) {
                return refuse(check, "input %d, element %lld: the gradient is %.9g, the difference %.9g", (int)k,
                              (long long)i, tape, numeric);
            }
        }
    }
    return 1;
}

static int compare_alone(struct check *check, const struct outcome *all) {
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        if (check->inputs[k].dtype == RONDO_I32) {
            continue;
        }
        struct outcome alone;
        if (!differentiate(check, RONDO_F64, k, &alone)) {
            return 0;
        }
        if (tensor_bytes(&alone.gradients[k]) > 0 &&
            memcmp(alone.gradients[k].data, all->gradients[k].data, tensor_bytes(&alone.gradients[k])) != 0) {
            return refuse(check, "input %d: the gradient differs where it alone is asked for", (int)k);
        }
    }
    return 1;
}

static int compare_near(struct check *check, const char *what, const rondo_tensor *f32, const rondo_tensor *f64) {
    for (int64_t i = 0; f64->data != NULL && i < rondo_count(f64); i++) {
        if (!(error_of(tensor_get(f32, i), tensor_get(f64, i)) <= F32_TOLERANCE)) {
            return refuse(check, "%s, element %lld: %.9g in f32, %.9g in f64", what, (long long)i, tensor_get(f32, i),
                          tensor_get(f64, i));
        }
    }
    return 1;
}

static int compare_with_f32(struct check *check, const struct outcome *f64) {
    struct outcome f32;
    if (!differentiate(check, RONDO_F32, ALL_INPUTS, &f32) ||
        !compare_near(check, "the result", &f32.result, &f64->result)) {
        return 0;
    }
    for (int32_t k = 0; k < check->sample.n_inputs; k++) {
        if (!compare_near(check, "a gradient", &f32.gradients[k], &f64->gradients[k])) {
            return 0;
        }
    }
    return 1;
}

/* ---- what map_grad says that it reads ---- */

enum { READ_ELEMENTS = 67 }; /* whole vector registers and an odd rest */

/* A run of elements for map and map_grad. */
struct map_run {
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS], output, grad_output, grad_input;
};

static int new_run(struct check *check, int32_t dtype, struct map_run *run) {
    const int32_t n_inputs = check->sample.n_inputs;
    int ok = 1;
    for (int32_t k = 0; ok && k < n_inputs; k++) {
        run->inputs[k] = tensor_1d(dtype, READ_ELEMENTS, NULL);
        ok = draw(check, &run->inputs[k], check->sample.low[k], check->sample.high[k], input_names[k]);
    }
    rondo_tensor *const others[] = {&run->output, &run->grad_output, &run->grad_input};
    for (int i = 0; ok && i < 3; i++) {
        *others[i] = tensor_1d(dtype, READ_ELEMENTS, NULL);
        ok = draw(check, others[i], -1, 1, "map_grad");
    }
    return ok;
}

static void fill_with_nan(const rondo_tensor *tensor) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, NAN);
    }
}

/* Writes the gradient of input k alone. */
static void run_map_grad(const struct check *check, const struct map_run *run, int32_t k) {
    const void *in[RONDO_SAMPLE_INPUTS] = {NULL};
    void *grad_in[RONDO_SAMPLE_INPUTS] = {NULL};
    for (int32_t i = 0; i < check->sample.n_inputs; i++) {
        in[i] = run->inputs[i].data;
    }
    fill_with_nan(&run->grad_input);
    grad_in[k] = run->grad_input.data;
    check->op->map_grad(check->options, run->grad_input.dtype, READ_ELEMENTS, in, run->output.data,
                        run->grad_output.data, grad_in);
}

/* The gradient of input k is the same bits where all that it is not said to read is not-a-number. */
static int check_reads_of(struct check *check, int32_t dtype, int32_t k) {
    const uint16_t reads = check->op->map_grad_reads[k];
    const void *in[RONDO_SAMPLE_INPUTS] = {NULL};
    unsigned char expected[READ_ELEMENTS * sizeof(double)];
    struct map_run run = {0};
    if ((reads & RONDO_READS_NOTHING) != 0 && reads != RONDO_READS_NOTHING) {
        return refuse(check, "map_grad_reads[%d] says both nothing and something", (int)k);
    }
    if (!new_run(check, dtype, &run)) {
        return 0;
    }
    for (int32_t i = 0; i < check->sample.n_inputs; i++) {
        in[i] = run.inputs[i].data;
    }
    check->op->map(check->options, dtype, READ_ELEMENTS, in, run.output.data);
    run_map_grad(check, &run, k);
    memcpy(expected, run.grad_input.data, tensor_bytes(&run.grad_input));
    for (int32_t i = 0; i < check->sample.n_inputs; i++) {
        if ((reads & RONDO_READS_INPUT(i)) == 0) {
            fill_with_nan(&run.inputs[i]);
        }
    }
    if ((reads & RONDO_READS_OUTPUT) == 0) {
        fill_with_nan(&run.output);
    }
    run_map_grad(check, &run, k);
    if (memcmp(expected, run.grad_input.data, tensor_bytes(&run.grad_input)) != 0) {
        return refuse(check, "input %d: map_grad reads more than map_grad_reads says (%s)", (int)k, dtype_name(dtype));
    }
    return 1;
}

static int check_reads(struct check *check) {
    for (int32_t k = 0; check->op->map_grad != NULL && k < check->sample.n_inputs; k++) {
        const int is_said = check->op->map_grad_reads[k] != 0;
        if (is_said && (!check_reads_of(check, RONDO_F32, k) || !check_reads_of(check, RONDO_F64, k))) {
            return 0;
        }
    }
    return 1;
}

static int check_case(struct check *check) {
    struct outcome all;
    if (!prepare(check) || !weigh(check)) {
        return 0;
    }
    if (check->op->flags & RONDO_OP_NO_GRADIENT) {
        return 1;
    }
    return differentiate(check, RONDO_F64, ALL_INPUTS, &all) && compare_with_differences(check, &all) &&
           compare_alone(check, &all) && compare_with_f32(check, &all) && check_reads(check);
}

static int check_cases(struct check *check) {
    const rondo_op *op = check->op;
    const int has_gradient = op->map != NULL ? op->map_grad != NULL : op->backward != NULL;
    if (!has_gradient && !(op->flags & RONDO_OP_NO_GRADIENT)) {
        return refuse(check, "no gradient, and no RONDO_OP_NO_GRADIENT either");
    }
    if (op->sample == NULL && op->map == NULL) {
        return refuse(check, "no samples");
    }
    for (; check->index < MOST_SAMPLES && next_sample(op, check->index, &check->sample); check->index++) {
        if (!check_case(check)) {
            return 0;
        }
    }
    if (check->index < LEAST_SAMPLES) {
        return refuse(check, "only %d samples, expected %d or more", (int)check->index, (int)LEAST_SAMPLES);
    }
    return check->index < MOST_SAMPLES || refuse(check, "samples have no end");
}

int gradcheck_op(const rondo_op *op, char *message, size_t size) {
    struct check check = {.op = op, .mul = find_mul(), .message = message, .size = size, .arena = arena_create()};
    const struct tape_settings settings = {.errors = &check.errors};
    check.tape = tape_create(&settings);
    const int passed = check.mul == NULL                           ? refuse(&check, "there is no op 'mul'")
                       : check.arena == NULL || check.tape == NULL ? refuse(&check, "out of memory")
                                                                   : check_cases(&check);
    tape_destroy(check.tape);
    arena_destroy(check.arena);
    errors_free(&check.errors);
    return passed;
}
