/* tests/test_probe.c: cells that are probed: the gradients of their states, and the values of their gates. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/model_run.h"
#include "tests/suite.h"

/* A cell, and the same one in which the zeros are written out: the input has a column behind the first three for every number
 * of its states, and each new state adds its own. The gradient of the loss by such a column at a step, by central differences,
 * is that by the state after this step. */
struct probed_cell {
    struct test_cell cell, by_hand;
    int64_t zeros;
};

static const struct probed_cell probed_cells[] = {
    {{"rnn", "h", NULL, NULL, "h' = tanh(x @ W + h @ U + b)\n"},
     {"rnn", "h", NULL, NULL,
      "a = slice(x, end=3)\n"
      "h' = tanh(a @ W + h @ U + b) + slice(x, begin=3)\n"},
     4},
    {{"lstm", "h, c", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "c' = f * c + i * g\n"
      "o = sigmoid(x @ W_o + h @ U_o + p * c' + b_o)\n"
      "h' = o * tanh(c')\n"},
     {"lstm", "h, c", NULL, NULL,
      "a = slice(x, end=3)\n"
      "i = sigmoid(a @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(a @ W_f + h @ U_f + b_f)\n"
      "g = tanh(a @ W_g + h @ U_g + b_g)\n"
      "c' = f * c + i * g + slice(x, begin=7)\n"
      "o = sigmoid(a @ W_o + h @ U_o + p * c' + b_o)\n"
      "h' = o * tanh(c') + slice(x, begin=3, end=7)\n"},
     8},
    {{"output that is no state", "c", "y", NULL,
      "f = sigmoid(x @ W_f + v * c + b_f)\n"
      "c' = f * c + (1 - f) * (x @ W)\n"
      "y = tanh(c') * sigmoid(x @ W_o)\n"},
     {"output that is no state", "c", "y", NULL,
      "a = slice(x, end=3)\n"
      "f = sigmoid(a @ W_f + v * c + b_f)\n"
      "c' = f * c + (1 - f) * (a @ W) + slice(x, begin=3)\n"
      "y = tanh(c') * sigmoid(a @ W_o)\n"},
     4},
    {{"a state that takes the old value of another", "h, before", NULL, NULL,
      "before' = h\n"
      "h' = 0.5 * h + tanh(x @ W + h @ U + d * before)\n"},
     {"a state that takes the old value of another", "h, before", NULL, NULL,
      "before' = h + slice(x, begin=7)\n"
      "h' = 0.5 * h + tanh(slice(x, end=3) @ W + h @ U + d * before) + slice(x, begin=3, end=7)\n"},
     8},
    {{"a state that takes the new value of another", "h, after", NULL, NULL,
      "h' = tanh(x @ W + h @ U + d * after)\n"
      "after' = h'\n"},
     {"a state that takes the new value of another", "h, after", NULL, NULL,
      "h' = tanh(slice(x, end=3) @ W + h @ U + d * after) + slice(x, begin=3, end=7)\n"
      "after' = h' + slice(x, begin=7)\n"},
     8},
    {{"states of other widths", "h, s:2", NULL, NULL,
      "s' = tanh(slice(x @ W_s, end=2) + 0.5 * s)\n"
      "h' = tanh(x @ W + h @ U + concat(s', s))\n"},
     {"states of other widths", "h, s:2", NULL, NULL,
      "s' = tanh(slice(slice(x, end=3) @ W_s, end=2) + 0.5 * s) + slice(x, begin=7)\n"
      "h' = tanh(slice(x, end=3) @ W + h @ U + concat(s', s)) + slice(x, begin=3, end=7)\n"},
     6},
};

