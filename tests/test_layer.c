/* tests/test_layer.c: layers over time: directions, initial and final states, states that are carried on. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/pool_layer.h"
#include "tests/layer_run.h"
#include "tests/suite.h"

static const int64_t lengths[] = {5, 3, 3, 1};
enum { ROWS = sizeof lengths / sizeof lengths[0] };

/* ---- directions ---- */

static rondo_tensor reversed(const rondo_tensor *packed, const struct time_axis *time) {
    const rondo_tensor result = zeros_like(packed);
    const int64_t width = packed->shape[1];
    for (int64_t t = 0; t < time->steps; t++) {
        for (int64_t row = 0; row < time->alive[t]; row++) {
            memcpy((double *)result.data + (time->begin[time->lengths[row] - 1 - t] + row) * width,
                   (double *)packed->data + (time->begin[t] + row) * width, sizeof(double) * (size_t)width);
        }
    }
    return result;
}

START_TEST(backward_is_forward_on_rows_turned_round_at_their_own_ends) {
    const struct test_cell *cell = all_cells[_i];
    const struct cell_layer_settings none = {0}, back = {.direction = DIRECTION_BACKWARD};
    struct run forward = make_run(make_layer(cell, none, INPUT), lengths, ROWS, INPUT);
    struct run backward = make_run(make_layer(cell, back, INPUT), lengths, ROWS, INPUT);
    forward.initial = random_states(&forward);
    backward.initial = forward.initial;
    forward.inputs = reversed(&backward.inputs, &backward.time);
    pass(&forward);
    pass(&backward);
    const rondo_tensor expected = reversed(&forward.outputs, &forward.time);
    support_near(&backward.outputs, &expected, 0, cell->name);
    for (int32_t s = 0; s < layer_shape(forward.layer)->n_states; s++) {
        support_near(&backward.final[s], &forward.final[s], 0, cell->name);
    }
    layer_destroy(forward.layer);
    layer_destroy(backward.layer);
}
END_TEST

START_TEST(both_directions_are_one_of_each_side_by_side) {
    const struct test_cell *cell = all_cells[_i];
    const struct cell_layer_settings directions[] = {
        {.direction = DIRECTION_FORWARD}, {.direction = DIRECTION_BACKWARD}, {.direction = DIRECTION_BOTH}};
    struct run runs[3];
    for (int d = 0; d < 3; d++) {
        runs[d] = make_run(make_layer(cell, directions[d], INPUT), lengths, ROWS, INPUT);
    }
    const int32_t n_parameters = layer_shape(runs[0].layer)->n_parameters,
                  n_states = layer_shape(runs[0].layer)->n_states;
    ck_assert_int_eq(layer_shape(runs[2].layer)->n_parameters, 2 * n_parameters);
    ck_assert_int_eq(layer_shape(runs[2].layer)->n_states, 2 * n_states);
    runs[2].initial = random_states(&runs[2]);
    for (int d = 0; d < 2; d++) {
        runs[d].initial = runs[2].initial + d * n_states;
        for (int32_t p = 0; p < n_parameters; p++) {
            runs[d].parameters[p] = runs[2].parameters[d * n_parameters + p];
        }
        pass(&runs[d]);
    }
    pass(&runs[2]);
    const int64_t width = layer_shape(runs[0].layer)->width;
    ck_assert_int_eq(layer_shape(runs[2].layer)->width, 2 * width);
    for (int64_t i = 0; i < rondo_count(&runs[2].outputs); i++) {
        const int64_t row = i / (2 * width), column = i % (2 * width);
        const rondo_tensor *half = &runs[column / width].outputs;
        ck_assert_double_eq(tensor_get(&runs[2].outputs, i), tensor_get(half, row * width + column % width));
    }
    for (int32_t s = 0; s < 2 * n_states; s++) {
        support_near(&runs[2].final[s], &runs[s / n_states].final[s % n_states], 0, cell->name);
    }
    ck_assert_int_eq(strncmp(layer_shape(runs[2].layer)->parameters[0].name, "forward.", 8), 0);
    ck_assert_int_eq(strncmp(layer_shape(runs[2].layer)->parameters[n_parameters].name, "backward.", 9), 0);
    for (int d = 0; d < 3; d++) {
        layer_destroy(runs[d].layer);
    }
}
END_TEST

