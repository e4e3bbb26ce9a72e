#include "model/block_layer.h"

#include "model/apply.h"
#include "model/packed.h"
#include "model/step_flops.h"

struct block_layer {
    struct layer layer;
    struct cell *block; /* without states */
};

/* ---- recording ---- */

/* The orders of the elements of a time axis: packed position of each element of the sequences, and back. On the tape, which keeps
 * the ranges of the sequences for the backward pass. */
struct block_order {
    struct time_axis_rows by_rows;
    rondo_rows memory;         /* a copy: a call borrows its own only as long as it lasts */
    rondo_tensor packed, back; /* i32 [total] */
};

/* NULL with an error. */
static const struct block_order *make_order(struct tape *tape, const struct layer_call *call, int reads_memory) {
    const struct time_axis *time = call->time;
    struct arena *arena = tape_arena(tape);
    struct block_order *order = arena_calloc(arena, 1, sizeof *order);
    int32_t *back = arena_alloc(arena, sizeof *back * (size_t)time->total);
    if (arena_failed(arena)) {
        errors_no_memory(tape_errors(tape));
        return NULL;
    }
    if (time_axis_by_rows(&order->by_rows, time, NULL, arena, tape_errors(tape)) != RONDO_OK) {
        return NULL;
    }
    for (int64_t i = 0; i < time->total; i++) {
        back[order->by_rows.index[i]] = (int32_t)i;
    }
    order->memory = reads_memory ? *call->memory->rows : (rondo_rows){0};
    order->packed = tensor_1d(RONDO_I32, time->total, (void *)order->by_rows.index);
    order->back = tensor_1d(RONDO_I32, time->total, back);
    return order;
}

