/* tests/test_generated_texts.c: evaluations that generate, for metrics that compare texts. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"

/* Words of two to five of four letters, and the same letters as capitals; the network that spells them is not perfect. */
static const char experiment[] =
    "rondo: 1\n"
    "name: spell\n"
    "architecture: \"N:N\"\n"
    "data:\n"
    "  {reader: pairs, train: train.tsv, valid: valid.tsv, test: test.tsv, header: true,\n"
    "   columns: {source: word, target: capitals}, tokens: {source: characters}}\n"
    "model:\n"
    "  feedback: true\n"
    "  embedding: {size: 8}\n"
    "  encoder: [{cell: gru, hidden: 12}]\n"
    "  bridge: learnt\n"
    "  layers: [{cell: gru, hidden: 16}]\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "metrics: [exact_match, word_error_rate, bleu]\n"
    "optimizer: {plugin: adam, lr: 0.02}\n"
    "schedule: {epochs: 6, batch: 16, seed: 1, early_stopping: {metric: valid.exact_match}}\n"
    "generate: {max_length: 8}\n";

enum { TEST_WORDS = 60 };

/* Letter number `at` of word number i: the words are the same each time. */
static char letter(int i, int at) {
    return (char)('a' + (i * 7 + at * (i / 3 + 1) + i * at * at) % 4);
}

/* Rows of words first .. first + count - 1, from the last on if `reversed`. */
static void write_words(const char *name, int first, int count, int reversed) {
    char *text = sandbox_memory((size_t)count * 32 + 64), *to = text;
    to += sprintf(to, "word\tcapitals\n");
    for (int k = 0; k < count; k++) {
        const int i = reversed ? first + count - 1 - k : first + k, length = 2 + i % 4;
        for (int at = 0; at < length; at++) {
            *to++ = letter(i, at);
        }
        *to++ = '\t';
        for (int at = 0; at < length; at++) {
            to += sprintf(to, "%s%c", at == 0 ? "" : " ", letter(i, at) - 'a' + 'A');
        }
        *to++ = '\n';
    }
    *to = '\0';
    sandbox_write(name, text);
}

static struct outcome rondo(const char *arguments) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    return outcome;
}

static void setup(void) {
    sandbox_open();
    sandbox_write("e.yaml", experiment);
    write_words("train.tsv", 0, 240, 0);
    write_words("valid.tsv", 300, 40, 0);
    write_words("test.tsv", 400, TEST_WORDS, 0);
    rondo("train e.yaml --quiet --threads 1 --out run");
}

/* A figure of `rondo eval`. */
static double figure(const char *arguments, const char *name) {
    const struct outcome outcome = rondo(arguments);
    json_t *figures = json_loads(outcome.out, 0, NULL);
    ck_assert_msg(figures != NULL, "%s prints '%s'", arguments, outcome.out);
    json_t *value = json_object_get(figures, name);
    ck_assert_msg(json_is_number(value), "%s: '%s' has no number '%s'", arguments, outcome.out, name);
    const double number = json_number_value(value);
    json_decref(figures);
    return number;
}

/* ---- what is compared ---- */

/* The texts that the run writes for the sources of a file, a line each. */
static char *written_for(const char *run, const char *file) {
    char *text = sandbox_read(file, NULL), *sources = sandbox_memory(strlen(text) + 1), *to = sources;
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        const size_t length = strcspn(line, "\t");
        memcpy(to, line, length);
        to += length;
        *to++ = '\n';
    }
    *to = '\0';
    sandbox_write("sources.txt", sources);
    char arguments[200];
    snprintf(arguments, sizeof arguments, "generate %s --prompt-file sources.txt", run);
    const struct outcome outcome = rondo(arguments);
    const size_t size = strlen(outcome.out) + 1;
    return memcpy(sandbox_memory(size), outcome.out, size);
}

