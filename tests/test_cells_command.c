/* tests/test_cells_command.c: `rondo cells` and `rondo gradcheck`, as a user meets them. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"

static const char mine[] = "cell: mine\n"
                           "source: \"no paper: 12345 words, 2019a, in 2021\"\n"
                           "summary: \"swish in a plain recurrence\"\n"
                           "state: [h]\n"
                           "options: {gain: {default: 1, min: 0, max: 10, help: \"slope of swish\"}}\n"
                           "equations: |\n"
                           "  h' = tanh(swish(x @ W + h @ U + b, beta=gain))\n"
                           "init: {W: gain * glorot, U: \"log(uniform(1, 2))\", b: -0.5}\n";

/* mine.yaml is right; the folder `faulty` has a cell with an op of a plug-in whose gradient is wrong, one with a
 * mistake in its equations, one that is no cell, and one that is right. */
static void setup(void) {
    sandbox_open();
    sandbox_write("mine.yaml", mine);
    sandbox_write("faulty/off.yaml", "cell: off\nsource: \"\"\nstate: [h]\n"
                                     "equations: |\n  h' = tanh(x @ W + wrong_gradient(h @ U))\n");
    sandbox_write("faulty/mistaken.yaml", "cell: mistaken\nstate: [h]\nequations: |\n  h' = tahn(x @ W)\n");
    sandbox_write("faulty/block.yaml", "block: astray\noutput: y\nparams: {W: [input, memory]}\n"
                                       "equations: |\n  y = wrong_gradient(attention(x @ W, memory, memory))\n");
    sandbox_write("nearest.yaml", "block: nearest\noutput: y\noptions: {scale: {default: 1, min: 0, max: 9}}\n"
                                  "params: {W_q: [input, memory]}\n"
                                  "equations: |\n  y = attention(x @ W_q, memory, memory) * scale\n");
    sandbox_write("itself.yaml", "block: itself\noutput: y\n"
                                 "equations: |\n  y = attention(x @ Q, memory @ K, x, causal=true, window=2)\n");
    sandbox_write("narrow.yaml", "cell: narrow\nstate: [h]\n"
                                 "equations: |\n  h' = attention(h, memory, memory @ V) + x @ W\n");
    sandbox_write("named.yaml", "cell: named\nstate: [memory]\nequations: |\n  memory' = memory + x @ W\n");
    sandbox_write("faulty/nocell.yaml", "rondo: 1\n");
    sandbox_write("faulty/aaa.yaml", "cell: aaa\nstate: [h]\nequations: |\n  h' = tanh(x @ W + h)\n");
}

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* ---- one call with its output ---- */

