/* tests/test_inspect.c: probes of the cells that Rondo ships, and `rondo inspect`. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "model/probe.h"
#include "tests/recurrence_case.h"
#include "tests/sandbox.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"
#include "tests/tiny.h"

/* ---- probes of all cells ---- */

static struct cell *probe_cell(struct cell *cell) {
    struct cell_probe probe;
    struct cell *probed = wrap_probe(cell, 1, &probe, session->registry, &support.errors);
    ck_assert_msg(probed != NULL, "%s: %s", cell->name, support_error(&support));
    ck_assert_int_eq(probed->output_width, probe.columns);
    ck_assert_int_eq(probe.n_states, cell->n_states);
    cell_destroy(cell);
    return probed;
}

/* The zeros are random numbers here: their gradients, as columns of x, are compared as well. */
START_TEST(both_engines_give_the_gradients_of_the_states_of_every_cell) {
    static const int64_t lengths[] = {6, 4, 4, 1};
    struct cell *cell = probe_cell(session_compile_file(cell_files[_i], RONDO_F64, 4, 4));
    struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, ROWS(lengths));
    const struct recurrence_engine fused = {1, PASS_ALL, 0, 1}, tape = {0, 0, 0, 1};
    const struct recurrence_answer expected = recurrence_case_solve(&problem, tape);
    const struct recurrence_answer found = recurrence_case_solve(&problem, fused);
    recurrence_case_compare(&problem, &found, &expected, 1e-10, "probed, fused");
    cell_destroy(cell);
}
END_TEST

static const char *const checked_cells[] = {"rnn_tanh", "lstm",          "gru", "mgu",     "min_gru",
                                            "lem",      "lstm_peephole", "lmu", "min_lstm"};

static double sum_of_products(const rondo_tensor *a, const rondo_tensor *b) {
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(a); i++) {
        sum += tensor_get(a, i) * tensor_get(b, i);
    }
    return sum;
}

static double loss_of(void *arg) {
    const struct recurrence_case *problem = arg;
    const struct recurrence_engine tape = {0, 0, 0, 1};
    const struct recurrence_answer answer = recurrence_case_solve(problem, tape);
    double loss = sum_of_products(&answer.outputs, &problem->weights);
    for (int32_t s = 0; s < problem->cell->n_states; s++) {
        loss += sum_of_products(&answer.final[s], &problem->final_weights[s]);
    }
    return loss;
}

START_TEST(the_gradients_of_states_are_central_differences) {
    static const int64_t lengths[] = {4, 2};
    struct cell *cell = probe_cell(session_compile(
        session_definition(checked_cells[_i]), (struct cell_settings){.dtype = RONDO_F64, .input = 2, .hidden = 3}));
    struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, ROWS(lengths));
    const struct recurrence_engine fused = {1, PASS_ALL, 0, 1};
    const struct recurrence_answer found = recurrence_case_solve(&problem, fused);
    support_central_differences(loss_of, &problem, &problem.x, &found.grad_x, 1e-6, checked_cells[_i]);
    cell_destroy(cell);
}
END_TEST

/* ---- the command ---- */

static struct outcome run(const char *arguments) {
    return sandbox_run((struct call){.arguments = arguments});
}

static void train(const char *experiment, const char *folder) {
    char arguments[200];
    snprintf(arguments, sizeof arguments, "train %s --out %s", experiment, folder);
    const struct outcome outcome = run(arguments);
    assert_status(folder, &outcome, 0);
}

static void append(const char *file, const char *text) {
    const char *before = sandbox_read(file, NULL);
    const size_t size = strlen(before) + strlen(text) + 1;
    char *both = sandbox_memory(size);
    snprintf(both, size, "%s%s", before, text);
    sandbox_write(file, both);
}

/* Words that are written backward, by a model with an encoder and attention after the cell. */
static void write_pairs(void) {
    char text[4000], *to = text;
    for (int i = 0; i < 60; i++) {
        char word[8], drow[8];
        const int length = 2 + i % 5;
        for (int k = 0; k < length; k++) {
            word[k] = drow[length - 1 - k] = (char)('a' + (i * (k + 3)) % 5);
        }
        to += sprintf(to, "%.*s\t%.*s\n", length, word, length, drow);
    }
    sandbox_write("words.tsv", text);
    sandbox_write("pairs.yaml", "rondo: 1\n"
                                "name: pairs\n"
                                "architecture: \"N:N\"\n"
                                "data: {reader: pairs, train: words.tsv, valid: {last: 0.3}, tokens: characters}\n"
                                "model: {feedback: true, embedding: {size: 4},\n"
                                "  encoder: [{cell: gru, hidden: 3, direction: both}, {cell: lstm, hidden: 4}],\n"
                                "  layers: [{cell: gru, hidden: 4}, {block: attention, over: memory, hidden: 4}]}\n"
                                "loss: {plugin: softmax_cross_entropy}\n"
                                "optimizer: {plugin: adam, lr: 0.01}\n"
                                "schedule: {epochs: 2, batch: 8, seed: 1}\n");
}