static const struct {
    const char *what;
    struct architecture architecture;
    struct cell_layer_settings layer;
    int32_t n_layers;
} uses[] = {
    {"N:1", {1, 0}, {.engine = ENGINE_FUSED}, 1},
    {"N:1, tape", {1, 0}, {.engine = ENGINE_TAPE}, 1},
    {"N:N", {1, 1}, {.engine = ENGINE_FUSED}, 1},
    {"N:N, tape", {1, 1}, {.engine = ENGINE_TAPE}, 1},
    {"two layers", {1, 1}, {.engine = ENGINE_FUSED}, 2},
    {"learnt start", {1, 0}, {.engine = ENGINE_FUSED, .learn_initial_state = 1}, 1},
    {"computed again", {1, 0}, {.engine = ENGINE_FUSED, .recompute = 2}, 1},
    {"backward", {1, 0}, {.engine = ENGINE_FUSED, .direction = DIRECTION_BACKWARD}, 1},
    {"both", {1, 0}, {.engine = ENGINE_FUSED, .direction = DIRECTION_BOTH}, 1},
};

enum { N_ROWS = 3 };
static const int64_t lengths[N_ROWS] = {5, 3, 2};
static const int64_t anchors_of_all[N_ROWS] = {3, 2, 0};

static struct model_run make_probe_run(const struct probed_cell *cell, int use, int by_hand, int probe) {
    const struct model_input input = STREAM_OF_NUMBERS("input", by_hand ? INPUT + cell->zeros : INPUT, 1);
    struct cell_layer_settings layers[2] = {uses[use].layer, uses[use].layer};
    for (int32_t i = 0; i < 2; i++) {
        layers[i].probe = probe;
        layers[i].cell = define(by_hand && i == 0 ? &cell->by_hand : &cell->cell);
    }
    const struct model_settings settings = {.architecture = uses[use].architecture,
                                            .inputs = &input,
                                            .n_inputs = 1,
                                            .layers = layers,
                                            .n_layers = uses[use].n_layers,
                                            .pooling = POOL_LAST};
    struct model_run run = model_run_create(&settings, &cell->cell, lengths, N_ROWS);
    const int64_t outputs = uses[use].architecture.output_every_step ? run.time.total : N_ROWS;
    run.weights = matrix(outputs, OUTPUTS, "weights");
    return run;
}

/* The rows of `from`, with zeros behind them. */
static void widen(const rondo_tensor *inputs, const rondo_tensor *from) {
    const int64_t width = inputs->shape[1];
    for (int64_t i = 0; i < inputs->shape[0]; i++) {
        for (int64_t k = 0; k < width; k++) {
            tensor_set(inputs, i * width + k, k < INPUT ? tensor_get(from, i * INPUT + k) : 0);
        }
    }
}

/* Keeps the weights of the loss at the anchors only. */
static void keep_weights(struct model_run *run, const int64_t *anchor) {
    for (int64_t row = 0; row < N_ROWS; row++) {
        for (int64_t t = 0; t < lengths[row]; t++) {
            for (int64_t k = 0; k < OUTPUTS && t != anchor[row]; k++) {
                tensor_set(&run->weights, (run->time.begin[t] + row) * OUTPUTS + k, 0);
            }
        }
    }
}

/* The gradients by the zeros of a layer, of both directions together, in the order of the steps: [total, zeros]. */
static rondo_tensor state_gradients(const struct layer_probe *probe, const struct layer *layer,
                                    const struct time_axis *time, int64_t zeros) {
    const rondo_tensor sum = zeros_like(&(rondo_tensor){.dtype = RONDO_F64, .ndim = 2, .shape = {time->total, zeros}});
    const int is_backward = cell_layer_direction(layer) == DIRECTION_BACKWARD;
    ck_assert_int_ge(probe->n_directions, 1);
    for (int32_t d = 0; d < probe->n_directions; d++) {
        const rondo_tensor *gradient = tape_gradient(tape, probe->directions[d].inputs); /* [total, input + zeros] */
        ck_assert_ptr_nonnull(gradient);
        for (int64_t row = 0; row < time->rows; row++) {
            for (int64_t t = 0; t < time->lengths[row]; t++) {
                const int64_t read = d == 1 || is_backward ? time->lengths[row] - 1 - t : t;
                for (int64_t k = 0; k < zeros; k++) {
                    const int64_t to = (time->begin[t] + row) * zeros + k;
                    const int64_t from = (time->begin[read] + row) * (INPUT + zeros) + INPUT + k;
                    tensor_set(&sum, to, tensor_get(&sum, to) + tensor_get(gradient, from));
                }
            }
        }
    }
    return sum;
}

