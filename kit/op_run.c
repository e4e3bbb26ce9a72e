/* kit/op_run.c: one application of an op, outside of any tape (kit/op_check.h). */
#include <stdio.h>
#include <string.h>

#include "core/infer.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "kit/op_check.h"

/* Of buffers, in messages, and of the streams of what they hold. */
static const char *const input_names[] = {"input 0", "input 1", "input 2", "input 3",
                                          "input 4", "input 5", "input 6", "input 7"};
static const char *const gradient_names[] = {"gradient of input 0", "gradient of input 1", "gradient of input 2",
                                             "gradient of input 3", "gradient of input 4", "gradient of input 5",
                                             "gradient of input 6", "gradient of input 7"};

static int is_elementwise(const struct op_run *run) {
    return run->check->op->map != NULL;
}

/* Memory that nobody may read: whatever an earlier call left there. */
static void soil(struct op_run *run, void *data, size_t bytes) {
    if (data != NULL && bytes > 0 && run->settings.is_clean) {
        memset(data, 0, bytes);
    } else if (data != NULL && bytes > 0) {
        guard_poison(run->guard, data);
    }
}

static int soil_arena(struct op_run *run) {
    enum { BYTES = 1 << 15 };
    arena_reset(run->arena);
    void *memory = arena_alloc(run->arena, BYTES);
    if (memory != NULL) {
        memset(memory, run->settings.is_clean ? 0 : 0xff, BYTES);
    }
    arena_reset(run->arena);
    return memory != NULL;
}

static int begin_call(struct op_run *run) {
    errors_free(&run->errors);
    run->host = host_call(run->arena, &run->errors, run->settings.parallel, run->check->op->base.name);
    const struct rng_stream stream = rng_stream(run->check->kit->seed, "op");
    run->host.stream = rng_substream(rng_substream(stream, (uint64_t)run->check->index + 1), run->settings.stream);
    run->host.allocations_left = &run->allocations_left;
    return soil_arena(run) || op_refuse(run->check, "out of memory");
}

/* What a function of the op returned, looked at. */
static rondo_status end_call(struct op_run *run, const char *function, rondo_status status, int *is_honest) {
    *is_honest = 1;
    if (status < RONDO_OK || status >= RONDO_STATUS_COUNT) {
        *is_honest = op_refuse(run->check, "%s returned the unknown status %d", function, (int)status);
    } else if (status == RONDO_OK && run->host.failed != RONDO_OK) {
        *is_honest =
            op_refuse(run->check, "%s called fail ('%s') and returned ok", function, errors_text(&run->errors, 0));
    } else if (status != RONDO_OK && status != RONDO_NO_MEMORY && run->host.failed == RONDO_OK) {
        *is_honest = op_refuse(run->check, "%s returned '%s' and did not say why: host->fail was not called", function,
                               status_text(status));
    }
    return status;
}

static int must_succeed(struct op_run *run, const char *function, rondo_status status, int is_honest) {
    if (!is_honest || status == RONDO_OK) {
        return is_honest;
    }
    if (run->settings.may_refuse) {
        run->is_refused = 1;
        return 1;
    }
    return op_refuse(run->check, "%s failed: %s", function,
                     run->errors.count > 0 ? errors_text(&run->errors, 0) : status_text(status));
}

/* ---- opening ---- */

/* An elementwise op gets one run of as many elements as the case has. */
static int flatten(struct op_run *run) {
    struct op_check *check = run->check;
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        if (run->inputs[k].dtype != run->settings.dtype) {
            return op_refuse(check, "input %d of an elementwise op is not a float", (int)k);
        }
    }
    rondo_tensor flat = tensor_1d(run->settings.dtype, rondo_count(&run->call.output), NULL);
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        run->inputs[k] = flat;
    }
    run->call.output = flat;
    return 1;
}

static int infer(struct op_run *run) {
    struct op_check *check = run->check;
    if (!begin_call(run)) {
        return 0;
    }
    if (!is_elementwise(run)) {
        int is_honest;
        const rondo_status status = op_run_infer(run, &is_honest);
        if (!must_succeed(run, "infer", status, is_honest) || run->is_refused) {
            return run->is_refused;
        }
        errors_free(&run->errors);
    }
    const rondo_status status = infer_output(check->op, &run->call, &run->host); /* and is it one that can be? */
    if (status == RONDO_INVALID && run->settings.may_refuse) {
        run->is_refused = 1;
        return 1;
    }
    if (status != RONDO_OK) {
        return op_refuse(check, "infer: %s", errors_text(&run->errors, 0));
    }
    return !is_elementwise(run) || flatten(run);
}

