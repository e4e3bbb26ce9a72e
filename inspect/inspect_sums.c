#include "inspect/inspect_sums.h"

#include <math.h>

/* The directions of a layer. */
static int32_t direction_count(const struct layer *layer) {
    return cell_layer_direction(layer) == DIRECTION_BOTH ? 2 : 1;
}

/* Numbers of all gates. */
static int64_t gate_columns(const struct cell_probe *probe) {
    return probe->n_gates == 0 ? 0 : probe->columns - probe->gates[0].column;
}

static rondo_status open_layer(struct layer_sums *layer, const struct cell_probe *probe, int64_t steps,
                               struct arena *arena) {
    layer->probe = probe;
    layer->reaching = arena_calloc(arena, (size_t)steps, sizeof *layer->reaching);
    layer->norms = arena_calloc(arena, (size_t)(steps * probe->n_states), sizeof *layer->norms);
    layer->units = arena_calloc(arena, (size_t)probe->zeros, sizeof *layer->units);
    layer->gates = arena_calloc(arena, (size_t)gate_columns(probe) + 1, sizeof *layer->gates);
    return arena_failed(arena) ? RONDO_NO_MEMORY : RONDO_OK;
}

rondo_status inspect_sums_open(struct inspect_sums *sums, const struct model *model, int64_t steps, struct arena *arena,
                               struct errors *errors) {
    const int32_t layers = model_layer_count(model);
    *sums = (struct inspect_sums){.steps = steps};
    sums->input_norms = arena_calloc(arena, (size_t)steps, sizeof *sums->input_norms);
    sums->input_reaching = arena_calloc(arena, (size_t)steps, sizeof *sums->input_reaching);
    sums->layers = arena_calloc(arena, 2 * (size_t)layers, sizeof *sums->layers);
    for (int32_t i = 0; i < layers && !arena_failed(arena); i++) {
        const struct layer *layer = model_layer(model, i);
        for (int32_t d = 0; d < direction_count(layer); d++) {
            if (open_layer(&sums->layers[sums->n_layers++], cell_layer_probe(layer), steps, arena) != RONDO_OK) {
                break;
            }
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* Elements begin .. begin + count - 1 as doubles. */
static void read_numbers(const rondo_tensor *tensor, int64_t begin, int64_t count, double *numbers) {
    if (tensor->dtype == RONDO_F32) {
        const float *values = (const float *)tensor->data + begin;
        for (int64_t k = 0; k < count; k++) {
            numbers[k] = (double)values[k];
        }
    } else {
        const double *values = (const double *)tensor->data + begin;
        for (int64_t k = 0; k < count; k++) {
            numbers[k] = values[k];
        }
    }
}

/* Of four sums, because each addition waits for the one before. */
static double norm_of(const double *numbers, int64_t count) {
    double sums[4] = {0, 0, 0, 0};
    int64_t k = 0;
    for (; k + 4 <= count; k += 4) {
        for (int i = 0; i < 4; i++) {
            sums[i] += numbers[k + i] * numbers[k + i];
        }
    }
    for (; k < count; k++) {
        sums[0] += numbers[k] * numbers[k];
    }
    return sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/* Where the rows of a shard begin to be read, and how distances are counted. */
struct read_order {
    const int64_t *anchor; /* [rows] the position of the anchor in the order of a packed value; -1: none */
    int is_reversed;       /* 1: the anchor is at position 0 instead, and distances count up to that position */
};

/* Adds the norms of the rows of a packed gradient, [total, columns], of `width` columns from `column` on, at the distance from
 * each row's anchor. NULL: the gradient is zero. `numbers` has room for `width`. */
static void add_norms(double *norms, const rondo_tensor *gradient, const struct time_axis *time,
                      struct read_order order, int64_t column, int64_t width, double *numbers) {
    for (int64_t t = 0; gradient != NULL && gradient->data != NULL && t < time->steps; t++) {
        for (int64_t row = 0; row < time->alive[t]; row++) {
            if (t <= order.anchor[row]) {
                const int64_t distance = order.is_reversed ? t : order.anchor[row] - t;
                read_numbers(gradient, (time->begin[t] + row) * gradient->shape[1] + column, width, numbers);
                norms[distance] += norm_of(numbers, width);
            }
        }
    }
}

static void add_reaching(int64_t *reaching, const struct time_axis *time, const int64_t *anchor) {
    for (int64_t row = 0; row < time->rows; row++) {
        for (int64_t d = 0; d <= anchor[row]; d++) {
            reaching[d]++;
        }
    }
}

struct gate_bounds inspect_gate_bounds(const struct probe_gate *gate) {
    const double range = gate->high - gate->low;
    return gate->low == -gate->high ? (struct gate_bounds){0.9 * gate->low, 0.9 * gate->high}
                                    : (struct gate_bounds){gate->low + 0.1 * range, gate->high - 0.1 * range};
}

/* Adds the values of one position. `numbers` are the columns of the probe, behind those of the output. */
static void add_values(struct layer_sums *layer, const double *numbers) {
    const struct cell_probe *probe = layer->probe;
    for (int64_t k = 0; k < probe->zeros; k++) {
        const double value = numbers[k];
        layer->units[k].sum += value;
        layer->units[k].square += value * value;
    }
    struct gate_unit_sums *units = layer->gates;
    numbers += probe->zeros;
    for (int32_t g = 0; g < probe->n_gates; g++) {
        const struct gate_bounds bounds = inspect_gate_bounds(&probe->gates[g]);
        for (int64_t k = 0; k < probe->gates[g].width; k++, units++, numbers++) {
            units->below += *numbers < bounds.low;
            units->above += *numbers > bounds.high;
        }
    }
}

/* The position of the anchor of each row in the order in which a direction reads; NULL, with an error: out of memory. */
static const int64_t *find_anchors(const struct time_axis *time, const int64_t *anchor, int is_backward,
                                   struct tape *tape) {
    int64_t *last = arena_calloc(tape_arena(tape), (size_t)time->rows, sizeof *last);
    if (last == NULL) {
        errors_no_memory(tape_errors(tape));
        return NULL;
    }
    for (int64_t row = 0; row < time->rows; row++) {
        last[row] = anchor[row] < 0 ? -1 : is_backward ? time->lengths[row] - 1 : anchor[row];
    }
    return last;
}

/* Adds what the probe of one direction gives. `numbers` has room for its columns. */
static void add_direction(struct layer_sums *layer, int64_t steps, struct tape *tape, const struct time_axis *time,
                          struct read_order order, rondo_value inputs, rondo_value values, double *numbers) {
    const struct cell_probe *probe = layer->probe;
    const rondo_tensor *gradient = tape_gradient(tape, inputs), *columns = tape_tensor(tape, values); /* or NULL */
    const int64_t own = probe->states[0].column; /* columns of the output */
    for (int32_t s = 0; s < probe->n_states; s++) {
        const struct probe_state *state = &probe->states[s];
        add_norms(layer->norms + s * steps, gradient, time, order, probe->input + state->zeros, state->width, numbers);
    }
    for (int64_t position = 0; columns != NULL && position < time->total; position++) {
        read_numbers(columns, position * probe->columns + own, probe->columns - own, numbers);
        add_values(layer, numbers);
    }
    add_reaching(layer->reaching, time, order.anchor);
}

/* Whether direction `d` of a layer reads backward. */
static int is_backward(const struct layer *layer, int32_t d) {
    return d == 1 || cell_layer_direction(layer) == DIRECTION_BACKWARD;
}

/* The inputs of the first layer, in the order of the steps. If only the first step has an input, there is no curve. */
static rondo_status add_inputs(struct inspect_sums *sums, const struct model *model, struct tape *tape,
                               const struct time_axis *time, const struct model_probe *probe) {
    const rondo_tensor *input = tape_tensor(tape, probe->input); /* [total, width] */
    const int backward = is_backward(model_layer(model, 0), 0);
    if (input->shape[0] != time->total) {
        return RONDO_OK;
    }
    double *numbers = arena_calloc(tape_arena(tape), (size_t)input->shape[1] + 1, sizeof *numbers);
    if (numbers == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const struct read_order order = {find_anchors(time, probe->anchor, backward, tape), backward};
    if (order.anchor == NULL) {
        return RONDO_NO_MEMORY;
    }
    add_reaching(sums->input_reaching, time, order.anchor);
    add_norms(sums->input_norms, tape_gradient(tape, probe->input), time, order, 0, input->shape[1], numbers);
    return RONDO_OK;
}

rondo_status inspect_sums_shard(struct inspect_sums *sums, const struct model *model, struct tape *tape,
                                const struct time_axis *time, const struct model_probe *probe) {
    int32_t at = 0;
    sums->positions += probe->values ? time->total : 0;
    for (int32_t i = 0; i < model_layer_count(model); i++) {
        const struct layer *layer = model_layer(model, i);
        double *numbers = arena_calloc(tape_arena(tape), (size_t)cell_layer_probe(layer)->columns, sizeof *numbers);
        if (numbers == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
        for (int32_t d = 0; d < direction_count(layer); d++) {
            const struct read_order order = {find_anchors(time, probe->anchor, is_backward(layer, d), tape), 0};
            if (order.anchor == NULL) {
                return RONDO_NO_MEMORY;
            }
            add_direction(&sums->layers[at++], sums->steps, tape, time, order, probe->layers[i].directions[d].inputs,
                          probe->layers[i].directions[d].columns, numbers);
        }
    }
    return add_inputs(sums, model, tape, time, probe);
}

static void add_numbers(double *sums, const double *more, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        sums[i] += more[i];
    }
}

static void add_counts(int64_t *sums, const int64_t *more, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        sums[i] += more[i];
    }
}

static void add_layer(struct layer_sums *layer, const struct layer_sums *more, int64_t steps) {
    const struct cell_probe *probe = layer->probe;
    add_counts(layer->reaching, more->reaching, steps);
    add_numbers(layer->norms, more->norms, steps * probe->n_states);
    for (int64_t k = 0; k < probe->zeros; k++) {
        layer->units[k].sum += more->units[k].sum;
        layer->units[k].square += more->units[k].square;
    }
    for (int64_t k = 0; k < gate_columns(probe); k++) {
        layer->gates[k].below += more->gates[k].below;
        layer->gates[k].above += more->gates[k].above;
    }
}

void inspect_sums_add(struct inspect_sums *sums, const struct inspect_sums *more) {
    sums->positions += more->positions;
    add_numbers(sums->input_norms, more->input_norms, sums->steps);
    add_counts(sums->input_reaching, more->input_reaching, sums->steps);
    for (int32_t i = 0; i < sums->n_layers; i++) {
        add_layer(&sums->layers[i], &more->layers[i], sums->steps);
    }
}
