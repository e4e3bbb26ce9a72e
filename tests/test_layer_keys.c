/* tests/test_layer_keys.c: the keys of `model.layers`: their effect on a model, and the places of errors. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static void setup(void) {
    sandbox_open();
    tiny_write();
    sandbox_write("mine.yaml", "cell: mine\n"
                               "source: nobody\n"
                               "state: [h, c]\n"
                               "candidate: g\n"
                               "equations: |\n"
                               "  g  = tanh(x @ W_g + h @ U_g + b_g)\n"
                               "  f  = sigmoid(x @ W_f + h @ U_f + b_f)\n"
                               "  c' = f * c + (1 - f) * g\n"
                               "  h' = tanh(c')\n");
    sandbox_write("alone.yaml", "cell: alone\n"
                                "source: nobody\n"
                                "state: [c]\n"
                                "output: y\n"
                                "equations: |\n"
                                "  c' = tanh(x @ W + v * c)\n"
                                "  y  = c' + 1\n");
    sandbox_write("taken.yaml", "cell: taken\n"
                                "source: nobody\n"
                                "state: [h]\n"
                                "options: {count: 3}\n"
                                "equations: |\n"
                                "  h' = tanh(x @ W + h @ U) / count\n");
}

/* ---- what is refused ---- */

/* Line 5 of bad.yaml begins "model: {embedding: {size: 4}, layers: [{"; the row continues it in column 41. */
static const struct {
    const char *name, *layer, *flags, *parts;
} refused[] = {
    {"an unknown key", "cell: gru, hidden: 4, zonout: 0.1}]}", "",
     "bad.yaml:5:63: unknown key 'zonout' in model.layers.0 (did you mean 'zoneout'?)"},
    {"an unknown direction", "cell: gru, hidden: 4, direction: backwards}]}", "",
     "bad.yaml:5:74: 'direction' is 'backwards', expected one of forward, backward, both (did you mean 'backward'?)"},
    {"yes for a truth value", "cell: gru, hidden: 4, residual: yes}]}", "",
     "bad.yaml:5:73: 'residual' is 'yes', expected true or false"},
    {"a number for a truth value", "cell: gru, hidden: 4, layer_norm: 1}]}", "",
     "bad.yaml:5:75: 'layer_norm' is 1, expected true or false"},
    {"a rate of one", "cell: gru, hidden: 4, zoneout: 1}]}", "",
     "bad.yaml:5:72: 'zoneout' is 1, expected a number in [0, 0.99]"},
    {"a rate below zero", "cell: gru, hidden: 4, weight_drop: -0.1}]}", "",
     "bad.yaml:5:76: 'weight_drop' is -0.1, expected a number in [0, 0.99]"},
    {"a rate that is none", "cell: gru, hidden: 4, variational_dropout: many}]}", "",
     "bad.yaml:5:84: 'variational_dropout' is 'many', expected a number in [0, 0.99]"},
    {"a rate between none and zero", "cell: gru, hidden: 4, zoneout_output: -0.5}]}", "",
     "bad.yaml:5:79: 'zoneout_output' is -0.5, expected a number in [0, 0.99], or -1: as zoneout"},
    {"a clip below zero", "cell: gru, hidden: 4, clip: -1}]}", "",
     "bad.yaml:5:69: 'clip' is -1, expected a number in [0, 1000000000]"},
    {"no layer at all", "cell: gru, hidden: 4, count: 0}]}", "",
     "bad.yaml:5:70: 'count' is 0, expected an integer in [1, 64]"},
    {"more layers than there may be", "cell: gru, hidden: 4, count: 40}, {cell: gru, hidden: 4, count: 40}]}", "",
     "bad.yaml:5:39: 'model.layers' are 80 layers with their copies, expected at most 64"},

    {"a residual of another width", "cell: gru, hidden: 5, residual: true}]}", "",
     "bad.yaml:5:63: 'residual' adds the input of the layer, which is 4 wide, to its output, which is 5 wide; expected "
     "the same width"},
    {"a residual of the first layer alone",
     "cell: gru, hidden: 4, residual: true}, {cell: gru, hidden: 3, residual: true}]}", "",
     "bad.yaml:5:103: 'residual' adds the input of the layer, which is 4 wide, to its output, which is 3 wide"},
    {"a residual of both directions", "cell: gru, hidden: 4}]}",
     "--set model.layers.0.residual=true --set model.layers.0.direction=both",
     "--set model.layers.0.residual=true: 'residual' adds |which is 4 wide|which is 8 wide (both directions)"},
    {"a projection that is none", "cell: lstm, hidden: 4, projection: 4}]}", "",
     "bad.yaml:5:64: 'projection' is 4, expected less than 'hidden', which is 4"},
    {"a projection of a state that is used as it is", "cell: gru, hidden: 4, projection: 2}]}", "",
     "bad.yaml:5:63: 'projection' makes state 'h' of cell 'gru' narrower than 'hidden', and its equations do not allow "
     "that: |gru.yaml:|(r * h)"},
    {"a projection to one column, which fits any width", "cell: gru, hidden: 4, projection: 1}]}", "",
     "bad.yaml:5:63: 'projection' makes state 'h' of cell 'gru' narrower than 'hidden', and its equations do not allow "
     "that: they put it beside values that are as wide as 'hidden'"},
    {"a projection where the output is no state", "cell: ./alone.yaml, hidden: 4, projection: 2}]}", "",
     "bad.yaml:5:72: 'projection' is for cells whose output is a state, and that of cell 'alone' is 'y'"},
    {"no candidates to drop", "cell: ./alone.yaml, hidden: 4, recurrent_dropout: 0.1}]}", "",
     "bad.yaml:5:72: 'recurrent_dropout' drops what is new in the states, and cell 'alone' does not say which values "
     "that is, expected a line such as 'candidate: g' in its file"},
    {"no recurrent weights to drop", "cell: ./alone.yaml, hidden: 4, weight_drop: 0.1}]}", "",
     "bad.yaml:5:72: 'weight_drop' is not used: cell 'alone' has no product of a state and a matrix"},
    {"no output among the states", "cell: ./alone.yaml, hidden: 4, zoneout_output: 0.1}]}", "",
     "bad.yaml:5:72: 'zoneout_output' is not used: the output of cell 'alone' is no state"},
    {"no state but the output", "cell: gru, hidden: 4, zoneout: 0.1, zoneout_output: 0.2}]}", "",
     "bad.yaml:5:63: 'zoneout' is not used: the one state of cell 'gru' is its output, which has 'zoneout_output'"},
    {"an option that is called like a key", "cell: ./taken.yaml, hidden: 4}]}", "",
     "taken.yaml:4:11: option 'count' is called like a key that every layer has, expected another name"},
    {"several mistakes at once", "cell: ./alone.yaml, hidden: 4, weight_drop: 0.1, recurrent_dropout: 0.1}]}",
     "--set schedule.epochs=0", "'weight_drop' is not used|'recurrent_dropout' drops|'epochs' is 0"},
};