static void setup(void) {
    sandbox_open();
    write_pairs();
    train("pairs.yaml", "pairs");
    tiny_write();
    tiny_edit("last.yaml", "model",
              "model: {embedding: {size: 4}, layers: [{cell: lstm, hidden: 4}, {cell: gru, hidden: 3}], pool: last}");
    tiny_edit("both.yaml", "model",
              "model: {embedding: {size: 4}, layers: [{cell: gru, hidden: 4, direction: both}, "
              "{cell: rnn_tanh, hidden: 3, direction: both}], pool: last}");
    tiny_edit("back.yaml", "model",
              "model: {embedding: {size: 4}, layers: [{cell: gru, hidden: 4, direction: backward}], pool: last}");
    train("last.yaml", "last");
    train("both.yaml", "both");
    train("back.yaml", "back");
    train("last.yaml --set schedule.diagnostics=true", "measured");
    append("measured/metrics.jsonl", "{\"epoch\": 4, \"ste"); /* as if a line were being written */
    sandbox_copy("last", "bare");
    sandbox_remove("bare/weights.safetensors");
    sandbox_copy("last", "written");
    sandbox_copy("last", "closed");
    sandbox_write("closed/inspect.json/taken", "");
}

/* The object that the command prints with --json. */
static json_t *inspect(const char *arguments) {
    char line[300];
    json_error_t reason;
    snprintf(line, sizeof line, "inspect %s --json", arguments);
    const struct outcome outcome = run(line);
    assert_status(arguments, &outcome, 0);
    json_t *json = json_loads(outcome.out, 0, &reason);
    ck_assert_msg(json != NULL, "%s: %s: %s", arguments, reason.text, outcome.out);
    return json;
}

static const json_t *layer_of(const json_t *json, int index) {
    return json_array_get(json_object_get(json, "layers"), (size_t)index);
}

static const json_t *curve_of(const json_t *json, int layer, int state) {
    return json_object_get(json_array_get(json_object_get(layer_of(json, layer), "states"), (size_t)state), "curve");
}

static const char *text_of(const json_t *json, const char *key) {
    return json_string_value(json_object_get(json, key));
}

START_TEST(json_has_states_gates_and_matrices_of_every_layer) {
    json_t *json = inspect("last --on train");
    const json_t *data = json_object_get(json, "data"), *lstm = layer_of(json, 0), *gru = layer_of(json, 1);
    ck_assert_str_eq(text_of(data, "part"), "train");
    ck_assert_int_eq(json_integer_value(json_object_get(data, "examples")), 24);
    ck_assert_int_eq(json_integer_value(json_object_get(data, "steps")), 4);
    ck_assert_str_eq(text_of(lstm, "cell"), "lstm");
    ck_assert_str_eq(text_of(gru, "name"), "layers.1");
    ck_assert_uint_eq(json_array_size(json_object_get(lstm, "states")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(lstm, "gates")), 5);
    ck_assert_uint_eq(json_array_size(json_object_get(lstm, "matrices")), 4);
    ck_assert_str_eq(text_of(json_array_get(json_object_get(gru, "gates"), 0), "name"), "r");
    const json_t *examples = json_object_get(curve_of(json, 0, 0), "examples");
    ck_assert_uint_eq(json_array_size(examples), 4);
    ck_assert_int_eq(json_integer_value(json_array_get(examples, 0)), 24);
    ck_assert_int_lt(json_integer_value(json_array_get(examples, 3)), 24); /* texts have 2 to 4 words */
    json_decref(json);
}
END_TEST

START_TEST(the_file_in_the_folder_is_what_is_printed) {
    json_error_t reason;
    json_decref(inspect("written --no-write"));
    ck_assert(!sandbox_has("written/inspect.json"));
    json_t *printed = inspect("written"), *written = json_loads(sandbox_read("written/inspect.json", NULL), 0, &reason);
    ck_assert_ptr_nonnull(written);
    ck_assert(json_equal(printed, written));
    ck_assert_str_eq(text_of(json_object_get(printed, "data"), "part"), "valid");
    json_decref(printed);
    json_decref(written);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes) {
    static const char *const runs[] = {"last", "both", "back", "pairs"};
    char line[100];
    const char *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        snprintf(line, sizeof line, "inspect %s --on train --json --threads %d", runs[_i], threads);
        const struct outcome outcome = run(line);
        assert_status(runs[_i], &outcome, 0);
        first = first == NULL ? outcome.out : first;
        ck_assert_str_eq(outcome.out, first);
    }
}
END_TEST

