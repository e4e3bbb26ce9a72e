/* tests/test_score.c: `rondo score`: log-probabilities of parts, files and lines, which agree with `rondo eval`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"

/* A language model of lines such as "the cat sat on the mat", which carries its states from window to window. */
static const char experiment[] =
    "rondo: 1\nname: e\narchitecture: \"N:N\"\n"
    "data: {reader: characters, train: t.txt, valid: {last: 0.1}, test: {last: 0.1}, window: 16, carry: true}\n"
    "model: {feedback: true, embedding: {size: 8}, layers: [{cell: gru, hidden: 16}]}\n"
    "loss: {plugin: softmax_cross_entropy, label_smoothing: 0.1}\nmetrics: [bits_per_symbol]\n"
    "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 3, batch: 8}\n";

static struct outcome rondo(const char *arguments, const char *input, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, status);
    return outcome;
}

static void setup(void) {
    static const char *const animals[] = {"cat", "dog", "rat", "cow"}, *const places[] = {"mat", "hill", "road"};
    char text[8192] = "";
    for (int i = 0; i < 150; i++) {
        char line[64];
        snprintf(line, sizeof line, "the %s sat on the %s\n", animals[(i * 7 + i / 5) % 4],
                 places[(i * 5 + i / 7) % 3]);
        strcat(text, line);
    }
    sandbox_open();
    sandbox_write("e.yaml", experiment);
    sandbox_write("t.txt", text);
    sandbox_write("other.txt", "the dog sat on the cat\nthe x sat\n");
    rondo("train e.yaml --quiet --out carried", NULL, 0);
    rondo("train e.yaml --quiet --out lines --set data.documents=lines --set data.carry=false", NULL, 0);
    rondo("train e.yaml --quiet --out cut --set data.carry=false --set schedule.batch=null --set "
          "schedule.batch.steps=100",
          NULL, 0);
}

static json_t *parse(const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
    ck_assert_msg(value != NULL, "no JSON: %s in '%.300s'", error.text, text);
    return value;
}

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "there is no number '%s'", key);
    return json_number_value(value);
}

/* The last object that a command prints has the total. */
static json_t *total_of(const char *output) {
    const char *line = strstr(output, "{\"total\":");
    ck_assert_msg(line != NULL, "no total in '%s'", output);
    json_t *object = parse(line), *total = json_incref(json_object_get(object, "total"));
    json_decref(object);
    return total;
}

/* ---- parts and files ---- */

static const char *const evaluated[] = {
    "carried --on test",        "carried --on valid",     "carried --on train", "carried --data other.txt",
    "lines --on valid",         "lines --data other.txt", "cut --on test",      "cut --on train",
    "cut --on test --threads 2"};

START_TEST(bits_per_symbol_are_those_of_eval) {
    char arguments[128];
    snprintf(arguments, sizeof arguments, "score %s --json --total", evaluated[_i]);
    json_t *total = total_of(rondo(arguments, NULL, 0).out);
    snprintf(arguments, sizeof arguments, "eval %s --json", evaluated[_i]);
    json_t *scores = parse(rondo(arguments, NULL, 0).out);
    ck_assert_double_eq_tol(number_of(total, "bits_per_symbol"), number_of(scores, "bits_per_symbol"), 1e-6);
    ck_assert_double_eq_tol(number_of(total, "perplexity"), number_of(scores, "perplexity"), 1e-5);
    ck_assert_double_eq(number_of(total, "symbols"), number_of(scores, "rows"));
    json_decref(scores);
    json_decref(total);
}
END_TEST

