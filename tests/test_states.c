/* tests/test_states.c: states outside of a tape: windows of sequences that carry them, rows taken and cleared. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model_run.h"
#include "tests/suite.h"

/* ---- sequences in windows ---- */

/* Sequences that follow each other on a lane: a sequence begins with a window. */
enum { LANES = 4, WINDOW = 3, SEQUENCES = 7, MOST_STEPS = 9, WINDOWS = 5 };
static const struct {
    int lane, first_window;
    int64_t steps;
} sequences[SEQUENCES] = {/* longest first, as the rows of a batch */
                          {2, 1, 9}, {0, 0, 8}, {3, 0, 6}, {1, 0, 5}, {0, 3, 4}, {1, 2, 3}, {2, 0, 2}};

static const struct model_input streams[] = {STREAM_OF_SYMBOLS("input", 5, 4, 1), STREAM_OF_NUMBERS("known", 2, 1)};
/* Only the first step of a sequence has a value of the first stream, or of both. */
static const struct model_input mixed[] = {STREAM_OF_SYMBOLS("input", 5, 4, 0), STREAM_OF_NUMBERS("known", 2, 1)};
static const struct model_input firsts[] = {STREAM_OF_SYMBOLS("input", 5, 4, 0), STREAM_OF_NUMBERS("known", 2, 0)};
enum { STREAMS = ROWS(streams) };

/* Steps of sequence `s` in window `w`. */
static int64_t steps_in(int s, int w) {
    const int64_t begin = (int64_t)WINDOW * (w - sequences[s].first_window);
    const int64_t left = sequences[s].steps - begin;
    return begin < 0 || left < 0 ? 0 : left < WINDOW ? left : WINDOW;
}

/* A window of all sequences that have steps in it, the rows in an order of their own. */
struct window {
    int sequence[LANES];
    int64_t lengths[LANES], lane[LANES], rows;
    unsigned char starts[LANES];
};

static struct window window_of(int w) {
    struct window window = {.rows = 0};
    for (int64_t length = WINDOW; length > 0; length--) {
        for (int i = 0; i < SEQUENCES; i++) {
            const int s = w % 2 == 0 ? i : SEQUENCES - 1 - i; /* two windows do not have the same order of lanes */
            if (steps_in(s, w) == length) {
                const int64_t row = window.rows++;
                ck_assert_int_lt(row, LANES);
                window.sequence[row] = s;
                window.lengths[row] = length;
                window.lane[row] = sequences[s].lane;
                window.starts[row] = w == sequences[s].first_window;
            }
        }
    }
    return window;
}

/* Packed position in `time` of step t of its row `row`. */
static int64_t position(const struct time_axis *time, int64_t row, int64_t t) {
    return time->begin[t] + row;
}

static void copy_row(const rondo_tensor *to, int64_t to_row, const rondo_tensor *from, int64_t from_row) {
    const int64_t width = from->ndim == 1 ? 1 : from->shape[1];
    for (int64_t k = 0; k < width; k++) {
        tensor_set(to, to_row * width + k, tensor_get(from, from_row * width + k));
    }
}

/* The part of the whole run that is window `w`. */
static struct model_run part_of(const struct model_run *whole, const struct window *window, int w) {
    struct model_run part = *whole;
    part.time = support_time(&support, window->lengths, window->rows);
    part.lane = window->lane;
    part.starts = window->starts;
    for (int32_t i = 0; i < whole->n_inputs; i++) {
        const int every_step = whole->inputs[i].shape[0] == whole->time.total;
        part.inputs[i].shape[0] = every_step ? part.time.total : part.time.rows;
        part.inputs[i] = zeros_like(&part.inputs[i]);
        for (int64_t row = 0; row < window->rows; row++) {
            const int s = window->sequence[row];
            for (int64_t t = 0; t < (every_step ? window->lengths[row] : 1); t++) {
                const int64_t from = every_step ? t + (int64_t)WINDOW * (w - sequences[s].first_window) : 0;
                copy_row(&part.inputs[i], position(&part.time, row, t), &whole->inputs[i],
                         position(&whole->time, s, from));
            }
        }
    }
    return part;
}

