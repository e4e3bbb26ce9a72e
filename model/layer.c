#include "model/layer.h"

#include "model/apply.h"
#include "model/packed.h"

void *layer_new(const struct layer_class *class, size_t size, struct errors *errors) {
    struct arena *arena = arena_create();
    struct layer *layer = arena_calloc(arena, 1, size);
    if (layer == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    layer->class = class;
    layer->arena = arena;
    return layer;
}

void layer_destroy(struct layer *layer) {
    if (layer == NULL) {
        return;
    }
    if (layer->class->destroy != NULL) {
        layer->class->destroy(layer);
    }
    arena_destroy(layer->arena);
}

rondo_status layer_set_around(struct layer *layer, struct layer_around around, struct location residual_where,
                              struct errors *errors) {
    const struct layer_shape *shape = &layer->shape;
    layer->around = around;
    if (around.residual && shape->input != shape->width) {
        const int has_both = shape->backward > 0 && shape->backward < shape->width;
        return errors_add_at(errors, RONDO_INVALID, residual_where,
                             "'residual' adds the input of the layer, which is %lld wide, to its output, which is "
                             "%lld wide%s; expected the same width",
                             (long long)shape->input, (long long)shape->width, has_both ? " (both directions)" : "");
    }
    return RONDO_OK;
}

rondo_value layer_starts(struct tape *tape, const struct layer_call *call, rondo_tensor shape) {
    for (int32_t d = 1; d < shape.ndim; d++) {
        shape.shape[d] = 1;
    }
    const rondo_status status = tensor_alloc(&shape, tape_arena(tape), tape_errors(tape));
    if (status != RONDO_OK) {
        return tape_fail(tape, status);
    }
    for (int64_t row = 0; row < shape.shape[0]; row++) {
        tensor_set(&shape, row, call->starts[row] != 0);
    }
    return tape_constant(tape, &shape);
}

void layer_enter(struct tape *tape, const struct layer_call *call, const char *part) {
    const char *scope = arena_printf(tape_arena(tape), "%s%s", call->scope, part);
    if (scope == NULL) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return;
    }
    tape_enter(tape, scope, call->stream);
}

const struct layer_shape *layer_shape(const struct layer *layer) {
    return &layer->shape;
}

int64_t layer_step_flops(const struct layer *layer) {
    return layer->class->flops(layer);
}

rondo_value layer_record(const struct layer *layer, struct tape *tape, const struct layer_call *call) {
    rondo_value value = layer->class->record(layer, tape, call);
    layer_enter(tape, call, "");
    value = apply_dropout(tape, value, layer->around.dropout);
    if (layer->around.residual) {
        const rondo_value input = call->inputs[0];
        value = apply_add(tape, value, call->input_every_step ? input : packed_from_first(tape, call->time, input));
    }
    return value;
}