static const struct {
    const char *arguments;
    int status;
    const char *out, *err; /* parts of the output */
} calls[] = {
    {"cells --help", 0, "usage: rondo cells [list | show NAME]|--program|--hidden N|--json", ""},
    {"gradcheck --help", 0, "usage: rondo gradcheck NAME… |--engine NAME|--passes -NAME,…|--option KEY=VALUE", ""},

    {"cells", 0, "cell |year|lstm                 1997      33024  a memory c|rnn_tanh             1990       8256  ",
     ""},
    {"cells list", 0, "gru |lstm |rnn_tanh ", ""},
    {"cells list --input 2 --hidden 3", 0, "rnn_tanh             1990         18  ", ""},
    {"cells show lstm --hidden 8 --input 2", 0,
     "cell        lstm\n|source      Hochreiter|/cells/lstm.yaml\n|widths      input 2, hidden 8\n|states      h [8], "
     "c "
     "[8]\n|output      h' [8]\n|options     none\n|  c' = f * c + i * g\n|  U_f                [8, 8]                 "
     "  "
     "64  orthogonal\n|  b_f                [8]                       8  ones\n|  all                                  "
     "      352\n",
     ""},
    {"cells show mine.yaml", 0,
     "file        mine.yaml\n|  gain               1          in [0, 10], default 1: slope of swish\n|  W   |1 * "
     "glorot\n|log(uniform(1, 2))\n|  b  |-0.5\n",
     ""},
    {"cells show ./mine.yaml --option gain=2.5", 0, "  gain               2.5 |2.5 * glorot", ""},
    {"cells show gru --program", 0,
     "after tracing:|after merge|fuse and plan:|forward, loop|backward, loop|weight gradient", ""},
    {"cells show gru --program --passes=-fuse,-merge", 0, "after tracing:|backward, loop", ""},
    {"cells show gru --program --passes -sink", 0, "after tracing:", ""},

    {"cells show attention_additive", 0,
     "block       attention_additive\n|widths      input 64, hidden 64, memory 128\nstates      none\noutput      y "
     "[64]\n|"
     "equations\n  context = additive_attention|  W_k |  all ",
     ""},
    {"cells show ./nearest.yaml --option scale=3 --input 2 --hidden 5", 0,
     "block       nearest\n|output      y [10]|  scale              3 |  W_q                [2, 10] ", ""},
    {"cells show attention --program", 2, "",
     "'--program' is not used with the block 'attention': it runs over a whole sequence"},
    {"cells show atention", 2, "",
     "there is no cell or block 'atention' (did you mean 'attention'?), looked in '|' and '"},
    {"cells show nearest.yaml --option gain=1", 2, "", "unknown option 'gain' of block 'nearest'; it takes scale"},

    {"cells lstm", 2, "", "unknown action 'lstm' (did you mean 'list'?), expected list, or show NAME"},
    {"cells shwo lstm", 2, "", "unknown action 'shwo' (did you mean 'show'?)"},
    {"cells show", 2, "", "'show' expects the name or the file of a cell"},
    {"cells show lstm gru", 2, "", "one argument too many: 'gru'"},
    {"cells list gru", 2, "",
     "'list' lists all cells and takes no argument, got 'gru'; to see one cell, use 'show gru'"},
    {"cells list --program", 2, "", "'--program' can only be used with 'show'"},
    {"cells list --option a=1", 2, "", "'--option' can only be used with 'show'"},
    {"cells show gru --passes=-fuse", 2, "", "'--passes' is not used without '--program'"},
    {"cells show gru --program --passes=-fse", 2, "",
     "unknown pass '-fse' (did you mean '-fuse'?) in --passes, expected one or more of -merge, -hoist, -sink, -fuse, "
     "-plan"},
    {"cells show gru --program --passes=fuse", 2, "", "unknown pass 'fuse' (did you mean '-fuse'?)"},
    {"cells show gru --program --passes=-fuse,,-sink", 2, "", "unknown pass ''"},
    {"cells show lstn", 2, "", "there is no cell or block 'lstn' (did you mean 'lstm'?), looked in '"},
    {"cells show xyzzyxyzzy", 2, "", "there is no cell or block 'xyzzyxyzzy', looked in '"},
    {"cells show nothing.yaml", 2, "", "cannot read 'nothing.yaml': there is no such file"},
    {"cells show faulty/nocell.yaml", 2, "", "faulty/nocell.yaml:1:1: |unknown key 'rondo' in a cell"},
    {"cells show faulty/mistaken.yaml", 2, "", "faulty/mistaken.yaml:4:8: unknown op 'tahn' (did you mean 'tanh'?)"},
    {"cells show mine.yaml --option gian=1", 2, "",
     "--option: unknown option 'gian' of cell 'mine' (did you mean 'gain'?)"},
    {"cells show mine.yaml --option gain=11", 2, "", "--option: |'gain'|[0, 10]"},
    {"cells show mine.yaml --option gain", 2, "", "--option: expected KEY=VALUE, got 'gain'"},
    {"cells show lstm --option gain=1", 2, "", "unknown option 'gain' of cell 'lstm'; it takes none"},
    {"cells show lstm --hidden 0", 2, "", "--hidden expects a number from 1 to 65536, got '0'"},
    {"cells show lstm --json=yes", 2, "", "this flag takes no value: '--json=yes'"},

    {"gradcheck lstm --threads 1", 0, "lstm |ok |threads NOT compared|1 cell checked, 0 FAILED", ""},
    {"gradcheck lstm", 0, "lstm |ok |gradients |fused - tape |, f32 |threads same bits|1 cell checked, 0 FAILED", ""},
    {"gradcheck lstm gru ./mine.yaml", 0, "lstm |gru |mine |3 cells checked, 0 FAILED", ""},
    {"gradcheck mine.yaml --option gain=3 --input 2 --hidden 3", 0, "1 cell checked, 0 FAILED", ""},
    {"gradcheck rnn_tanh --engine tape", 0, "1 cell checked, 0 FAILED", ""},
    {"gradcheck rnn_tanh --engine fused --passes=-fuse,-merge,-hoist,-sink,-plan", 0, "1 cell checked, 0 FAILED", ""},
    {"gradcheck rnn_tanh --threads 3", 0, "1 cell checked, 0 FAILED", ""},

    {"gradcheck attention ./nearest.yaml gru", 0,
     "attention            ok     gradients |; threads same bits; |nearest |gru |fused - tape |1 cell, 2 blocks "
     "checked, 0 FAILED",
     ""},
    {"gradcheck nearest.yaml --option scale=2", 0, "1 block checked, 0 FAILED", ""},
    {"gradcheck self_attention --option heads=4", 0, "1 block checked, 0 FAILED", ""},
    {"gradcheck self_attention --option heads=3", 2, "", "'heads' is 3, which does not divide the 16 columns of query"},
    {"gradcheck self_attention --option heads=1.5", 2, "", "'heads' is 1.5, expected an integer in [1, 1024]"},
    {"gradcheck self_attention --input 5", 2, "", "an even number of columns in each head"},
    {"cells show self_attention --option heads=3", 2, "",
     "'heads' is 3, which does not divide the 64 columns of query"},
    {"gradcheck itself.yaml", 0, "itself |1 block checked, 0 FAILED", ""},
    {"cells show itself.yaml", 0, "block       itself\n|widths      input 64, hidden 64\n", ""},
    {"gradcheck narrow.yaml", 2, "", "narrow.yaml:4:8: attention: query [batch, 6], keys [memory, 12]"},
    {"gradcheck named.yaml", 2, "",
     "named.yaml:2:9: 'memory' is the name of the outputs of an encoder, expected another name for a state, parameter "
     "or option"},
    {"gradcheck faulty/block.yaml", 2, "", "faulty/block.yaml:5:7: unknown op 'wrong_gradient'"},

    {"gradcheck", 2, "", "expected the names of cells or blocks, or --all"},
    {"gradcheck lstm --all", 2, "", "--all checks every cell and block and takes no names, got 'lstm'"},
    {"gradcheck lstn", 2, "", "there is no cell or block 'lstn' (did you mean 'lstm'?)"},
    {"gradcheck gru lstn", 2, "gru |1 cell checked, 0 FAILED",
     "there is no cell or block 'lstn' (did you mean 'lstm'?)"},
    {"gradcheck nothing.yaml", 2, "", "cannot read 'nothing.yaml': there is no such file"},
    {"gradcheck faulty/mistaken.yaml", 2, "", "faulty/mistaken.yaml:4:8: unknown op 'tahn' (did you mean 'tanh'?)"},
    {"gradcheck faulty/nocell.yaml", 2, "", "faulty/nocell.yaml:1:1: |unknown key 'rondo' in a cell"},
    {"gradcheck faulty/off.yaml", 2, "", "faulty/off.yaml:5:21: unknown op 'wrong_gradient'"},
    {"gradcheck gru --engine tap", 2, "", "unknown engine 'tap' (did you mean 'tape'?), expected fused or tape"},
    {"gradcheck gru --engine warp", 2, "", "unknown engine 'warp', expected fused or tape"},
    {"gradcheck gru --passes -hosit", 2, "", "unknown pass '-hosit' (did you mean '-hoist'?)"},
    {"gradcheck gru --engine tape --passes=-fuse", 2, "",
     "--passes '-fuse' is not used: the engine tape has no passes"},
    {"gradcheck gru --option gain=1", 2, "", "unknown option 'gain' of cell 'gru'; it takes none"},
    {"gradcheck gru --threads 0", 2, "", "--threads expects a number from 1 to 4096, got '0'"},
    {"gradcheck gru --plugin nothing.so", 2, "", "--plugin: |nothing.so"},
};

