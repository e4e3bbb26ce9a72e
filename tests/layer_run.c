#include "tests/layer_run.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct support support;
struct tape *tape;

void layer_run_open(void) {
    support_open(&support);
    tape = support_tape(&support, NULL);
}

void layer_run_close(void) {
    tape_destroy(tape);
    support_close(&support);
}

/* ---- cells ---- */

const struct test_cell cell_rnn = {"rnn", "h", NULL, NULL, "h' = tanh(x @ W + h @ U + b)\n"};
const struct test_cell cell_gru = {"gru", "h", NULL, "n",
                                   "r = sigmoid(x @ W_r + h @ U_r + b_r)\n"
                                   "z = sigmoid(x @ W_z + h @ U_z + b_z)\n"
                                   "n = tanh(x @ W_n + (r * h) @ U_n + b_n)\n"
                                   "h' = z * h + (1 - z) * n\n"};
const struct test_cell cell_lstm = {"lstm", "h, c", NULL, "g",
                                    "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
                                    "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
                                    "g = tanh(x @ W_g + h @ U_g + b_g)\n"
                                    "o = sigmoid(x @ W_o + h @ U_o + b_o)\n"
                                    "c' = f * c + i * g\n"
                                    "h' = o * tanh(c')\n"};
const struct test_cell cell_gated = {"gated", "c", "y", "g",
                                     "g = x @ W\n"
                                     "f = sigmoid(x @ W_f + v * c + b_f)\n"
                                     "c' = f * c + (1 - f) * g\n"
                                     "y = tanh(c') * sigmoid(x @ W_o)\n"};
const struct test_cell cell_deep = {"deep", "h, before", NULL, "b",
                                    "a = tanh(x @ W + h @ U + d * before)\n"
                                    "b = tanh(a @ V + 0.5)\n"
                                    "before' = h\n"
                                    "h' = 0.5 * h + b\n"};

const struct test_cell cell_dot = {"dot", "h", NULL, NULL,
                                   "keys = memory @ W_k + b_k\n"
                                   "c = attention(h @ W_q, keys, memory)\n"
                                   "h' = tanh(x @ W + h @ U + c @ C + b)\n"};
const struct test_cell cell_bahdanau = {"bahdanau", "h", NULL, "n",
                                        "c = additive_attention(h @ W_q, memory @ W_k, memory, v)\n"
                                        "z = sigmoid(x @ W_z + c @ C_z + h @ U_z + b_z)\n"
                                        "n = tanh(x @ W_n + c @ C_n + h @ U_n + b_n)\n"
                                        "h' = z * h + (1 - z) * n\n"};
const struct test_cell cell_luong = {"luong", "a, h, c", NULL, "g",
                                     "f = sigmoid(x @ W_f + a @ A_f + h @ U_f + b_f)\n"
                                     "g = tanh(x @ W_g + a @ A_g + h @ U_g + b_g)\n"
                                     "c' = f * c + (1 - f) * g\n"
                                     "h' = tanh(c')\n"
                                     "context = attention(h', memory @ W_k, memory, scale=1)\n"
                                     "a' = tanh(context @ W_c + h' @ U_c)\n"};

const struct test_cell *const all_cells[] = {&cell_rnn,  &cell_gru, &cell_lstm,     &cell_gated,
                                             &cell_deep, &cell_dot, &cell_bahdanau, &cell_luong};

/* The words of a list "a, b". */
static int32_t split(const char *list, const char **words) {
    int32_t count = 0;
    for (const char *c = list == NULL ? "" : list; *c != '\0'; c += strspn(c, ", ")) {
        const size_t length = strcspn(c, ",");
        words[count++] = arena_strndup(support.arena, c, length);
        c += length;
    }
    return count;
}

/* The shapes of a list; [hidden] for a name without dimensions. */
static const struct cell_shape *read_shapes(const char *list, int32_t *count) {
    struct cell_shape *shapes = arena_calloc(support.arena, MOST_STATES, sizeof *shapes);
    const char *words[MOST_STATES];
    *count = split(list, words);
    for (int32_t i = 0; i < *count; i++) {
        const char *c = words[i] + strcspn(words[i], ":");
        shapes[i].name = arena_strndup(support.arena, words[i], (size_t)(c - words[i]));
        while (*c == ':') {
            const size_t length = strcspn(++c, ":");
            shapes[i].dimensions[shapes[i].ndim++] = arena_strndup(support.arena, c, length);
            c += length;
        }
        if (shapes[i].ndim == 0) {
            shapes[i].dimensions[shapes[i].ndim++] = "hidden";
        }
    }
    return shapes;
}