/* The equations on values of all steps, sequence-major: [total, output width]. */
static rondo_value record_equations(const struct block_layer *layer, struct tape *tape, const struct layer_call *call,
                                    const struct block_order *order, rondo_value x) {
    const struct cell *block = layer->block;
    rondo_value *values = arena_calloc(tape_arena(tape), (size_t)block->n_parameters + 2, sizeof *values);
    if (values == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    int32_t n = 0;
    values[n++] = x;
    if (block->reads_memory) {
        values[n++] = call->memory->values;
    }
    for (int32_t p = 0; p < block->n_parameters; p++) {
        values[n++] = call->parameters[p];
    }
    const struct program_inputs inputs = {
        .values = values, .steps = &order->by_rows.rows, .memory = block->reads_memory ? &order->memory : NULL};
    rondo_value output = {-1};
    const rondo_status status = program_replay(block->program, tape, &inputs, NULL, &block->output, 1, &output);
    return status == RONDO_OK ? output : tape_fail(tape, status);
}

static rondo_value record(const struct layer *base, struct tape *tape, const struct layer_call *call) {
    const struct block_layer *layer = (const struct block_layer *)base;
    rondo_value x = call->inputs[0];
    if (!call->input_every_step) {
        x = packed_from_first(tape, call->time, x);
    }
    if (tape_status(tape) != RONDO_OK) {
        return tape_fail(tape, tape_status(tape));
    }
    const struct block_order *order = make_order(tape, call, base->shape.reads_memory);
    if (order == NULL) {
        return tape_fail(tape, tape_errors(tape)->status);
    }
    layer_enter(tape, call, ".block");
    const rondo_value y = record_equations(layer, tape, call, order, apply_gather(tape, x, &order->packed));
    return apply_gather(tape, y, &order->back);
}

/* ---- creation ---- */

static rondo_status list_parameters(struct block_layer *layer, struct errors *errors) {
    const struct cell *block = layer->block;
    struct layer_shape *shape = &layer->layer.shape;
    struct layer_parameter *parameters =
        arena_calloc(layer->layer.arena, (size_t)block->n_parameters + 1, sizeof *parameters);
    if (parameters == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < block->n_parameters; p++) {
        const struct cell_parameter *from = &block->parameters[p];
        parameters[p] =
            (struct layer_parameter){.name = from->name, .shape = from->shape, .initialiser = from->initialiser};
    }
    shape->parameters = parameters;
    shape->n_parameters = block->n_parameters;
    return RONDO_OK;
}

static rondo_status build(struct block_layer *layer, const struct block_layer_settings *settings, int32_t dtype,
                          int64_t input, struct registry *registry, struct errors *errors) {
    const int is_over_self = settings->over == BLOCK_OVER_SELF;
    const struct cell_settings sizes = {.dtype = dtype,
                                        .input = input,
                                        .hidden = settings->hidden > 0 ? settings->hidden : input,
                                        .memory = is_over_self ? input : settings->memory,
                                        .memory_is_input = is_over_self,
                                        .option_values = settings->option_values};
    if (!is_over_self && settings->memory == 0) {
        struct cell_settings with_memory = sizes;
        with_memory.memory = input;
        if (block_over_of(settings->block, &with_memory, registry) == BLOCK_OVER_SELF) {
            return errors_add_at(errors, RONDO_INVALID, settings->where,
                                 "the equations of block '%s' are for its own steps; expected 'over: self'",
                                 settings->block->name);
        }
        return errors_add_at(
            errors, RONDO_INVALID, settings->where,
            "block '%s' looks at the memory, the outputs of an encoder, and there is none here; expected "
            "'model.encoder', whose own layers cannot read it, or 'over: self'",
            settings->block->name);
    }
    layer->block = cell_compile(settings->block, &sizes, registry, errors);
    if (layer->block == NULL) {
        return errors->status;
    }
    if (!is_over_self && !layer->block->reads_memory) {
        return errors_add_at(errors, RONDO_INVALID, settings->where,
                             "block '%s' never reads the memory that it is to look at, expected equations that use "
                             "'memory', or 'over: self'",
                             settings->block->name);
    }
    struct layer_shape *shape = &layer->layer.shape;
    shape->input = input;
    shape->width = layer->block->output_width;
    const enum program_reach reach = program_reach(layer->block->program);
    shape->is_causal = reach != REACH_ALL;
    shape->looks_back = reach == REACH_EARLIER;
    shape->reads_memory = layer->block->reads_memory;
    RONDO_TRY(list_parameters(layer, errors));
    return layer_set_around(&layer->layer, (struct layer_around){settings->dropout, settings->residual},
                            settings->residual_where, errors);
}

/* 1 if the equations compile; *reads_memory tells whether they read a memory. */
static int compiles(const struct cell_definition *block, const struct cell_settings *settings,
                    struct registry *registry, int *reads_memory) {
    struct errors ignored = {0};
    struct cell *cell = cell_compile(block, settings, registry, &ignored);
    const int is_compiled = cell != NULL;
    *reads_memory = is_compiled && cell->reads_memory;
    cell_destroy(cell);
    errors_free(&ignored);
    return is_compiled;
}

enum block_over block_over_of(const struct cell_definition *block, const struct cell_settings *settings,
                              struct registry *registry) {
    struct cell_settings over_memory = *settings, over_self = *settings;
    int reads_memory, by_position = 0;
    over_memory.by_position = &by_position;
    over_self.memory = settings->input;
    over_self.memory_is_input = 1;
    if (compiles(block, &over_memory, registry, &reads_memory) && reads_memory) {
        return BLOCK_OVER_MEMORY;
    }
    /* If it does not compile over itself either, its mistake is to be shown in what it was written for. */
    return by_position || compiles(block, &over_self, registry, &reads_memory) ? BLOCK_OVER_SELF : BLOCK_OVER_MEMORY;
}

/* ---- the kind ---- */

static int64_t flops(const struct layer *base) {
    return step_flops(((const struct block_layer *)base)->block->program);
}

static void destroy(struct layer *base) {
    cell_destroy(((struct block_layer *)base)->block);
}

static const struct layer_class block_class = {"block", destroy, record, flops};

struct layer *block_layer_create(const struct block_layer_settings *settings, int32_t dtype, int64_t input,
                                 struct registry *registry, struct errors *errors) {
    struct block_layer *layer = layer_new(&block_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    if (build(layer, settings, dtype, input, registry, errors) != RONDO_OK) {
        layer_destroy(&layer->layer);
        return NULL;
    }
    return &layer->layer;
}

const char *block_layer_name(const struct layer *layer) {
    return ((const struct block_layer *)layer)->block->name;
}
