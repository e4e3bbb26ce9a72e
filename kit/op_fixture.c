/* kit/op_fixture.c: one application of an op, without a tape. */
#include "kit/op_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/infer.h"
#include "core/rng.h"
#include "core/tensor.h"

/* The names of buffers in messages, and of the random streams that fill inputs. */
static const char *const input_names[] = {"input 0", "input 1", "input 2", "input 3",
                                          "input 4", "input 5", "input 6", "input 7"};
static const char *const gradient_names[] = {"gradient of input 0", "gradient of input 1", "gradient of input 2",
                                             "gradient of input 3", "gradient of input 4", "gradient of input 5",
                                             "gradient of input 6", "gradient of input 7"};

static const char *const begin_names[] = {"begin of input 0", "begin of input 1", "begin of input 2",
                                          "begin of input 3", "begin of input 4", "begin of input 5",
                                          "begin of input 6", "begin of input 7"};
static const char *const length_names[] = {"length of input 0", "length of input 1", "length of input 2",
                                           "length of input 3", "length of input 4", "length of input 5",
                                           "length of input 6", "length of input 7"};

static int is_elementwise(const struct op_fixture *fixture) {
    return fixture->check->op->map != NULL;
}

/* Fills memory that the op must write before it reads it. */
static void fill_unwritten(struct op_fixture *fixture, void *data, size_t bytes) {
    if (data != NULL && bytes > 0 && fixture->settings.is_clean) {
        memset(data, 0, bytes);
    } else if (data != NULL && bytes > 0) {
        guard_poison(fixture->subject.guard, data);
    }
}

/* ---- what checks of ops share ---- */

int op_refuse(const struct op_check *check, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    trial_say_list(&check->trial, VERDICT_FAIL, format, arguments);
    va_end(arguments);
    return 0;
}

void op_draw(const struct op_check *check, const rondo_tensor *tensor, const rondo_rows *rows, double low, double high,
             const char *what, uint64_t variant) {
    struct rng_stream stream = rng_stream(check->trial.kit->seed, what);
    stream = rng_substream(rng_substream(stream, (uint64_t)check->trial.index + 1), variant);
    const int64_t all = 0, first = tensor->ndim > 0 ? tensor->shape[0] : 1;
    const rondo_rows whole = {.count = 1, .begin = &all, .length = &first};
    const int64_t width = first == 0 ? 0 : rondo_count(tensor) / first;
    const rondo_rows *parts = rows == NULL ? &whole : rows;
    for (int64_t s = 0, number = 0; s < parts->count; s++) {
        for (int64_t i = 0; i < parts->length[s] * width; i++, number++) {
            const double value = low + (high - low) * rng_uniform(stream, (uint64_t)number);
            tensor_set(tensor, parts->begin[s] * width + i, tensor->dtype == RONDO_I32 ? floor(value) : value);
        }
    }
    op_fill_outside(rows, tensor, NAN);
}

double op_error(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}

/* ---- calls ---- */

static void begin_call(struct op_fixture *fixture, struct subject_call *call, const char *function) {
    const struct op_check *check = fixture->check;
    const struct rng_stream stream = rng_stream(check->trial.kit->seed, "op");
    errors_free(&fixture->subject.errors);
    subject_begin(&fixture->subject, call, function);
    call->host.stream =
        rng_substream(rng_substream(stream, (uint64_t)check->trial.index + 1), fixture->settings.stream);
    subject_reads(call, "options", fixture->subject.options, check->op->base.options_size);
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        subject_reads_tensor(call, input_names[k], &fixture->inputs[k]);
        if (fixture->places.list[k] != NULL) {
            const rondo_rows *rows = fixture->places.list[k];
            subject_reads(call, begin_names[k], rows->begin, sizeof *rows->begin * (size_t)rows->count);
            subject_reads(call, length_names[k], rows->length, sizeof *rows->length * (size_t)rows->count);
        }
    }
}

/* 1 if the call succeeded, or refused and was allowed to; 0 with the reason. */
static int must_succeed(struct op_fixture *fixture, rondo_status status) {
    struct subject *subject = &fixture->subject;
    if (status == RONDO_OK) {
        return 1;
    }
    if (subject_judge_answers(&fixture->check->trial, subject) != VERDICT_PASS) {
        return 0;
    }
    if (fixture->settings.may_refuse) {
        subject->is_idle = 1;
        return 1;
    }
    subject_failed(&fixture->check->trial, subject);
    return 0;
}

/* ---- opening ---- */