/* Compares the numbers of two curves. */
static void assert_same_curve(const json_t *found, const json_t *expected) {
    size_t i;
    json_t *value;
    ck_assert_uint_gt(json_array_size(json_object_get(expected, "norm")), 0);
    json_array_foreach(json_object_get(expected, "norm"), i, value) {
        const double norm = json_number_value(json_array_get(json_object_get(found, "norm"), i));
        ck_assert_double_eq_tol(norm, json_number_value(value), 1e-3 * json_number_value(value));
    }
}

static const struct {
    const char *run;
    int layer, state;
} curves[] = {{"last", 0, 0}, {"last", 0, 1}, {"last", 1, 0}, {"pairs", 2, 0}, {"pairs", 2, 1}, {"pairs", 3, 0}};

START_TEST(the_engine_tape_finds_the_same) {
    char arguments[100];
    snprintf(arguments, sizeof arguments, "%s --no-write", curves[_i].run);
    json_t *fused = inspect(arguments);
    snprintf(arguments, sizeof arguments, "%s --no-write --engine tape", curves[_i].run);
    json_t *tape = inspect(arguments);
    assert_same_curve(curve_of(tape, curves[_i].layer, curves[_i].state),
                      curve_of(fused, curves[_i].layer, curves[_i].state));
    json_decref(fused);
    json_decref(tape);
}
END_TEST

START_TEST(layers_of_the_encoder_are_inspected_and_blocks_are_listed) {
    static const char *const names[] = {"encoder.0.forward", "encoder.0.backward", "encoder.1", "layers.0"};
    json_t *json = inspect("pairs --no-write");
    const json_t *data = json_object_get(json, "data"), *block = json_array_get(json_object_get(json, "blocks"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "layers")), ROWS(names));
    for (int i = 0; i < ROWS(names); i++) {
        const json_t *layer = layer_of(json, i);
        const int is_mixed = i == 1; /* the layer above it reads forward */
        ck_assert_str_eq(text_of(layer, "name"), names[i]);
        ck_assert_uint_gt(json_array_size(json_object_get(layer, "matrices")), 0);
        ck_assert_msg((text_of(curve_of(json, i, 0), "missing") != NULL) == is_mixed, "%s", names[i]);
        ck_assert_double_lt(
            json_number_value(json_object_get(json_array_get(json_object_get(layer, "states"), 0), "dead")), 3);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(data, "source_steps")), 6);
    ck_assert_int_eq(json_integer_value(json_object_get(data, "steps")), 7); /* with the end of each target */
    ck_assert_uint_eq(json_array_size(json_object_get(curve_of(json, 2, 0), "norm")), 6);
    ck_assert_str_eq(text_of(block, "name"), "layers.1");
    ck_assert_str_eq(text_of(block, "block"), "attention");
    ck_assert_ptr_nonnull(text_of(json_object_get(json_object_get(json, "source"), "curve"), "missing"));
    json_decref(json);
    const struct outcome outcome = run("inspect pairs --no-write --plot");
    assert_status("pairs", &outcome, 0);
    assert_parts("pairs", outcome.out,
                 "inspected: encoder.0.forward (gru), encoder.0.backward (gru), encoder.1 (lstm), layers.0 (gru)\n|"
                 "blocks, which have no states: layers.1 (attention)\n|encoder.1.h: the gradient |"
                 "the last step of the source that is read|the last step that has a target|encoder.1.U_f|"
                 "the states of encoder.1 (lstm)");
}
END_TEST

START_TEST(a_distance_that_is_not_defined_is_reported) {
    json_t *json = inspect("both --no-write");
    ck_assert_str_eq(text_of(layer_of(json, 1), "name"), "layers.0.backward");
    for (int layer = 0; layer < 4; layer++) { /* the first layer, then the second, in both directions */
        const char *missing = text_of(curve_of(json, layer, 0), "missing");
        ck_assert_msg((missing != NULL) == (layer < 2), "direction %d", layer);
    }
    ck_assert_ptr_nonnull(text_of(json_object_get(json_object_get(json, "memory"), "curve"), "missing"));
    json_decref(json);
    json = inspect("back --no-write");
    ck_assert_ptr_null(text_of(curve_of(json, 0, 0), "missing"));
    ck_assert_ptr_null(text_of(json_object_get(json_object_get(json, "memory"), "curve"), "missing"));
    json_decref(json);
}
END_TEST