START_TEST(call_is_answered) {
    const struct outcome outcome = rondo(calls[_i].arguments, calls[_i].status);
    assert_parts(calls[_i].arguments, outcome.out, calls[_i].out);
    assert_parts(calls[_i].arguments, outcome.err, calls[_i].err);
    ck_assert_msg(calls[_i].status != 0 || outcome.err[0] == '\0', "%s: said '%s'", calls[_i].arguments, outcome.err);
    ck_assert_msg(calls[_i].out[0] != '\0' || outcome.out[0] == '\0', "%s: printed '%s'", calls[_i].arguments,
                  outcome.out);
}
END_TEST

/* ---- output that programs read ---- */

static json_t *json_of(const char *arguments, int status) {
    json_error_t error;
    const struct outcome outcome = rondo(arguments, status);
    json_t *value = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(value != NULL, "%s: no JSON: %s in '%.500s'", arguments, error.text, outcome.out);
    return value;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "there is no text '%s'", key);
    return text;
}

static json_int_t integer_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "there is no integer '%s'", key);
    return json_integer_value(value);
}

START_TEST(list_as_json_has_every_cell_with_its_size) {
    json_t *cells = json_of("cells --json --input 2 --hidden 3", 0);
    ck_assert_uint_ge(json_array_size(cells), 3);
    int found = 0;
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const json_t *cell = json_array_get(cells, i);
        ck_assert_int_gt(integer_of(cell, "parameters"), 0);
        ck_assert_ptr_nonnull(strstr(text_of(cell, "file"), text_of(cell, "name")));
        ck_assert_str_ne(text_of(cell, "summary"), "");
        ck_assert_str_ne(text_of(cell, "source"), "");
        if (strcmp(text_of(cell, "name"), "lstm") == 0) {
            found++;
            ck_assert_int_eq(integer_of(cell, "parameters"), 4 * (2 * 3 + 3 * 3 + 3));
            ck_assert_int_eq(integer_of(cell, "year"), 1997);
        }
    }
    ck_assert_int_eq(found, 1);
    json_decref(cells);
}
END_TEST