static const struct {
    const char *what;
    const struct test_cell *cell;
    struct cell_layer_settings layer;
    int32_t n_layers;
    const struct model_input *inputs; /* [STREAMS] */
} rows[] = {
    {"rnn", &cell_rnn, {.engine = ENGINE_TAPE}, 1, streams},
    {"gru", &cell_gru, {.engine = ENGINE_FUSED}, 2, streams},
    {"lstm", &cell_lstm, {.engine = ENGINE_FUSED}, 1, streams},
    {"lstm, learnt start", &cell_lstm, {.engine = ENGINE_FUSED, .learn_initial_state = 1}, 2, streams},
    {"lstm, learnt start, engine tape", &cell_lstm, {.engine = ENGINE_TAPE, .learn_initial_state = 1}, 2, streams},
    {"lstm, projected", &cell_lstm, {.engine = ENGINE_FUSED, .projection = 2, .learn_initial_state = 1}, 1, streams},
    {"gru, computed again", &cell_gru, {.engine = ENGINE_FUSED, .recompute = 2}, 1, streams},
    {"gated", &cell_gated, {.engine = ENGINE_FUSED, .learn_initial_state = 1}, 1, streams},
    {"deep", &cell_deep, {.engine = ENGINE_FUSED}, 2, streams},
    {"first step and every step", &cell_gru, {.engine = ENGINE_FUSED, .learn_initial_state = 1}, 2, mixed},
    {"first step", &cell_lstm, {.engine = ENGINE_TAPE}, 1, firsts},
    {"first step, fused", &cell_lstm, {.engine = ENGINE_FUSED, .learn_initial_state = 1}, 2, firsts},
};

static struct model_run whole_run(int row) {
    struct cell_layer_settings layers[2] = {rows[row].layer, rows[row].layer};
    const struct model_settings settings = {.architecture = {1, 1},
                                            .inputs = rows[row].inputs,
                                            .n_inputs = STREAMS,
                                            .layers = layers,
                                            .n_layers = rows[row].n_layers};
    int64_t lengths[SEQUENCES];
    for (int s = 0; s < SEQUENCES; s++) {
        lengths[s] = sequences[s].steps;
    }
    return model_run_create(&settings, rows[row].cell, lengths, SEQUENCES);
}

static struct states *make_states(const struct model *model, int64_t n) {
    struct states *states = model_states_create(model, n, &support.errors);
    ck_assert_msg(states != NULL, "%s", support_error(&support));
    return states;
}

START_TEST(windows_that_carry_states_give_the_bits_of_whole_sequences) {
    struct model_run whole = whole_run(_i);
    model_run_pass(&whole);
    struct states *states = make_states(whole.model, LANES);
    for (int w = 0; w < WINDOWS; w++) {
        const struct window window = window_of(w);
        struct model_run part = part_of(&whole, &window, w);
        part.carried = part.kept = states;
        model_run_pass(&part);
        for (int64_t row = 0; row < window.rows; row++) {
            const int s = window.sequence[row];
            for (int64_t t = 0; t < window.lengths[row]; t++) {
                const int64_t in_part = position(&part.time, row, t);
                const int64_t in_whole =
                    position(&whole.time, s, t + (int64_t)WINDOW * (w - sequences[s].first_window));
                for (int k = 0; k < OUTPUTS; k++) {
                    ck_assert_msg(tensor_get(&part.outputs, in_part * OUTPUTS + k) ==
                                      tensor_get(&whole.outputs, in_whole * OUTPUTS + k),
                                  "%s: window %d, sequence %d, step %d", rows[_i].what, w, s, (int)t);
                }
            }
        }
    }
    states_destroy(states);
    model_destroy(whole.model);
}
END_TEST