/* Central differences by all columns of widened inputs: the gradients by inputs are those of the first three. */
static void check_columns(struct model_run *hand, rondo_tensor *widened, const rondo_tensor *inputs,
                          const rondo_tensor *states, const char *what) {
    const rondo_tensor expected = zeros_like(widened);
    const int64_t zeros = states->shape[1], width = INPUT + zeros;
    for (int64_t i = 0; i < widened->shape[0]; i++) {
        for (int64_t k = 0; k < width; k++) {
            tensor_set(&expected, i * width + k,
                       k < INPUT ? tensor_get(inputs, i * INPUT + k) : tensor_get(states, i * zeros + k - INPUT));
        }
    }
    support_central_differences(model_run_loss, hand, widened, &expected, 1e-7, what);
}

START_TEST(the_gradient_of_a_state_is_that_of_a_number_added_to_it) {
    const struct probed_cell *cell = &probed_cells[_i / 2 / ROWS(uses)];
    const int values = _i % 2, use = _i / 2 % ROWS(uses), every_step = uses[use].architecture.output_every_step;
    char what[100];
    snprintf(what, sizeof what, "%s, %s", cell->cell.name, uses[use].what);
    struct model_run run = make_probe_run(cell, use, 0, 1), hand = make_probe_run(cell, use, 1, 0);
    const int64_t ends[N_ROWS] = {lengths[0] - 1, lengths[1] - 1, lengths[2] - 1};
    struct model_probe probe = {.anchor = every_step ? anchors_of_all : ends, .values = values};
    run.probe = &probe;
    widen(&hand.inputs[0], &run.inputs[0]);
    if (every_step) {
        keep_weights(&hand, anchors_of_all);
    }
    model_run_pass(&run);
    const rondo_tensor states = state_gradients(&probe.layers[0], model_layer(run.model, 0), &run.time, cell->zeros);
    check_columns(&hand, &hand.inputs[0], tape_gradient(tape, probe.input), &states, what);
    model_destroy(run.model);
    model_destroy(hand.model);
}
END_TEST

/* ---- the encoder ---- */

/* The gradient enters the encoder where the bridge, or an equation, reads it. */
static const struct {
    const char *what;
    enum bridging bridge;
    struct cell_layer_settings encoder;
    struct test_cell decoder;
} encoders[] = {
    {"last states", BRIDGE_LAST, {.engine = ENGINE_FUSED}, {"same", NULL, NULL, NULL, NULL}},
    {"mean, tape", BRIDGE_LEARNT, {.engine = ENGINE_TAPE}, {"rnn", "h", NULL, NULL, "h' = tanh(x @ W + h @ U)\n"}},
    {"backward",
     BRIDGE_LEARNT,
     {.engine = ENGINE_FUSED, .direction = DIRECTION_BACKWARD},
     {"same", NULL, NULL, NULL, NULL}},
    {"both", BRIDGE_LEARNT, {.engine = ENGINE_FUSED, .direction = DIRECTION_BOTH}, {"same", NULL, NULL, NULL, NULL}},
    {"attention",
     BRIDGE_NONE,
     {.engine = ENGINE_FUSED},
     {"attends", "h", NULL, NULL, "h' = tanh(x @ W + attention(h @ Q, memory @ K, memory) @ V + h @ U)\n"}},
};

static const int64_t source_lengths[N_ROWS] = {2, 6, 4}; /* an order of its own */