START_TEST(shown_cell_as_json_is_complete) {
    json_t *cell = json_of("cells show mine.yaml --json --program --option gain=2 --input 5 --hidden 7", 0);
    ck_assert_str_eq(text_of(cell, "name"), "mine");
    ck_assert_int_eq(integer_of(cell, "year"), 2019); /* the first number of four digits */
    ck_assert_str_eq(text_of(cell, "output"), "h'");
    ck_assert_int_eq(integer_of(cell, "size"), 5 * 7 + 7 * 7 + 7);
    ck_assert_ptr_nonnull(strstr(text_of(cell, "equations"), "beta=gain"));
    ck_assert_ptr_nonnull(strstr(text_of(cell, "program"), "backward, loop"));
    const json_t *option = json_array_get(json_object_get(cell, "options"), 0);
    ck_assert_str_eq(text_of(option, "name"), "gain");
    ck_assert_double_eq(json_real_value(json_object_get(option, "value")), 2);
    ck_assert_double_eq(json_real_value(json_object_get(option, "default")), 1);
    const json_t *parameter = json_array_get(json_object_get(cell, "parameters"), 0);
    ck_assert_str_eq(text_of(parameter, "name"), "W");
    ck_assert_str_eq(text_of(parameter, "initialiser"), "2 * glorot");
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(parameter, "shape"), 1)), 7);
    const json_t *state = json_array_get(json_object_get(cell, "states"), 0);
    ck_assert_str_eq(text_of(state, "name"), "h");
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(state, "shape"), 0)), 7);
    json_decref(cell);
}
END_TEST

START_TEST(passes_that_are_left_out_leave_another_program) {
    const char *whole = rondo("cells show gru --program", 0).out;
    const char *without = rondo("cells show gru --program --passes=-fuse", 0).out;
    ck_assert_str_ne(whole, without);
}
END_TEST

/* ---- gradcheck ---- */

/* Every cell and block that Rondo ships, in one call. */
START_TEST(every_cell_and_block_passes) {
    json_t *cells = json_of("cells --json", 0), *checked = json_of("gradcheck --all --json", 0);
    const size_t count = json_array_size(json_object_get(checked, "cells"));
    ck_assert_uint_ge(json_array_size(cells), 3);
    ck_assert_uint_ge(count, json_array_size(cells) + 2);
    ck_assert_int_eq(integer_of(checked, "checked"), (json_int_t)count);
    ck_assert_int_eq(integer_of(checked, "failed"), 0);
    for (size_t i = 0; i < count; i++) {
        const json_t *cell = json_array_get(json_object_get(checked, "cells"), i);
        const int is_block = i >= json_array_size(cells);
        ck_assert_str_eq(text_of(cell, "kind"), is_block ? "block" : "cell");
        if (!is_block) {
            ck_assert_str_eq(text_of(cell, "name"), text_of(json_array_get(cells, i), "name"));
        }
        ck_assert_msg(json_is_true(json_object_get(cell, "passed")), "%s", text_of(cell, "name"));
        static const char *const kinds[] = {"gradients", "threads", "engines", "engines_f32"};
        for (int kind = 0; kind < (is_block ? 2 : ROWS(kinds)); kind++) {
            const json_t *outcome = json_object_get(cell, kinds[kind]);
            ck_assert_int_gt(integer_of(outcome, "compared"), 0);
            ck_assert_int_eq(integer_of(outcome, "wrong"), 0);
            ck_assert(json_is_number(json_object_get(outcome, "error")));
        }
    }
    json_decref(cells);
    json_decref(checked);
}
END_TEST