/* Window 3 continues three sequences and begins one. The states that are carried do not change with the parameters. */
START_TEST(within_a_window_gradients_are_those_of_a_sequence_cut_by_hand) {
    struct model_run whole = whole_run(_i);
    struct states *states = make_states(whole.model, LANES);
    for (int w = 0; w < 3; w++) {
        const struct window window = window_of(w);
        struct model_run part = part_of(&whole, &window, w);
        part.carried = part.kept = states;
        model_run_pass(&part);
    }
    const struct window window = window_of(3);
    struct model_run part = part_of(&whole, &window, 3);
    int n_starts = 0;
    for (int64_t row = 0; row < window.rows; row++) {
        n_starts += window.starts[row];
    }
    ck_assert(n_starts > 0 && n_starts < window.rows);
    part.carried = states;
    model_run_pass(&part);
    model_run_check_gradients(&part, 1e-8, rows[_i].what);

    /* The same as a batch of which every row gets its state by hand, step by step. */
    struct model_run by_hand = part;
    by_hand.stepwise = 1;
    model_run_pass(&by_hand);
    for (int32_t p = 0; p < model_parameter_count(part.model); p++) {
        support_near(&by_hand.gradients[p], &part.gradients[p], 1e-12, rows[_i].what);
    }
    states_destroy(states);
    model_destroy(whole.model);
}
END_TEST

/* As separate batches of one sequence: what a lane carries does not depend on its batch mates. */
START_TEST(batch_mates_change_no_bit_of_a_state) {
    struct model_run whole = whole_run(_i);
    struct states *together = make_states(whole.model, LANES), *alone = make_states(whole.model, LANES);
    for (int w = 0; w < WINDOWS; w++) {
        const struct window window = window_of(w);
        struct model_run part = part_of(&whole, &window, w);
        part.carried = part.kept = together;
        model_run_pass(&part);
        for (int64_t row = window.rows - 1; row >= 0; row--) {
            struct window single = {.rows = 1};
            single.sequence[0] = window.sequence[row];
            single.lengths[0] = window.lengths[row];
            single.lane[0] = window.lane[row];
            single.starts[0] = window.starts[row];
            part = part_of(&whole, &single, w);
            part.carried = part.kept = alone;
            model_run_pass(&part);
        }
        for (int32_t s = 0; s < states_count(together); s++) {
            support_near(states_tensor(alone, s), states_tensor(together, s), 0, states_name(together, s));
        }
    }
    states_destroy(together);
    states_destroy(alone);
    model_destroy(whole.model);
}
END_TEST

/* A step of a generator is a pass over a time axis of one step. */
START_TEST(steps_one_by_one_give_the_bits_of_whole_sequences) {
    static const unsigned char all[SEQUENCES] = {1, 1, 1, 1, 1, 1, 1}, none[SEQUENCES] = {0};
    static const int64_t ones[SEQUENCES] = {1, 1, 1, 1, 1, 1, 1};
    struct model_run whole = whole_run(_i);
    model_run_pass(&whole);
    struct states *states = make_states(whole.model, SEQUENCES);
    for (int64_t t = 0; t < whole.time.steps; t++) {
        struct model_run step = whole;
        step.time = support_time(&support, ones, whole.time.alive[t]);
        step.carried = step.kept = states;
        step.starts = t == 0 ? all : none;
        for (int32_t i = 0; i < whole.n_inputs; i++) { /* the rows of step t */
            const int every_step = whole.inputs[i].shape[0] == whole.time.total;
            const size_t row_bytes = tensor_bytes(&whole.inputs[i]) / (size_t)whole.inputs[i].shape[0];
            step.inputs[i].shape[0] = step.time.rows;
            step.inputs[i].data =
                (char *)whole.inputs[i].data + (every_step ? (size_t)whole.time.begin[t] * row_bytes : 0);
        }
        model_run_pass(&step);
        const rondo_tensor expected =
            tensor_2d(RONDO_F64, step.time.rows, OUTPUTS, (double *)whole.outputs.data + whole.time.begin[t] * OUTPUTS);
        support_near(&step.outputs, &expected, 0, rows[_i].what);
    }
    states_destroy(states);
    model_destroy(whole.model);
}
END_TEST

