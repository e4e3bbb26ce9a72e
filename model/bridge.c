#include "model/bridge.h"

#include <stdio.h>
#include <string.h>

#include "model/apply.h"
#include "model/linear.h"
#include "model/packed.h"

/* The states of the encoder that one state of the decoder is made of, with `last`. */
struct bridge_pair {
    int32_t first, second; /* second -1: only one */
};

struct bridge {
    struct layer layer;
    enum bridging kind;
    const struct layer_state *states; /* of the decoder */
    int32_t n_states;
    int64_t width, backward;   /* of the outputs of the encoder */
    struct bridge_pair *pairs; /* [n_states] with `last` */
};

/* Numbers of a state of one row. */
static int64_t size_of(const struct layer_state *state) {
    return rondo_count(&state->shape) / RONDO_ANY_ROWS;
}

/* ---- last: which states belong together ---- */

/* What errors are reported about. */
struct bridge_check {
    const struct bridge_end *encoder, *decoder;
    struct location where;
    struct errors *errors;
};

/* The number of the first state of layer `index`. */
static int32_t first_state(const struct bridge_end *end, int32_t index) {
    int32_t first = 0;
    for (int32_t i = 0; i < index; i++) {
        first += layer_shape(end->layers[i])->n_states;
    }
    return first;
}

/* The number of the state `prefix` followed by `name` of a layer, among all states of its end; -1: there is none. */
static int32_t find_state(const struct bridge_end *end, int32_t index, const char *prefix, const char *name) {
    const struct layer_shape *shape = layer_shape(end->layers[index]);
    const size_t length = strlen(prefix);
    for (int32_t s = 0; s < shape->n_states; s++) {
        const char *own = shape->states[s].name;
        if (strncmp(own, prefix, length) == 0 && strcmp(own + length, name) == 0) {
            return first_state(end, index) + s;
        }
    }
    return -1;
}

/* 1 if the states fit: the same shape, but for the last dimension, of which `a` (and `b`, if given) have the sum. */
static int is_fitting(const rondo_tensor *wanted, const rondo_tensor *a, const rondo_tensor *b) {
    const int32_t last = wanted->ndim - 1;
    int fits = wanted->ndim == a->ndim && (b == NULL || wanted->ndim == b->ndim);
    for (int32_t d = 0; fits && d < last; d++) {
        fits = wanted->shape[d] == a->shape[d] && (b == NULL || wanted->shape[d] == b->shape[d]);
    }
    return fits && last > 0 && wanted->shape[last] == a->shape[last] + (b == NULL ? 0 : b->shape[last]);
}

static rondo_status refuse(const struct bridge_check *check, const char *state, const char *why) {
    return errors_add_at(
        check->errors, RONDO_INVALID, check->where,
        "'bridge: last' cannot give state '%s' its initial value: %s; 'bridge: learnt' fits any encoder", state, why);
}

/* Finds what state `name` of layer `index` of the decoder, number `number` among all of them, is made of. */
static rondo_status pair_state(const struct bridge_check *check, int32_t index, const char *name, int32_t number,
                               struct bridge_pair *pair) {
    const struct bridge_end *encoder = check->encoder;
    const struct layer_state *wanted = &check->decoder->states[number];
    const int32_t from = index - check->decoder->n_layers + encoder->n_layers;
    char why[300];
    if (from < 0) {
        snprintf(why, sizeof why,
                 "the encoder has %d layer%s with states and the decoder %d, and they correspond from the last one",
                 (int)encoder->n_layers, encoder->n_layers == 1 ? "" : "s", (int)check->decoder->n_layers);
        return refuse(check, wanted->name, why);
    }
    *pair = (struct bridge_pair){find_state(encoder, from, "", name), -1};
    if (pair->first < 0) {
        *pair = (struct bridge_pair){find_state(encoder, from, "forward.", name),
                                     find_state(encoder, from, "backward.", name)};
    }
    if (pair->first < 0) {
        snprintf(why, sizeof why, "the layer of the encoder at this place has no state '%.100s'", name);
        return refuse(check, wanted->name, why);
    }
    const struct layer_state *first = &encoder->states[pair->first];
    const struct layer_state *second = pair->second < 0 ? NULL : &encoder->states[pair->second];
    if (!is_fitting(&wanted->shape, &first->shape, second == NULL ? NULL : &second->shape)) {
        const int64_t given = size_of(first) + (second == NULL ? 0 : size_of(second));
        snprintf(why, sizeof why, "it has %lld numbers, and '%.100s%s%.100s' has %lld; expected the same width",
                 (long long)size_of(wanted), first->name, second == NULL ? "" : "' with '",
                 second == NULL ? "" : second->name, (long long)given);
        return refuse(check, wanted->name, why);
    }
    return RONDO_OK;
}

