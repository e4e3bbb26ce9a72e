/* tests/test_wrappers.c: wrappers on any cell: gradients, the same cell written by hand, random words, refusals. */
#define _GNU_SOURCE /* M_PERTURB */
#include <check.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/wrap.h"
#include "tests/layer_run.h"
#include "tests/recurrence_case.h"
#include "tests/suite.h"

static const int64_t lengths[] = {3, 2, 1};
enum { ROWS = sizeof lengths / sizeof lengths[0] };

/* ---- every wrapper on every cell: gradients ---- */

struct wrapper {
    const char *name;
    struct cell_layer_settings settings;
    const char *but; /* cells that it does not go with */
    int64_t input;   /* 0: INPUT */
    int first_alone; /* 1: an input only at the first step */
};

static const struct wrapper wrappers[] = {
    {.name = "none"},
    {.name = "input at the first step", .first_alone = 1},
    {.name = "backward", .settings = {.direction = DIRECTION_BACKWARD}},
    {.name = "backward, input at the first step", .settings = {.direction = DIRECTION_BACKWARD}, .first_alone = 1},
    {.name = "both", .settings = {.direction = DIRECTION_BOTH}},
    {.name = "dropout", .settings = {.dropout = 0.4}},
    {.name = "residual", .settings = {.residual = 1}, .input = HIDDEN},
    {.name = "residual of both, input at the first step",
     .settings = {.residual = 1, .direction = DIRECTION_BOTH, .dropout = 0.3},
     .input = 2 * HIDDEN,
     .first_alone = 1},
    {.name = "learnt initial state", .settings = {.learn_initial_state = 1}},
    {.name = "learnt initial state of both", .settings = {.learn_initial_state = 1, .direction = DIRECTION_BOTH}},
    {.name = "projection", .settings = {.projection = 2}, .but = "gru gated deep bahdanau"},
    {.name = "layer norm", .settings = {.layer_norm = 1}},
    {.name = "clip", .settings = {.clip = 0.4}},
    {.name = "zoneout", .settings = {.zoneout = 0.3, .zoneout_output = -1}},
    {.name = "zoneout of the output", .settings = {.zoneout_output = 0.5}, .but = "gated"},
    {.name = "recurrent dropout", .settings = {.recurrent_dropout = 0.4}, .but = "rnn dot"},
    {.name = "variational dropout", .settings = {.variational_dropout = 0.4}},
    {.name = "weight drop", .settings = {.weight_drop = 0.4}, .but = "gated"},
    {.name = "all",
     .settings = {.direction = DIRECTION_BOTH,
                  .dropout = 0.2,
                  .residual = 1,
                  .learn_initial_state = 1,
                  .layer_norm = 1,
                  .clip = 0.6,
                  .zoneout = 0.2,
                  .zoneout_output = -1,
                  .recurrent_dropout = 0.2,
                  .variational_dropout = 0.2,
                  .weight_drop = 0.2},
     .but = "rnn gated dot",
     .input = 2 * HIDDEN},
    {.name = "all, projected",
     .settings = {.projection = 3,
                  .learn_initial_state = 1,
                  .layer_norm = 1,
                  .clip = 0.6,
                  .zoneout = 0.2,
                  .zoneout_output = 0.1,
                  .recurrent_dropout = 0.2,
                  .variational_dropout = 0.2,
                  .weight_drop = 0.2},
     .but = "rnn gru gated deep dot bahdanau"},
};

/* Row _i of the table, for every cell that does not refuse the wrapper. */
static int goes_with(const struct wrapper *wrapper, const struct test_cell *cell) {
    const char *found = wrapper->but == NULL ? NULL : strstr(wrapper->but, cell->name);
    return found == NULL;
}

static struct run wrapped_run(const struct wrapper *wrapper, const struct test_cell *cell) {
    const int64_t input = wrapper->input == 0 ? INPUT : wrapper->input;
    struct run run = make_run(make_layer(cell, wrapper->settings, input), lengths, ROWS, input);
    if (wrapper->first_alone) {
        run.input_every_step = 0;
        run.inputs = matrix(ROWS, input, "x");
    }
    return run;
}

static void check_gradients(struct run *run, const char *what) {
    char name[128];
    pass(run);
    for (int32_t p = 0; p < layer_shape(run->layer)->n_parameters; p++) {
        snprintf(name, sizeof name, "%s: %s", what, layer_shape(run->layer)->parameters[p].name);
        support_central_differences(loss, run, &run->parameters[p], &run->grad_parameters[p], 1e-6, name);
    }
    snprintf(name, sizeof name, "%s: x", what);
    support_central_differences(loss, run, &run->inputs, &run->grad_inputs, 1e-6, name);
    if (layer_shape(run->layer)->reads_memory) {
        snprintf(name, sizeof name, "%s: memory", what);
        support_central_differences(loss, run, &run->memory.values, &run->grad_memory, 1e-6, name);
    }
    for (int32_t s = 0; run->initial != NULL && s < layer_shape(run->layer)->n_states; s++) {
        snprintf(name, sizeof name, "%s: initial state %d", what, (int)s);
        support_central_differences(loss, run, &run->initial[s], &run->grad_initial[s], 1e-6, name);
    }
}

START_TEST(every_gradient_of_every_wrapper_on_every_cell_is_that_of_central_differences) {
    const struct wrapper *wrapper = &wrappers[_i / CELLS];
    const struct test_cell *cell = all_cells[_i % CELLS];
    if (!goes_with(wrapper, cell)) {
        return;
    }
    struct run run = wrapped_run(wrapper, cell);
    char what[96];
    snprintf(what, sizeof what, "%s, %s", wrapper->name, cell->name);
    run.training = 1;
    run.initial = wrapper->settings.learn_initial_state ? NULL : random_states(&run);
    check_gradients(&run, what);
    layer_destroy(run.layer);
}
END_TEST

