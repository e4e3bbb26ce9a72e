#include "kit/optimised.h"

#include <stdio.h>
#include <string.h>

static int is_elementwise(const rondo_optimizer *optimizer) {
    return (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
}

/* ---- making one ---- */

static rondo_status ask_options(struct optimised *optimised, struct parallel *parallel) {
    if (optimised->optimizer->check == NULL) {
        return RONDO_OK;
    }
    struct host_call host = host_call(optimised->arena, &optimised->errors, parallel, optimised->optimizer->base.name);
    return host_result(&host, optimised->optimizer->check(&host.base, optimised->options));
}

/* The shape of slot number `s`. */
static rondo_status shape_slot(struct optimised *optimised, int32_t s, rondo_tensor *slot) {
    const rondo_optimizer *optimizer = optimised->optimizer;
    rondo_tensor like = optimised->value;
    like.data = NULL;
    if (optimizer->slots[s].shape != RONDO_SLOT_CHOSEN) {
        *slot = optimizer->slots[s].shape == RONDO_SLOT_SCALAR ? tensor_of(like.dtype, 0, NULL) : like;
        return RONDO_OK;
    }
    *slot = tensor_of(like.dtype, 1, (const int64_t[]){0});
    struct host_call host = host_call(optimised->arena, &optimised->errors, NULL, optimizer->base.name);
    RONDO_TRY(host_result(&host, optimizer->choose_slot(&host.base, optimised->options, s, &like, slot)));
    slot->data = NULL;
    if (tensor_checked_bytes(slot) > SIZE_MAX / 4) {
        return errors_add(&optimised->errors, RONDO_INTERNAL, "slot '%s' has the shape %s", optimizer->slots[s].name,
                          tensor_shape_text(slot).text);
    }
    return RONDO_OK;
}

static rondo_status add_slots(struct optimised *optimised) {
    const rondo_slot *slots = optimised->optimizer->slots;
    while (slots != NULL && slots[optimised->n_slots].name != NULL) {
        if (optimised->n_slots == OPTIMISED_SLOTS) {
            return errors_add(&optimised->errors, RONDO_INVALID, "has more than %d slots", OPTIMISED_SLOTS);
        }
        rondo_tensor *slot = &optimised->slots[optimised->n_slots];
        RONDO_TRY(shape_slot(optimised, optimised->n_slots, slot));
        if (!guard_tensor(optimised->guard, slots[optimised->n_slots].name, slot)) {
            return errors_no_memory(&optimised->errors);
        }
        optimised->n_slots++;
    }
    return RONDO_OK;
}

static void fill_normal(const rondo_tensor *tensor, struct rng_stream stream, double scale) {
    const int64_t count = rondo_count(tensor);
    for (int64_t i = 0; i < count; i++) {
        tensor_set(tensor, i, scale * rng_normal(stream, (uint64_t)i));
    }
}

static rondo_status fill(struct optimised *optimised, struct kit *kit, const char *options, rondo_tensor shape) {
    const rondo_descriptor *base = &optimised->optimizer->base;
    const void *made = kit_options(kit, base, options);
    if (made == NULL && base->options != NULL) {
        errors_move(&optimised->errors, kit->errors);
        return optimised->errors.status;
    }
    void *copy = guard_alloc(optimised->guard, "the options", base->options_size);
    optimised->value = optimised->gradient = optimised->sampled = shape;
    if (copy == NULL || !guard_tensor(optimised->guard, "the value", &optimised->value) ||
        !guard_tensor(optimised->guard, "the gradient", &optimised->gradient) ||
        !guard_tensor(optimised->guard, "the sampled gradient", &optimised->sampled)) {
        return errors_no_memory(&optimised->errors);
    }
    if (made != NULL) {
        memcpy(copy, made, base->options_size);
        optimised->options = copy;
    }
    RONDO_TRY(ask_options(optimised, &kit->parallel));
    RONDO_TRY(add_slots(optimised));
    if (shape.dtype == RONDO_I32) {
        memset(optimised->value.data, 0, tensor_bytes(&shape));
        memset(optimised->gradient.data, 0, tensor_bytes(&shape));
    } else {
        fill_normal(&optimised->value,
                    rng_substream(rng_stream(optimised->seed, "value"), (uint64_t)optimised->instance), 1);
    }
    optimised_forget(optimised);
    return RONDO_OK;
}

struct optimised *optimised_create(struct kit *kit, const rondo_optimizer *optimizer, const char *options,
                                   rondo_tensor shape, int32_t instance, char *reason, size_t size) {
    struct optimised *optimised = arena_calloc(kit->arena, 1, sizeof *optimised);
    struct arena *arena = arena_create();
    struct guard *guard = guard_create();
    if (optimised == NULL || arena == NULL || guard == NULL) {
        kit_say(reason, size, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    *optimised = (struct optimised){.optimizer = optimizer,
                                    .name = arena_printf(kit->arena, "layers.%d.W", (int)instance),
                                    .instance = instance,
                                    .seed = kit->seed,
                                    .guard = guard,
                                    .arena = arena,
                                    .lr_scale = 1,
                                    .plain_rate = 0.01,
                                    .parallel = {1}};
    if (fill(optimised, kit, options, shape) != RONDO_OK) {
        kit_say(reason, size, VERDICT_FAIL, "options '%s', parameter %s: %s", options == NULL ? "" : options,
                tensor_shape_text(&shape).text, errors_text(&optimised->errors, 0));
        return NULL;
    }
    return optimised;
}

void optimised_forget_slot(struct optimised *optimised, int32_t s) {
    const rondo_tensor *slot = &optimised->slots[s];
    const size_t bytes = tensor_bytes(slot);
    const int32_t role = optimised->optimizer->slots[s].role;
    if (bytes > 0 && (role == RONDO_SLOT_EVALUATED || role == RONDO_SLOT_COPY) &&
        bytes == tensor_bytes(&optimised->value)) {
        memcpy(slot->data, optimised->value.data, bytes);
    } else if (bytes > 0) {
        memset(slot->data, 0, bytes);
    }
}

void optimised_forget(struct optimised *optimised) {
    for (int32_t s = 0; s < optimised->n_slots; s++) {
        optimised_forget_slot(optimised, s);
    }
}

/* ---- updates ---- */

/* A call that notices random words. `host` comes first: a rondo_context* of it is this struct. */
struct watched {
    struct host_call host;
    struct optimised *optimised;
    rondo_host table;
};

static void watched_random(rondo_context *ctx, uint64_t first, int64_t count, uint32_t *bits) {
    const struct watched *watched = (const struct watched *)ctx;
    const struct host_call *host = &watched->host;
    watched->optimised->drew = 1;
    if (!watched->optimised->gives_one_word) {
        rng_words(host->stream, host->random_first + first, count, bits);
        return;
    }
    uint32_t word;
    rng_words(host->stream, 0, 1, &word);
    for (int64_t i = 0; i < count; i++) {
        bits[i] = word;
    }
}

/* Elements begin .. end of a tensor of the parameter's size, as one dimension; a tensor of another size whole. */
static rondo_tensor slice_of(const struct optimised *optimised, const rondo_tensor *tensor, int64_t begin,
                             int64_t end) {
    if (!is_elementwise(optimised->optimizer) || tensor->data == NULL ||
        rondo_count(tensor) != rondo_count(&optimised->value)) {
        return *tensor;
    }
    return tensor_1d(tensor->dtype, end - begin, (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype));
}

static rondo_status update(struct optimised *optimised, int64_t begin, int64_t end) {
    const rondo_optimizer *optimizer = optimised->optimizer;
    rondo_tensor slots[OPTIMISED_SLOTS];
    for (int32_t s = 0; s < optimised->n_slots; s++) {
        slots[s] = slice_of(optimised, &optimised->slots[s], begin, end);
    }
    rondo_optimizer_call call = {.struct_size = sizeof call,
                                 .n_slots = optimised->n_slots,
                                 .options = optimised->options,
                                 .parameter = optimised->name,
                                 .step = optimised->step,
                                 .lr_scale = optimised->lr_scale,
                                 .value = slice_of(optimised, &optimised->value, begin, end),
                                 .gradient = slice_of(optimised, &optimised->gradient, begin, end),
                                 .slots = slots,
                                 .rows = OPTIMISED_ROWS};
    if (optimizer->wants_sampled != NULL && optimizer->wants_sampled(optimised->options, optimised->step)) {
        call.sampled_gradient = slice_of(optimised, &optimised->sampled, begin, end);
    }
    arena_reset(optimised->arena);
    struct watched watched = {
        .host = host_call(optimised->arena, &optimised->errors, &optimised->parallel, optimizer->base.name),
        .optimised = optimised};
    watched.table = *watched.host.base.host;
    watched.table.random = watched_random;
    watched.host.base.host = &watched.table;
    watched.host.allocations_left = optimised->allocations_left;
    watched.host.stream = rng_substream(rng_stream(optimised->seed, optimised->name), (uint64_t)optimised->step);
    watched.host.random_first = (uint64_t)begin;
    const rondo_status status = optimizer->step(&watched.host.base, &call);
    if (status < 0 || status >= RONDO_STATUS_COUNT) {
        optimised->unknown_status = optimised->unknown_status == 0 ? status : optimised->unknown_status;
    } else if (status == RONDO_OK) {
        optimised->ignored |= watched.host.failed != RONDO_OK;
    } else {
        optimised->quiet |= watched.host.failed == RONDO_OK && status != RONDO_NO_MEMORY;
    }
    return host_result(&watched.host, status);
}

/* p <- p - lr g, what goes with a wrapper. */
static void plain_descent(struct optimised *optimised) {
    const int64_t count = rondo_count(&optimised->value);
    for (int64_t i = 0; i < count; i++) {
        const double step = optimised->plain_rate * optimised->lr_scale * tensor_get(&optimised->gradient, i);
        tensor_set(&optimised->value, i, tensor_get(&optimised->value, i) - step);
    }
}

rondo_status optimised_step(struct optimised *optimised) {
    const int64_t count = rondo_count(&optimised->value);
    optimised->step++;
    if (optimised->optimizer->stage == RONDO_STAGE_VALUE) {
        plain_descent(optimised);
    }
    int64_t begin = 0;
    for (int32_t k = 0; k == 0 || begin < count; k++) {
        const int64_t end = optimised->cuts == NULL ? count : optimised->cuts[k];
        RONDO_TRY(update(optimised, begin, end));
        begin = end;
    }
    if (optimised->optimizer->stage == RONDO_STAGE_GRADIENT) {
        plain_descent(optimised);
    }
    return RONDO_OK;
}

void optimised_draw(struct optimised *optimised, double scale) {
    const struct rng_stream stream =
        rng_substream(rng_stream(optimised->seed, optimised->name), (uint64_t)optimised->step + 1);
    fill_normal(&optimised->gradient, rng_substream(stream, 1), scale);
    fill_normal(&optimised->sampled, rng_substream(stream, 2), scale);
}

rondo_status optimised_run(struct optimised *optimised, int64_t count, double scale) {
    for (int64_t i = 0; i < count; i++) {
        optimised_draw(optimised, scale);
        RONDO_TRY(optimised_step(optimised));
    }
    return RONDO_OK;
}

/* ---- what came of it ---- */

enum verdict optimised_failed(const struct optimised *optimised, char *reason, size_t size) {
    return kit_say(reason, size, VERDICT_FAIL, "update %lld of a parameter %s, %s, failed: %s",
                   (long long)optimised->step, tensor_shape_text(&optimised->value).text,
                   dtype_name(optimised->value.dtype), errors_text(&optimised->errors, 0));
}

static int same_bits(const rondo_tensor *a, const rondo_tensor *b, const char *name, char *reason, size_t size) {
    const size_t bytes = tensor_bytes(a), element = dtype_size(a->dtype);
    if (bytes == 0 || memcmp(a->data, b->data, bytes) == 0) {
        return 1;
    }
    int64_t i = 0;
    while (memcmp((const char *)a->data + (size_t)i * element, (const char *)b->data + (size_t)i * element, element) ==
           0) {
        i++;
    }
    kit_say(reason, size, VERDICT_FAIL, "%s[%lld] is %.9g and %.9g", name, (long long)i, tensor_get(a, i),
            tensor_get(b, i));
    return 0;
}

int optimised_equal(const struct optimised *a, const struct optimised *b, char *reason, size_t size) {
    if (!same_bits(&a->value, &b->value, "value", reason, size)) {
        return 0;
    }
    if (a->optimizer->stage == RONDO_STAGE_GRADIENT &&
        !same_bits(&a->gradient, &b->gradient, "gradient", reason, size)) {
        return 0;
    }
    for (int32_t s = 0; s < a->n_slots; s++) {
        if (!same_bits(&a->slots[s], &b->slots[s], a->optimizer->slots[s].name, reason, size)) {
            return 0;
        }
    }
    return 1;
}

int optimised_has_state(const struct optimised *optimised) {
    for (int32_t s = 0; s < optimised->n_slots; s++) {
        if (rondo_count(&optimised->slots[s]) > 0) {
            return 1;
        }
    }
    return 0;
}