static int allocate(struct op_run *run) {
    struct guard *guard = run->guard;
    const size_t options_size = (size_t)run->check->op->base.options_size;
    int ok = 1;
    if (run->check->options != NULL) {
        void *copy = guard_alloc(guard, "options", options_size);
        ok = copy != NULL;
        if (ok) {
            memcpy(copy, run->check->options, options_size);
        }
        run->options = run->call.options = copy;
    }
    for (int32_t k = 0; k < run->call.n_inputs && ok; k++) {
        ok = guard_tensor(guard, input_names[k], &run->inputs[k]);
        run->gradients[k] = run->inputs[k];
        run->gradients[k].data = NULL;
        if (ok && op_run_has_gradient(run, k)) {
            ok = guard_tensor(guard, gradient_names[k], &run->gradients[k]);
        }
    }
    run->grad_output = run->call.output;
    ok = ok && guard_tensor(guard, "output", &run->call.output);
    ok = ok && guard_tensor(guard, "gradient of the output", &run->grad_output);
    if (ok && run->call.saved_bytes > 0) {
        run->call.saved = guard_alloc(guard, "saved", run->call.saved_bytes);
        ok = run->call.saved != NULL;
    }
    if (ok && run->call.scratch_bytes > 0) {
        run->call.scratch = guard_alloc(guard, "scratch", run->call.scratch_bytes);
        ok = run->call.scratch != NULL;
    }
    return ok || op_refuse(run->check, "out of memory");
}

/* 1 where a tensor or a work area is too large to be tried. */
static int is_large(const struct op_run *run) {
    const size_t most = (size_t)1 << 22;
    int large = run->call.saved_bytes > most || run->call.scratch_bytes > most ||
                tensor_checked_bytes(&run->call.output) > most;
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        large |= tensor_checked_bytes(&run->inputs[k]) > most;
    }
    return large;
}

int op_run_open(struct op_check *check, struct op_settings settings, struct op_run *run) {
    const rondo_sample *sample = &check->sample;
    *run = (struct op_run){.check = check,
                           .settings = settings,
                           .allocations_left = INT64_MAX,
                           .guard = guard_create(),
                           .arena = arena_create(),
                           .options = check->options};
    if (run->guard == NULL || run->arena == NULL) {
        return op_refuse(check, "out of memory");
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        run->inputs[k] = tensor_of(sample->inputs[k].dtype == RONDO_F64 ? settings.dtype : sample->inputs[k].dtype,
                                   sample->inputs[k].ndim, sample->inputs[k].shape);
    }
    run->call = (rondo_op_call){.struct_size = sizeof run->call,
                                .n_inputs = sample->n_inputs,
                                .options = check->options,
                                .inputs = run->inputs,
                                .training = settings.training};
    if (!infer(run)) {
        return 0;
    }
    if (run->is_refused || run->call.is_view || settings.infers_alone || (settings.may_refuse && is_large(run))) {
        return 1;
    }
    if (!allocate(run)) {
        return 0;
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        op_draw(check, &run->inputs[k], sample->low[k], sample->high[k], input_names[k], settings.variant);
    }
    if (run->grad_output.dtype != RONDO_I32) {
        op_draw(check, &run->grad_output, -1, 1, "gradient", settings.variant);
    }
    return 1;
}

void op_run_close(struct op_run *run) {
    arena_destroy(run->arena);
    guard_destroy(run->guard);
    errors_free(&run->errors);
    run->arena = NULL;
    run->guard = NULL;
}

/* ---- calling ---- */

int op_run_has_gradient(const struct op_run *run, int32_t k) {
    const rondo_op *op = run->check->op;
    return (op->flags & RONDO_OP_NO_GRADIENT) == 0 && run->inputs[k].dtype != RONDO_I32 &&
           (op->map_grad != NULL || op->backward != NULL);
}

uint32_t op_run_gradients(const struct op_run *run) {
    uint32_t asked = 0;
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        asked |= op_run_has_gradient(run, k) ? 1u << k : 0;
    }
    return asked;
}

rondo_status op_run_infer(struct op_run *run, int *is_honest) {
    *is_honest = begin_call(run);
    if (!*is_honest) {
        return RONDO_NO_MEMORY;
    }
    const rondo_op_call before = run->call;
    const rondo_status status = run->check->op->infer(&run->host.base, &run->call);
    if (status != RONDO_OK) {
        run->call = before;
    }
    return end_call(run, "infer", status, is_honest);
}