START_TEST(both_engines_agree_on_every_wrapper_of_every_cell) {
    const struct test_cell *cell = all_cells[_i % CELLS];
    struct wrapper fused = wrappers[_i / CELLS], taped = fused;
    if (!goes_with(&fused, cell)) {
        return;
    }
    taped.settings.engine = ENGINE_TAPE;
    struct run found = wrapped_run(&fused, cell), expected = wrapped_run(&taped, cell);
    found.training = expected.training = 1;
    found.initial = expected.initial = random_states(&found);
    pass(&found);
    pass(&expected);
    support_near(&found.outputs, &expected.outputs, 1e-10, fused.name);
    support_near(&found.grad_inputs, &expected.grad_inputs, 1e-10, fused.name);
    if (layer_shape(found.layer)->reads_memory) {
        support_near(&found.grad_memory, &expected.grad_memory, 1e-10, fused.name);
    }
    for (int32_t s = 0; s < layer_shape(found.layer)->n_states; s++) {
        support_near(&found.final[s], &expected.final[s], 1e-10, fused.name);
        support_near(&found.grad_initial[s], &expected.grad_initial[s], 1e-10, fused.name);
    }
    for (int32_t p = 0; p < layer_shape(found.layer)->n_parameters; p++) {
        support_near(&found.grad_parameters[p], &expected.grad_parameters[p], 1e-10,
                     layer_shape(found.layer)->parameters[p].name);
    }
    layer_destroy(found.layer);
    layer_destroy(expected.layer);
}
END_TEST

/* Bit by bit, as the other rows' numbers change and their lengths do not; and to rounding alone, since a BLAS hands the
 * product of one row to another kernel. */
START_TEST(batch_mates_change_no_result_of_any_wrapper) {
    const struct wrapper *wrapper = &wrappers[_i / CELLS];
    const struct test_cell *cell = all_cells[_i % CELLS];
    if (!goes_with(wrapper, cell)) {
        return;
    }
    struct run batch = wrapped_run(wrapper, cell);
    pass(&batch);
    for (int64_t row = 0; row < ROWS; row++) {
        struct run other = batch;
        other.inputs = copy_of(&batch.inputs);
        other.training = batch.training = 1;
        for (int64_t t = 0; t < (batch.input_every_step ? batch.time.steps : 1); t++) {
            for (int64_t mate = 0; mate < batch.time.alive[t]; mate++) {
                double *x = (double *)other.inputs.data + (batch.time.begin[t] + mate) * other.inputs.shape[1];
                x[0] += mate == row ? 0 : 1;
            }
        }
        pass(&batch);
        pass(&other);
        const rondo_tensor a = rows_of(&batch.outputs, &batch.time, row), b = rows_of(&other.outputs, &batch.time, row);
        support_near(&b, &a, 0, wrapper->name);
        for (int32_t s = 0; s < layer_shape(batch.layer)->n_states; s++) {
            const rondo_tensor one = row_of(&batch.final[s], row), two = row_of(&other.final[s], row);
            support_near(&two, &one, 0, wrapper->name);
        }
    }
    layer_destroy(batch.layer);
}
END_TEST

/* A row of a batch, run alone in evaluation: its own outputs, and the states after its own last step. */
START_TEST(a_row_alone_gives_its_outputs_and_final_states_in_the_batch) {
    const struct wrapper *wrapper = &wrappers[_i / CELLS];
    const struct test_cell *cell = all_cells[_i % CELLS];
    if (!goes_with(wrapper, cell) || wrapper->first_alone) {
        return;
    }
    struct run batch = wrapped_run(wrapper, cell);
    batch.initial = random_states(&batch);
    pass(&batch);
    for (int64_t row = 0; row < ROWS; row++) {
        struct run alone = batch;
        rondo_tensor initial[MOST_STATES];
        alone.time = support_time(&support, &lengths[row], 1);
        alone.inputs = rows_of(&batch.inputs, &batch.time, row);
        if (layer_shape(batch.layer)->reads_memory) {
            alone.memory = support_memory_rows(&batch.memory, row, row + 1);
        }
        for (int32_t s = 0; s < layer_shape(batch.layer)->n_states; s++) {
            initial[s] = row_of(&batch.initial[s], row);
        }
        alone.initial = initial;
        pass(&alone);
        const rondo_tensor outputs = rows_of(&batch.outputs, &batch.time, row);
        support_near(&alone.outputs, &outputs, 1e-12, wrapper->name);
        for (int32_t s = 0; s < layer_shape(batch.layer)->n_states; s++) {
            const rondo_tensor state = row_of(&batch.final[s], row);
            support_near(&alone.final[s], &state, 1e-12, wrapper->name);
        }
    }
    layer_destroy(batch.layer);
}
END_TEST

/* ---- the same cell written by hand ---- */

struct by_hand {
    const char *name;
    const struct test_cell *cell;
    struct cell_layer_settings settings;
    struct test_cell expected; /* parameters are called as the wrapper calls them, with "_" for the dot */
    int training;              /* random ops draw the same words in both */
};

/* Two states that count steps: neither reads data. */
static const struct test_cell cell_clock = {"clock", "h, c, t:1, u:1", NULL, NULL,
                                            "t' = remainder(t + 1, 3)\n"
                                            "u' = u + t\n"
                                            "c' = tanh(x @ W) + t'\n"
                                            "h' = tanh(h @ U + c') * u'\n"};