static rondo_status pair_states(struct bridge *bridge, const struct bridge_check *check) {
    const struct bridge_end *decoder = check->decoder;
    bridge->pairs = arena_calloc(bridge->layer.arena, (size_t)bridge->n_states + 1, sizeof *bridge->pairs);
    if (bridge->pairs == NULL) {
        return errors_no_memory(check->errors);
    }
    for (int32_t i = 0; i < decoder->n_layers; i++) {
        const struct layer_shape *shape = layer_shape(decoder->layers[i]);
        const int32_t first = first_state(decoder, i);
        for (int32_t s = 0; s < shape->n_states; s++) {
            RONDO_TRY(pair_state(check, i, shape->states[s].name, first + s, &bridge->pairs[first + s]));
        }
    }
    return RONDO_OK;
}

/* ---- mean and learnt ---- */

static rondo_status check_widths(const struct bridge *bridge, const struct bridge_check *check) {
    for (int32_t s = 0; s < bridge->n_states; s++) {
        const struct layer_state *state = &bridge->states[s];
        if (state->shape.ndim != 2 || state->shape.shape[1] != bridge->width) {
            return errors_add_at(
                check->errors, RONDO_INVALID, check->where,
                "'bridge: mean' makes the outputs of the encoder, which are %lld wide, state '%s', which "
                "has %lld numbers; expected the same width; 'bridge: learnt' fits any encoder",
                (long long)bridge->width, state->name, (long long)size_of(state));
        }
    }
    return RONDO_OK;
}