/* The symbols of a file follow each other as in the file, whatever windows it was cut into. */
/* Texts of a file are printed as those of lines are; a part of one long text is not. */
START_TEST(texts_of_a_file_are_printed) {
    sandbox_write("one.txt", "the dog sat on the cat\n");
    const char *typed = rondo("score lines", "the dog sat on the cat\n", 0).out;
    assert_parts("lines", rondo("score lines --data one.txt", NULL, 0).out, "\tthe dog sat on the cat\n");
    assert_parts("typed", typed, "\tthe dog sat on the cat\n");
    ck_assert_ptr_null(strstr(rondo("score carried --data one.txt", NULL, 0).out, "the dog"));
    json_t *object = parse(rondo("score lines --data one.txt --json", NULL, 0).out);
    ck_assert_str_eq(json_string_value(json_object_get(object, "text")), "the dog sat on the cat");
    json_decref(object);
}
END_TEST

START_TEST(symbols_are_in_the_order_of_the_text) {
    const struct outcome outcome = rondo("score cut --data other.txt --symbols", NULL, 0);
    char text[256] = "";
    for (const char *line = outcome.out; *line != '\0' && *line != '\n'; line = strchr(line, '\n') + 1) {
        const char *symbol = strchr(line, '\t') + 1;
        strncat(text, symbol, strcspn(symbol, "\n"));
    }
    ck_assert_str_eq(text, "the\xE2\x90\xA3"
                           "dog\xE2\x90\xA3"
                           "sat\xE2\x90\xA3"
                           "on\xE2\x90\xA3"
                           "the\xE2\x90\xA3"
                           "cat\\nthe\xE2\x90\xA3"
                           "<unk>\xE2\x90\xA3"
                           "sat\\n");
}
END_TEST

START_TEST(unknown_symbols_are_counted_and_left_out) {
    json_t *total = total_of(rondo("score carried --data other.txt --json", NULL, 0).out);
    ck_assert_double_eq(number_of(total, "unknown"), 1);
    ck_assert_double_eq(number_of(total, "symbols"), 33);
    const double known = number_of(total, "log_probability_without_unknown");
    ck_assert_double_gt(known, number_of(total, "log_probability"));
    ck_assert_double_eq_tol(number_of(total, "bits_per_symbol_without_unknown"), -known / (32 * log(2)), 1e-9);
    json_decref(total);
    assert_parts("text", rondo("score cut --data other.txt", NULL, 0).out,
                 "total: 1 text, 33 symbols, log-probability -|; without 1 unknown, log-probability -");
}
END_TEST

/* ---- lines of text ---- */

/* Each line is a text of its own, with its end if the model has learned one; what `rondo predict` says of the same line agrees. */
START_TEST(lines_are_scored_one_by_one) {
    const struct outcome outcome = rondo("score lines --json", "the dog sat on the mat\nthe cat\n\n", 0);
    json_t *first = parse(outcome.out), *second = parse(strchr(outcome.out, '\n') + 1);
    ck_assert_str_eq(json_string_value(json_object_get(first, "text")), "the dog sat on the mat");
    ck_assert_double_eq(number_of(first, "symbols"), 23);
    ck_assert_double_eq(number_of(second, "symbols"), 8);
    json_t *total = total_of(outcome.out), *alone = parse(rondo("score lines --json", "the cat\n", 0).out);
    ck_assert_double_eq(number_of(total, "texts"), 3);
    ck_assert_double_eq(number_of(total, "symbols"), 23 + 8 + 1);
    ck_assert_double_eq(number_of(alone, "log_probability"), number_of(second, "log_probability"));
    json_t *predicted = parse(rondo("predict carried --json", "the dog sat on the mat\n", 0).out);
    json_t *scored = parse(rondo("score carried --json", "the dog sat on the mat\n", 0).out);
    ck_assert_double_eq(number_of(scored, "symbols"), 22);
    ck_assert_double_eq_tol(number_of(scored, "bits_per_symbol"), number_of(predicted, "bits_per_symbol"), 1e-5);
    json_decref(first);
    json_decref(second);
    json_decref(total);
    json_decref(alone);
    json_decref(predicted);
    json_decref(scored);
}
END_TEST