static const struct by_hand by_hand_rows[] = {
    {"layer norm",
     &cell_rnn,
     {.layer_norm = 1},
     {"rnn", "h", NULL, NULL, "h' = tanh(layer_norm(x @ W + h @ U, W_gain, b))\n"},
     0},
    {"layer norm of every gate",
     &cell_lstm,
     {.layer_norm = 1},
     {"lstm", "h, c", NULL, NULL,
      "i = sigmoid(layer_norm(x @ W_i + h @ U_i, W_i_gain, b_i))\n"
      "f = sigmoid(layer_norm(x @ W_f + h @ U_f, W_f_gain, b_f))\n"
      "g = tanh(layer_norm(x @ W_g + h @ U_g, W_g_gain, b_g))\n"
      "o = sigmoid(layer_norm(x @ W_o + h @ U_o, W_o_gain, b_o))\n"
      "c' = f * c + i * g\n"
      "h' = o * tanh(c')\n"},
     0},
    {"layer norm of products alone, and of sums without a bias",
     &cell_gated,
     {.layer_norm = 1},
     {"gated", "c", "y", NULL,
      "g = layer_norm(x @ W, W_gain, W_bias)\n"
      "f = sigmoid(layer_norm(x @ W_f + v * c, W_f_gain, b_f))\n"
      "c' = f * c + (1 - f) * g\n"
      "y = tanh(c') * sigmoid(layer_norm(x @ W_o, W_o_gain, W_o_bias))\n"},
     0},
    {"layer norm beside a number",
     &cell_deep,
     {.layer_norm = 1},
     {"deep", "h, before", NULL, NULL,
      "a = tanh(layer_norm(x @ W + h @ U + d * before, W_gain, W_bias))\n"
      "b = tanh(layer_norm(a @ V, V_gain, V_bias) + 0.5)\n"
      "before' = h\n"
      "h' = 0.5 * h + b\n"},
     0},
    {"layer norm of sums within sums",
     &(const struct test_cell){"nested", "h", NULL, NULL,
                               "r = sigmoid(h @ R + b_r + b_q)\n"
                               "n = tanh((x @ W + b) + r * (h @ U + d))\n"
                               "h' = (1 - r) * n + r * h\n"},
     {.layer_norm = 1},
     {"nested", "h", NULL, NULL,
      "r = sigmoid(layer_norm(h @ R, R_gain, b_r) + b_q)\n"
      "n = tanh(layer_norm(x @ W + r * layer_norm(h @ U, U_gain, d), W_gain, b))\n"
      "h' = (1 - r) * n + r * h\n"},
     0},
    {"layer norm neither of a state nor within a factored matrix",
     &(const struct test_cell){"linear", "m, h", "h'", NULL,
                               "m' = m @ A + x @ B\n"
                               "h' = tanh((m' @ V) @ W + h @ U)\n"},
     {.layer_norm = 1},
     {"linear", "m, h", "h'", NULL,
      "m' = m @ A + x @ B\n"
      "h' = tanh(layer_norm((m' @ V) @ W + h @ U, W_gain, W_bias))\n"},
     0},
    {"projection",
     &cell_lstm,
     {.projection = 2},
     {"lstm", "h:2, c; projection_W:hidden:2", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "o = sigmoid(x @ W_o + h @ U_o + b_o)\n"
      "c' = f * c + i * g\n"
      "h' = (o * tanh(c')) @ projection_W\n"},
     0},
    {"clip",
     &cell_lstm,
     {.clip = 0.25},
     {"lstm", "h, c", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "o = sigmoid(x @ W_o + h @ U_o + b_o)\n"
      "c' = clamp(f * c + i * g, low=-0.25, high=0.25)\n"
      "h' = o * tanh(c')\n"},
     0},
    {"clip of the one state",
     &cell_rnn,
     {.clip = 0.25},
     {"rnn", "h", NULL, NULL, "h' = clamp(tanh(x @ W + h @ U + b), low=-0.25, high=0.25)\n"},
     0},
    {"clip of a state that takes over another",
     &cell_deep,
     {.clip = 0.25},
     {"deep", "h, before", NULL, NULL,
      "a = tanh(x @ W + h @ U + d * before)\n"
      "b = tanh(a @ V + 0.5)\n"
      "before' = clamp(h, low=-0.25, high=0.25)\n"
      "h' = 0.5 * h + b\n"},
     0},
    {"clip of a cell with clocks",
     &cell_clock,
     {.clip = 0.25},
     {"clock", "h, c, t:1, u:1", NULL, NULL,
      "t' = remainder(t + 1, 3)\n"
      "u' = u + t\n"
      "c' = clamp(tanh(x @ W) + t', low=-0.25, high=0.25)\n"
      "h' = tanh(h @ U + c') * u'\n"},
     0},
    {"layer norm of a query, and not of keys",
     &cell_dot,
     {.layer_norm = 1},
     {"dot", "h", NULL, NULL,
      "keys = memory @ W_k + b_k\n"
      "c = attention(layer_norm(h @ W_q, W_q_gain, W_q_bias), keys, memory)\n"
      "h' = tanh(layer_norm(x @ W + h @ U + c @ C, W_gain, b))\n"},
     0},
    {"zoneout of a cell with clocks",
     &cell_clock,
     {.zoneout = 0.5, .zoneout_output = 0.125},
     {"clock", "h, c, t:1, u:1", NULL, NULL,
      "t' = remainder(t + 1, 3)\n"
      "u' = u + t\n"
      "n = tanh(x @ W) + t'\n"
      "c' = c + (n - c) * 0.5\n"
      "h' = h + (tanh(h @ U + n) * u' - h) * 0.875\n"},
     0},
    {"zoneout in evaluation",
     &cell_lstm,
     {.zoneout = 0.5, .zoneout_output = 0.125},
     {"lstm", "h, c", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "o = sigmoid(x @ W_o + h @ U_o + b_o)\n"
      "n = f * c + i * g\n"
      "c' = c + (n - c) * 0.5\n"
      "h' = h + (o * tanh(n) - h) * 0.875\n"},
     0},
    {"zoneout in training",
     &cell_lstm,
     {.zoneout = 0.5, .zoneout_output = 0.125},
     {"lstm", "h, c", NULL, NULL,
      "i = sigmoid(x @ W_i + h @ U_i + b_i)\n"
      "f = sigmoid(x @ W_f + h @ U_f + b_f)\n"
      "g = tanh(x @ W_g + h @ U_g + b_g)\n"
      "o = sigmoid(x @ W_o + h @ U_o + b_o)\n"
      "n = f * c + i * g\n"
      "h' = h + dropout(o * tanh(n) - h, rate=0.125) * 0.875\n"
      "c' = c + dropout(n - c, rate=0.5) * 0.5\n"},
     1},
    {"recurrent dropout of a candidate that a state reads twice",
     &(const struct test_cell){"twice", "h", NULL, "n",
                               "n = tanh(x @ W + h @ U + b)\n"
                               "h' = 0.5 * h + n * sigmoid(n)\n"},
     {.recurrent_dropout = 0.4},
     {"twice", "h", NULL, NULL,
      "n = dropout(tanh(x @ W + h @ U + b), rate=0.4)\n"
      "h' = 0.5 * h + n * sigmoid(n)\n"},
     1},
};

/* The parameter of `run` with this name, "." as "_". */
static rondo_tensor *parameter_called(struct run *run, const char *name) {
    for (int32_t p = 0; p < layer_shape(run->layer)->n_parameters; p++) {
        const char *own = layer_shape(run->layer)->parameters[p].name;
        size_t i = 0;
        while (own[i] != '\0' && (own[i] == name[i] || (own[i] == '.' && name[i] == '_'))) {
            i++;
        }
        if (own[i] == '\0' && name[i] == '\0') {
            return &run->grad_parameters[p];
        }
    }
    ck_abort_msg("there is no parameter '%s'", name);
    return NULL;
}

