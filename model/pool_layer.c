#include "model/pool_layer.h"

#include "model/apply.h"
#include "model/packed.h"

struct pool_layer {
    struct layer layer;
    enum pooling pooling;
    struct layer_parameter query;
    const rondo_op *attention; /* with its default options */
    const void *options;
};

/* The ranges of the ops below; the tape keeps them for the backward pass. */
struct pool_rows {
    struct time_axis_rows keys; /* the steps of each row */
    rondo_rows queries;         /* one for each row */
};

static struct pool_rows *make_rows(struct tape *tape, const struct time_axis *time) {
    struct arena *arena = tape_arena(tape);
    struct pool_rows *rows = arena_calloc(arena, 1, sizeof *rows);
    int64_t *begin = arena_alloc(arena, sizeof *begin * (size_t)time->rows);
    int64_t *length = arena_alloc(arena, sizeof *length * (size_t)time->rows);
    if (arena_failed(arena)) {
        errors_no_memory(tape_errors(tape));
        return NULL;
    }
    for (int64_t row = 0; row < time->rows; row++) {
        begin[row] = row;
        length[row] = 1;
    }
    rows->queries =
        (rondo_rows){.struct_size = sizeof(rondo_rows), .count = time->rows, .begin = begin, .length = length};
    return time_axis_by_rows(&rows->keys, time, NULL, arena, tape_errors(tape)) == RONDO_OK ? rows : NULL;
}

static rondo_value attend(const struct pool_layer *layer, struct tape *tape, const struct layer_call *call) {
    const rondo_tensor *tensor = tape_tensor(tape, call->inputs[0]);
    const struct pool_rows *rows = tensor == NULL ? NULL : make_rows(tape, call->time);
    if (rows == NULL) {
        return tape_fail(tape, tensor == NULL ? tape_status(tape) : tape_errors(tape)->status);
    }
    const rondo_tensor index = tensor_1d(RONDO_I32, call->time->total, (void *)rows->keys.index);
    const rondo_value zeros = tape_zeros(tape, tensor_2d(tensor->dtype, call->time->rows, tensor->shape[1], NULL));
    const rondo_value steps = apply_gather(tape, call->inputs[0], &index);
    const rondo_value operands[3] = {apply_add(tape, zeros, call->parameters[0]), steps, steps};
    const rondo_rows *const of_operands[3] = {&rows->queries, &rows->keys.rows, &rows->keys.rows};
    return tape_apply_rows(tape, layer->attention, layer->options, operands, 3, of_operands);
}

static rondo_value record(const struct layer *base, struct tape *tape, const struct layer_call *call) {
    const struct pool_layer *layer = (const struct pool_layer *)base;
    const rondo_value value = call->inputs[0]; /* [total, width] */
    layer_enter(tape, call, "");
    switch (layer->pooling) {
    case POOL_FIRST:
        return packed_first(tape, call->time, value);
    case POOL_MEAN:
        return packed_reduce(tape, call->time, value, "mean");
    case POOL_MAX:
        return packed_reduce(tape, call->time, value, "max");
    case POOL_ATTENTION:
        return attend(layer, tape, call);
    case POOL_LAST:
        break;
    }
    return packed_last(tape, call->time, value, base->shape.width, base->shape.backward);
}

static int64_t flops(const struct layer *layer) {
    const enum pooling pooling = ((const struct pool_layer *)layer)->pooling;
    return pooling == POOL_ATTENTION                     ? 4 * layer->shape.width
           : pooling == POOL_MEAN || pooling == POOL_MAX ? layer->shape.width
                                                         : 0;
}

static const struct layer_class pool_class = {"pool", NULL, record, flops};

struct layer *pool_layer_create(enum pooling pooling, const struct layer_shape *below, int32_t dtype,
                                struct registry *registry, struct errors *errors) {
    struct pool_layer *layer = layer_new(&pool_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    layer->pooling = pooling;
    layer->layer.shape.input = layer->layer.shape.width = below->width;
    layer->layer.shape.backward = below->backward;
    if (pooling == POOL_ATTENTION) {
        layer->query = (struct layer_parameter){.name = "query",
                                                .shape = tensor_1d(dtype, below->width, NULL),
                                                .initialiser = {.kind = INITIALISE_CONSTANT}};
        layer->layer.shape.parameters = &layer->query;
        layer->layer.shape.n_parameters = 1;
        layer->attention = registry_op_defaults(registry, "attention", &layer->options);
        if (layer->attention == NULL) {
            errors_add(errors, RONDO_NOT_FOUND, "there is no op 'attention'");
            layer_destroy(&layer->layer);
            return NULL;
        }
    }
    return &layer->layer;
}