/* More lines than are scored together, from a file and from standard input, in their order. */
START_TEST(lines_keep_their_order_and_their_scores) {
    char text[16384] = "";
    for (int i = 0; i < 300; i++) {
        strcat(text, i % 3 == 0 ? "the cat sat on the hill\n" : i % 3 == 1 ? "the rat\n" : "\n");
    }
    sandbox_write("many.txt", text);
    const char *output = rondo("score carried many.txt", NULL, 0).out;
    ck_assert_str_eq(rondo("score carried --threads 1", text, 0).out, output);
    ck_assert_str_eq(rondo("score carried --symbols", "the x\n", 0).out,
                     rondo("score carried --symbols -", "the x\n", 0).out);
    const char *first = output, *line = output;
    for (int i = 0; i < 300; i++, line = strchr(line, '\n') + 1) {
        if (i % 3 == 0) {
            ck_assert(strncmp(line, first, strcspn(first, "\n") + 1) == 0);
        } else if (i % 3 == 2) {
            ck_assert(strncmp(line, "0.0000\t0\t-\t\n", 12) == 0);
        }
    }
    ck_assert(strncmp(line, "total: 300 texts, 3000 symbols, log-probability -", 49) == 0);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *arguments, *error;
} mistakes[] = {
    {"score", "an argument is missing"},
    {"score nothing", "'nothing' is not the folder of a run: it has no experiment.yaml"},
    {"score carried --on middle", "unknown part of the data 'middle', expected train, valid or test"},
    {"score carried --on test --data other.txt", "there is more than one thing to score: name a part with --on, a file "
                                                 "with --data, or files of texts"},
    {"score carried --on test other.txt", "there is more than one thing to score"},
    {"score carried --on test --symbols --total", "--symbols is not used with --total, which prints no symbols"},
    {"score carried missing.txt", "missing.txt"},
    {"score carried --data missing.txt", "--data"},
    {"score numbers --on valid", "the run 'numbers' has no probabilities of symbols: its loss is squared_error"},
    {"score carried e.yaml other.txt --best loss,", "--best: "},
    {"score labels", "the run 'labels' is no model of plain texts"},
};

static void setup_mistakes(void) {
    setup();
    sandbox_write("n.tsv", "x\ty\n1\t2\n2\t4\n3\t6\n4\t8\n");
    sandbox_write(
        "n.yaml",
        "rondo: 1\nname: n\narchitecture: \"1:1\"\n"
        "data: {reader: table, train: n.tsv, valid: n.tsv, columns: {input: [x], target: y}, target: number}\n"
        "model: {layers: [{cell: gru, hidden: 4}]}\n"
        "loss: {plugin: squared_error}\noptimizer: {plugin: adam}\nschedule: {epochs: 1}\n");
    rondo("train n.yaml --quiet --out numbers", NULL, 0);
    rondo("train n.yaml --quiet --out labels --set data.target=label --set loss.plugin=softmax_cross_entropy", NULL, 0);
}

START_TEST(mistake_is_reported) {
    const struct outcome outcome = rondo(mistakes[_i].arguments, "", 2);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].error);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("score");
    TCase *parts = tcase_create("parts");
    tcase_add_unchecked_fixture(parts, setup, sandbox_close);
    tcase_set_timeout(parts, 60);
    tcase_add_loop_test(parts, bits_per_symbol_are_those_of_eval, 0, ROWS(evaluated));
    tcase_add_test(parts, texts_of_a_file_are_printed);
    tcase_add_test(parts, symbols_are_in_the_order_of_the_text);
    tcase_add_test(parts, lines_are_scored_one_by_one);
    tcase_add_test(parts, lines_keep_their_order_and_their_scores);
    tcase_add_test(parts, unknown_symbols_are_counted_and_left_out);
    suite_add_tcase(suite, parts);
    TCase *refused = tcase_create("mistakes");
    tcase_add_unchecked_fixture(refused, setup_mistakes, sandbox_close);
    tcase_set_timeout(refused, 60);
    tcase_add_loop_test(refused, mistake_is_reported, 0, ROWS(mistakes));
    suite_add_tcase(suite, refused);
    return run_suite(suite);
}