/* An elementwise op gets one run with the number of elements of the output. */
static int flatten(struct op_fixture *fixture) {
    struct op_check *check = fixture->check;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        if (fixture->inputs[k].dtype != fixture->settings.dtype) {
            return op_refuse(check, "input %d of an elementwise op is not a float", (int)k);
        }
    }
    rondo_tensor flat = tensor_1d(fixture->settings.dtype, rondo_count(&fixture->call.output), NULL);
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        fixture->inputs[k] = flat;
    }
    fixture->call.output = flat;
    return 1;
}

/* Calls the op's infer, which must give a reason if it refuses, and then infer_output, which also validates the
 * result. */
static int infer(struct op_fixture *fixture) {
    const struct op_check *check = fixture->check;
    struct errors *errors = &fixture->subject.errors;
    if (!is_elementwise(fixture)) {
        const rondo_status status = op_fixture_infer(fixture);
        if (!must_succeed(fixture, status) || fixture->subject.is_idle) {
            return fixture->subject.is_idle;
        }
        errors_free(errors);
    }
    struct host_call host =
        kit_host_call(fixture->subject.kit, fixture->subject.arena, errors, NULL, check->op->base.name);
    const rondo_status status = infer_output(check->op, &fixture->call, &host);
    if (status == RONDO_INVALID && fixture->settings.may_refuse) {
        fixture->subject.is_idle = 1;
        return 1;
    }
    if (status != RONDO_OK) {
        return op_refuse(check, "infer: %s", errors_text(errors, 0));
    }
    return !is_elementwise(fixture) || flatten(fixture);
}

/* Copies one of the arrays of the sequences to a guarded buffer of its exact size. NULL if memory is short. */
static const int64_t *guard_numbers(struct guard *guard, const char *name, const int64_t *numbers, int64_t count) {
    int64_t *copy = guard_alloc(guard, name, sizeof *copy * (size_t)count);
    if (copy != NULL && count > 0) {
        memcpy(copy, numbers, sizeof *copy * (size_t)count);
    }
    return copy;
}

static int allocate(struct op_fixture *fixture) {
    struct guard *guard = fixture->subject.guard;
    int ok = subject_copy_options(&fixture->subject, fixture->check->options) == RONDO_OK;
    fixture->call.options = fixture->subject.options;
    for (int32_t k = 0; k < fixture->call.n_inputs && ok; k++) {
        ok = guard_tensor(guard, input_names[k], &fixture->inputs[k]);
        fixture->gradients[k] = fixture->inputs[k];
        fixture->gradients[k].data = NULL;
        if (ok && op_fixture_has_gradient(fixture, k)) {
            ok = guard_tensor(guard, gradient_names[k], &fixture->gradients[k]);
        }
    }
    fixture->grad_output = fixture->call.output;
    ok = ok && guard_tensor(guard, "output", &fixture->call.output);
    ok = ok && guard_tensor(guard, "gradient of the output", &fixture->grad_output);
    if (ok && fixture->call.saved_bytes > 0) {
        fixture->call.saved = guard_alloc(guard, "saved", fixture->call.saved_bytes);
        ok = fixture->call.saved != NULL;
    }
    if (ok && fixture->call.scratch_bytes > 0) {
        fixture->call.scratch = guard_alloc(guard, "scratch", fixture->call.scratch_bytes);
        ok = fixture->call.scratch != NULL;
    }
    return ok || op_refuse(fixture->check, "out of memory");
}

static void draw(struct op_fixture *fixture) {
    const struct op_check *check = fixture->check;
    const uint64_t variant = fixture->settings.variant;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        op_draw(check, &fixture->inputs[k], fixture->places.list[k], check->sample.low[k], check->sample.high[k],
                input_names[k], variant);
    }
    if (fixture->grad_output.dtype != RONDO_I32) {
        op_draw(check, &fixture->grad_output, fixture->places.list[0], -1, 1, "gradient", variant);
    }
}

/* Hands the sequences to the op: all of them, or only one, and then the elements of the others are in no sequence. */
static int hand_over_rows(struct op_fixture *fixture) {
    struct op_places *places = &fixture->places;
    const int32_t alone = fixture->settings.alone, first = alone > 0 ? alone - 1 : 0;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        rondo_rows *rows = &places->rows[k];
        if (places->list[k] == NULL) {
            continue;
        }
        rows->count = alone > 0 ? 1 : rows->count;
        rows->begin = guard_numbers(fixture->subject.guard, begin_names[k], rows->begin + first, rows->count);
        rows->length = guard_numbers(fixture->subject.guard, length_names[k], rows->length + first, rows->count);
        if (rows->begin == NULL || rows->length == NULL) {
            return op_refuse(fixture->check, "out of memory");
        }
        op_fill_outside(rows, &fixture->inputs[k], NAN);
    }
    op_fill_outside(places->list[0], &fixture->grad_output, NAN);
    fixture->call.rows = places->divided != 0 ? places->list : NULL;
    return 1;
}

