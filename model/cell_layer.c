#define _POSIX_C_SOURCE 200809L
#include "model/cell_layer.h"

#include <string.h>

#include "lang/definition.h"
#include "model/apply.h"
#include "model/fused.h"
#include "model/packed.h"
#include "model/step_flops.h"
#include "model/wrap.h"

struct cell_layer {
    struct layer layer;
    struct cell_layer_settings settings; /* cell, option_values and place are NULL */
    struct cell *cell;                   /* wrapped */
    struct scan *scan;                   /* of the cell; NULL if the engine is tape */
    struct cell_probe probe;             /* settings.probe: the columns of the cell below */
    struct cell *values_cell;            /* settings.probe: the cell that also gives the values of the probe */
    struct scan *values_scan;            /* of this cell */
    int64_t width;                       /* of the output of a direction, without the columns of a probe */
    int32_t n_directions;
    int32_t n_states;          /* of a direction, masks not counted */
    int32_t n_parameters;      /* of a direction */
    unsigned char *is_dropped; /* [n_parameters of the cell] weight drop acts on it */
};

static struct location place(const struct cell_layer_settings *settings, const char *key) {
    const struct location nowhere = {NULL, 0, 0};
    return settings->place == NULL ? nowhere : settings->place(settings->place_arg, key);
}

/* ---- creation ---- */

/* Compiles the cell with a projection to `width`. The cell has already compiled without one, so any error now comes from
 * the narrower state. `why`: the reason in the message; NULL: that of the compiler. */
static struct cell *compile_projected(const struct cell_layer_settings *settings, struct cell_settings sizes,
                                      int64_t width, const char *why, struct registry *registry,
                                      struct errors *errors) {
    struct errors own = {0};
    sizes.projection = width;
    struct cell *cell = cell_compile(settings->cell, &sizes, registry, &own);
    if (cell == NULL && own.status == RONDO_NO_MEMORY) {
        errors_no_memory(errors);
    } else if (cell == NULL) {
        errors_add_at(errors, RONDO_INVALID, place(settings, "projection"),
                      "'projection' makes state '%s' of cell '%s' narrower than 'hidden', and its equations do not "
                      "allow that: %s",
                      settings->cell->states[definition_output_state(settings->cell)].name, settings->cell->name,
                      why != NULL ? why : errors_text(&own, 0));
    }
    errors_free(&own);
    return cell;
}

static struct cell *project(const struct cell_layer_settings *settings, struct cell_settings sizes,
                            struct registry *registry, struct errors *errors) {
    if (settings->projection >= settings->hidden) {
        errors_add_at(errors, RONDO_INVALID, place(settings, "projection"),
                      "'projection' is %lld, expected less than 'hidden', which is %lld",
                      (long long)settings->projection, (long long)settings->hidden);
        return NULL;
    }
    if (definition_output_state(settings->cell) < 0) {
        errors_add_at(errors, RONDO_INVALID, place(settings, "projection"),
                      "'projection' is for cells whose output is a state, and that of cell '%s' is '%s'",
                      settings->cell->name, settings->cell->output);
        return NULL;
    }
    if (settings->projection == 1) {
        /* A state of width 1 would be broadcast silently. A probe with a width that equals no other one finds equations
         * that would do so. */
        const int64_t widest = sizes.input > sizes.hidden ? sizes.input : sizes.hidden;
        const int64_t odd = 1 + (widest > sizes.memory ? widest : sizes.memory);
        struct cell *probe = compile_projected(
            settings, sizes, odd, "they put it beside values that are as wide as 'hidden'", registry, errors);
        if (probe == NULL) {
            return NULL;
        }
        cell_destroy(probe);
    }
    return compile_projected(settings, sizes, settings->projection, NULL, registry, errors);
}

/* Replaces a cell by its wrapped form. `wrapped` is NULL after a mistake: the cell then stays, so that the following
 * wrappers are checked too. */
static void replace(struct cell **cell, struct cell *wrapped) {
    if (wrapped != NULL) {
        cell_destroy(*cell);
        *cell = wrapped;
    }
}

static void check_zoneout(const struct cell_layer_settings *settings, const struct cell *cell, struct errors *errors) {
    const int32_t state = wrap_output_state(cell);
    if (settings->zoneout_output > 0 && state < 0) {
        errors_add_at(errors, RONDO_INVALID, place(settings, "zoneout_output"),
                      "'zoneout_output' is not used: the output of cell '%s' is no state", cell->name);
    }
    if (settings->zoneout > 0 && settings->zoneout_output >= 0 && state >= 0 && cell->n_states == 1) {
        errors_add_at(errors, RONDO_INVALID, place(settings, "zoneout"),
                      "'zoneout' is not used: the one state of cell '%s' is its output, which has 'zoneout_output'",
                      cell->name);
    }
}

