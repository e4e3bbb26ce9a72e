/* tests/test_from_files.c: each architecture from files to an answer: trained, evaluated and predicted by the program, and
 * predicted through rondo/rondo.h.
 *
 * The same run has the same weights for any number of threads, both engines agree, and the program and the library give
 * the same predictions.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"

/* ---- data ---- */

enum { EXAMPLES = 60, STEPS = 6, WIDTH = 2 };

/* Number k of step t of example i: a wave of its own, between -1 and 1. */
static float number_at(int i, int t, int k) {
    return (float)sin(0.7 * i + (0.3 + 0.1 * (i % 3)) * t + 1.3 * k);
}

/* An .npy file of `descr` elements of 4 bytes. */
static void write_npy(const char *name, const char *descr, const char *shape, const void *elements, size_t bytes) {
    char *file = sandbox_memory(bytes + 128);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = 118; /* the header ends at a multiple of 64 */
    file[9] = 0;
    memset(file + 10, ' ', 118);
    const int length = snprintf(file + 10, 118, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    file[10 + length] = ' ';
    file[127] = '\n';
    memcpy(file + 128, elements, bytes);
    sandbox_write_bytes(name, file, bytes + 128);
}

static void write_arrays(void) {
    static float x[EXAMPLES][STEPS][WIDTH], first[EXAMPLES][WIDTH], sums[EXAMPLES][STEPS][1];
    static int32_t signs[EXAMPLES], lists[EXAMPLES][2], lengths[EXAMPLES];
    for (int i = 0; i < EXAMPLES; i++) {
        float sum = 0;
        for (int t = 0; t < STEPS; t++) {
            for (int k = 0; k < WIDTH; k++) {
                x[i][t][k] = number_at(i, t, k);
            }
            sum += x[i][t][0];
            sums[i][t][0] = 100 + 10 * sum;
        }
        memcpy(first[i], x[i][0], sizeof first[i]);
        signs[i] = sum > 0;
        lists[i][0] = x[i][0][0] > 0;
        lists[i][1] = x[i][STEPS - 1][0] > 0;
        lengths[i] = 1 + (i % 2);
    }
    write_npy("x.npy", "<f4", "(60, 6, 2)", x, sizeof x);
    write_npy("first.npy", "<f4", "(60, 2)", first, sizeof first);
    write_npy("sums.npy", "<f4", "(60, 6, 1)", sums, sizeof sums);
    write_npy("signs.npy", "<i4", "(60,)", signs, sizeof signs);
    write_npy("lists.npy", "<i4", "(60, 2)", lists, sizeof lists);
    write_npy("lengths.npy", "<i4", "(60,)", lengths, sizeof lengths);
}

static void write_texts(void) {
    static const char *const lines[] = {"to be or not to be\n", "that is the question\n", "whether it is nobler\n"};
    char *text = sandbox_memory(8192);
    text[0] = '\0';
    for (int i = 0; i < 60; i++) {
        strcat(text, lines[(i * i) % 3]);
    }
    sandbox_write("play.txt", text);
    text[0] = '\0';
    for (int i = 0; i < 60; i++) {
        snprintf(text + strlen(text), 64, "%s,%d,%d\n", i % 3 ? "red" : "blue", i % 7,
                 50 + 10 * (i % 7) - (i % 3 ? 20 : 0));
    }
    char *table = sandbox_memory(8192);
    snprintf(table, 8192, "colour,size,price\n%s", text);
    sandbox_write("prices.csv", table);
}

/* ---- experiments ---- */

static const struct {
    const char *name, *architecture, *data, *model, *loss;
    const char *predict; /* arguments after the run */
    const char *input;   /* standard input; NULL: none */
    int lines;           /* of predictions */
    int by_arrays; /* rondo.h gets x.npy or first.npy, example by example: numbers of an example; 0: not checked */
} rows[] = {
    {"vector_to_class", "1:1", "{reader: arrays, train: {input: first.npy, target: signs.npy}, valid: {last: 0.2}}",
     "steps: 3", "softmax_cross_entropy", "first.npy", NULL, 0, 0},
    {"table", "1:1",
     "{reader: table, train: prices.csv, valid: {share: 0.2}, target: number, columns: {target: price}}", "pool: last",
     "squared_error", "prices.csv", NULL, 60, 0},
    {"wave", "1:N", "{reader: arrays, train: {input: first.npy, target: sums.npy}, valid: {last: 0.2}}", "steps: 6",
     "squared_error", NULL, NULL, 0, WIDTH},
    {"sign", "N:1", "{reader: arrays, train: {input: x.npy, target: signs.npy}, valid: {last: 0.2}}", "pool: mean",
     "softmax_cross_entropy", NULL, NULL, 0, STEPS *WIDTH},
    {"running_sum", "N:N", "{reader: arrays, train: {input: x.npy, target: sums.npy}, valid: {last: 0.2}}", "steps: 0",
     "squared_error", NULL, NULL, 0, STEPS *WIDTH},
    {"lists", "N:N",
     "{reader: arrays, train: {input: x.npy, target: lists.npy, target_lengths: lengths.npy}, valid: {last: 0.2}, "
     "target_is: list}",
     "steps: 0", "ctc", NULL, NULL, 0, STEPS *WIDTH},
    {"play", "N:N", "{reader: characters, train: play.txt, valid: {last: 0.2}, window: 10, carry: true}",
     "feedback: true", "softmax_cross_entropy", "", "to be\nwhether\n", 2, 0},
    {"play_words", "N:N", "{reader: words, train: play.txt, valid: {last: 0.2}, window: 5, carry: true}",
     "feedback: true\n  embedding: {size: 8}\n  head: {tie: true}", "softmax_cross_entropy", "", "to be\nwhether\n", 2,
     0},
    {"echo", "N:N",
     "{reader: synthetic, task: delayed_echo, length: 9, gap: 3, train: 64, valid: 32, "
     "test: 16}",
     "steps: 0", "softmax_cross_entropy", "", NULL, 16, 0},
};

static void write_experiment(int row) {
    char *text = sandbox_memory(2048), name[64];
    snprintf(text, 2048,
             "rondo: 1\nname: %s\narchitecture: \"%s\"\ndata: %s\nmodel:\n  %s\n  layers: [{cell: gru, hidden: 8}]\n"
             "loss: {plugin: %s}\noptimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 2, batch: 20, seed: 1}\n",
             rows[row].name, rows[row].architecture, rows[row].data, rows[row].model, rows[row].loss);
    snprintf(name, sizeof name, "%s.yaml", rows[row].name);
    sandbox_write(name, text);
}

static struct outcome program(const char *format, const char *name, const char *more, const char *input) {
    char *arguments = sandbox_memory(256);
    snprintf(arguments, 256, format, name, name, more);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, 0);
    return outcome;
}