static rondo_status list_parameters(struct bridge *bridge, int32_t dtype, struct errors *errors) {
    struct arena *arena = bridge->layer.arena;
    struct layer_shape *shape = &bridge->layer.shape;
    struct layer_parameter *parameters = arena_calloc(arena, 2 * (size_t)bridge->n_states + 1, sizeof *parameters);
    for (int32_t s = 0; parameters != NULL && s < bridge->n_states; s++) {
        const struct layer_state *state = &bridge->states[s];
        parameters[shape->n_parameters++] =
            (struct layer_parameter){.name = arena_printf(arena, "%s.W", state->name),
                                     .shape = tensor_2d(dtype, bridge->width, size_of(state), NULL),
                                     .initialiser = {.kind = INITIALISE_GLOROT}};
        parameters[shape->n_parameters++] = (struct layer_parameter){.name = arena_printf(arena, "%s.b", state->name),
                                                                     .shape = tensor_1d(dtype, size_of(state), NULL),
                                                                     .initialiser = {.kind = INITIALISE_CONSTANT}};
    }
    shape->parameters = parameters;
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- recording ---- */

/* A value [rows, n] in the shape [rows, …] of a state. */
static rondo_value in_shape(struct tape *tape, rondo_value value, const rondo_tensor *shape) {
    char text[40 + 24 * RONDO_MAX_DIMS] = "shape=[-1";
    size_t length = strlen(text);
    if (shape->ndim == 2) {
        return value;
    }
    for (int32_t d = 1; d < shape->ndim; d++) {
        length += (size_t)snprintf(text + length, sizeof text - length, ", %lld", (long long)shape->shape[d]);
    }
    snprintf(text + length, sizeof text - length, "]");
    return tape_apply_named(tape, "reshape", text, &value, 1);
}

/* The value of the encoder that all states depend on, in the order of the decoder's rows: [rows, width]. */
static rondo_value context(const struct bridge *bridge, struct tape *tape, const struct bridge_source *source) {
    const rondo_value value = bridge->kind == BRIDGE_MEAN
                                  ? packed_reduce(tape, source->time, source->outputs, "mean")
                                  : packed_last(tape, source->time, source->outputs, bridge->width, bridge->backward);
    return apply_gather(tape, value, source->row);
}

static rondo_value last_state(const struct bridge *bridge, struct tape *tape, const struct bridge_source *source,
                              int32_t s) {
    const struct bridge_pair *pair = &bridge->pairs[s];
    const rondo_value first = apply_gather(tape, source->states[pair->first], source->row);
    if (pair->second < 0) {
        return first;
    }
    const rondo_value both[2] = {first, apply_gather(tape, source->states[pair->second], source->row)};
    return apply_concat(tape, bridge->states[s].shape.ndim - 1, both, 2);
}

void bridge_record(const struct layer *layer, struct tape *tape, const struct layer_call *call,
                   const struct bridge_source *source, rondo_value *initial) {
    const struct bridge *bridge = (const struct bridge *)layer;
    layer_enter(tape, call, "");
    rondo_value value = {-1};
    if (bridge->kind != BRIDGE_LAST) {
        value = context(bridge, tape, source);
    }
    for (int32_t s = 0; s < bridge->n_states; s++) {
        if (bridge->kind == BRIDGE_LAST) {
            initial[s] = last_state(bridge, tape, source, s);
        } else if (bridge->kind == BRIDGE_MEAN) {
            initial[s] = value;
        } else {
            const rondo_value *parameters = call->parameters + 2 * (ptrdiff_t)s;
            const rondo_value sum = linear_record(tape, value, parameters[0], 0, parameters[1]);
            initial[s] = in_shape(tape, tape_apply_with(tape, "tanh", NULL, 0, &sum, 1), &bridge->states[s].shape);
        }
    }
}

/* ---- the kind ---- */

static int64_t flops(const struct layer *layer) {
    const struct bridge *bridge = (const struct bridge *)layer;
    int64_t flops = 0;
    for (int32_t s = 0; s < bridge->n_states && bridge->kind == BRIDGE_LEARNT; s++) {
        flops += (2 * bridge->width + 2) * size_of(&bridge->states[s]);
    }
    return flops;
}

/* A bridge has no output of its own, and bridge_record in place of `record`. */
static const struct layer_class bridge_class = {"bridge", NULL, NULL, flops};

int bridge_reads_states(const struct layer *layer) {
    return ((const struct bridge *)layer)->kind == BRIDGE_LAST;
}

struct layer *bridge_create(enum bridging kind, const struct bridge_end *encoder, const struct bridge_end *decoder,
                            int32_t dtype, struct location where, struct errors *errors) {
    struct bridge *bridge = layer_new(&bridge_class, sizeof *bridge, errors);
    if (bridge == NULL) {
        return NULL;
    }
    const struct bridge_check check = {encoder, decoder, where, errors};
    bridge->kind = kind;
    bridge->states = decoder->states;
    bridge->n_states = decoder->n_states;
    bridge->layer.shape.input = bridge->width = encoder->outputs->width;
    bridge->backward = encoder->outputs->backward;
    const rondo_status status = kind == BRIDGE_LAST     ? pair_states(bridge, &check)
                                : kind == BRIDGE_MEAN   ? check_widths(bridge, &check)
                                : kind == BRIDGE_LEARNT ? list_parameters(bridge, dtype, errors)
                                                        : RONDO_OK;
    if (status != RONDO_OK) {
        layer_destroy(&bridge->layer);
        return NULL;
    }
    return &bridge->layer;
}