START_TEST(a_wrapper_does_what_equations_by_hand_do) {
    const struct by_hand *row = &by_hand_rows[_i];
    const struct cell_layer_settings none = {0};
    struct run found = make_run(make_layer(row->cell, row->settings, INPUT), lengths, ROWS, INPUT);
    struct run expected = make_run(make_layer(&row->expected, none, INPUT), lengths, ROWS, INPUT);
    found.training = expected.training = row->training;
    ck_assert_int_eq(layer_shape(found.layer)->n_parameters, layer_shape(expected.layer)->n_parameters);
    found.initial = random_states(&found);
    expected.initial = random_states(&expected);
    pass(&found);
    pass(&expected);
    support_near(&found.outputs, &expected.outputs, 0, row->name);
    support_near(&found.grad_inputs, &expected.grad_inputs, 1e-13, row->name);
    for (int32_t s = 0; s < layer_shape(found.layer)->n_states; s++) {
        support_near(&found.final[s], &expected.final[s], 0, row->name);
        support_near(&found.grad_initial[s], &expected.grad_initial[s], 1e-13, row->name);
    }
    for (int32_t p = 0; p < layer_shape(expected.layer)->n_parameters; p++) {
        const char *name = layer_shape(expected.layer)->parameters[p].name;
        support_near(parameter_called(&found, name), &expected.grad_parameters[p], 1e-13, name);
    }
    layer_destroy(found.layer);
    layer_destroy(expected.layer);
}
END_TEST

/* Cells whose products read masked values, by the wrapper and by hand. States of `by_hand` beside those of the cell are
 * the masks, in the order of the values that they belong to. */
static const struct {
    const struct test_cell *cell;
    struct test_cell by_hand;
} masked_rows[] = {
    {&cell_rnn,
     {"rnn", "h, m:input, n", NULL, NULL,
      "h' = tanh((x * m) @ W + (h * n) @ U + b)\n"
      "m' = m\n"
      "n' = n\n"}},
    {&cell_gru, /* h is masked only in products: z * h and r * h read it without a mask */
     {"gru", "h, m:input, k, l", NULL, NULL,
      "r = sigmoid((x * m) @ W_r + (h * k) @ U_r + b_r)\n"
      "z = sigmoid((x * m) @ W_z + (h * k) @ U_z + b_z)\n"
      "n = tanh((x * m) @ W_n + (r * h * l) @ U_n + b_n)\n"
      "h' = z * h + (1 - z) * n\n"
      "m' = m\n"
      "k' = k\n"
      "l' = l\n"}},
    {&cell_dot, /* no mask belongs to the memory, whose elements are not rows of the step */
     {"dot", "h, m:input, n, o:memory", NULL, NULL,
      "keys = memory @ W_k + b_k\n"
      "c = attention((h * n) @ W_q, keys, memory)\n"
      "h' = tanh((x * m) @ W + (h * n) @ U + (c * o) @ C + b)\n"
      "m' = m\n"
      "n' = n\n"
      "o' = o\n"}},
    {&cell_gated,
     {"gated", "c, m:input", "y", NULL,
      "g = (x * m) @ W\n"
      "f = sigmoid((x * m) @ W_f + v * c + b_f)\n"
      "c' = f * c + (1 - f) * g\n"
      "y = tanh(c') * sigmoid((x * m) @ W_o)\n"
      "m' = m\n"}},
    {&cell_deep, /* before' = h and h' = 0.5 * h also read it without a mask */
     {"deep", "h, before, m:input, k, l", NULL, NULL,
      "a = tanh((x * m) @ W + (h * k) @ U + d * before)\n"
      "b = tanh((a * l) @ V + 0.5)\n"
      "before' = h\n"
      "h' = 0.5 * h + b\n"
      "m' = m\n"
      "k' = k\n"
      "l' = l\n"}},
    {&(const struct test_cell){"shown", "h", "y", NULL,
                               "a = tanh(x @ W + h @ U)\n"
                               "h' = a @ V + a\n"
                               "y = a * h\n"}, /* values that are read after a product has read them masked */
     {"shown", "h, m:input, k, l", "y", NULL,
      "a = tanh((x * m) @ W + (h * k) @ U)\n"
      "h' = (a * l) @ V + a\n"
      "y = a * h\n"
      "m' = m\n"
      "k' = k\n"
      "l' = l\n"}},
};

static struct cell *compile(const struct test_cell *cell) {
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = INPUT, .hidden = HIDDEN, .memory = MEMORY};
    struct cell *compiled = cell_compile(define(cell), &settings, support.registry, &support.errors);
    ck_assert_msg(compiled != NULL, "%s: %s", cell->name, support_error(&support));
    return compiled;
}

START_TEST(variational_dropout_masks_what_products_read_and_nothing_else) {
    const struct location nowhere = {NULL, 0, 0};
    struct cell *plain = compile(masked_rows[_i].cell), *by_hand = compile(&masked_rows[_i].by_hand);
    struct cell *wrapped = wrap_variational_dropout(plain, nowhere, support.registry, &support.errors);
    ck_assert_msg(wrapped != NULL, "%s", support_error(&support));
    ck_assert_int_eq(wrapped->n_states, by_hand->n_states);
    ck_assert_int_eq(wrapped->n_parameters, by_hand->n_parameters);
    struct recurrence_case problem = recurrence_case_create(&support, wrapped, RONDO_F64, lengths, ROWS);
    for (int32_t s = plain->n_states; s < wrapped->n_states; s++) {
        for (int64_t i = 0; i < rondo_count(&problem.initial[s]); i++) {
            tensor_set(&problem.initial[s], i, tensor_get(&problem.initial[s], i) < 0 ? 0 : 2);
        }
    }
    const struct recurrence_engine fused = {.fused = 1, .passes = PASS_ALL};
    const struct recurrence_answer found = recurrence_case_solve(&problem, fused);
    problem.cell = by_hand;
    const struct recurrence_answer expected = recurrence_case_solve(&problem, fused);
    recurrence_case_compare(&problem, &found, &expected, 1e-13, "masks by hand");
    cell_destroy(plain);
    cell_destroy(by_hand);
    cell_destroy(wrapped);
}
END_TEST