static void setup(void) {
    variable("RONDO_PLUGIN_PATH");
    sandbox_open();
    write_arrays();
    write_texts();
    for (int i = 0; i < ROWS(rows); i++) {
        write_experiment(i);
        program("train %s.yaml --quiet --out %s --threads %s", rows[i].name, "1", NULL);
    }
}

START_TEST(threads_change_no_bit_of_the_weights) {
    const char *name = rows[_i].name;
    program("train %s.yaml --quiet --out %s.two --threads %s", name, "2", NULL);
    char one[64], two[64];
    size_t size_one, size_two;
    snprintf(one, sizeof one, "%s/weights.safetensors", name);
    snprintf(two, sizeof two, "%s.two/weights.safetensors", name);
    const char *bytes_one = sandbox_read(one, &size_one), *bytes_two = sandbox_read(two, &size_two);
    ck_assert_uint_eq(size_one, size_two);
    ck_assert_int_eq(memcmp(bytes_one, bytes_two, size_one), 0);
}
END_TEST

static double loss_of(const char *name, const char *engine) {
    const struct outcome outcome = program("eval %s --on valid --json --engine %.0s%s", name, engine, NULL);
    json_t *object = json_loads(outcome.out, 0, NULL);
    ck_assert_msg(json_is_real(json_object_get(object, "loss")), "%s", outcome.out);
    const double loss = json_real_value(json_object_get(object, "loss"));
    json_decref(object);
    return loss;
}