START_TEST(an_input_at_the_first_step_is_followed_by_zeros_in_either_direction) {
    const struct cell_layer_settings settings = {.direction = (enum direction)_i, .residual = 1};
    struct run every = make_run(make_layer(&cell_lstm, settings, _i == DIRECTION_BOTH ? 8 : 4), lengths, ROWS,
                                _i == DIRECTION_BOTH ? 8 : 4);
    struct run first = every;
    first.input_every_step = 0;
    first.inputs.shape[0] = ROWS;
    every.inputs = zeros_like(&every.inputs);
    memcpy(every.inputs.data, first.inputs.data, tensor_bytes(&first.inputs));
    pass(&every);
    pass(&first);
    support_near(&first.outputs, &every.outputs, 0, "outputs");
    layer_destroy(every.layer);
}
END_TEST

/* The output is the first state here, so the last output of a row is its final state. */
START_TEST(the_last_output_of_a_row_is_that_of_its_own_end) {
    const struct cell_layer_settings settings = {.direction = (enum direction)_i};
    struct run run = make_run(make_layer(&cell_lstm, settings, INPUT), lengths, ROWS, INPUT);
    struct values values;
    record(&run, &values);
    const int64_t width = layer_shape(run.layer)->width;
    struct layer *pool =
        pool_layer_create(POOL_LAST, layer_shape(run.layer), RONDO_F64, support.registry, &support.errors);
    ck_assert_ptr_nonnull(pool);
    const struct layer_call call = {
        .time = &run.time, .input_every_step = 1, .inputs = &values.outputs, .scope = "pool"};
    const rondo_tensor last = copy_of(tape_tensor(tape, layer_record(pool, tape, &call)));
    ck_assert_int_eq(last.shape[0], ROWS);
    ck_assert_int_eq(last.shape[1], width);
    for (int64_t row = 0; row < ROWS; row++) {
        for (int64_t k = 0; k < width; k++) {
            const rondo_tensor *state = tape_tensor(tape, values.final[2 * (k / HIDDEN)]);
            ck_assert_double_eq(tensor_get(&last, row * width + k), tensor_get(state, row * HIDDEN + k % HIDDEN));
        }
    }
    layer_destroy(pool);
    layer_destroy(run.layer);
}
END_TEST

/* ---- states that are carried on ---- */

/* The steps of the packed rows from `begin` on, as a separate run. All rows are longer than `begin`. */
static struct run window(const struct run *run, int64_t begin, int64_t end) {
    struct run part = *run;
    int64_t *shorter = arena_calloc(support.arena, (size_t)run->time.rows, sizeof *shorter);
    for (int64_t row = 0; row < run->time.rows; row++) {
        shorter[row] = (run->time.lengths[row] < end ? run->time.lengths[row] : end) - begin;
    }
    part.time = support_time(&support, shorter, run->time.rows);
    part.inputs = tensor_2d(RONDO_F64, part.time.total, run->inputs.shape[1],
                            (double *)run->inputs.data + run->time.begin[begin] * run->inputs.shape[1]);
    return part;
}

static const int64_t long_rows[] = {7, 6, 4};

/* Two windows on one tape. The final states of the first start the second, as values, or as constants if `stops` is
 * 1. */