START_TEST(a_norm_starts_as_the_plain_norm_and_keeps_the_bias_of_the_cell) {
    struct cell_definition *definition = define(&cell_lstm);
    const struct cell_initialiser open = {.pattern = "b_f", .initialiser = {.kind = INITIALISE_CONSTANT, .a = 1}};
    definition->initialisers = &open;
    definition->n_initialisers = 1;
    const struct cell_layer_settings settings = {.cell = definition, .hidden = HIDDEN, .layer_norm = 1};
    struct layer *layer = cell_layer_create(&settings, RONDO_F32, INPUT, support.registry, &support.errors);
    ck_assert_msg(layer != NULL, "%s", support_error(&support));
    int gains = 0, biases = 0;
    for (int32_t p = 0; p < layer_shape(layer)->n_parameters; p++) {
        const struct layer_parameter *parameter = &layer_shape(layer)->parameters[p];
        const int is_gain = strstr(parameter->name, ".gain") != NULL;
        gains += is_gain && parameter->initialiser.kind == INITIALISE_CONSTANT && parameter->initialiser.a == 1;
        biases += strcmp(parameter->name, "b_f") == 0 && parameter->initialiser.a == 1;
        ck_assert_msg(strstr(parameter->name, ".bias") == NULL, "'%s' beside a bias of the cell", parameter->name);
    }
    ck_assert_int_eq(gains, 4);
    ck_assert_int_eq(biases, 1);
    layer_destroy(layer);
}
END_TEST

/* Rates of 0, and random wrappers in evaluation, leave the plain cell. */
static const struct cell_layer_settings plain_rows[] = {
    {.zoneout = 0, .zoneout_output = -1},
    {.recurrent_dropout = 0.5},
    {.variational_dropout = 0.5},
    {.weight_drop = 0.5},
    {.dropout = 0.5},
    {.clip = 1e9},
};

START_TEST(a_wrapper_that_does_nothing_changes_no_bit) {
    const struct cell_layer_settings none = {0};
    struct run plain = make_run(make_layer(&cell_lstm, none, INPUT), lengths, ROWS, INPUT);
    struct run wrapped = make_run(make_layer(&cell_lstm, plain_rows[_i], INPUT), lengths, ROWS, INPUT);
    pass(&plain);
    pass(&wrapped);
    support_near(&wrapped.outputs, &plain.outputs, 0, "outputs");
    for (int32_t p = 0; p < layer_shape(plain.layer)->n_parameters; p++) {
        support_near(&wrapped.grad_parameters[p], &plain.grad_parameters[p], 1e-14, "gradients");
    }
    layer_destroy(plain.layer);
    layer_destroy(wrapped.layer);
}
END_TEST

/* ---- random wrappers in training ---- */

/* Many rows of one step, from random states. */
static struct run step_of(const struct test_cell *cell, struct cell_layer_settings settings) {
    enum { MANY = 500 };
    static int64_t ones[MANY];
    for (int i = 0; i < MANY; i++) {
        ones[i] = 1;
    }
    struct run run = make_run(make_layer(cell, settings, INPUT), ones, MANY, INPUT);
    run.initial = random_states(&run);
    run.training = 1;
    pass(&run);
    layer_destroy(run.layer);
    run.layer = NULL;
    return run;
}

static void assert_share(int64_t kept, int64_t of, double share, const char *what) {
    const double found = (double)kept / (double)of, error = 5 * sqrt(share * (1 - share) / (double)of);
    ck_assert_msg(fabs(found - share) < error, "%s: a share of %g, expected %g within %g", what, found, share, error);
}

START_TEST(zoneout_keeps_old_values_with_the_rate_of_each_state) {
    const struct cell_layer_settings none = {0}, zoneout = {.zoneout = 0.25, .zoneout_output = 0.5};
    static const double rates[] = {0.5, 0.25}; /* h is the output */
    const struct run plain = step_of(&cell_lstm, none), zoned = step_of(&cell_lstm, zoneout);
    for (int32_t s = 0; s < 2; s++) {
        int64_t kept = 0;
        for (int64_t i = 0; i < rondo_count(&zoned.final[s]); i++) {
            const double old = tensor_get(&zoned.initial[s], i), new = tensor_get(&plain.final[s], i);
            const double found = tensor_get(&zoned.final[s], i);
            ck_assert_msg(found == old || fabs(found - new) < 1e-14, "%g is neither %g nor %g", found, old, new);
            kept += found == old;
        }
        assert_share(kept, rondo_count(&zoned.final[s]), rates[s], "old values");
    }
    support_near(&zoned.outputs, &zoned.final[0], 0, "the output");
}
END_TEST

START_TEST(recurrent_dropout_drops_what_is_new_and_keeps_what_is_old) {
    const struct test_cell cell = {"cell", "s", NULL, "g", "g = tanh(x @ W)\ns' = 0.5 * s + g\n"};
    const struct cell_layer_settings none = {0}, dropout = {.recurrent_dropout = 0.25};
    const struct run plain = step_of(&cell, none), dropped = step_of(&cell, dropout);
    int64_t kept = 0;
    for (int64_t i = 0; i < rondo_count(&plain.outputs); i++) {
        const double old = 0.5 * tensor_get(&plain.initial[0], i), g = tensor_get(&plain.outputs, i) - old;
        const double found = tensor_get(&dropped.outputs, i);
        ck_assert_msg(found == old || fabs(found - (old + g / 0.75)) < 1e-14, "%g from %g and %g", found, old, g);
        kept += found != old;
    }
    assert_share(kept, rondo_count(&plain.outputs), 0.75, "candidates");
}
END_TEST

/* The number of parameter `name`. */
static int32_t index_of(const struct layer *layer, const char *name) {
    for (int32_t p = 0; p < layer_shape(layer)->n_parameters; p++) {
        if (strcmp(layer_shape(layer)->parameters[p].name, name) == 0) {
            return p;
        }
    }
    ck_abort_msg("there is no parameter '%s'", name);
    return -1;
}

static void set_identity(struct run *run, const char *name) {
    const rondo_tensor *weights = &run->parameters[index_of(run->layer, name)];
    for (int64_t i = 0; i < rondo_count(weights); i++) {
        tensor_set(weights, i, i / weights->shape[1] == i % weights->shape[1]);
    }
}