/* The plug-in's map_grad gives half of the gradient. */
START_TEST(op_with_a_wrong_gradient_fails) {
    char arguments[1024];
    snprintf(arguments, sizeof arguments,
             "gradcheck gru faulty/off.yaml faulty/block.yaml --plugin %s/wrong_gradient.so",
             variable("RONDO_TEST_BAD"));
    const struct outcome outcome = rondo(arguments, 1);
    assert_parts(arguments, outcome.out,
                 "gru                  ok|off                  FAILED|wrong: the gradient of |by central differences "
                 "|numbers differ)|astray               FAILED|2 cells, 1 block checked, 2 FAILED");
    ck_assert_str_eq(outcome.err, "");
    snprintf(arguments, sizeof arguments, "gradcheck faulty/off.yaml --json --plugin %s/wrong_gradient.so",
             variable("RONDO_TEST_BAD"));
    json_t *checked = json_of(arguments, 1);
    const json_t *cell = json_array_get(json_object_get(checked, "cells"), 0);
    ck_assert_int_eq(integer_of(checked, "failed"), 1);
    ck_assert(json_is_false(json_object_get(cell, "passed")));
    ck_assert_int_gt(integer_of(json_object_get(cell, "gradients"), "wrong"), 0);
    ck_assert_int_eq(integer_of(json_object_get(cell, "engines"), "wrong"), 0); /* both have the same wrong one */
    json_decref(checked);
}
END_TEST

/* ---- a folder with the user's cells ---- */

START_TEST(folder_with_mistakes_is_told_and_the_rest_is_done) {
    char environment[512];
    snprintf(environment, sizeof environment, "RONDO_CELL_PATH=%s", sandbox_path("faulty"));
    const struct call list = {.arguments = "cells", .environment = environment};
    const struct outcome listed = sandbox_run(list);
    assert_status("list", &listed, 2);
    assert_parts("list", listed.out, "aaa                     -|lstm |rnn_tanh ");
    assert_parts("list", listed.err,
                 "faulty/mistaken.yaml:4:8: unknown op 'tahn'|faulty/nocell.yaml:1:1: |(and more; `rondo cells show` "
                 "lists them)|unknown op 'wrong_gradient'");
    const struct call show = {.arguments = "cells show aaa", .environment = environment};
    const struct outcome shown = sandbox_run(show);
    assert_status("show", &shown, 0);
    assert_parts("show", shown.out, "/faulty/aaa.yaml\n");
    const struct call check = {.arguments = "gradcheck aaa mistaken", .environment = environment};
    const struct outcome checked = sandbox_run(check);
    assert_status("gradcheck", &checked, 2);
    assert_parts("gradcheck", checked.out, "aaa                  ok|1 cell checked, 0 FAILED");
    assert_parts("gradcheck", checked.err, "faulty/mistaken.yaml:4:8: unknown op 'tahn'");
}
END_TEST

START_TEST(full_disk_under_the_output_is_a_failure) {
    static const char *const all[] = {
        "cells", "cells --json", "cells show lstm", "cells show gru --json", "gradcheck gru", "gradcheck gru --json"};
    for (int i = 0; i < ROWS(all); i++) {
        const struct outcome outcome = sandbox_run((struct call){.arguments = all[i], .output = "/dev/full"});
        assert_status(all[i], &outcome, 1);
        assert_parts(all[i], outcome.err, "cannot write to standard output: No space left on device");
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cells_command");
    TCase *cases = tcase_create("cells_command");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, call_is_answered, 0, ROWS(calls));
    tcase_add_test(cases, list_as_json_has_every_cell_with_its_size);
    tcase_add_test(cases, shown_cell_as_json_is_complete);
    tcase_add_test(cases, passes_that_are_left_out_leave_another_program);
    tcase_add_test(cases, every_cell_and_block_passes);
    tcase_add_test(cases, op_with_a_wrong_gradient_fails);
    tcase_add_test(cases, folder_with_mistakes_is_told_and_the_rest_is_done);
    tcase_add_test(cases, full_disk_under_the_output_is_a_failure);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