struct cell_definition *define(const struct test_cell *cell) {
    struct cell_definition *definition = arena_calloc(support.arena, 1, sizeof *definition);
    const char **candidates = arena_calloc(support.arena, MOST_STATES, sizeof *candidates);
    *definition = (struct cell_definition){.name = cell->name, .output = cell->output, .candidates = candidates};
    const size_t length = strcspn(cell->states, ";");
    const char *parameters = cell->states[length] == '\0' ? "" : cell->states + length + 2;
    definition->states = read_shapes(arena_strndup(support.arena, cell->states, length), &definition->n_states);
    definition->parameters = read_shapes(parameters, &definition->n_parameters);
    definition->n_candidates = split(cell->candidates, candidates);
    definition->candidate_where = arena_calloc(support.arena, MOST_STATES, sizeof(struct location));
    definition->equations = (struct equation_text){cell->name, cell->equations, 1, 0};
    return definition;
}

struct layer *make_layer(const struct test_cell *cell, struct cell_layer_settings settings, int64_t input) {
    settings.cell = define(cell);
    settings.hidden = HIDDEN;
    settings.memory = MEMORY;
    struct layer *layer = cell_layer_create(&settings, RONDO_F64, input, support.registry, &support.errors);
    ck_assert_msg(layer != NULL, "%s: %s", cell->name, support_error(&support));
    ck_assert_int_le(layer_shape(layer)->n_parameters, MOST_PARAMETERS);
    return layer;
}

/* ---- a layer over a batch of sequences ---- */

rondo_tensor zeros_like(const rondo_tensor *tensor) {
    rondo_tensor zeros = *tensor;
    support_ok(&support, tensor_alloc(&zeros, support.arena, &support.errors), "memory");
    return zeros;
}

static rondo_tensor random_like(const rondo_tensor *tensor, const char *name, double scale) {
    const rondo_tensor random = zeros_like(tensor);
    const struct rng_stream stream = rng_stream(1, name);
    for (int64_t i = 0; i < rondo_count(&random); i++) {
        tensor_set(&random, i, scale * rng_normal(stream, (uint64_t)i));
    }
    return random;
}

rondo_tensor matrix(int64_t rows, int64_t columns, const char *name) {
    const rondo_tensor shape = tensor_2d(RONDO_F64, rows, columns, NULL);
    return name == NULL ? zeros_like(&shape) : random_like(&shape, name, 1);
}

rondo_tensor copy_of(const rondo_tensor *tensor) {
    const rondo_tensor copy = zeros_like(tensor);
    memcpy(copy.data, tensor->data, tensor_bytes(tensor));
    return copy;
}

rondo_tensor copy_of_gradient(const rondo_tensor *gradient, const rondo_tensor *like) {
    return gradient == NULL ? zeros_like(like) : copy_of(gradient);
}

/* Random parameters by name; a dot counts as "_", so that a cell that says itself what a wrapper does has the same. */
static rondo_tensor random_parameter(const struct layer_parameter *parameter) {
    char name[128];
    snprintf(name, sizeof name, "%s", parameter->name);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '.' ? '_' : *c;
    }
    return random_like(&parameter->shape, name, 0.5);
}

struct run make_run(struct layer *layer, const int64_t *lengths, int64_t rows, int64_t input) {
    struct run run = {.layer = layer, .time = support_time(&support, lengths, rows), .input_every_step = 1};
    run.inputs = matrix(run.time.total, input, "x");
    if (layer_shape(layer)->reads_memory) {
        run.memory = support_memory(&support, RONDO_F64, MEMORY, rows);
    }
    for (int32_t p = 0; p < layer_shape(layer)->n_parameters; p++) {
        run.parameters[p] = random_parameter(&layer_shape(layer)->parameters[p]);
    }
    return run;
}

const rondo_tensor *random_states(const struct run *run) {
    rondo_tensor *states = arena_calloc(support.arena, MOST_STATES, sizeof *states);
    for (int32_t s = 0; s < layer_shape(run->layer)->n_states; s++) {
        char name[32];
        rondo_tensor shape = layer_shape(run->layer)->states[s].shape;
        shape.shape[0] = run->time.rows;
        snprintf(name, sizeof name, "state %d", (int)s);
        states[s] = random_like(&shape, name, 1);
    }
    return states;
}