START_TEST(recorded_updates_are_shown) {
    json_t *json = inspect("measured");
    const json_t *updates = json_object_get(json, "updates"), *ratios = json_object_get(updates, "ratio");
    ck_assert_uint_eq(json_array_size(json_object_get(updates, "step")), 3); /* a validation per epoch */
    ck_assert_uint_eq(json_array_size(json_object_get(ratios, "layers.0.U_f")), 3);
    ck_assert_double_gt(json_number_value(json_array_get(json_object_get(ratios, "embedding.W"), 2)), 0);
    json_decref(json);
    const struct outcome outcome = run("inspect measured --plot");
    assert_status("measured", &outcome, 0);
    assert_parts("measured", outcome.out, "after step 3 and 9|layers.1.U_z|size of an update against the parameter\n");
}
END_TEST

START_TEST(people_get_sentences_tables_and_plots) {
    const struct outcome outcome = run("inspect last --plot --on test --examples 5");
    assert_status("text", &outcome, 0);
    assert_parts("text", outcome.out,
                 "test: 5 of 8 examples, up to |layers.0.h: the gradient |layers.1.z|sigmoid|layers.0.U_f|[4, 4]|"
                 "gradient of the loss by the states of layers.0 (lstm)|* h   o c|inputs");
}
END_TEST

START_TEST(a_plot_can_be_a_file) {
    const struct outcome outcome = run("inspect last --plot last.svg --json --no-write");
    assert_status("svg", &outcome, 0);
    assert_parts("svg", sandbox_read("last.svg", NULL), "<svg|gradient of the loss by the states of layers.1 (gru)");
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_a_warning) {
    const struct outcome outcome = run("inspect closed");
    assert_status("closed", &outcome, 0);
    assert_parts("closed", outcome.err, "warning: |inspect.json");
    assert_parts("closed", outcome.out, "layers.0.h: the gradient ");
}
END_TEST

static const struct {
    const char *arguments, *parts;
} mistakes[] = {
    {"inspect last --on vali", "unknown part of the data 'vali'|did you mean 'valid'"},
    {"inspect last --on test --data test.tsv", "--on 'test' is not used with --data"},
    {"inspect nothing", "'nothing' is not the folder of a run"},
    {"inspect bare", "bare/weights.safetensors"},
    {"inspect last --examples 0", "--examples|0"},
    {"inspect last --plot --json", "text is not mixed with --json"},
    {"inspect", "usage"},
};

START_TEST(mistakes_are_reported) {
    const struct outcome outcome = run(mistakes[_i].arguments);
    assert_status(mistakes[_i].arguments, &outcome, 2);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].parts);
}
END_TEST

int main(void) {
    find_cell_files();
    Suite *suite = suite_create("inspect");
    TCase *cells = add_case(suite, "cells", 60, session_setup, session_teardown);
    tcase_add_loop_test(cells, both_engines_give_the_gradients_of_the_states_of_every_cell, 0, n_cell_files);
    tcase_add_loop_test(cells, the_gradients_of_states_are_central_differences, 0, ROWS(checked_cells));
    TCase *command = tcase_create("command");
    tcase_set_timeout(command, 60);
    tcase_add_unchecked_fixture(command, setup, sandbox_close);
    suite_add_tcase(suite, command);
    tcase_add_test(command, json_has_states_gates_and_matrices_of_every_layer);
    tcase_add_test(command, the_file_in_the_folder_is_what_is_printed);
    tcase_add_loop_test(command, any_number_of_threads_gives_the_same_bytes, 0, 4);
    tcase_add_loop_test(command, the_engine_tape_finds_the_same, 0, ROWS(curves));
    tcase_add_test(command, layers_of_the_encoder_are_inspected_and_blocks_are_listed);
    tcase_add_test(command, a_distance_that_is_not_defined_is_reported);
    tcase_add_test(command, recorded_updates_are_shown);
    tcase_add_test(command, people_get_sentences_tables_and_plots);
    tcase_add_test(command, a_plot_can_be_a_file);
    tcase_add_test(command, a_folder_that_cannot_be_written_is_a_warning);
    tcase_add_loop_test(command, mistakes_are_reported, 0, ROWS(mistakes));
    return run_suite(suite);
}