/* 1 if a tensor or a work area is too large to be allocated for a test. */
static int is_large(const struct op_fixture *fixture) {
    const size_t most = (size_t)1 << 22;
    int large = fixture->call.saved_bytes > most || fixture->call.scratch_bytes > most ||
                tensor_checked_bytes(&fixture->call.output) > most;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        large |= tensor_checked_bytes(&fixture->inputs[k]) > most;
    }
    return large;
}

int op_fixture_open(struct op_check *check, struct op_settings settings, struct op_fixture *fixture) {
    const rondo_sample *sample = &check->sample;
    *fixture = (struct op_fixture){.check = check, .settings = settings};
    if (!subject_open(&fixture->subject, &check->trial)) {
        return 0;
    }
    fixture->subject.is_clean = settings.is_clean;
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        fixture->inputs[k] = tensor_of(sample->inputs[k].dtype == RONDO_F64 ? settings.dtype : sample->inputs[k].dtype,
                                       sample->inputs[k].ndim, sample->inputs[k].shape);
    }
    fixture->call = (rondo_op_call){.struct_size = sizeof fixture->call,
                                    .n_inputs = sample->n_inputs,
                                    .options = check->options,
                                    .inputs = fixture->inputs,
                                    .training = settings.training};
    if (check->lengths.count > 0 &&
        !op_places_make(&fixture->places, &check->lengths, check->arrangement, fixture->inputs)) {
        fixture->subject.is_idle = 1; /* a changed shape, of which no op gets sequences */
        return 1;
    }
    if (!infer(fixture)) {
        return 0;
    }
    if (fixture->subject.is_idle || fixture->call.is_view || settings.only_infers ||
        (settings.may_refuse && is_large(fixture))) {
        return 1;
    }
    if (!allocate(fixture)) {
        return 0;
    }
    draw(fixture);
    return hand_over_rows(fixture);
}

void op_fixture_close(struct op_fixture *fixture) {
    subject_close(&fixture->subject);
}

/* ---- calling ---- */

int op_fixture_has_gradient(const struct op_fixture *fixture, int32_t k) {
    const rondo_op *op = fixture->check->op;
    return (op->flags & RONDO_OP_NO_GRADIENT) == 0 && fixture->inputs[k].dtype != RONDO_I32 &&
           (op->map_grad != NULL || op->backward != NULL);
}

uint32_t op_fixture_gradients(const struct op_fixture *fixture) {
    uint32_t asked = 0;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        asked |= op_fixture_has_gradient(fixture, k) ? 1u << k : 0;
    }
    return asked;
}

rondo_status op_fixture_infer(struct op_fixture *fixture) {
    struct subject_call call;
    const rondo_op_call before = fixture->call;
    begin_call(fixture, &call, "infer");
    fixture->call.rows = NULL;
    const rondo_status status = subject_end(&call, fixture->check->op->infer(&call.host.base, &fixture->call));
    fixture->call.rows = before.rows;
    if (status != RONDO_OK) {
        fixture->call = before;
    }
    return status;
}

/* The data of the inputs, in their order, as map expects them. */
static void list_inputs(const struct op_fixture *fixture, const void **in) {
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        in[k] = fixture->inputs[k].data;
    }
}

static void about_to_call(const struct op_fixture *fixture) {
    if (fixture->about_to_call != NULL) {
        fixture->about_to_call(fixture->about_arg);
    }
}

rondo_status op_fixture_forward_status(struct op_fixture *fixture) {
    const rondo_op *op = fixture->check->op;
    struct subject_call host;
    begin_call(fixture, &host, op->map == NULL ? "forward" : "map");
    fill_unwritten(fixture, fixture->call.output.data, tensor_bytes(&fixture->call.output));
    op_fill_outside(fixture->places.list[0], &fixture->call.output, OP_UNUSED);
    fill_unwritten(fixture, fixture->call.saved, fixture->call.saved_bytes);
    fill_unwritten(fixture, fixture->call.scratch, fixture->call.scratch_bytes);
    subject_reads_tensor(&host, "gradient of output", &fixture->grad_output);
    rondo_op_call call = fixture->call; /* a copy, because the op may write to it */
    about_to_call(fixture);
    if (op->map == NULL) {
        return subject_end(&host, op->forward(&host.host.base, &call));
    }
    const void *in[RONDO_SAMPLE_INPUTS];
    list_inputs(fixture, in);
    if (rondo_count(&call.output) > 0) {
        op->map(call.options, fixture->settings.dtype, rondo_count(&call.output), in, call.output.data);
    }
    return subject_end(&host, RONDO_OK);
}