/* Products by the identity show the masks: x * mask in y, h * mask^t in h. */
START_TEST(masks_of_variational_dropout_stay_the_same_over_the_steps_of_a_row) {
    const struct test_cell cell = {"cell", "h", "y", NULL, "h' = h @ U\ny = x @ W + 0 * h'\n"};
    const struct cell_layer_settings settings = {.variational_dropout = 0.5};
    struct run run = make_run(make_layer(&cell, settings, HIDDEN), lengths, ROWS, HIDDEN);
    int differ = 0, dropped = 0;
    set_identity(&run, "U");
    set_identity(&run, "W");
    run.initial = random_states(&run);
    run.training = 1;
    pass(&run);
    for (int64_t row = 0; row < ROWS; row++) {
        for (int64_t k = 0; k < HIDDEN; k++) {
            const double first = tensor_get(&run.outputs, row * HIDDEN + k) / tensor_get(&run.inputs, row * HIDDEN + k);
            ck_assert_msg(first == 0 || fabs(first - 2) < 1e-14, "a mask of %g", first);
            dropped += first == 0;
            differ += first != tensor_get(&run.outputs, k) / tensor_get(&run.inputs, k);
            for (int64_t t = 1; t < lengths[row]; t++) {
                const int64_t at = (run.time.begin[t] + row) * HIDDEN + k;
                ck_assert_double_eq_tol(tensor_get(&run.outputs, at), first * tensor_get(&run.inputs, at), 1e-14);
            }
            const double before = tensor_get(&run.initial[0], row * HIDDEN + k);
            const double after = tensor_get(&run.final[0], row * HIDDEN + k);
            ck_assert(after == 0 || fabs(after / (before * pow(2, (double)lengths[row])) - 1) < 1e-14);
            dropped += after == 0;
        }
    }
    ck_assert_int_gt(differ, 0); /* each row has its own mask */
    ck_assert_int_gt(dropped, ROWS * HIDDEN / 2);
    ck_assert_int_lt(dropped, 3 * ROWS * HIDDEN / 2);
    layer_destroy(run.layer);
}
END_TEST

/* From the identity as the state, one step without an input shows U, and one without a state W. */
START_TEST(weight_drop_drops_recurrent_weights_alone_and_the_same_at_every_step) {
    const struct test_cell cell = {"cell", "h; U:hidden:hidden", NULL, NULL, "h' = x @ W + h @ (U * 1)\n"};
    const struct cell_layer_settings settings = {.weight_drop = 0.5};
    static const int64_t twos[HIDDEN] = {2, 2, 2, 2};
    struct run run = make_run(make_layer(&cell, settings, HIDDEN), twos, HIDDEN, HIDDEN);
    rondo_tensor state = matrix(HIDDEN, HIDDEN, NULL);
    const rondo_tensor *u = &run.parameters[index_of(run.layer, "U")];
    int dropped = 0;
    memset(run.inputs.data, 0, tensor_bytes(&run.inputs));
    for (int64_t k = 0; k < HIDDEN; k++) {
        tensor_set(&state, k * HIDDEN + k, 1);
        tensor_set(&run.inputs, (HIDDEN + k) * HIDDEN + k, 1); /* the second step has an input */
    }
    run.initial = &state;
    run.training = 1;
    pass(&run);
    const double *first = run.outputs.data, *second = first + HIDDEN * HIDDEN;
    const double *w = run.parameters[index_of(run.layer, "W")].data;
    for (int64_t i = 0; i < HIDDEN; i++) {
        for (int64_t j = 0; j < HIDDEN; j++) {
            const double kept = 2 * tensor_get(u, i * HIDDEN + j), found = first[i * HIDDEN + j];
            double squared = w[i * HIDDEN + j];
            for (int64_t k = 0; k < HIDDEN; k++) {
                squared += first[i * HIDDEN + k] * first[k * HIDDEN + j];
            }
            ck_assert_msg(found == 0 || found == kept, "%g from %g", found, kept);
            ck_assert_double_eq_tol(second[i * HIDDEN + j], squared, 1e-13);
            dropped += found == 0;
        }
    }
    ck_assert_int_gt(dropped, 3);
    ck_assert_int_lt(dropped, 13);
    layer_destroy(run.layer);
}
END_TEST

/* The random words that any engine has to draw: number j of step t from substream t * J + j of "SCOPE.forward", word
 * row * width + k. */
START_TEST(random_words_are_those_of_step_op_and_element) {
    const struct test_cell cell = {"cell", "a, b", "y", "g, k",
                                   "g = 1 + 0 * x @ W\nk = 1 + 0 * x @ V\na' = g\nb' = k\ny = concat(a', b')\n"};
    const struct cell_layer_settings settings = {.recurrent_dropout = 0.5, .direction = DIRECTION_BOTH};
    struct run run = make_run(make_layer(&cell, settings, INPUT), lengths, ROWS, INPUT);
    static const char *const scopes[] = {"layer.forward", "layer.backward"};
    run.training = 1;
    pass(&run);
    for (int64_t d = 0; d < 2; d++) {
        const struct rng_stream scope = rng_stream(rng_stream(1, "pass").key, scopes[d]);
        for (int64_t t = 0; t < run.time.steps; t++) {
            for (int64_t row = 0; row < run.time.alive[t]; row++) {
                const int64_t at = d == 0 ? t : lengths[row] - 1 - t; /* step t in its own direction */
                for (int64_t k = 0; k < 2 * HIDDEN; k++) {
                    uint32_t word;
                    rng_words(rng_substream(scope, (uint64_t)(2 * t + k / HIDDEN)),
                              (uint64_t)(row * HIDDEN + k % HIDDEN), 1, &word);
                    const double expected = word < 2147483648u ? 0 : 2;
                    const int64_t position = (run.time.begin[at] + row) * 4 * HIDDEN + d * 2 * HIDDEN + k;
                    ck_assert_double_eq(tensor_get(&run.outputs, position), expected);
                }
            }
        }
    }
    layer_destroy(run.layer);
}
END_TEST

/* ---- shapes and bounds ---- */

