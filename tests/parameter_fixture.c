/* tests/parameter_fixture.c: see tests/parameter_fixture.h. */
#include "parameter_fixture.h"
#include "tests/suite.h"

#include <string.h>

/* A slot as the host creates it: of the declared shape, and zero or a copy of the parameter. */
static rondo_tensor new_slot(const struct parameter_part *part, int32_t number, const rondo_tensor *value) {
    const rondo_optimizer *optimizer = part->optimizer;
    const rondo_slot *slot = &optimizer->slots[number];
    rondo_tensor shape = *value;
    if (slot->shape == RONDO_SLOT_SCALAR) {
        shape = tensor_of(value->dtype, 0, NULL);
    } else if (slot->shape == RONDO_SLOT_CHOSEN) {
        const rondo_tensor parameter = tensor_of(value->dtype, value->ndim, value->shape);
        struct host_call host = fixture_host(optimizer->base.name);
        shape = tensor_1d(value->dtype, 0, NULL);
        const rondo_status status = optimizer->choose_slot(&host.base, part->options, number, &parameter, &shape);
        ck_assert_msg(host_result(&host, status) == RONDO_OK, "%s", fixture_first_error());
        ck_assert_int_eq(shape.dtype, value->dtype);
    }
    const rondo_tensor made = fixture_shaped(shape.dtype, shape.ndim, shape.shape);
    if (slot->role != RONDO_SLOT_STATE) {
        ck_assert(tensor_same_shape(&made, value));
        memcpy(made.data, value->data, tensor_bytes(value));
    }
    return made;
}

static struct parameter_part new_part(const char *name, const char *options, const rondo_tensor *value) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, name);
    struct parameter_part part = {.optimizer = optimizer, .options = fixture_options(&optimizer->base, options)};
    ck_assert_msg(part.options != NULL, "%s", fixture_first_error());
    for (; optimizer->slots != NULL && optimizer->slots[part.n_slots].name != NULL; part.n_slots++) {
        ck_assert_int_lt(part.n_slots, PARAMETER_SLOTS);
        part.slots[part.n_slots] = new_slot(&part, part.n_slots, value);
    }
    return part;
}

struct parameter_fixture parameter_fixture_create(const char *text, int32_t dtype, int32_t ndim, const int64_t *shape,
                                                  const double *start) {
    struct parameter_fixture parameter = {.value = fixture_shaped(dtype, ndim, shape),
                                          .gradient = fixture_shaped(dtype, ndim, shape),
                                          .sampled = fixture_shaped(dtype, ndim, shape),
                                          .lr_scale = 1,
                                          .rows = 1};
    fixture_fill(&parameter.value, start);
    while (*text != '\0') {
        char name[64], options[512];
        int length = 0;
        ck_assert_msg(sscanf(text, " %63s %511[^|]%n", name, options, &length) == 2, "no optimizer in '%s'", text);
        text += length + (text[length] == '|');
        for (size_t end = strlen(options); end > 0 && options[end - 1] == ' '; end--) {
            options[end - 1] = '\0';
        }
        ck_assert_int_lt(parameter.n_parts, PARAMETER_PARTS);
        parameter.parts[parameter.n_parts++] = new_part(name, options, &parameter.value);
    }
    return parameter;
}

/* Elements begin .. end - 1, as one dimension. A slot without memory is not changed. */
static rondo_tensor slice_of(const rondo_tensor *tensor, int64_t begin, int64_t end) {
    if (rondo_count(tensor) == 0) {
        return *tensor;
    }
    return tensor_1d(tensor->dtype, end - begin, (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype));
}

static rondo_status update_part(struct parameter_fixture *parameter, struct parameter_part *part, int64_t step,
                                int64_t begin, int64_t end) {
    const rondo_optimizer *optimizer = part->optimizer;
    const int sliced = (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
    ck_assert(sliced || (begin == 0 && end == rondo_count(&parameter->value)));
    const int samples = optimizer->wants_sampled != NULL && optimizer->wants_sampled(part->options, step);
    rondo_tensor slots[PARAMETER_SLOTS];
    for (int32_t k = 0; k < part->n_slots; k++) {
        slots[k] = sliced ? slice_of(&part->slots[k], begin, end) : part->slots[k];
    }
    rondo_optimizer_call call = {.struct_size = sizeof call,
                                 .n_slots = part->n_slots,
                                 .options = part->options,
                                 .parameter = "layers.0.W",
                                 .step = step,
                                 .lr_scale = parameter->lr_scale,
                                 .value = sliced ? slice_of(&parameter->value, begin, end) : parameter->value,
                                 .gradient = sliced ? slice_of(&parameter->gradient, begin, end) : parameter->gradient,
                                 .slots = slots,
                                 .sampled_gradient =
                                     sliced ? slice_of(&parameter->sampled, begin, end) : parameter->sampled,
                                 .rows = parameter->rows};
    call.sampled_gradient.data = samples ? call.sampled_gradient.data : NULL;
    struct host_call host = fixture_host(optimizer->base.name);
    return host_result(&host, optimizer->step(&host.base, &call));
}

rondo_status parameter_fixture_update(struct parameter_fixture *parameter, int64_t step, int64_t begin, int64_t end) {
    static const int32_t stages[] = {RONDO_STAGE_GRADIENT, RONDO_STAGE_UPDATE, RONDO_STAGE_VALUE};
    for (int stage = 0; stage < ROWS(stages); stage++) {
        for (int32_t k = 0; k < parameter->n_parts; k++) {
            struct parameter_part *part = &parameter->parts[k];
            if (part->optimizer->stage == stages[stage]) {
                const rondo_status status = update_part(parameter, part, step, begin, end);
                if (status != RONDO_OK) {
                    return status;
                }
            }
        }
    }
    return RONDO_OK;
}

void parameter_fixture_update_whole(struct parameter_fixture *parameter, int64_t step, const char *title) {
    const rondo_status status = parameter_fixture_update(parameter, step, 0, rondo_count(&parameter->value));
    ck_assert_msg(status == RONDO_OK, "%s: %s", title, fixture_first_error());
}

int parameter_fixture_is_elementwise(const struct parameter_fixture *parameter) {
    int all = 1;
    for (int32_t k = 0; k < parameter->n_parts; k++) {
        all = all && (parameter->parts[k].optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
    }
    return all;
}

const rondo_tensor *parameter_fixture_evaluated(const struct parameter_fixture *parameter) {
    for (int32_t k = 0; k < parameter->n_parts; k++) {
        const struct parameter_part *part = &parameter->parts[k];
        for (int32_t s = 0; s < part->n_slots; s++) {
            if (part->optimizer->slots[s].role == RONDO_SLOT_EVALUATED) {
                return &part->slots[s];
            }
        }
    }
    ck_abort_msg("no slot is of role RONDO_SLOT_EVALUATED");
    return NULL;
}