static void pass_in_windows(struct run *whole, int stops) {
    struct run parts[2] = {window(whole, 0, 3), window(whole, 3, 7)};
    struct values values[2];
    rondo_value outputs[2];
    tape_reset(tape);
    tape_set_training(tape, 0);
    for (int32_t p = 0; p < layer_shape(whole->layer)->n_parameters; p++) {
        values[0].parameters[p] = tape_parameter(tape, "p", &whole->parameters[p], NULL);
    }
    struct layer_memory memory = {{-1}, &whole->memory.rows};
    if (layer_shape(whole->layer)->reads_memory) {
        memory.values = tape_constant(tape, &whole->memory.values);
    }
    for (int w = 0; w < 2; w++) {
        values[w].inputs = tape_parameter(tape, "x", &parts[w].inputs, NULL);
        for (int32_t s = 0; w == 1 && s < layer_shape(whole->layer)->n_states; s++) {
            values[1].initial[s] =
                stops ? tape_constant(tape, tape_tensor(tape, values[0].final[s])) : values[0].final[s];
        }
        const struct layer_call call = {.time = &parts[w].time,
                                        .input_every_step = 1,
                                        .inputs = &values[w].inputs,
                                        .parameters = values[0].parameters,
                                        .initial = w == 0 ? NULL : values[1].initial,
                                        .final = values[w].final,
                                        .memory = memory.values.id < 0 ? NULL : &memory,
                                        .scope = "layer"};
        outputs[w] = layer_record(whole->layer, tape, &call);
    }
    const rondo_value packed = tape_apply_named(tape, "concat", "axis=0", outputs, 2);
    for (int32_t s = 0; s < layer_shape(whole->layer)->n_states; s++) {
        values[0].final[s] = values[1].final[s];
    }
    values[0].outputs = packed;
    const rondo_value sum = stops ? weighted(outputs[1], "outputs") : total(whole, &values[0]);
    support_ok(&support, tape_backward(tape, sum), "backward");
    whole->outputs = copy_of(tape_tensor(tape, packed));
    for (int32_t s = 0; s < layer_shape(whole->layer)->n_states; s++) {
        whole->final[s] = copy_of(tape_tensor(tape, values[1].final[s]));
    }
    for (int32_t p = 0; p < layer_shape(whole->layer)->n_parameters; p++) {
        whole->grad_parameters[p] =
            copy_of_gradient(tape_gradient(tape, values[0].parameters[p]), &whole->parameters[p]);
    }
    whole->grad_inputs = copy_of_gradient(tape_gradient(tape, values[0].inputs), &parts[0].inputs);
}

/* One step of a row, and one element of the memory. */
START_TEST(operations_of_a_cell_that_reads_memory_are_counted_per_step_and_element) {
    const struct cell_layer_settings none = {0};
    struct layer *layer = make_layer(&cell_dot, none, INPUT);
    const int64_t keys = 2 * MEMORY * HIDDEN + HIDDEN, query = 2 * HIDDEN * HIDDEN, attention = 2 * (HIDDEN + MEMORY);
    const int64_t sums = 2 * (INPUT + HIDDEN + MEMORY) * HIDDEN + 3 * HIDDEN, tanh = HIDDEN;
    ck_assert_int_eq(layer_step_flops(layer), keys + query + attention + sums + tanh);
    layer_destroy(layer);
}
END_TEST

START_TEST(states_carried_over_two_windows_give_one_long_run) {
    const struct test_cell *cell = all_cells[_i];
    const struct cell_layer_settings settings = {.learn_initial_state = 1};
    struct run whole = make_run(make_layer(cell, settings, INPUT), long_rows, ROWS(long_rows), INPUT);
    struct run carried = whole;
    pass(&whole);
    pass_in_windows(&carried, 0);
    support_near(&carried.outputs, &whole.outputs, 0, cell->name);
    for (int32_t s = 0; s < layer_shape(whole.layer)->n_states; s++) {
        support_near(&carried.final[s], &whole.final[s], 0, cell->name);
    }
    for (int32_t p = 0; p < layer_shape(whole.layer)->n_parameters; p++) {
        support_near(&carried.grad_parameters[p], &whole.grad_parameters[p], 1e-12, cell->name);
    }
    layer_destroy(whole.layer);
}
END_TEST

START_TEST(a_state_carried_as_a_constant_stops_the_gradient) {
    const struct cell_layer_settings none = {0};
    struct run whole = make_run(make_layer(&cell_gru, none, INPUT), long_rows, ROWS(long_rows), INPUT);
    struct run carried = whole;
    pass(&whole);
    pass_in_windows(&carried, 1);
    support_near(&carried.outputs, &whole.outputs, 0, "outputs");
    for (int64_t i = 0; i < rondo_count(&carried.grad_inputs); i++) {
        ck_assert_double_eq(tensor_get(&carried.grad_inputs, i), 0);
    }
    layer_destroy(whole.layer);
}
END_TEST