START_TEST(a_projection_narrows_the_state_and_the_recurrent_matrices) {
    static const struct {
        const char *name, *shape;
    } rows[] = {{"U_i", "[2, 4]"}, {"W_i", "[3, 4]"}, {"b_i", "[4]"}, {"projection.W", "[4, 2]"}};
    const struct cell_layer_settings settings = {.projection = 2};
    struct layer *layer = make_layer(&cell_lstm, settings, INPUT);
    for (int i = 0; i < ROWS(rows); i++) {
        const struct layer_parameter *parameter = &layer_shape(layer)->parameters[index_of(layer, rows[i].name)];
        ck_assert_str_eq(tensor_shape_text(&parameter->shape).text, rows[i].shape);
    }
    const rondo_tensor h = layer_shape(layer)->states[0].shape, c = layer_shape(layer)->states[1].shape;
    ck_assert_int_eq(layer_shape(layer)->width, 2);
    ck_assert_str_eq(tensor_shape_text(&h).text, "[batch, 2]");
    ck_assert_str_eq(tensor_shape_text(&c).text, "[batch, 4]");
    layer_destroy(layer);
}
END_TEST

START_TEST(a_clip_bounds_every_state_but_the_output) {
    const struct cell_layer_settings settings = {.clip = 0.01};
    struct run run = make_run(make_layer(&cell_lstm, settings, INPUT), lengths, ROWS, INPUT);
    run.initial = random_states(&run);
    pass(&run);
    double largest = 0;
    for (int64_t i = 0; i < rondo_count(&run.final[1]); i++) {
        largest = fmax(largest, fabs(tensor_get(&run.final[1], i)));
    }
    ck_assert_double_eq(largest, 0.01);
    layer_destroy(run.layer);
}
END_TEST

START_TEST(a_residual_adds_the_input) {
    const struct cell_layer_settings none = {0}, residual = {.residual = 1};
    struct run plain = make_run(make_layer(&cell_gru, none, HIDDEN), lengths, ROWS, HIDDEN);
    struct run added = make_run(make_layer(&cell_gru, residual, HIDDEN), lengths, ROWS, HIDDEN);
    pass(&plain);
    pass(&added);
    for (int64_t i = 0; i < rondo_count(&plain.outputs); i++) {
        ck_assert_double_eq(tensor_get(&added.outputs, i),
                            tensor_get(&plain.outputs, i) + tensor_get(&plain.inputs, i));
    }
    layer_destroy(plain.layer);
    layer_destroy(added.layer);
}
END_TEST

/* ---- what is refused ---- */

static struct location place(const void *arg, const char *key) {
    static const char *const keys[] = {"projection",  "layer_norm",        "residual",
                                       "zoneout",     "zoneout_output",    "variational_dropout",
                                       "weight_drop", "recurrent_dropout", NULL};
    struct location where = {arg, 0, 0};
    while (keys[where.line] != NULL && strcmp(keys[where.line], key) != 0) {
        where.line++;
    }
    ck_assert_msg(keys[where.line] != NULL, "a place for '%s'", key);
    where.line++;
    return where;
}

static const struct test_cell no_product = {"no_product", "h", NULL, NULL, "h' = tanh(v * h + sum(x) / 4)\n"};
static const struct test_cell sum_of_rows = {"plain", "h", NULL, NULL,
                                             "h' = tanh(v * h + mean(x, axis=-1, keep=true))\n"};

static const struct {
    const struct test_cell *cell;
    struct cell_layer_settings settings;
    const char *message;
} refused_rows[] = {
    {&cell_gru,
     {.projection = 2},
     "exp.yaml:1: 'projection' makes state 'h' of cell 'gru' narrower than 'hidden', and its equations do not allow "
     "that: gru:3:"},
    {&cell_gru, {.projection = 1}, "exp.yaml:1: 'projection' makes state 'h' of cell 'gru' narrower"},
    {&cell_lstm, {.projection = 4}, "exp.yaml:1: 'projection' is 4, expected less than 'hidden', which is 4"},
    {&cell_gated,
     {.projection = 2},
     "exp.yaml:1: 'projection' is for cells whose output is a state, and that of cell 'gated' is 'y'"},
    {&sum_of_rows, {.layer_norm = 1}, "exp.yaml:2: 'layer_norm' is not used: cell 'plain' has no pre-activation"},
    {&cell_lstm,
     {.residual = 1},
     "exp.yaml:3: 'residual' adds the input of the layer, which is 3 wide, to its output, which is 4 wide; expected "
     "the "
     "same width"},
    {&cell_lstm, {.residual = 1, .direction = DIRECTION_BOTH}, "which is 8 wide (both directions)"},
    {&cell_rnn,
     {.zoneout = 0.1, .zoneout_output = 0.2},
     "exp.yaml:4: 'zoneout' is not used: the one state of cell 'rnn' is its output, which has 'zoneout_output'"},
    {&cell_gated,
     {.zoneout_output = 0.2},
     "exp.yaml:5: 'zoneout_output' is not used: the output of cell 'gated' is no state"},
    {&sum_of_rows,
     {.variational_dropout = 0.2},
     "exp.yaml:6: 'variational_dropout' is not used: cell 'plain' has no product by weights"},
    {&cell_gated,
     {.weight_drop = 0.2},
     "exp.yaml:7: 'weight_drop' is not used: cell 'gated' has no product of a state and a matrix"},
    {&cell_rnn,
     {.recurrent_dropout = 0.2},
     "exp.yaml:8: 'recurrent_dropout' drops what is new in the states, and cell 'rnn' does not say which values that "
     "is, expected a line such as 'candidate: g' in its file"},
    {&no_product, {0}, "no_product:1:"},
};

static int is_told(const char *message) {
    for (int32_t i = 0; i < support.errors.count; i++) {
        if (strstr(errors_text(&support.errors, i), message) != NULL) {
            return 1;
        }
    }
    return 0;
}

START_TEST(a_wrapper_that_does_not_go_with_a_cell_is_refused_at_its_place) {
    struct cell_layer_settings settings = refused_rows[_i].settings;
    settings.cell = define(refused_rows[_i].cell);
    settings.hidden = HIDDEN;
    settings.place = place;
    settings.place_arg = "exp.yaml";
    ck_assert_ptr_null(cell_layer_create(&settings, RONDO_F32, INPUT, support.registry, &support.errors));
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    ck_assert_msg(is_told(refused_rows[_i].message), "'%s', expected '%s'", support_error(&support),
                  refused_rows[_i].message);
}
END_TEST

START_TEST(all_mistakes_of_a_layer_are_told_at_once) {
    const struct cell_layer_settings settings = {.cell = define(&sum_of_rows),
                                                 .hidden = HIDDEN,
                                                 .residual = 1,
                                                 .layer_norm = 1,
                                                 .recurrent_dropout = 0.5,
                                                 .variational_dropout = 0.5,
                                                 .weight_drop = 0.5};
    ck_assert_ptr_null(cell_layer_create(&settings, RONDO_F32, INPUT, support.registry, &support.errors));
    ck_assert_msg(is_told("'layer_norm'") && is_told("'recurrent_dropout'") && is_told("'variational_dropout'") &&
                      is_told("'weight_drop'"),
                  "%d errors, the first: %s", (int)support.errors.count, support_error(&support));
}
END_TEST