/* In the order of the inputs, as map wants them. */
static void list_inputs(const struct op_run *run, const void **in) {
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        in[k] = run->inputs[k].data;
    }
}

static void about_to_call(const struct op_run *run) {
    if (run->about_to_call != NULL) {
        run->about_to_call(run->about_arg);
    }
}

rondo_status op_run_forward_status(struct op_run *run, int *is_honest) {
    const rondo_op *op = run->check->op;
    *is_honest = begin_call(run);
    if (!*is_honest) {
        return RONDO_NO_MEMORY;
    }
    soil(run, run->call.output.data, tensor_bytes(&run->call.output));
    soil(run, run->call.saved, run->call.saved_bytes);
    soil(run, run->call.scratch, run->call.scratch_bytes);
    rondo_op_call call = run->call; /* the host's stays as it is */
    about_to_call(run);
    if (op->map == NULL) {
        return end_call(run, "forward", op->forward(&run->host.base, &call), is_honest);
    }
    const void *in[RONDO_SAMPLE_INPUTS];
    list_inputs(run, in);
    if (rondo_count(&call.output) > 0) {
        op->map(run->options, run->settings.dtype, rondo_count(&call.output), in, call.output.data);
    }
    return RONDO_OK;
}

rondo_status op_run_backward_status(struct op_run *run, uint32_t asked, int *is_honest) {
    const rondo_op *op = run->check->op;
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS];
    void *grad_in[RONDO_SAMPLE_INPUTS];
    *is_honest = begin_call(run);
    if (!*is_honest) {
        return RONDO_NO_MEMORY;
    }
    soil(run, run->call.scratch, run->call.scratch_bytes);
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        gradients[k] = run->gradients[k];
        gradients[k].data = grad_in[k] = (asked >> k & 1) != 0 ? run->gradients[k].data : NULL;
    }
    rondo_op_call call = run->call;
    call.grad_output = &run->grad_output;
    call.grad_inputs = gradients;
    about_to_call(run);
    if (op->map == NULL) {
        return end_call(run, "backward", op->backward(&run->host.base, &call), is_honest);
    }
    const void *in[RONDO_SAMPLE_INPUTS];
    list_inputs(run, in);
    if (rondo_count(&call.output) > 0) {
        op->map_grad(run->options, run->settings.dtype, rondo_count(&call.output), in, call.output.data,
                     run->grad_output.data, grad_in);
    }
    return RONDO_OK;
}

int op_run_forward(struct op_run *run) {
    int is_honest;
    const rondo_status status = op_run_forward_status(run, &is_honest);
    return must_succeed(run, "forward", status, is_honest);
}

double op_before(int64_t i) {
    return 0.25 + (double)(i % 5);
}

void op_run_reset_gradient(struct op_run *run, int32_t k) {
    rondo_tensor *gradient = &run->gradients[k];
    if (is_elementwise(run)) {
        soil(run, gradient->data, tensor_bytes(gradient));
        return;
    }
    for (int64_t i = 0; gradient->data != NULL && i < rondo_count(gradient); i++) {
        tensor_set(gradient, i, op_before(i));
    }
}

int op_run_backward(struct op_run *run, uint32_t asked) {
    int is_honest;
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        op_run_reset_gradient(run, k);
    }
    const rondo_status status = op_run_backward_status(run, asked, &is_honest);
    return must_succeed(run, "backward", status, is_honest);
}

int op_run_both(struct op_run *run) {
    const uint32_t asked = op_run_gradients(run);
    return op_run_forward(run) && (run->is_refused || asked == 0 || op_run_backward(run, asked));
}

/* ---- comparing ---- */

int op_same_bits(struct op_check *check, const char *name, int32_t k, const rondo_tensor *expected,
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

int op_same_runs(struct op_check *check, const struct op_run *expected, const struct op_run *found, uint32_t asked,
                 const char *so) {
    int same = op_same_bits(check, "output", -1, &expected->call.output, &found->call.output, so);
    for (int32_t k = 0; k < expected->call.n_inputs && same; k++) {
        if ((asked >> k & 1) != 0) {
            same = op_same_bits(check, "gradient of input", k, &expected->gradients[k], &found->gradients[k], so);
        }
    }
    return same;
}