START_TEST(a_mistake_in_a_layer_is_told_at_its_place) {
    char line[512], arguments[512];
    snprintf(line, sizeof line, "model: {embedding: {size: 4}, layers: [{%s", refused[_i].layer);
    tiny_edit("bad.yaml", "model:", line);
    snprintf(arguments, sizeof arguments, "check bad.yaml %s", refused[_i].flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(refused[_i].name, &outcome, 2);
    assert_parts(refused[_i].name, outcome.err, refused[_i].parts);
}
END_TEST

/* ---- effects ---- */

static const struct {
    const char *name, *layer, *parts; /* parts of the output of `check` */
} made[] = {
    {"both directions", "cell: gru, hidden: 5, direction: both}]}",
     "layers.0.forward.W_r |layers.0.backward.W_r |layers.0.backward.b_n |head.W                   [10, 2]"},
    {"one direction", "cell: gru, hidden: 5, direction: backward}]}",
     "layers.0.W_r |head.W                   [5, 2]|direction |backward"},
    {"copies", "cell: gru, hidden: 5, count: 3}, {cell: rnn_tanh, hidden: 3}]}",
     "layers.0.W_r             [4, 5]|layers.1.W_r             [5, 5]|layers.2.W_r             [5, 5]|layers.3.W "
     "              [5, 3]|head.W                   [3, 2]"},
    {"projection", "cell: lstm, hidden: 5, projection: 2, count: 2}]}",
     "layers.0.projection.W    [5, 2]|layers.0.U_i             [2, 5]|layers.1.W_i             [2, 5]|head.W           "
     " "
     "       [2, 2]"},
    {"layer norm", "cell: rnn_tanh, hidden: 5, layer_norm: true}]}", "layers.0.W.gain          [5]|layers.0.b "},
    {"initial states", "cell: lstm, hidden: 5, learn_initial_state: true}]}",
     "layers.0.h.initial       [5]|layers.0.c.initial       [5]"},
    {"a residual", "cell: gru, hidden: 2, direction: both, residual: true}]}", "head.W                   [4, 2]"},
};

START_TEST(check_shows_what_wrappers_make_of_a_model) {
    char line[512];
    snprintf(line, sizeof line, "model: {embedding: {size: 4}, layers: [{%s", made[_i].layer);
    tiny_edit("made.yaml", "model:", line);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "check made.yaml"});
    assert_status(made[_i].name, &outcome, 0);
    assert_parts(made[_i].name, outcome.out, made[_i].parts);
}
END_TEST