START_TEST(without_starts_all_rows_begin_anew) {
    struct model_run whole = whole_run(3);
    struct states *states = make_states(whole.model, LANES);
    const struct window window = window_of(0);
    struct model_run part = part_of(&whole, &window, 0);
    model_run_pass(&part);
    const rondo_tensor expected = part.outputs;
    part.carried = part.kept = states;
    for (int i = 0; i < 2; i++) {
        part.starts = NULL;
        model_run_pass(&part);
        support_near(&part.outputs, &expected, 0, "starts NULL");
        part.starts = window.starts;
        model_run_pass(&part);
        support_near(&part.outputs, &expected, 0, "all start");
    }
    static const unsigned char none[LANES] = {0};
    part.starts = none;
    model_run_pass(&part);
    ck_assert_int_ne(memcmp(part.outputs.data, expected.data, tensor_bytes(&expected)), 0);
    states_destroy(states);
    model_destroy(whole.model);
}
END_TEST

/* ---- rows of states ---- */

static struct states *numbered_states(int64_t n) {
    static const struct layer_state shapes[] = {
        {"layers.0.h", {.dtype = RONDO_F32, .ndim = 2, .shape = {RONDO_ANY_ROWS, 3}}},
        {"layers.0.m", {.dtype = RONDO_F64, .ndim = 3, .shape = {RONDO_ANY_ROWS, 2, 2}}},
        {"layers.1.t", {.dtype = RONDO_F64, .ndim = 1, .shape = {RONDO_ANY_ROWS}}},
    };
    struct states *states = states_create(shapes, ROWS(shapes), n, &support.errors);
    ck_assert_msg(states != NULL, "%s", support_error(&support));
    for (int32_t s = 0; s < states_count(states); s++) {
        ck_assert_str_eq(states_name(states, s), shapes[s].name);
        for (int64_t i = 0; i < rondo_count(states_tensor(states, s)); i++) {
            ck_assert_double_eq(tensor_get(states_tensor(states, s), i), 0);
            tensor_set(states_tensor(states, s), i, (double)(1 + i));
        }
    }
    return states;
}

/* The number of the row that row `row` of state `s` was numbered as; -1: it is zero; -2: it is of no row. */
static int64_t origin(const rondo_tensor *tensor, int64_t row) {
    const int64_t width = rondo_count(tensor) / tensor->shape[0];
    const int64_t from = ((int64_t)tensor_get(tensor, row * width) - 1) / width;
    int is_zero = 1, is_row = 1;
    for (int64_t k = 0; k < width; k++) {
        is_zero = is_zero && tensor_get(tensor, row * width + k) == 0;
        is_row = is_row && tensor_get(tensor, row * width + k) == (double)(1 + from * width + k);
    }
    return is_zero ? -1 : is_row ? from : -2;
}

START_TEST(rows_are_taken_and_cleared_as_a_whole) {
    static const int64_t row[] = {2, 0, 2, 3};
    static const unsigned char which[] = {0, 1, 0, 1};
    static const int64_t taken[] = {2, 0, 2, 3}, cleared[] = {2, -1, 2, -1};
    struct states *from = numbered_states(4), *to = numbered_states(4);
    for (int step = 0; step < 3; step++) {
        for (int32_t s = 0; s < states_count(to); s++) {
            for (int64_t r = 0; r < 4; r++) {
                const int64_t expected = step == 0 ? r : step == 1 ? taken[r] : cleared[r];
                ck_assert_int_eq(origin(states_tensor(to, s), r), expected);
            }
        }
        if (step == 0) {
            states_take_rows(to, from, row, 4);
        } else {
            states_clear_rows(to, which);
        }
    }
    states_clear_rows(to, NULL);
    ck_assert_int_eq(origin(states_tensor(to, 0), 0), -1);
    states_take_rows(to, from, row, 2); /* fewer than there are */
    ck_assert_int_eq(origin(states_tensor(to, 1), 1), 0);
    ck_assert_int_eq(origin(states_tensor(to, 1), 2), -1);
    states_destroy(from);
    states_destroy(to);
}
END_TEST