START_TEST(figures_are_those_of_the_texts_that_generate_writes) {
    char *written = written_for("run", "test.tsv"), *data = sandbox_read("test.tsv", NULL);
    int right = 0, count = 0;
    const char *line = strchr(data, '\n') + 1;
    for (char *text = strtok(written, "\n"); text != NULL; text = strtok(NULL, "\n"), count++) {
        const char *target = strchr(line, '\t') + 1;
        const size_t length = strcspn(target, "\n");
        right += strlen(text) == length && strncmp(text, target, length) == 0;
        line = target + length + 1;
    }
    ck_assert_int_eq(count, TEST_WORDS);
    ck_assert_msg(right > 0 && right < count, "%d of %d: the test needs right and wrong texts", right, count);
    ck_assert_double_eq(figure("eval run --json", "exact_match"), (double)right / count);
}
END_TEST

START_TEST(any_target_of_a_source_is_right) {
    const char *written = written_for("run", "test.tsv"), *data = sandbox_read("test.tsv", NULL);
    const char *word = strchr(data, '\n') + 1;
    char text[400], first[64];
    snprintf(first, sizeof first, "%.*s\t%.*s", (int)strcspn(word, "\t"), word, (int)strcspn(written, "\n"), written);
    const int length = (int)strcspn(word, "\t");
    snprintf(text, sizeof text, "word\tcapitals\n%s\n%.*s\tD D D D\n%.*s\tA\n", first, length, word, length, word);
    sandbox_write("several.tsv", text);
    snprintf(text, sizeof text, "word\tcapitals\n%.*s\tD D D D\n%.*s\tA\n%s\n", length, word, length, word, first);
    sandbox_write("last.tsv", text);
    ck_assert_double_eq(figure("eval run --json --data several.tsv", "exact_match"), 1);
    ck_assert_double_eq(figure("eval run --json --data last.tsv", "exact_match"), 1);
    ck_assert_double_eq(figure("eval run --json --data last.tsv", "word_error_rate"), 0);
}
END_TEST

/* Most targets are words that occur once, so that the most probable text is the unknown word. */
START_TEST(an_unknown_symbol_is_never_right) {
    char *text = sandbox_memory(4000), *to = text + sprintf(text, "word\tcapitals\n");
    for (int i = 0; i < 60; i++) {
        to += sprintf(to, "%c\t%s%d\n", 'a' + i % 4, i % 10 == 0 ? "seen" : "rare", i % 10 == 0 ? 0 : i);
    }
    sandbox_write("rare.tsv", text);
    rondo(
        "train e.yaml --quiet --out rare --set data.train=rare.tsv --set data.valid=rare.tsv --set data.test=rare.tsv "
        "--set data.min_count=2 --set generate.unknown=allow");
    ck_assert_ptr_nonnull(strstr(written_for("rare", "rare.tsv"), "<unk>"));
    ck_assert_double_eq(figure("eval rare --json", "exact_match"), 0);
}
END_TEST

/* ---- independence ---- */

START_TEST(threads_and_the_order_of_examples_change_no_bit) {
    static const char *const names[] = {"exact_match", "word_error_rate", "bleu"};
    write_words("reversed.tsv", 400, TEST_WORDS, 1);
    for (int i = 0; i < ROWS(names); i++) {
        const double expected = figure("eval run --json --threads 1", names[i]);
        ck_assert_double_eq(figure("eval run --json --threads 2", names[i]), expected);
        ck_assert_double_eq(figure("eval run --json --data reversed.tsv", names[i]), expected);
    }
}
END_TEST

/* The figures of each epoch in metrics.jsonl, without what depends on time. */
static void read_epochs(const char *run, double *values, int *best) {
    char name[100];
    snprintf(name, sizeof name, "%s/metrics.jsonl", run);
    char *text = sandbox_read(name, NULL);
    int epoch = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        json_t *valid = json_object_get(object, "valid");
        if (valid != NULL) {
            values[epoch++] = json_number_value(json_object_get(valid, "exact_match"));
        } else {
            *best = (int)json_integer_value(json_object_get(object, "best_epoch"));
        }
        json_decref(object);
    }
    ck_assert_int_eq(epoch, 6);
}