START_TEST(both_engines_give_the_same_loss) {
    const double fused = loss_of(rows[_i].name, "fused"), tape = loss_of(rows[_i].name, "tape");
    ck_assert_msg(isfinite(fused) && fabs(fused - tape) <= 1e-5 * (1 + fabs(tape)), "%s: fused %.9g, tape %.9g",
                  rows[_i].name, fused, tape);
}
END_TEST

START_TEST(the_program_predicts_a_line_for_each_example) {
    if (rows[_i].lines == 0) {
        return; /* the library's test has them */
    }
    const struct outcome outcome = program("predict %s %.0s%s", rows[_i].name, rows[_i].predict, rows[_i].input);
    int lines = 0;
    for (const char *c = outcome.out; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    ck_assert_msg(lines == rows[_i].lines, "%s", outcome.out);
}
END_TEST

/* Mistakes of a file are not those of a flag that nobody gave; a flag that would have no effect is one. */
static const struct {
    const char *arguments, *message;
} misread[] = {
    {"predict table other.csv", "rondo: 'other.csv' has no column '"},
    {"predict table prices.csv --column price", "rondo: --column: reader 'table' of the run has no column of texts"},
    {"predict sign x.npy --column x", "rondo: --column: reader 'arrays' of the run has no column of texts"},
    {"predict play play.txt --column 0", "rondo: --column: reader 'characters' of the run has no column of texts"},
};

START_TEST(files_and_flags_that_do_not_fit_the_run_are_refused) {
    sandbox_write("other.csv", "nothing\n1\n");
    const struct outcome outcome = sandbox_run((struct call){.arguments = misread[_i].arguments});
    assert_status(misread[_i].arguments, &outcome, 2);
    ck_assert_msg(strncmp(outcome.err, misread[_i].message, strlen(misread[_i].message)) == 0, "%s", outcome.err);
}
END_TEST

/* The classes of `signs` are 0 and 1: with room for 4, two are never trained. */
START_TEST(check_names_classes_that_are_never_trained) {
    static const char *const complete[] = {"check sign.yaml", "check play.yaml", "check play_words.yaml"};
    const struct outcome sign = sandbox_run((struct call){.arguments = "check sign.yaml --set data.classes=4"});
    assert_status("sign", &sign, 0);
    assert_parts("sign", sign.out, "one of 4 classes\nclasses without a training example: 2, 3\n");
    for (int i = 0; i < ROWS(complete); i++) {
        const struct outcome all = sandbox_run((struct call){.arguments = complete[i]});
        assert_status(complete[i], &all, 0);
        ck_assert_ptr_null(strstr(all.out, "without a training example"));
    }
}
END_TEST

/* `parts` of standard error; "": there is no warning. */
static const struct {
    const char *arguments, *parts;
} repeated[] = {
    {"check play.yaml --set data.test=play.txt",
     "rondo: warning: --set data.test=play.txt: 'data.test' has the same examples as 'data.train', |{last: SHARE}"},
    {"check table.yaml --set data.test=link.csv", "link.csv: 'data.test' has the same examples as 'data.train'"},
    {"check table.yaml --json --set data.test=prices.csv", "\"warning\":\"|'data.test' has the same examples"},
    {"check table.yaml --set data.valid=copy.csv --set data.test=copy.csv",
     "test=copy.csv: 'data.test' has the same examples as 'data.valid'"},
    {"check sign.yaml --set data.test.input=x.npy --set data.test.target=signs.npy",
     "--set data.test.input=x.npy: 'data.test' has the same examples as 'data.train'"},
    {"train table.yaml --quiet --out again --set data.valid=prices.csv",
     "'data.valid' has the same examples as 'data.train'"},
    {"check sign.yaml --set data.test.input=copy.npy --set data.test.target=signs.npy", ""},
    {"check table.yaml --set data.test=copy.csv", ""},
    {"check table.yaml", ""},
};

START_TEST(files_that_were_trained_already_are_told) {
    sandbox_copy("x.npy", "copy.npy");
    sandbox_copy("prices.csv", "copy.csv");
    ck_assert(symlink(sandbox_path("prices.csv"), sandbox_path("link.csv")) == 0 || errno == EEXIST);
    const struct outcome outcome = sandbox_run((struct call){.arguments = repeated[_i].arguments});
    assert_status(repeated[_i].arguments, &outcome, 0);
    assert_parts(repeated[_i].arguments, outcome.err, repeated[_i].parts);
    ck_assert_int_eq(outcome.err[0] == '\0', repeated[_i].parts[0] == '\0');
}
END_TEST

/* ---- rondo/rondo.h ---- */

START_TEST(a_program_predicts_arrays_of_any_architecture) {
    if (rows[_i].by_arrays == 0) {
        return;
    }
    char error[1024];
    rondo_run *run = rondo_run_open(sandbox_path("%s", rows[_i].name), 1, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    ck_assert_int_eq(rondo_run_stream(run, "input", NULL), WIDTH);
    ck_assert_int_eq(rondo_run_stream(run, "inputs", NULL), -1);
    static float x[EXAMPLES][STEPS][WIDTH];
    rondo_input inputs[EXAMPLES];
    for (int i = 0; i < EXAMPLES; i++) {
        for (int t = 0; t < STEPS; t++) {
            for (int k = 0; k < WIDTH; k++) {
                x[i][t][k] = number_at(i, t, k);
            }
        }
        inputs[i] = (rondo_input){"input", x[i], rows[_i].by_arrays / WIDTH};
    }
    const rondo_result *all, *one;
    ck_assert_msg(rondo_run_predict_inputs(run, inputs, EXAMPLES, 1, &all, error, sizeof error) == RONDO_OK, "%s",
                  error);
    const int64_t outputs = rondo_run_outputs(run), steps = rondo_result_steps(all, 7);
    ck_assert_int_eq(steps, rows[_i].architecture[2] == 'N' ? STEPS : 1);
    float *values = calloc((size_t)(steps * outputs), sizeof *values);
    memcpy(values, rondo_result_values(all, 7), (size_t)(steps * outputs) * sizeof *values);
    ck_assert_ptr_nonnull(rondo_result_text(all, 7));
    /* Alone, the example gets the same bits. */
    ck_assert_int_eq(rondo_run_predict_inputs(run, &inputs[7], 1, 1, &one, error, sizeof error), RONDO_OK);
    ck_assert_mem_eq(values, rondo_result_values(one, 0), (size_t)(steps * outputs) * sizeof *values);
    for (int64_t i = 0; i < steps * outputs; i++) {
        ck_assert(isfinite(values[i]));
    }
    free(values);
    rondo_run_close(run);
}
END_TEST

static const struct {
    rondo_input input;
    const char *expected;
} refused[] = {
    {{"inptu", "", 1}, "example 0: the run has no stream 'inptu' (did you mean 'input'?)"},
    {{"input", NULL, 1}, "example 0: stream 'input' has no values"},
    {{"input", "", 0}, "example 0: stream 'input' has no values"},
    {{"target", "", 1}, "example 0: stream 'input' is missing"},
    {{"input", (const float[]){0, NAN}, 1}, "example 0: number 1 of stream 'input' is not finite"},
    {{NULL, "a text", -1}, "reader 'arrays' of the run does not read texts"},
};

START_TEST(inputs_that_do_not_fit_are_refused) {
    char error[1024];
    rondo_run *run = rondo_run_open(sandbox_path("sign"), 1, error, sizeof error);
    const rondo_result *result = (const rondo_result *)error;
    ck_assert_int_eq(rondo_run_predict_inputs(run, &refused[_i].input, 1, 1, &result, error, sizeof error),
                     RONDO_INVALID);
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error, refused[_i].expected);
    rondo_run_close(run);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("from files");
    TCase *cases = tcase_create("from files");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, threads_change_no_bit_of_the_weights, 0, ROWS(rows));
    tcase_add_loop_test(cases, both_engines_give_the_same_loss, 0, ROWS(rows));
    tcase_add_loop_test(cases, the_program_predicts_a_line_for_each_example, 0, ROWS(rows));
    tcase_add_test(cases, check_names_classes_that_are_never_trained);
    tcase_add_loop_test(cases, files_that_were_trained_already_are_told, 0, ROWS(repeated));
    tcase_add_loop_test(cases, files_and_flags_that_do_not_fit_the_run_are_refused, 0, ROWS(misread));
    tcase_add_loop_test(cases, a_program_predicts_arrays_of_any_architecture, 0, ROWS(rows));
    tcase_add_loop_test(cases, inputs_that_do_not_fit_are_refused, 0, ROWS(refused));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