void record(const struct run *run, struct values *values) {
    tape_reset(tape);
    tape_set_training(tape, run->training);
    for (int32_t p = 0; p < layer_shape(run->layer)->n_parameters; p++) {
        values->parameters[p] = tape_parameter(tape, "p", &run->parameters[p], NULL);
    }
    for (int32_t s = 0; run->initial != NULL && s < layer_shape(run->layer)->n_states; s++) {
        values->initial[s] = tape_parameter(tape, "s", &run->initial[s], NULL);
    }
    values->inputs = tape_parameter(tape, "x", &run->inputs, NULL);
    struct layer_memory memory = {{-1}, &run->memory.rows};
    if (layer_shape(run->layer)->reads_memory) {
        memory.values = values->memory = tape_parameter(tape, "memory", &run->memory.values, NULL);
    }
    const struct layer_call call = {.time = &run->time,
                                    .input_every_step = run->input_every_step,
                                    .inputs = &values->inputs,
                                    .parameters = values->parameters,
                                    .initial = run->initial == NULL ? NULL : values->initial,
                                    .final = values->final,
                                    .memory = memory.values.id < 0 ? NULL : &memory,
                                    .scope = "layer",
                                    .stream = rng_stream(1, "pass")};
    values->outputs = layer_record(run->layer, tape, &call);
    support_ok(&support, tape_status(tape), "a pass");
}

rondo_value weighted(rondo_value value, const char *name) {
    rondo_tensor *weights = arena_alloc(tape_arena(tape), sizeof *weights);
    rondo_tensor shape = *tape_tensor(tape, value);
    shape.data = NULL;
    *weights = shape;
    support_ok(&support, tensor_alloc(weights, tape_arena(tape), &support.errors), "memory");
    const struct rng_stream stream = rng_stream(2, name);
    for (int64_t i = 0; i < rondo_count(weights); i++) {
        tensor_set(weights, i, rng_normal(stream, (uint64_t)i));
    }
    const rondo_value product[2] = {value, tape_constant(tape, weights)};
    const rondo_value all = tape_apply_named(tape, "mul", NULL, product, 2);
    return tape_apply_named(tape, "sum", "axis=[0, 1]", &all, 1);
}

rondo_value total(const struct run *run, const struct values *values) {
    rondo_value sum = weighted(values->outputs, "outputs");
    for (int32_t s = 0; s < layer_shape(run->layer)->n_states; s++) {
        char name[32];
        snprintf(name, sizeof name, "final %d", (int)s);
        const rondo_value terms[2] = {sum, weighted(values->final[s], name)};
        sum = tape_apply_named(tape, "add", NULL, terms, 2);
    }
    return sum;
}

double loss(void *arg) {
    struct values values;
    record(arg, &values);
    return tensor_get(tape_tensor(tape, total(arg, &values)), 0);
}

void pass(struct run *run) {
    struct values values;
    record(run, &values);
    const rondo_value sum = total(run, &values);
    support_ok(&support, tape_backward(tape, sum), "backward");
    run->outputs = copy_of(tape_tensor(tape, values.outputs));
    for (int32_t s = 0; s < layer_shape(run->layer)->n_states; s++) {
        run->final[s] = copy_of(tape_tensor(tape, values.final[s]));
        if (run->initial != NULL) {
            run->grad_initial[s] = copy_of_gradient(tape_gradient(tape, values.initial[s]), &run->initial[s]);
        }
    }
    run->grad_inputs = copy_of_gradient(tape_gradient(tape, values.inputs), &run->inputs);
    if (layer_shape(run->layer)->reads_memory) {
        run->grad_memory = copy_of_gradient(tape_gradient(tape, values.memory), &run->memory.values);
    }
    for (int32_t p = 0; p < layer_shape(run->layer)->n_parameters; p++) {
        run->grad_parameters[p] = copy_of_gradient(tape_gradient(tape, values.parameters[p]), &run->parameters[p]);
    }
}

rondo_tensor rows_of(const rondo_tensor *whole, const struct time_axis *time, int64_t row) {
    const int64_t width = whole->shape[1];
    const rondo_tensor part = matrix(time->lengths[row], width, NULL);
    for (int64_t t = 0; t < time->lengths[row]; t++) {
        memcpy((double *)part.data + t * width, (double *)whole->data + (time->begin[t] + row) * width,
               sizeof(double) * (size_t)width);
    }
    return part;
}

rondo_tensor row_of(const rondo_tensor *states, int64_t row) {
    const int64_t width = states->shape[1];
    return tensor_2d(RONDO_F64, 1, width, (double *)states->data + row * width);
}