static void wrap(struct cell **cell, const struct cell_layer_settings *settings, struct registry *registry,
                 struct errors *errors) {
    if (settings->layer_norm) {
        replace(cell, wrap_layer_norm(*cell, place(settings, "layer_norm"), registry, errors));
    }
    if (settings->recurrent_dropout > 0) {
        replace(cell, wrap_recurrent_dropout(*cell, settings->recurrent_dropout, place(settings, "recurrent_dropout"),
                                             registry, errors));
    }
    if (settings->clip > 0) {
        replace(cell, wrap_clip(*cell, settings->clip, registry, errors));
    }
    const double output_zoneout = settings->zoneout_output < 0 ? settings->zoneout : settings->zoneout_output;
    if (settings->zoneout > 0 || output_zoneout > 0) {
        check_zoneout(settings, *cell, errors);
        replace(cell, wrap_zoneout(*cell, settings->zoneout, output_zoneout, registry, errors));
    }
    if (settings->variational_dropout > 0) {
        replace(cell, wrap_variational_dropout(*cell, place(settings, "variational_dropout"), registry, errors));
    }
}

/* Refuses a cell that reads a memory where there is none, before its equations say the same of each line. */
static rondo_status check_memory(const struct cell_layer *layer, const struct cell_layer_settings *settings,
                                 struct errors *errors) {
    return settings->memory > 0 || !cell_definition_reads_memory(settings->cell, layer->layer.arena)
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, place(settings, "cell"),
                               "cell '%s' reads the memory, the outputs of an encoder, and there is none here; "
                               "expected 'model.encoder', whose own layers cannot read it",
                               settings->cell->name);
}

static rondo_status make_cell(struct cell_layer *layer, const struct cell_layer_settings *settings, int32_t dtype,
                              int64_t input, struct registry *registry, struct errors *errors) {
    RONDO_TRY(check_memory(layer, settings, errors));
    struct errors own = {0};
    const struct cell_settings sizes = {.dtype = dtype,
                                        .input = input,
                                        .hidden = settings->hidden,
                                        .option_values = settings->option_values,
                                        .memory = settings->memory};
    layer->cell = cell_compile(settings->cell, &sizes, registry, &own);
    if (layer->cell != NULL && settings->projection > 0) {
        replace(&layer->cell, project(settings, sizes, registry, &own));
    }
    if (layer->cell != NULL) {
        layer->n_states = layer->cell->n_states;
        wrap(&layer->cell, settings, registry, &own);
        layer->width = layer->cell->output_width;
        if (settings->probe) {
            struct cell_probe zeros;
            layer->values_cell = wrap_probe(layer->cell, 1, &layer->probe, registry, &own);
            replace(&layer->cell, wrap_probe(layer->cell, 0, &zeros, registry, &own));
        }
    }
    const rondo_status status = own.status;
    errors_move(errors, &own);
    return status;
}

static rondo_status find_dropped(struct cell_layer *layer, const struct cell_layer_settings *settings,
                                 struct errors *errors) {
    layer->is_dropped = arena_calloc(layer->layer.arena, (size_t)layer->cell->n_parameters + 1, 1);
    if (settings->weight_drop <= 0) {
        return RONDO_OK; /* build asks the arena */
    }
    const int32_t found = layer->is_dropped == NULL ? -1 : wrap_recurrent_weights(layer->cell, layer->is_dropped);
    if (found < 0) {
        return errors_no_memory(errors);
    }
    return found > 0 ? RONDO_OK
                     : errors_add_at(errors, RONDO_INVALID, place(settings, "weight_drop"),
                                     "'weight_drop' is not used: cell '%s' has no product of a state and a matrix",
                                     layer->cell->name);
}

/* The name of state `s` in the equations. */
static const char *state_name(const struct cell_layer *layer, int32_t s) {
    return program_node(layer->cell->program, (rondo_value){1 + s})->name;
}

/* The learnt initial state `s`. Its shape is that of the state without the rows. */
static struct layer_parameter initial_state(const struct cell_layer *layer, int32_t s) {
    const rondo_tensor *state = &layer->cell->states[s]; /* [batch, …] */
    return (struct layer_parameter){.name = arena_printf(layer->layer.arena, "%s.initial", state_name(layer, s)),
                                    .shape = tensor_of(state->dtype, state->ndim - 1, state->shape + 1),
                                    .initialiser = {.kind = INITIALISE_CONSTANT}};
}