START_TEST(rows_are_bound_from_lanes_and_kept_in_lanes) {
    static const int64_t lane[] = {3, 1};
    struct states *states = numbered_states(4), *kept = numbered_states(4);
    rondo_value values[3];
    for (int with_lanes = 0; with_lanes < 2; with_lanes++) {
        states_clear_rows(kept, NULL);
        states_bind(states, with_lanes ? lane : NULL, 2, tape, values);
        states_keep(kept, with_lanes ? lane : NULL, 2, tape, values);
        for (int32_t s = 0; s < states_count(states); s++) {
            const rondo_tensor *bound = tape_tensor(tape, values[s]);
            ck_assert_int_eq(bound->shape[0], 2);
            ck_assert(!tape_needs_gradient(tape, values[s]));
            for (int64_t r = 0; r < 2; r++) {
                const int64_t from = with_lanes ? lane[r] : r;
                ck_assert_int_eq(origin(bound, r), from);
                ck_assert_int_eq(origin(states_tensor(kept, s), from), from);
                ck_assert_int_eq(origin(states_tensor(kept, s), with_lanes ? 2 * r : 2 + r), -1);
            }
        }
    }
    states_destroy(states);
    states_destroy(kept);
}
END_TEST

/* ---- models that cannot carry ---- */

static const struct {
    enum direction directions[2];
    int is_causal;
    const char *layer;
} causal_rows[] = {
    {{DIRECTION_FORWARD, DIRECTION_FORWARD}, 1, NULL},
    {{DIRECTION_FORWARD, DIRECTION_BACKWARD}, 0, "layers.1"},
    {{DIRECTION_BOTH, DIRECTION_FORWARD}, 0, "layers.0"},
};

START_TEST(a_layer_that_reads_backward_carries_no_states) {
    const struct cell_layer_settings layers[2] = {{.direction = causal_rows[_i].directions[0]},
                                                  {.direction = causal_rows[_i].directions[1]}};
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = streams, .n_inputs = 2, .layers = layers, .n_layers = 2};
    struct model *model = model_run_model(&settings, &cell_gru);
    const rondo_status status =
        model_check_causal(model, "data.carry", (struct location){"e.yaml", 4, 3}, &support.errors);
    ck_assert_int_eq(status, causal_rows[_i].is_causal ? RONDO_OK : RONDO_INVALID);
    if (status != RONDO_OK) {
        ck_assert_str_eq(support_error(&support),
                         arena_printf(support.arena,
                                      "e.yaml:4:3: 'data.carry' continues each row where the pass before ended, so "
                                      "every layer must read forward in time only, and '%s' does not; expected "
                                      "'direction: forward'",
                                      causal_rows[_i].layer));
    }
    model_destroy(model);
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
    Suite *suite = suite_create("states");
    TCase *windows = new_case(suite, "windows");
    tcase_add_loop_test(windows, windows_that_carry_states_give_the_bits_of_whole_sequences, 0, ROWS(rows));
    tcase_add_loop_test(windows, steps_one_by_one_give_the_bits_of_whole_sequences, 0, ROWS(rows));
    tcase_add_loop_test(windows, within_a_window_gradients_are_those_of_a_sequence_cut_by_hand, 0, ROWS(rows));
    tcase_add_loop_test(windows, batch_mates_change_no_bit_of_a_state, 0, ROWS(rows));
    tcase_add_test(windows, without_starts_all_rows_begin_anew);

    TCase *of_rows = new_case(suite, "rows");
    tcase_add_test(of_rows, rows_are_taken_and_cleared_as_a_whole);
    tcase_add_test(of_rows, rows_are_bound_from_lanes_and_kept_in_lanes);
    tcase_add_loop_test(of_rows, a_layer_that_reads_backward_carries_no_states, 0, ROWS(causal_rows));

    return run_suite(suite);
}
