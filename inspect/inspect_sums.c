#include "inspect/inspect_sums.h"

#include <math.h>

#include "inspect/chain.h"

/* Numbers of all gates. */
static int64_t gate_columns(const struct cell_probe *probe) {
    return probe->n_gates == 0 ? 0 : probe->columns - probe->gates[0].column;
}

/* Room for a direction, whose index, d and steps are known. */
static void open_layer(struct layer_sums *layer, const struct model *model, struct arena *arena) {
    const struct cell_probe *probe = cell_layer_probe(chain_layer(model, layer->index));
    layer->probe = probe;
    layer->reaching = arena_calloc(arena, (size_t)layer->steps, sizeof *layer->reaching);
    layer->norms = arena_calloc(arena, (size_t)(layer->steps * probe->n_states), sizeof *layer->norms);
    layer->units = arena_calloc(arena, (size_t)probe->zeros, sizeof *layer->units);
    layer->gates = arena_calloc(arena, (size_t)gate_columns(probe) + 1, sizeof *layer->gates);
}

static struct input_sums open_input(int64_t steps, struct arena *arena) {
    return (struct input_sums){steps, arena_calloc(arena, (size_t)steps + 1, sizeof(double)),
                               arena_calloc(arena, (size_t)steps + 1, sizeof(int64_t))};
}