/* An op whose options own an array: y = c[0] + c[1] x + c[2] x^2 … */
struct polynomial {
    rondo_reals c;
    const char *label;
};
static const rondo_option polynomial_options[] = {
    RONDO_OPTION_REALS(struct polynomial, c, "[0, 1]", -10, 10, "coefficients"),
    RONDO_OPTION_STRING(struct polynomial, label, "none", "a text"), RONDO_OPTION_END};

static void polynomial_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    const struct polynomial *polynomial = options;
    const rondo_tensor x = {(void *)in[0], dtype, 1, {count}}, y = {out, dtype, 1, {count}};
    ck_assert_double_eq(polynomial->c.values[0], 0.25); /* as in the equation below */
    ck_assert_str_eq(polynomial->label, "mine");
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t k = polynomial->c.count - 1; k >= 0; k--) {
            sum = sum * rondo_get(&x, i) + polynomial->c.values[k];
        }
        rondo_set(&y, i, sum);
    }
}

static void polynomial_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                            const void *grad_out, void *const *grad_in) {
    (void)out;
    const struct polynomial *polynomial = options;
    const rondo_tensor x = {(void *)in[0], dtype, 1, {count}}, dy = {(void *)grad_out, dtype, 1, {count}},
                       dx = {grad_in[0], dtype, 1, {count}};
    for (int64_t i = 0; i < count; i++) {
        double slope = 0;
        for (int64_t k = polynomial->c.count - 1; k > 0; k--) {
            slope = slope * rondo_get(&x, i) + (double)k * polynomial->c.values[k];
        }
        rondo_set(&dx, i, slope * rondo_get(&dy, i));
    }
}

static const rondo_op polynomial_op = {.base = {sizeof(rondo_op), RONDO_KIND_OP, "polynomial", "y = sum of c[k] x^k",
                                                polynomial_options, sizeof(struct polynomial)},
                                       .min_inputs = 1,
                                       .max_inputs = 1,
                                       .operands = "x",
                                       .map = polynomial_map,
                                       .map_grad = polynomial_grad};

/* A wrapper replaces the program of the cell: options of the new one must not point into the old one, which is freed.
 * Freed memory is overwritten, so that a pointer into it is found even without a sanitizer. */
START_TEST(options_that_own_arrays_outlive_the_program_that_a_wrapper_replaces) {
    static const struct test_cell cell = {
        .name = "polynomial",
        .states = "h",
        .equations = "h' = tanh(polynomial(x @ W + h @ U + b, c=[0.25, 0.5, 0.125], label=mine))"};
    mallopt(M_PERTURB, 0x5A);
    support_ok(&support, registry_add(support.registry, &polynomial_op.base, "polynomial.so", &support.errors), "add");
    struct cell_layer_settings settings = wrappers[_i].settings;
    settings.residual = 0;
    settings.zoneout = settings.projection == 0 ? settings.zoneout : 0; /* the output is the only state of this cell */
    settings.projection = 0;
    settings.recurrent_dropout = 0; /* this cell has no candidate */
    struct run run = make_run(make_layer(&cell, settings, INPUT), lengths, ROWS, INPUT);
    run.training = 1;
    run.initial = settings.learn_initial_state ? NULL : random_states(&run);
    check_gradients(&run, wrappers[_i].name);
    layer_destroy(run.layer);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, layer_run_open, layer_run_close);
    suite_add_tcase(suite, test_case);
    return test_case;
}
int main(void) {
    enum { PAIRS = ROWS(wrappers) * CELLS };
    Suite *suite = suite_create("wrappers");
    TCase *all = new_case(suite, "every wrapper on every cell");
    tcase_add_loop_test(all, every_gradient_of_every_wrapper_on_every_cell_is_that_of_central_differences, 0, PAIRS);
    tcase_add_loop_test(all, both_engines_agree_on_every_wrapper_of_every_cell, 0, PAIRS);
    tcase_add_loop_test(all, batch_mates_change_no_result_of_any_wrapper, 0, PAIRS);
    tcase_add_loop_test(all, a_row_alone_gives_its_outputs_and_final_states_in_the_batch, 0, PAIRS);

    TCase *owned = new_case(suite, "options that own memory");
    tcase_add_loop_test(owned, options_that_own_arrays_outlive_the_program_that_a_wrapper_replaces, 0, ROWS(wrappers));

    TCase *equal = new_case(suite, "equal");
    tcase_add_loop_test(equal, a_wrapper_does_what_equations_by_hand_do, 0, ROWS(by_hand_rows));
    tcase_add_loop_test(equal, variational_dropout_masks_what_products_read_and_nothing_else, 0, ROWS(masked_rows));
    tcase_add_test(equal, a_norm_starts_as_the_plain_norm_and_keeps_the_bias_of_the_cell);
    tcase_add_loop_test(equal, a_wrapper_that_does_nothing_changes_no_bit, 0, ROWS(plain_rows));
    tcase_add_test(equal, a_projection_narrows_the_state_and_the_recurrent_matrices);
    tcase_add_test(equal, a_clip_bounds_every_state_but_the_output);
    tcase_add_test(equal, a_residual_adds_the_input);

    TCase *random = new_case(suite, "random");
    tcase_add_test(random, zoneout_keeps_old_values_with_the_rate_of_each_state);
    tcase_add_test(random, recurrent_dropout_drops_what_is_new_and_keeps_what_is_old);
    tcase_add_test(random, masks_of_variational_dropout_stay_the_same_over_the_steps_of_a_row);
    tcase_add_test(random, weight_drop_drops_recurrent_weights_alone_and_the_same_at_every_step);
    tcase_add_test(random, random_words_are_those_of_step_op_and_element);

    TCase *refused = new_case(suite, "refused");
    tcase_add_loop_test(refused, a_wrapper_that_does_not_go_with_a_cell_is_refused_at_its_place, 0, ROWS(refused_rows));
    tcase_add_test(refused, all_mistakes_of_a_layer_are_told_at_once);

    return run_suite(suite);
}
