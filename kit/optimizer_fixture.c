/* kit/optimizer_fixture.c: see kit/optimizer_fixture.h. */
#include "kit/optimizer_fixture.h"

#include <string.h>

static int is_elementwise(const rondo_optimizer *optimizer) {
    return (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
}

/* ---- making one ---- */

/* The shape of slot number `s`. */
static rondo_status shape_slot(struct optimizer_fixture *fixture, int32_t s, rondo_tensor *slot) {
    const rondo_optimizer *optimizer = fixture->optimizer;
    rondo_tensor like = fixture->value;
    like.data = NULL;
    if (optimizer->slots[s].shape != RONDO_SLOT_CHOSEN) {
        *slot = optimizer->slots[s].shape == RONDO_SLOT_SCALAR ? tensor_of(like.dtype, 0, NULL) : like;
        return RONDO_OK;
    }
    *slot = tensor_of(like.dtype, 1, (const int64_t[]){0});
    struct host_call host = kit_host_call(fixture->subject.kit, fixture->subject.arena, &fixture->subject.errors, NULL,
                                          optimizer->base.name);
    RONDO_TRY(host_result(&host, optimizer->choose_slot(&host.base, fixture->subject.options, s, &like, slot)));
    slot->data = NULL;
    if (tensor_checked_bytes(slot) > SIZE_MAX / 4) {
        return errors_add(&fixture->subject.errors, RONDO_INTERNAL, "slot '%s' has the shape %s",
                          optimizer->slots[s].name, tensor_shape_text(slot).text);
    }
    return RONDO_OK;
}

static rondo_status add_slots(struct optimizer_fixture *fixture) {
    const rondo_slot *slots = fixture->optimizer->slots;
    while (slots != NULL && slots[fixture->n_slots].name != NULL) {
        const int32_t s = fixture->n_slots;
        if (s == OPTIMIZER_SLOTS) {
            return errors_add(&fixture->subject.errors, RONDO_INVALID, "has more than %d slots", OPTIMIZER_SLOTS);
        }
        RONDO_TRY(shape_slot(fixture, s, &fixture->slots[s]));
        fixture->slot_names[s] = arena_printf(fixture->subject.kit->arena, "slot %s", slots[s].name);
        if (fixture->slot_names[s] == NULL ||
            !guard_tensor(fixture->subject.guard, fixture->slot_names[s], &fixture->slots[s])) {
            return errors_no_memory(&fixture->subject.errors);
        }
        fixture->n_slots++;
    }
    return RONDO_OK;
}

static void fill_normal(const rondo_tensor *tensor, struct rng_stream stream, double scale) {
    const int64_t count = rondo_count(tensor);
    for (int64_t i = 0; i < count; i++) {
        tensor_set(tensor, i, scale * rng_normal(stream, (uint64_t)i));
    }
}

static rondo_status fill(struct optimizer_fixture *fixture, const struct trial *trial, rondo_tensor shape) {
    struct guard *guard = fixture->subject.guard;
    RONDO_TRY(subject_set_options(&fixture->subject, trial, NULL));
    fixture->value = fixture->gradient = fixture->sampled = fixture->drawn = shape;
    if (!guard_tensor(guard, "value", &fixture->value) || !guard_tensor(guard, "gradient", &fixture->gradient) ||
        !guard_tensor(guard, "sampled gradient", &fixture->sampled) ||
        !guard_tensor(guard, "drawn gradient", &fixture->drawn)) {
        return errors_no_memory(&fixture->subject.errors);
    }
    RONDO_TRY(subject_check_options(&fixture->subject, trial));
    RONDO_TRY(add_slots(fixture));
    if (shape.dtype == RONDO_I32) {
        memset(fixture->value.data, 0, tensor_bytes(&shape));
        memset(fixture->gradient.data, 0, tensor_bytes(&shape));
    } else {
        const struct rng_stream stream =
            rng_substream(rng_stream(trial->kit->seed, "value"), (uint64_t)fixture->instance);
        fill_normal(&fixture->value, stream, 1);
    }
    optimizer_fixture_forget(fixture);
    return RONDO_OK;
}

struct optimizer_fixture *optimizer_fixture_create(const struct trial *trial, rondo_tensor shape, int32_t instance) {
    struct optimizer_fixture *fixture = subject_create(trial, sizeof *fixture);
    if (fixture == NULL) {
        return NULL;
    }
    fixture->optimizer = (const rondo_optimizer *)trial->descriptor;
    fixture->name = arena_printf(trial->kit->arena, "layers.%d.W", (int)instance);
    fixture->instance = instance;
    fixture->lr_scale = 1;
    fixture->plain_rate = 0.01;
    return fill(fixture, trial, shape) == RONDO_OK
               ? fixture
               : (struct optimizer_fixture *)subject_refused(trial, &fixture->subject);
}

struct optimizer_fixture *optimizer_fixture_create_with(const struct trial *trial, const char *options,
                                                        rondo_tensor shape, int32_t instance) {
    struct trial with = *trial;
    with.options = options;
    return optimizer_fixture_create(&with, shape, instance);
}

void optimizer_fixture_forget_slot(struct optimizer_fixture *fixture, int32_t s) {
    const rondo_tensor *slot = &fixture->slots[s];
    const size_t bytes = tensor_bytes(slot);
    const int32_t role = fixture->optimizer->slots[s].role;
    if (bytes > 0 && (role == RONDO_SLOT_EVALUATED || role == RONDO_SLOT_COPY) &&
        bytes == tensor_bytes(&fixture->value)) {
        memcpy(slot->data, fixture->value.data, bytes);
    } else if (bytes > 0) {
        memset(slot->data, 0, bytes);
    }
}

void optimizer_fixture_forget(struct optimizer_fixture *fixture) {
    for (int32_t s = 0; s < fixture->n_slots; s++) {
        optimizer_fixture_forget_slot(fixture, s);
    }
}

/* ---- updates ---- */

/* Elements begin .. end of a tensor that has the size of the parameter, as one dimension; a tensor of another size is
 * returned whole. */
static rondo_tensor slice_of(const struct optimizer_fixture *fixture, const rondo_tensor *tensor, int64_t begin,
                             int64_t end) {
    if (!is_elementwise(fixture->optimizer) || tensor->data == NULL ||
        rondo_count(tensor) != rondo_count(&fixture->value)) {
        return *tensor;
    }
    return tensor_1d(tensor->dtype, end - begin, (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype));
}

static rondo_status update(struct optimizer_fixture *fixture, int64_t begin, int64_t end) {
    const rondo_optimizer *optimizer = fixture->optimizer;
    rondo_tensor slots[OPTIMIZER_SLOTS];
    for (int32_t s = 0; s < fixture->n_slots; s++) {
        slots[s] = slice_of(fixture, &fixture->slots[s], begin, end);
    }
    rondo_optimizer_call call = {.struct_size = sizeof call,
                                 .n_slots = fixture->n_slots,
                                 .options = fixture->subject.options,
                                 .parameter = fixture->name,
                                 .step = fixture->subject.position,
                                 .lr_scale = fixture->lr_scale,
                                 .value = slice_of(fixture, &fixture->value, begin, end),
                                 .gradient = slice_of(fixture, &fixture->gradient, begin, end),
                                 .slots = slots,
                                 .rows = OPTIMIZER_ROWS};
    if (optimizer->wants_sampled != NULL &&
        optimizer->wants_sampled(fixture->subject.options, fixture->subject.position)) {
        call.sampled_gradient = slice_of(fixture, &fixture->sampled, begin, end);
    }
    struct subject_call host;
    subject_begin(&fixture->subject, &host, "step");
    host.host.stream = rng_substream(rng_stream(fixture->subject.kit->seed, fixture->name), (uint64_t)call.step);
    host.host.random_first = (uint64_t)begin;
    subject_reads(&host, "options", call.options, optimizer->base.options_size);
    subject_reads_tensor(&host, "sampled gradient", &fixture->sampled);
    const int rewrites_gradient = optimizer->stage == RONDO_STAGE_GRADIENT;
    subject_reads_tensor(&host, rewrites_gradient ? "value" : "gradient",
                         rewrites_gradient ? &fixture->value : &fixture->gradient);
    return subject_end(&host, optimizer->step(&host.host.base, &call));
}

/* p <- p - lr g: the gradient descent that a wrapper is combined with. */
static void plain_descent(struct optimizer_fixture *fixture) {
    const int64_t count = rondo_count(&fixture->value);
    for (int64_t i = 0; i < count; i++) {
        const double step = fixture->plain_rate * fixture->lr_scale * tensor_get(&fixture->gradient, i);
        tensor_set(&fixture->value, i, tensor_get(&fixture->value, i) - step);
    }
}

rondo_status optimizer_fixture_step(struct optimizer_fixture *fixture) {
    const int64_t count = rondo_count(&fixture->value);
    fixture->subject.position++;
    if (fixture->optimizer->stage == RONDO_STAGE_VALUE) {
        plain_descent(fixture);
    }
    int64_t begin = 0;
    for (int32_t k = 0; k == 0 || begin < count; k++) {
        const int64_t end = fixture->cuts == NULL ? count : fixture->cuts[k];
        RONDO_TRY(update(fixture, begin, end));
        begin = end;
    }
    if (fixture->optimizer->stage == RONDO_STAGE_GRADIENT) {
        plain_descent(fixture);
    }
    return RONDO_OK;
}

rondo_status optimizer_fixture_catch_up(struct optimizer_fixture *fixture, int64_t count) {
    const rondo_optimizer *optimizer = fixture->optimizer;
    const int64_t size = rondo_count(&fixture->value), first = fixture->subject.position + 1;
    rondo_tensor slots[OPTIMIZER_SLOTS];
    for (int32_t s = 0; s < fixture->n_slots; s++) {
        slots[s] = slice_of(fixture, &fixture->slots[s], 0, size);
    }
    fixture->subject.position += count;
    rondo_optimizer_call call = {.struct_size = sizeof call,
                                 .n_slots = fixture->n_slots,
                                 .options = fixture->subject.options,
                                 .parameter = fixture->name,
                                 .step = fixture->subject.position,
                                 .lr_scale = 1,
                                 .value = slice_of(fixture, &fixture->value, 0, size),
                                 .slots = slots,
                                 .rows = OPTIMIZER_ROWS};
    call.gradient = call.sampled_gradient = call.value;
    call.gradient.data = call.sampled_gradient.data = NULL;
    struct subject_call host;
    subject_begin(&fixture->subject, &host, "catch_up");
    subject_reads(&host, "options", call.options, optimizer->base.options_size);
    subject_reads_tensor(&host, "value", &fixture->value);
    return subject_end(&host, optimizer->catch_up(&host.host.base, &call, first));
}

void optimizer_fixture_draw(struct optimizer_fixture *fixture, double scale) {
    const struct rng_stream stream =
        rng_substream(rng_stream(fixture->subject.kit->seed, fixture->name), (uint64_t)fixture->subject.position + 1);
    fill_normal(&fixture->gradient, rng_substream(stream, 1), scale);
    fill_normal(&fixture->sampled, rng_substream(stream, 2), scale);
}

rondo_status optimizer_fixture_run(struct optimizer_fixture *fixture, int64_t count, double scale) {
    for (int64_t i = 0; i < count; i++) {
        optimizer_fixture_draw(fixture, scale);
        RONDO_TRY(optimizer_fixture_step(fixture));
    }
    return RONDO_OK;
}

/* ---- results ---- */

enum verdict optimizer_fixture_failed(const struct trial *trial, const struct optimizer_fixture *fixture) {
    return trial_say(trial, VERDICT_FAIL, "update %lld of a parameter %s, %s: step failed: %s",
                     (long long)fixture->subject.position, tensor_shape_text(&fixture->value).text,
                     dtype_name(fixture->value.dtype), errors_text(&fixture->subject.errors, 0));
}

int optimizer_fixture_result(const struct subject *subject, int32_t index, struct subject_tensor *result) {
    const struct optimizer_fixture *fixture = (const struct optimizer_fixture *)subject;
    const int32_t first_slot = fixture->optimizer->stage == RONDO_STAGE_GRADIENT ? 2 : 1;
    if (index == 0) {
        *result = (struct subject_tensor){"value", fixture->value};
    } else if (index < first_slot) {
        *result = (struct subject_tensor){"gradient", fixture->gradient};
    } else if (index - first_slot < fixture->n_slots) {
        *result = (struct subject_tensor){fixture->slot_names[index - first_slot], fixture->slots[index - first_slot]};
    }
    return index < first_slot + fixture->n_slots;
}

int optimizer_fixture_equal(const struct optimizer_fixture *a, const struct optimizer_fixture *b, char *text,
                            size_t size) {
    struct subject_tensor first, second;
    for (int32_t i = 0;
         optimizer_fixture_result(&a->subject, i, &first) && optimizer_fixture_result(&b->subject, i, &second); i++) {
        if (!subject_same_bits(&first, &second, text, size)) {
            return 0;
        }
    }
    return 1;
}