rondo_status inspect_sums_open(struct inspect_sums *sums, const struct model *model, int64_t steps,
                               int64_t source_steps, struct arena *arena, struct errors *errors) {
    *sums = (struct inspect_sums){.input = open_input(steps, arena), .source = open_input(source_steps, arena)};
    sums->layers = arena_calloc(arena, 2 * (size_t)chain_count(model), sizeof *sums->layers);
    for (int32_t i = 0; i < chain_count(model) && !arena_failed(arena); i++) {
        for (int32_t d = 0; d < chain_directions(model, i); d++) {
            struct layer_sums *layer = &sums->layers[sums->n_layers++];
            *layer =
                (struct layer_sums){.index = i, .d = d, .steps = chain_is_encoder(model, i) ? source_steps : steps};
            open_layer(layer, model, arena);
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

/* A time axis with the anchors of its rows: of the decoder, or of the encoder. */
struct read_axis {
    const struct time_axis *time;
    const int64_t *anchor; /* [rows] the step; -1: none */
};

/* The encoder has no output at the anchor: its gradient enters by the bridge, which takes the last states, and where the memory is
 * read. Distances are those from its last step, if the row of the decoder has a target. NULL: out of memory. */
static const int64_t *source_anchors(const struct batch_source *source, const int64_t *anchor, struct arena *arena) {
    int64_t *last = arena_calloc(arena, (size_t)source->time.rows, sizeof *last);
    for (int64_t r = 0; r < source->time.rows && last != NULL; r++) {
        const int64_t row = source->row == NULL ? r : source->row[r];
        last[row] = anchor[r] < 0 ? -1 : source->time.lengths[row] - 1;
    }
    return last;
}

/* Adds what the probe of one direction gives. */
static rondo_status add_direction(struct layer_sums *layer, const struct model *model, struct tape *tape,
                                  const struct read_axis *axis, const struct layer_probe *given) {
    const struct cell_probe *probe = layer->probe;
    const struct time_axis *time = axis->time;
    const rondo_tensor *gradient = tape_gradient(tape, given->directions[layer->d].inputs);
    const rondo_tensor *columns = tape_tensor(tape, given->directions[layer->d].columns); /* or NULL */
    double *numbers = arena_calloc(tape_arena(tape), (size_t)probe->columns, sizeof *numbers);
    const struct read_order order = {
        find_anchors(time, axis->anchor, chain_is_backward(model, layer->index, layer->d), tape), 0};
    const int64_t own = probe->states[0].column; /* columns of the output */
    if (numbers == NULL || order.anchor == NULL) {
        return numbers == NULL ? errors_no_memory(tape_errors(tape)) : RONDO_NO_MEMORY;
    }
    for (int32_t s = 0; s < probe->n_states; s++) {
        const struct probe_state *state = &probe->states[s];
        add_norms(layer->norms + s * layer->steps, gradient, time, order, probe->input + state->zeros, state->width,
                  numbers);
    }
    for (int64_t position = 0; columns != NULL && position < time->total; position++) {
        read_numbers(columns, position * probe->columns + own, probe->columns - own, numbers);
        add_values(layer, numbers);
    }
    layer->positions += given->values ? time->total : 0;
    add_reaching(layer->reaching, time, order.anchor);
    return RONDO_OK;
}

/* The inputs of a first layer, which reads backward or not, in the order of the steps. If only the first step has an input, there is no curve. */
static rondo_status add_inputs(struct input_sums *sums, int is_backward, struct tape *tape,
                               const struct read_axis *axis, rondo_value value) {
    const rondo_tensor *input = tape_tensor(tape, value); /* [total, width] */
    if (input->shape[0] != axis->time->total) {
        return RONDO_OK;
    }
    double *numbers = arena_calloc(tape_arena(tape), (size_t)input->shape[1] + 1, sizeof *numbers);
    if (numbers == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const struct read_order order = {find_anchors(axis->time, axis->anchor, is_backward, tape), is_backward};
    if (order.anchor == NULL) {
        return RONDO_NO_MEMORY;
    }
    add_reaching(sums->reaching, axis->time, order.anchor);
    add_norms(sums->norms, tape_gradient(tape, value), axis->time, order, 0, input->shape[1], numbers);
    return RONDO_OK;
}

rondo_status inspect_sums_shard(struct inspect_sums *sums, const struct model *model, struct tape *tape,
                                const struct batch *batch, const struct model_probe *probe) {
    const int32_t n_encoder = model_encoder_count(model);
    const struct read_axis decoder = {&batch->time, probe->anchor};
    struct read_axis encoder = {&batch->source.time, NULL};
    if (n_encoder > 0) {
        encoder.anchor = source_anchors(&batch->source, probe->anchor, tape_arena(tape));
        if (encoder.anchor == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
    }
    for (int32_t i = 0; i < sums->n_layers; i++) {
        struct layer_sums *layer = &sums->layers[i];
        RONDO_TRY(add_direction(layer, model, tape, chain_is_encoder(model, layer->index) ? &encoder : &decoder,
                                &probe->layers[layer->index]));
    }
    if (n_encoder > 0) {
        RONDO_TRY(add_inputs(&sums->source, chain_is_backward(model, 0, 0), tape, &encoder, probe->source));
    }
    return add_inputs(&sums->input, chain_is_backward(model, n_encoder, 0), tape, &decoder, probe->input);
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

static void add_layer(struct layer_sums *layer, const struct layer_sums *more) {
    const struct cell_probe *probe = layer->probe;
    layer->positions += more->positions;
    add_counts(layer->reaching, more->reaching, layer->steps);
    add_numbers(layer->norms, more->norms, layer->steps * probe->n_states);
    for (int64_t k = 0; k < probe->zeros; k++) {
        layer->units[k].sum += more->units[k].sum;
        layer->units[k].square += more->units[k].square;
    }
    for (int64_t k = 0; k < gate_columns(probe); k++) {
        layer->gates[k].below += more->gates[k].below;
        layer->gates[k].above += more->gates[k].above;
    }
}

static void add_input(struct input_sums *input, const struct input_sums *more) {
    add_numbers(input->norms, more->norms, input->steps);
    add_counts(input->reaching, more->reaching, input->steps);
}

void inspect_sums_add(struct inspect_sums *sums, const struct inspect_sums *more) {
    add_input(&sums->input, &more->input);
    add_input(&sums->source, &more->source);
    for (int32_t i = 0; i < sums->n_layers; i++) {
        add_layer(&sums->layers[i], &more->layers[i]);
    }
}