START_TEST(learnt_initial_states_are_those_of_every_row_and_get_a_gradient) {
    const struct cell_layer_settings learnt = {.learn_initial_state = 1, .direction = (enum direction)_i},
                                     none = {.direction = (enum direction)_i};
    struct run found = make_run(make_layer(&cell_lstm, learnt, INPUT), lengths, ROWS, INPUT);
    struct run expected = make_run(make_layer(&cell_lstm, none, INPUT), lengths, ROWS, INPUT);
    const int32_t plain = layer_shape(expected.layer)->n_parameters / (_i == DIRECTION_BOTH ? 2 : 1);
    rondo_tensor *states = arena_calloc(support.arena, MOST_STATES, sizeof *states);
    pass(&found);
    for (int32_t s = 0; s < layer_shape(found.layer)->n_states; s++) {
        const int32_t p = s / 2 * (plain + 2) + plain + s % 2;
        ck_assert_int_eq(found.parameters[p].ndim, 1);
        states[s] = matrix(ROWS, HIDDEN, NULL);
        double sum = 0;
        for (int64_t i = 0; i < ROWS * HIDDEN; i++) {
            tensor_set(&states[s], i, tensor_get(&found.parameters[p], i % HIDDEN));
        }
        for (int64_t k = 0; k < HIDDEN; k++) {
            sum += fabs(tensor_get(&found.grad_parameters[p], k));
        }
        ck_assert_double_gt(sum, 1e-3);
        ck_assert_msg(strstr(layer_shape(found.layer)->parameters[p].name, s % 2 == 0 ? "h.initial" : "c.initial") !=
                          NULL,
                      "%s", layer_shape(found.layer)->parameters[p].name);
    }
    expected.initial = states;
    pass(&expected);
    support_near(&found.outputs, &expected.outputs, 0, "outputs");
    layer_destroy(found.layer);
    layer_destroy(expected.layer);
}
END_TEST

START_TEST(initial_states_of_another_shape_fail_the_tape) {
    const struct cell_layer_settings settings = {.engine = (enum engine)_i};
    struct run run = make_run(make_layer(&cell_rnn, settings, INPUT), lengths, ROWS, INPUT);
    const rondo_tensor wrong = matrix(ROWS, HIDDEN + 1, "state");
    rondo_value parameters[MOST_PARAMETERS];
    for (int32_t p = 0; p < layer_shape(run.layer)->n_parameters; p++) {
        parameters[p] = tape_constant(tape, &run.parameters[p]);
    }
    const rondo_value initial = tape_constant(tape, &wrong), inputs = tape_constant(tape, &run.inputs);
    rondo_value final[MOST_STATES];
    const struct layer_call call = {.time = &run.time,
                                    .input_every_step = 1,
                                    .inputs = &inputs,
                                    .parameters = parameters,
                                    .initial = &initial,
                                    .final = final,
                                    .scope = "layer"};
    ck_assert_int_lt(layer_record(run.layer, tape, &call).id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    layer_destroy(run.layer);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 240, layer_run_open, layer_run_close);
}
int main(void) {
    Suite *suite = suite_create("layer");
    TCase *directions = new_case(suite, "directions");
    tcase_add_loop_test(directions, backward_is_forward_on_rows_turned_round_at_their_own_ends, 0, CELLS);
    tcase_add_loop_test(directions, both_directions_are_one_of_each_side_by_side, 0, CELLS);
    tcase_add_loop_test(directions, an_input_at_the_first_step_is_followed_by_zeros_in_either_direction, 0, 3);
    tcase_add_loop_test(directions, the_last_output_of_a_row_is_that_of_its_own_end, 0, 3);

    TCase *states = new_case(suite, "states");
    tcase_add_loop_test(states, states_carried_over_two_windows_give_one_long_run, 0, CELLS);
    tcase_add_test(states, operations_of_a_cell_that_reads_memory_are_counted_per_step_and_element);
    tcase_add_test(states, a_state_carried_as_a_constant_stops_the_gradient);
    tcase_add_loop_test(states, learnt_initial_states_are_those_of_every_row_and_get_a_gradient, 0, 3);
    tcase_add_loop_test(states, initial_states_of_another_shape_fail_the_tape, ENGINE_FUSED, ENGINE_TAPE + 1);

    return run_suite(suite);
}