/* The parameters of these cells need 50 to 160 GB. */
static const char *const wide[] = {"check wide.yaml", "check wide.yaml --json", "cells show lstm --hidden 65536",
                                   "cells list --hidden 65536"};

START_TEST(a_model_of_any_width_is_shown_without_memory_for_its_parameters) {
    char script[512];
    const char *const address_space = has_address_limits() ? "2000000" : "unlimited"; /* in kB */
    tiny_edit("wide.yaml", "model:",
              "model: {embedding: {size: 4}, layers: [{cell: lstm, hidden: 65536, count: 2}, {cell: irnn, hidden: "
              "65536, direction: both, layer_norm: true}]}");
    snprintf(script, sizeof script, "ulimit -v %s\nexec %s %s\n", address_space, variable("RONDO_PROGRAM"), wide[_i]);
    sandbox_write("limited.sh", script);
    const struct outcome outcome = sandbox_run((struct call){.program = "/bin/sh", .arguments = "limited.sh"});
    assert_status(wide[_i], &outcome, 0);
    assert_parts(wide[_i], outcome.out, "65536");
}
END_TEST

/* A layer with all keys is trained, and then used only from the folder of the run. */
static const char *const full[] = {
    "cell: ./mine.yaml, hidden: 4, count: 2, direction: forward, dropout: 0.1, residual: true, layer_norm: true, "
    "learn_initial_state: true, clip: 2, zoneout: 0.1, zoneout_output: 0.05, recurrent_dropout: 0.1, "
    "variational_dropout: 0.1, weight_drop: 0.1, recompute: 3}]}",
    "cell: ./mine.yaml, hidden: 4, projection: 2, direction: both, residual: true}, {cell: gru, hidden: 3, direction: "
    "backward}], pool: last}",
    "cell: gru, hidden: 4}, {block: attention, over: self, heads: 2, residual: true, dropout: 0.1}, {block: "
    "self_attention, over: self, heads: 2}, {block: attention_additive, over: self, hidden: 3}, {cell: ./mine.yaml, "
    "hidden: 3}], pool: attention}",
};

START_TEST(a_run_with_every_wrapper_trains_and_predicts_the_same_again) {
    char line[768];
    snprintf(line, sizeof line, "model: {embedding: {size: 4}, layers: [{%s", full[_i]);
    tiny_edit("full.yaml", "model:", line);
    const struct outcome trained = sandbox_run((struct call){.arguments = "train full.yaml --quiet --out full"});
    assert_status("train", &trained, 0);
    const struct outcome again = sandbox_run((struct call){.arguments = "train full.yaml --quiet --out again"});
    assert_status("train again", &again, 0);
    size_t size, size_again;
    const char *weights = sandbox_read("full/weights.safetensors", &size);
    const char *weights_again = sandbox_read("again/weights.safetensors", &size_again);
    ck_assert_msg(size == size_again && memcmp(weights, weights_again, size) == 0, "the same seed, other weights");
    const struct outcome first = sandbox_run((struct call){.arguments = "predict full", .input = "tea lovely\n"});
    assert_status("predict", &first, 0);
    const struct outcome second = sandbox_run((struct call){.arguments = "predict full", .input = "tea lovely\n"});
    ck_assert_str_eq(first.out, second.out); /* nothing is random outside training */
    sandbox_remove("full");
    sandbox_remove("again");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("layer keys");
    TCase *cases = tcase_create("layer keys");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, a_mistake_in_a_layer_is_told_at_its_place, 0, ROWS(refused));
    tcase_add_loop_test(cases, check_shows_what_wrappers_make_of_a_model, 0, ROWS(made));
    tcase_add_loop_test(cases, a_model_of_any_width_is_shown_without_memory_for_its_parameters, 0, ROWS(wide));
    tcase_add_loop_test(cases, a_run_with_every_wrapper_trains_and_predicts_the_same_again, 0, ROWS(full));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