static struct model_run make_encoder_run(const struct probed_cell *cell, int use, int by_hand, int probe) {
    const struct model_input input = STREAM_OF_NUMBERS("input", INPUT, 1);
    const struct model_input source = STREAM_OF_NUMBERS("source", by_hand ? INPUT + cell->zeros : INPUT, 1);
    struct cell_layer_settings encoder = encoders[use].encoder, layer = {.engine = encoder.engine, .probe = probe};
    encoder.probe = probe;
    encoder.cell = define(by_hand ? &cell->by_hand : &cell->cell);
    layer.cell = define(encoders[use].decoder.equations == NULL ? &cell->cell : &encoders[use].decoder);
    const struct model_settings settings = {.architecture = {1, 0},
                                            .inputs = &input,
                                            .n_inputs = 1,
                                            .source_input = &source,
                                            .encoder = &encoder,
                                            .n_encoder = 1,
                                            .bridge = encoders[use].bridge,
                                            .layers = &layer,
                                            .n_layers = 1,
                                            .pooling = POOL_LAST};
    struct model_run run = model_run_create(&settings, &cell->cell, lengths, N_ROWS);
    model_run_read_source(&run, &source, source_lengths, NULL, N_ROWS);
    run.weights = matrix(N_ROWS, OUTPUTS, "weights");
    return run;
}

START_TEST(the_gradient_of_a_state_of_the_encoder_is_that_of_a_number_added_to_it) {
    const struct probed_cell *cell = &probed_cells[_i / 2 / ROWS(encoders)];
    const int use = _i / 2 % ROWS(encoders);
    char what[100];
    snprintf(what, sizeof what, "%s, %s", cell->cell.name, encoders[use].what);
    struct model_run run = make_encoder_run(cell, use, 0, 1), hand = make_encoder_run(cell, use, 1, 0);
    const int64_t ends[N_ROWS] = {lengths[0] - 1, lengths[1] - 1, lengths[2] - 1};
    struct model_probe probe = {.anchor = ends, .values = _i % 2};
    run.probe = &probe;
    widen(&hand.source_input, &run.source_input);
    model_run_pass(&run);
    const rondo_tensor states =
        state_gradients(&probe.layers[0], model_encoder_layer(run.model, 0), &run.source_time, cell->zeros);
    ck_assert_int_eq(probe.layers[1].n_directions, 1);
    check_columns(&hand, &hand.source_input, tape_gradient(tape, probe.source), &states, what);
    model_destroy(run.model);
    model_destroy(hand.model);
}
END_TEST

START_TEST(a_probe_does_not_change_the_bits_of_the_outputs) {
    const struct probed_cell *cell = &probed_cells[_i / ROWS(uses)];
    const int use = _i % ROWS(uses);
    struct model_run plain = make_probe_run(cell, use, 0, 0), probed = make_probe_run(cell, use, 0, 1);
    const int64_t ends[N_ROWS] = {lengths[0] - 1, lengths[1] - 1, lengths[2] - 1};
    struct model_probe probe = {.anchor = ends};
    model_run_pass(&plain);
    model_run_pass(&probed); /* also without anybody who looks */
    support_near(&probed.outputs, &plain.outputs, 0, uses[use].what);
    probed.probe = &probe;
    for (probe.values = 0; probe.values < 2; probe.values++) {
        model_run_pass(&probed);
        support_near(&probed.outputs, &plain.outputs, 0, uses[use].what);
    }
    model_destroy(plain.model);
    model_destroy(probed.model);
}
END_TEST

/* ---- what is found ---- */