/* `name` with the direction before it if there are two. */
static const char *name_of_direction(const struct cell_layer *layer, int32_t d, const char *name) {
    static const char *const directions[] = {"forward", "backward"};
    return layer->n_directions == 1 ? name : arena_printf(layer->layer.arena, "%s.%s", directions[d], name);
}

static void list_parameters(struct cell_layer *layer) {
    const struct cell *cell = layer->cell;
    struct layer_shape *shape = &layer->layer.shape;
    layer->n_parameters = cell->n_parameters + (layer->settings.learn_initial_state ? layer->n_states : 0);
    shape->n_parameters = layer->n_directions * layer->n_parameters;
    struct layer_parameter *parameters =
        arena_calloc(layer->layer.arena, (size_t)shape->n_parameters + 1, sizeof *parameters);
    for (int32_t i = 0; parameters != NULL && i < shape->n_parameters; i++) {
        const int32_t d = i / layer->n_parameters, p = i % layer->n_parameters;
        const struct cell_parameter *from = &cell->parameters[p];
        parameters[i] =
            p < cell->n_parameters
                ? (struct layer_parameter){.name = from->name, .shape = from->shape, .initialiser = from->initialiser}
                : initial_state(layer, p - cell->n_parameters);
        parameters[i].name = name_of_direction(layer, d, parameters[i].name);
    }
    shape->parameters = parameters;
}

static void list_states(struct cell_layer *layer) {
    struct layer_shape *shape = &layer->layer.shape;
    shape->n_states = layer->n_directions * layer->n_states;
    struct layer_state *states = arena_calloc(layer->layer.arena, (size_t)shape->n_states + 1, sizeof *states);
    for (int32_t i = 0; states != NULL && i < shape->n_states; i++) {
        const int32_t d = i / layer->n_states, s = i % layer->n_states;
        states[i] = (struct layer_state){name_of_direction(layer, d, state_name(layer, s)), layer->cell->states[s]};
    }
    shape->states = states;
}

static void set_widths(struct cell_layer *layer, const struct cell_layer_settings *settings, int64_t input) {
    struct layer_shape *shape = &layer->layer.shape;
    shape->input = input;
    shape->width = layer->n_directions * layer->width;
    shape->backward = settings->direction == DIRECTION_FORWARD ? 0 : layer->width;
    shape->is_causal = settings->direction == DIRECTION_FORWARD;
    shape->reads_memory = layer->cell->reads_memory;
}

static rondo_status compile(struct scan **scan, const struct cell *cell, const struct cell_layer_settings *settings,
                            struct errors *errors) {
    *scan = fused_create_observed(cell, PASS_ALL & ~settings->passes_off, settings->recompute, settings->observe,
                                  settings->observe_arg, errors);
    return *scan == NULL ? errors->status : RONDO_OK;
}