START_TEST(early_stopping_keeps_the_epoch_with_the_best_texts) {
    double one[6], two[6];
    int best = 0, same = 0;
    read_epochs("run", one, &best);
    ck_assert(one[best - 1] > one[0]);
    for (int epoch = 0; epoch < 6; epoch++) {
        ck_assert_msg(one[epoch] <= one[best - 1], "epoch %d has %g, the best %g", epoch + 1, one[epoch],
                      one[best - 1]);
    }
    rondo("train e.yaml --quiet --threads 2 --out threads");
    read_epochs("threads", two, &same);
    ck_assert_int_eq(same, best);
    ck_assert_mem_eq(one, two, sizeof one);
    ck_assert_double_eq_tol(figure("eval run --json --on valid", "exact_match"), one[best - 1],
                            1e-6); /* as it is written */
}
END_TEST

START_TEST(a_resumed_run_has_the_figures_of_one_without_a_pause) {
    double whole[6], resumed[6];
    int best = 0, same = 0;
    read_epochs("run", whole, &best);
    rondo("train e.yaml --quiet --threads 1 --out paused --set schedule.epochs=3");
    rondo("train --resume paused --quiet --threads 1 --set schedule.epochs=6");
    read_epochs("paused", resumed, &same);
    ck_assert_int_eq(same, best);
    ck_assert_mem_eq(whole, resumed, sizeof whole);
}
END_TEST

START_TEST(settings_of_generate_hold) {
    rondo("train e.yaml --quiet --threads 1 --out short --set generate.max_length=1 --set schedule.epochs=1");
    ck_assert_double_eq(figure("eval short --json", "exact_match"), 0); /* all words are longer */
}
END_TEST

/* ---- refused ---- */

static const struct {
    const char *experiment, *parts;
} refused[] = {
    {"architecture: \"N:N\"\n"
     "data: {reader: characters, train: text.txt, window: 8}\n"
     "model: {feedback: true, embedding: {size: 4}, layers: [{cell: gru, hidden: 4}]}\n",
     "r.yaml:7:11: metric 'bleu' compares texts that the model generates with those of the data, and this model reads "
     "no "
     "source or input that a text could be right for"},
    {"architecture: \"N:1\"\n"
     "data: {reader: synthetic, task: parity, train: 8}\n"
     "model: {layers: [{cell: gru, hidden: 4}]}\n",
     "metric 'bleu' compares texts that the model generates with those of the data, and this model does not "
     "generate: "},
};

START_TEST(metrics_of_texts_need_a_model_that_generates) {
    char text[1000];
    sandbox_write("text.txt", "abc abd abe abf\nabc abd abe abf\n");
    snprintf(text, sizeof text,
             "rondo: 1\nname: r\n%sloss: {plugin: softmax_cross_entropy}\nmetrics: [bleu]\n"
             "optimizer: {plugin: sgd, lr: 0.1}\nschedule: {epochs: 1, batch: 2, seed: 1}\n",
             refused[_i].experiment);
    sandbox_write("r.yaml", text);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "check r.yaml"});
    assert_status(refused[_i].experiment, &outcome, 2);
    assert_parts(refused[_i].experiment, outcome.err, refused[_i].parts);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("generated_texts");
    TCase *cases = tcase_create("generated_texts");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, figures_are_those_of_the_texts_that_generate_writes);
    tcase_add_test(cases, any_target_of_a_source_is_right);
    tcase_add_test(cases, an_unknown_symbol_is_never_right);
    tcase_add_test(cases, threads_and_the_order_of_examples_change_no_bit);
    tcase_add_test(cases, early_stopping_keeps_the_epoch_with_the_best_texts);
    tcase_add_test(cases, a_resumed_run_has_the_figures_of_one_without_a_pause);
    tcase_add_test(cases, settings_of_generate_hold);
    tcase_add_loop_test(cases, metrics_of_texts_need_a_model_that_generates, 0, ROWS(refused));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