static const struct {
    struct test_cell cell;
    const char *gates;    /* "NAME op low high; …" */
    const char *matrices; /* "NAME rows columns; …" */
} found[] = {
    {{"lstm", "h, c", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = hard_sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "c' = f * c + i * g\n"
      "h' = sigmoid(x @ W_o + p * c) * tanh(c')\n"},
     "i sigmoid 0 1; f hard_sigmoid 0 1; g tanh -1 1; sigmoid in h' sigmoid 0 1; tanh in h' tanh -1 1; ",
     "U_i 4 4; U_f 4 4; U_g 4 4; "},
    {{"no gates", "h", NULL, NULL, "h' = relu(x @ W + abs(h) @ U + softplus(h) * exp(v) * sigmoid(d) + sin(h))\n"},
     "",
     "U 4 4; "},
    {{"limits of its own", "h", NULL, NULL,
      "a = clamp(x @ W + h @ U, low=-0.5, high=2)\n"
      "h' = tanh(a) + tanh(h) - 3 * tanh(h * d)\n"},
     "a clamp -0.5 2; tanh in h' tanh -1 1; tanh in h' (2) tanh -1 1; tanh in h' (3) tanh -1 1; ",
     "U 4 4; "},
    {{"matrices that are computed", "h; A:hidden:hidden, J:hidden:2*hidden", NULL, NULL,
      "a = h @ (A - transpose(A))\n"
      "j = tanh(h * d) @ J\n"
      "h' = x @ W + a + slice(j, end=hidden) * slice(j, begin=hidden)\n"},
     "tanh in j tanh -1 1; ",
     "matrix in a 4 4; J 4 8; "},
};

static struct cell *probed(const struct test_cell *test_cell, struct cell_probe *probe) {
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = INPUT, .hidden = HIDDEN};
    struct cell *cell = cell_compile(define(test_cell), &settings, support.registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    struct cell *result = wrap_probe(cell, 1, probe, support.registry, &support.errors);
    ck_assert_msg(result != NULL, "%s", support_error(&support));
    cell_destroy(cell);
    return result;
}

START_TEST(gates_are_found_by_their_limits_and_named_by_their_equations) {
    struct cell_probe probe;
    struct cell *cell = probed(&found[_i].cell, &probe);
    char text[400] = "";
    for (int32_t g = 0; g < probe.n_gates; g++) {
        const struct probe_gate *gate = &probe.gates[g];
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s %s %g %g; ", gate->name, gate->op, gate->low, gate->high);
        ck_assert_int_eq(gate->width, HIDDEN);
    }
    ck_assert_str_eq(text, found[_i].gates);
    cell_destroy(cell);
}
END_TEST

START_TEST(matrices_that_multiply_a_state_are_found) {
    struct cell_probe probe;
    struct cell *cell = probed(&found[_i].cell, &probe);
    struct probe_matrix *matrices = arena_calloc(support.arena, (size_t)program_count(cell->program), sizeof *matrices);
    char text[400] = "";
    const int32_t count = probe_matrices(cell, matrices, support.arena);
    for (int32_t m = 0; m < count; m++) {
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s %d %d; ", matrices[m].name, (int)matrices[m].rows,
                 (int)matrices[m].columns);
    }
    ck_assert_str_eq(text, found[_i].matrices);
    cell_destroy(cell);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("probe");
    TCase *gradients = add_case(suite, "gradients", 60, layer_run_open, layer_run_close);
    const int cases = ROWS(probed_cells) * ROWS(uses);
    tcase_add_loop_test(gradients, the_gradient_of_a_state_is_that_of_a_number_added_to_it, 0, 2 * cases);
    tcase_add_loop_test(gradients, the_gradient_of_a_state_of_the_encoder_is_that_of_a_number_added_to_it, 0,
                        2 * ROWS(probed_cells) * ROWS(encoders));
    tcase_add_loop_test(gradients, a_probe_does_not_change_the_bits_of_the_outputs, 0, cases);
    TCase *finds = add_case(suite, "found", 30, layer_run_open, layer_run_close);
    tcase_add_loop_test(finds, gates_are_found_by_their_limits_and_named_by_their_equations, 0, ROWS(found));
    tcase_add_loop_test(finds, matrices_that_multiply_a_state_are_found, 0, ROWS(found));
    return run_suite(suite);
}