static rondo_status build(struct cell_layer *layer, const struct cell_layer_settings *settings, int32_t dtype,
                          int64_t input, struct registry *registry, struct errors *errors) {
    const rondo_status made = make_cell(layer, settings, dtype, input, registry, errors);
    if (layer->cell == NULL) {
        return made;
    }
    set_widths(layer, settings, input);
    const rondo_status dropped = find_dropped(layer, settings, errors);
    /* If the projection was refused, the output width is not the intended one, and a check of it would mislead. */
    const struct layer_around around = {settings->dropout, settings->residual};
    const rondo_status added =
        made == RONDO_OK ? layer_set_around(&layer->layer, around, place(settings, "residual"), errors) : made;
    RONDO_TRY(added != RONDO_OK ? added : dropped);
    if (settings->engine == ENGINE_FUSED) {
        RONDO_TRY(compile(&layer->scan, layer->cell, settings, errors));
    }
    if (settings->engine == ENGINE_FUSED && settings->probe) {
        RONDO_TRY(compile(&layer->values_scan, layer->values_cell, settings, errors));
    }
    list_parameters(layer);
    list_states(layer);
    return arena_failed(layer->layer.arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- recording ---- */

/* The one place that knows engines: the same recurrence, the same results. */
static rondo_value recur(const struct scan *scan, const struct recurrence *recurrence, struct tape *tape,
                         rondo_value *final_states) {
    return scan == NULL ? unroll(recurrence, tape, final_states) : fused(scan, recurrence, tape, final_states);
}

/* The shape of state `s` for the rows of this batch. */
static rondo_tensor state_of_rows(const struct cell_layer *layer, int32_t s, const struct time_axis *time) {
    rondo_tensor shape = layer->cell->states[s];
    shape.shape[0] = time->rows;
    return shape;
}

/* The layer's own start of state `s` of direction `d`: the learnt one, repeated for every row; otherwise zeros. */
static rondo_value own_start(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                             int32_t d, int32_t s) {
    const rondo_value zeros = tape_zeros(tape, state_of_rows(layer, s, call->time)); /* [rows, …] */
    return layer->settings.learn_initial_state
               ? apply_add(tape, zeros, call->parameters[d * layer->n_parameters + layer->cell->n_parameters + s])
               : zeros;
}

/* The initial state `s` of direction `d`: the one given by the caller; for rows that start, and if none is given, the
 * layer's own start. An id of -1 means zeros. */
static rondo_value start_of_state(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                                  int32_t d, int32_t s) {
    const int32_t state = d * layer->n_states + s;
    if (call->initial == NULL || call->initial[state].id < 0) {
        return layer->settings.learn_initial_state ? own_start(layer, tape, call, d, s) : (rondo_value){-1};
    }
    if (call->starts == NULL) {
        return call->initial[state];
    }
    return apply_where(tape, layer_starts(tape, call, state_of_rows(layer, s, call->time)),
                       own_start(layer, tape, call, d, s), call->initial[state]);
}

/* A mask of variational dropout: dropout of ones. */
static rondo_value draw_mask(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                             int32_t s) {
    rondo_tensor ones = state_of_rows(layer, s, call->time); /* [rows, width of the masked value] */
    const rondo_status status = tensor_alloc(&ones, tape_arena(tape), tape_errors(tape));
    if (status != RONDO_OK) {
        return tape_fail(tape, status);
    }
    for (int64_t i = 0; i < rondo_count(&ones); i++) {
        tensor_set(&ones, i, 1);
    }
    return apply_dropout(tape, tape_constant(tape, &ones), layer->settings.variational_dropout);
}

/* Parameters and initial states of one direction. */
struct cell_layer_start {
    rondo_value *parameters; /* [n_parameters of the cell] with weights dropped */
    rondo_value *states;     /* [n_states of the cell], masks after the states; NULL: zeros */
};

static struct cell_layer_start prepare(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                                       int32_t d) {
    const struct cell *cell = layer->cell;
    struct cell_layer_start start = {
        arena_calloc(tape_arena(tape), (size_t)cell->n_parameters + 1, sizeof(rondo_value)), NULL};
    const int starts_from_zeros = call->initial == NULL && !layer->settings.learn_initial_state && cell->n_masks == 0;
    if (!starts_from_zeros) {
        start.states = arena_calloc(tape_arena(tape), (size_t)cell->n_states, sizeof(rondo_value));
    }
    if (arena_failed(tape_arena(tape))) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return start;
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const rondo_value parameter = call->parameters[d * layer->n_parameters + p];
        start.parameters[p] =
            layer->is_dropped[p] ? apply_dropout(tape, parameter, layer->settings.weight_drop) : parameter;
    }
    for (int32_t s = 0; start.states != NULL && s < cell->n_states; s++) {
        start.states[s] =
            s < layer->n_states ? start_of_state(layer, tape, call, d, s) : draw_mask(layer, tape, call, s);
    }
    return start;
}

/* The inputs of a probed cell: those of the layer, of every step, and zeros: [total, input + zeros]. */
static rondo_value add_zeros(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                             rondo_value inputs) {
    const rondo_tensor *of_inputs = tape_tensor(tape, inputs);
    if (of_inputs == NULL) {
        return inputs;
    }
    const rondo_value both[2] = {
        inputs, tape_zeros(tape, tensor_2d(of_inputs->dtype, call->time->total, layer->probe.zeros, NULL))};
    return apply_concat(tape, 1, both, 2);
}

/* One direction: packed [total, width], in forward time order for both directions. */
static rondo_value run(const struct cell_layer *layer, struct tape *tape, const struct layer_call *call,
                       const struct cell_layer_start *start, int backward, rondo_value *final) {
    const int has_values = call->probe != NULL && call->probe->values;
    const struct scan *scan = has_values ? layer->values_scan : layer->scan;
    const rondo_value none = {-1};
    struct recurrence recurrence = {has_values ? layer->values_cell : layer->cell,
                                    call->time,
                                    call->input_every_step,
                                    call->inputs[0],
                                    start->parameters,
                                    start->states,
                                    call->memory == NULL ? none : call->memory->values,
                                    call->memory == NULL ? NULL : call->memory->rows};
    rondo_value *states = NULL;
    if (final != NULL) {
        states = arena_calloc(tape_arena(tape), (size_t)layer->cell->n_states, sizeof *states);
        if (states == NULL) {
            return tape_fail(tape, errors_no_memory(tape_errors(tape)));
        }
    }
    if (backward || layer->settings.probe) {
        recurrence.inputs =
            call->input_every_step ? call->inputs[0] : packed_from_first(tape, call->time, call->inputs[0]);
        recurrence.input_every_step = 1;
    }
    if (backward) {
        recurrence.inputs = packed_reverse(tape, call->time, recurrence.inputs);
    }
    if (layer->settings.probe) {
        recurrence.inputs = add_zeros(layer, tape, call, recurrence.inputs);
    }
    layer_enter(tape, call, backward ? ".backward" : ".forward");
    rondo_value outputs = recur(call->stepwise ? NULL : scan, &recurrence, tape, states);
    if (states != NULL) {
        memcpy(final, states, sizeof *states * (size_t)layer->n_states);
    }
    if (call->probe != NULL) {
        struct layer_probe *probe = call->probe;
        probe->directions[probe->n_directions].inputs = recurrence.inputs;
        probe->directions[probe->n_directions++].columns =
            has_values ? outputs : (rondo_value){-1}; /* [total, columns] */
    }
    if (has_values) {
        outputs = apply_slice(tape, outputs, 1, 0, layer->width);
    }
    return backward ? packed_reverse(tape, call->time, outputs) : outputs;
}

static rondo_value record(const struct layer *base, struct tape *tape, const struct layer_call *call) {
    const struct cell_layer *layer = (const struct cell_layer *)base;
    const enum direction direction = layer->settings.direction;
    struct cell_layer_start starts[2];
    rondo_value outputs[2];
    layer_enter(tape, call, ".masks");
    if (call->probe != NULL) {
        call->probe->n_directions = 0;
    }
    for (int32_t d = 0; d < layer->n_directions; d++) {
        starts[d] = prepare(layer, tape, call, d);
    }
    for (int32_t d = 0; d < layer->n_directions; d++) {
        if (tape_status(tape) != RONDO_OK) {
            return tape_fail(tape, tape_status(tape));
        }
        outputs[d] = run(layer, tape, call, &starts[d], direction == DIRECTION_BACKWARD || d == 1,
                         call->final == NULL ? NULL : call->final + d * layer->n_states);
    }
    return layer->n_directions == 1 ? outputs[0] : apply_concat(tape, 1, outputs, 2);
}

/* ---- the kind ---- */

static int64_t flops(const struct layer *base) {
    const struct cell_layer *layer = (const struct cell_layer *)base;
    return layer->n_directions * step_flops(layer->cell->program);
}

static void destroy(struct layer *base) {
    struct cell_layer *layer = (struct cell_layer *)base;
    scan_destroy(layer->values_scan);
    scan_destroy(layer->scan);
    cell_destroy(layer->values_cell);
    cell_destroy(layer->cell);
}

static const struct layer_class cell_class = {"cell", destroy, record, flops};

struct layer *cell_layer_create(const struct cell_layer_settings *settings, int32_t dtype, int64_t input,
                                struct registry *registry, struct errors *errors) {
    struct cell_layer *layer = layer_new(&cell_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    layer->settings = *settings;
    layer->settings.cell = NULL;
    layer->settings.option_values = NULL;
    layer->settings.place = NULL;
    layer->n_directions = settings->direction == DIRECTION_BOTH ? 2 : 1;
    if (build(layer, settings, dtype, input, registry, errors) != RONDO_OK) {
        layer_destroy(&layer->layer);
        return NULL;
    }
    return &layer->layer;
}

int layer_is_cell(const struct layer *layer) {
    return layer->class == &cell_class;
}

const struct cell *cell_layer_cell(const struct layer *layer) {
    return ((const struct cell_layer *)layer)->cell;
}

const struct cell_probe *cell_layer_probe(const struct layer *layer) {
    return &((const struct cell_layer *)layer)->probe;
}

enum direction cell_layer_direction(const struct layer *layer) {
    return ((const struct cell_layer *)layer)->settings.direction;
}