rondo_status op_fixture_backward_status(struct op_fixture *fixture, uint32_t asked) {
    const rondo_op *op = fixture->check->op;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS];
    void *grad_in[RONDO_SAMPLE_INPUTS];
    struct subject_call host;
    begin_call(fixture, &host, op->map == NULL ? "backward" : "map_grad");
    fill_unwritten(fixture, fixture->call.scratch, fixture->call.scratch_bytes);
    subject_reads_tensor(&host, "gradient of output", &fixture->grad_output);
    subject_reads_tensor(&host, "output", &fixture->call.output);
    subject_reads(&host, "saved", fixture->call.saved, fixture->call.saved_bytes);
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        gradients[k] = fixture->gradients[k];
        gradients[k].data = grad_in[k] = (asked >> k & 1) != 0 ? fixture->gradients[k].data : NULL;
    }
    rondo_op_call call = fixture->call;
    call.grad_output = &fixture->grad_output;
    call.grad_inputs = gradients;
    about_to_call(fixture);
    if (op->map == NULL) {
        if ((op->flags & RONDO_OP_SEQUENCES) != 0) {
            call.output.data = NULL; /* backward reads only inputs, saved bytes and grad_output */
        }
        return subject_end(&host, op->backward(&host.host.base, &call));
    }
    const void *in[RONDO_SAMPLE_INPUTS];
    list_inputs(fixture, in);
    if (rondo_count(&call.output) > 0) {
        op->map_grad(call.options, fixture->settings.dtype, rondo_count(&call.output), in, call.output.data,
                     fixture->grad_output.data, grad_in);
    }
    return subject_end(&host, RONDO_OK);
}

int op_fixture_forward(struct op_fixture *fixture) {
    return must_succeed(fixture, op_fixture_forward_status(fixture));
}

double op_before(const struct op_fixture *fixture, int32_t k, int64_t i) {
    const rondo_tensor *input = &fixture->inputs[k];
    const int64_t width = fixture->places.list[k] == NULL ? INT64_MAX : rondo_count(input) / input->shape[0];
    return 0.25 + (double)(i % width % 5);
}

void op_fixture_reset_gradient(struct op_fixture *fixture, int32_t k) {
    rondo_tensor *gradient = &fixture->gradients[k];
    if (is_elementwise(fixture)) {
        fill_unwritten(fixture, gradient->data, tensor_bytes(gradient));
        return;
    }
    for (int64_t i = 0; gradient->data != NULL && i < rondo_count(gradient); i++) {
        tensor_set(gradient, i, op_before(fixture, k, i));
    }
}

int op_fixture_backward(struct op_fixture *fixture, uint32_t asked) {
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        op_fixture_reset_gradient(fixture, k);
    }
    return must_succeed(fixture, op_fixture_backward_status(fixture, asked));
}

int op_fixture_both(struct op_fixture *fixture) {
    const uint32_t asked = op_fixture_gradients(fixture);
    return op_fixture_forward(fixture) &&
           (fixture->subject.is_idle || asked == 0 || op_fixture_backward(fixture, asked));
}

/* ---- comparing ---- */

int op_same_bits(const struct op_check *check, const char *name, int32_t k, const rondo_tensor *expected,
                 const rondo_tensor *found, const char *so) {
    const size_t size = dtype_size(expected->dtype);
    char number[16] = "";
    if (tensor_bytes(expected) == 0 || memcmp(expected->data, found->data, tensor_bytes(expected)) == 0) {
        return 1;
    }
    if (k >= 0) {
        snprintf(number, sizeof number, " %d", (int)k);
    }
    for (int64_t i = 0; i < rondo_count(expected); i++) {
        const size_t at = (size_t)i * size;
        if (memcmp((const char *)expected->data + at, (const char *)found->data + at, size) != 0) {
            return op_refuse(check, "%s%s, element %lld: %.9g, but %.9g %s", name, number, (long long)i,
                             tensor_get(expected, i), tensor_get(found, i), so);
        }
    }
    return 1;
}

int op_same_runs(const struct op_check *check, const struct op_fixture *expected, const struct op_fixture *found,
                 uint32_t asked, const char *so) {
    int same = op_same_bits(check, "output", -1, &expected->call.output, &found->call.output, so);
    for (int32_t k = 0; k < expected->call.n_inputs && same; k++) {
        if ((asked >> k & 1) != 0) {
            same = op_same_bits(check, "gradient of input", k, &expected->gradients[k], &found->gradients[k], so);
        }
    }
    return same;
}
