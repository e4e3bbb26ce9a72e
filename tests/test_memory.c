/* The memory that `rondo check` predicts is that of the training, within 15 %, whatever the reader, the lengths of the
 * examples and the optimizer; and `--max-memory` refuses by it. */
#define _POSIX_C_SOURCE 200809L /* unsetenv */

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/sanitizer.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

/* ---- data ---- */

static uint32_t random_state = 1;

/* A number from 0 to below - 1. */
static int random_below(int below) {
    random_state = random_state * 1664525u + 1013904223u; /* Numerical Recipes */
    return (int)((random_state >> 8) % (uint32_t)below);
}

/* Files are written piece by piece: the measured peak of a program is at least that of the process that starts it. */
static FILE *open_file(const char *name) {
    FILE *file = fopen(sandbox_path("%s", name), "wb");
    ck_assert_ptr_nonnull(file);
    return file;
}

static void close_file(FILE *file) {
    ck_assert_int_eq(ferror(file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Low numbers are the most frequent. */
static void write_word(FILE *file, char end) {
    fprintf(file, "w%d%c", random_below(1 + random_below(3000)), end);
}

/* Writes lines of 1 to 40 words. */
static void write_text(void) {
    enum { LINES = 8000 };
    FILE *file = open_file("data.txt");
    for (int line = 0; line < LINES; line++) {
        for (int left = 1 + random_below(1 + random_below(40)); left > 0; left--) {
            write_word(file, left > 1 ? ' ' : '\n');
        }
    }
    close_file(file);
}

/* Writes texts of 1 to about 250 words, most of them short, with labels. */
static void write_labels(void) {
    enum { TEXTS = 1500 };
    FILE *file = open_file("data.tsv");
    for (int row = 0; row < TEXTS; row++) {
        for (int left = (int)(3 * exp(random_below(1000) / 1000.0 * 4.4)); left > 0; left--) {
            write_word(file, ' ');
        }
        fprintf(file, "end\t%s\n", row % 2 == 0 ? "good" : "bad");
    }
    close_file(file);
}

/* Writes pairs of words, whose lengths have nothing to do with each other. */
static void write_pairs(void) {
    enum { PAIRS = 6000, LONGEST = 40 };
    FILE *file = open_file("data.tsv");
    for (int row = 0; row < PAIRS; row++) {
        for (int left = random_below(LONGEST); left > 0; left--) {
            write_word(file, ' ');
        }
        fprintf(file, "end\t");
        for (int left = random_below(LONGEST); left > 0; left--) {
            write_word(file, ' ');
        }
        fprintf(file, "end\n");
    }
    close_file(file);
}

/* Writes 10,000 grey images of 28 x 28 pixels, and their labels, as IDX files. */
static void write_images(void) {
    enum { COUNT = 10000, SIDE = 28, HEAD = 16, LABEL_HEAD = 8 };
    static const unsigned char head[HEAD] = {0, 0, 8, 3, 0, 0, COUNT >> 8, COUNT & 0xFF, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    static const unsigned char label_head[LABEL_HEAD] = {0, 0, 8, 1, 0, 0, COUNT >> 8, COUNT & 0xFF};
    FILE *images = open_file("images"), *labels = open_file("labels");
    fwrite(head, 1, HEAD, images);
    fwrite(label_head, 1, LABEL_HEAD, labels);
    for (int i = 0; i < COUNT; i++) {
        for (int pixel = 0; pixel < SIDE * SIDE; pixel++) {
            putc(random_below(256), images);
        }
        putc(random_below(10), labels);
    }
    close_file(images);
    close_file(labels);
}

/* Writes a series with a value for each hour, since 1970. */
static void write_series(void) {
    enum { HOURS = 20000, SECONDS = 3600 };
    FILE *file = open_file("data.csv");
    fprintf(file, "time,a,b\n");
    for (int hour = 0; hour < HOURS; hour++) {
        fprintf(file, "%d,%d,%d\n", SECONDS * hour, random_below(1000), random_below(1000));
    }
    close_file(file);
}

/* ---- experiments ---- */

static const struct {
    const char *name;
    void (*write)(void);
    const char *architecture, *data, *model, *loss, *batch;
    const char *optimizer; /* NULL: adam */
} rows[] = {
    {"characters", write_text, "N:N",
     "{reader: characters, train: data.txt, valid: {last: 0.1}, window: 512, carry: true}",
     "{feedback: true, embedding: {size: 16}, layers: [{cell: gru, hidden: 32}]}", "softmax_cross_entropy", "64", NULL},
    {"words", write_text, "N:N",
     "{reader: words, train: data.txt, valid: {last: 0.1}, test: {last: 0.2}, documents: lines}",
     "{feedback: true, embedding: {size: 16}, layers: [{cell: gru, hidden: 16}]}", "softmax_cross_entropy",
     "{steps: 2000}", NULL},
    {"text", write_labels, "N:1", "{reader: text, train: data.tsv, valid: {last: 0.1}, test: {last: 0.2}}",
     "{embedding: {size: 64}, layers: [{cell: gru, hidden: 64}]}", "softmax_cross_entropy", "32", NULL},
    {"pairs", write_pairs, "N:N", "{reader: pairs, train: data.tsv, valid: {share: 0.1}, test: {share: 0.1}}",
     "{feedback: true, embedding: {size: 16}, encoder: [{cell: gru, hidden: 128, direction: both}], layers: [{cell: "
     "gru, "
     "hidden: 32}]}",
     "softmax_cross_entropy", "{steps: 2000}", NULL},
    {"images", write_images, "N:1",
     "{reader: images, train: {input: images, target: labels}, valid: {last: 0.1}, test: {last: 0.1}, as: rows}",
     "{layers: [{cell: gru, hidden: 32}]}", "softmax_cross_entropy", "256", NULL},
    {"series", write_series, "N:1",
     "{reader: series, train: data.csv, valid: {last: 0.1}, test: {last: 0.1}, columns: {time: time, target: a, past: "
     "[b]}, time_format: seconds, window: 96, horizon: 4}",
     "{layers: [{cell: gru, hidden: 32}]}", "huber", "256", NULL},
    {"gradients by rows", write_text, "N:N",
     "{reader: words, train: data.txt, valid: {last: 0.3}, test: {last: 0.2}, documents: lines}",
     "{feedback: true, embedding: {size: 256, lazy: true}, layers: [{cell: gru, hidden: 32}]}", "sampled_softmax",
     "32, accumulate: 2", "{plugin: adam, lr: 0.001, wrappers: [{plugin: ema}]}"},
    {"muon", write_labels, "N:1", "{reader: text, train: data.tsv, valid: {last: 0.1}, test: {last: 0.2}}",
     "{embedding: {size: 64}, layers: [{cell: gru, hidden: 256}]}", "softmax_cross_entropy", "32, accumulate: 4",
     "{plugin: muon}"},
    {"sampled gradients", write_labels, "N:1", "{reader: text, train: data.tsv, valid: {last: 0.1}, test: {last: 0.2}}",
     "{embedding: {size: 64}, layers: [{cell: gru, hidden: 128}]}", "softmax_cross_entropy", "32",
     "{plugin: sophia, wrappers: [{plugin: lookahead}]}"},
};

static const struct call *call_of(const char *arguments) {
    static struct call call;
    call = (struct call){.arguments = arguments};
    return &call;
}

static void write_experiment(int row) {
    char experiment[2000];
    const char *optimizer = rows[row].optimizer == NULL ? "{plugin: adam, lr: 0.001}" : rows[row].optimizer;
    rows[row].write();
    snprintf(experiment, sizeof experiment,
             "rondo: 1\nname: e\narchitecture: \"%s\"\ndata: %s\nmodel: %s\nloss: {plugin: %s}\n"
             "optimizer: %s\nschedule: {epochs: 1, batch: %s, seed: 1}\n",
             rows[row].architecture, rows[row].data, rows[row].model, rows[row].loss, optimizer, rows[row].batch);
    sandbox_write("e.yaml", experiment);
}

static double promised_megabytes(const char *name) {
    const struct outcome checked = sandbox_run(*call_of("check e.yaml --threads 2 --json"));
    assert_status(name, &checked, 0);
    json_t *object = json_loads(checked.out, 0, NULL);
    ck_assert_ptr_nonnull(object);
    const double megabytes = json_number_value(json_object_get(object, "memory_megabytes"));
    json_decref(object);
    return megabytes;
}

/* Of the largest process that this one has waited for. */
static double measured_megabytes(void) {
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

START_TEST(training_takes_the_memory_that_check_promises) {
    write_experiment(_i);
    const struct outcome trained = sandbox_run(*call_of("train e.yaml --threads 2 --quiet --out run"));
    assert_status(rows[_i].name, &trained, 0);
    const double measured = measured_megabytes(), promised = promised_megabytes(rows[_i].name);
    sandbox_remove("run");
    ck_assert_msg(SANITIZER_SHADOW || fabs(promised - measured) < 0.15 * measured,
                  "%s: %.1f MB, and check said %.1f MB", rows[_i].name, measured, promised);
}
END_TEST

/* Runs one part of a batch of the sixteen, so that it also tells how much a training takes that does not fit. */
START_TEST(prediction_takes_less_memory_than_the_training) {
    sandbox_write("e.yaml", "rondo: 1\nname: e\narchitecture: \"N:1\"\n"
                            "data: {reader: synthetic, task: adding, length: 400, train: 512}\n"
                            "model: {layers: [{cell: lstm, hidden: 64}]}\nloss: {plugin: squared_error}\n"
                            "optimizer: {plugin: sgd, lr: 0.1}\nschedule: {epochs: 1, batch: 256, seed: 1}\n");
    const double promised = promised_megabytes("all");
    const double measured = measured_megabytes();
    ck_assert_msg(promised > 200, "%.1f MB", promised);
    ck_assert_msg(SANITIZER_SHADOW || measured < promised / 3, "check took %.1f MB for %.1f MB", measured, promised);
}
END_TEST

START_TEST(limit_refuses_before_the_run_exists_and_changes_no_bit) {
    enum { TEXT_ROW = 2 };
    write_experiment(TEXT_ROW);
    const struct outcome refused = sandbox_run(*call_of("train e.yaml --quiet --out run --max-memory 10M"));
    assert_status("10M", &refused, 2);
    ck_assert(SANITIZER_SHADOW || strstr(refused.err, "schedule.batch") != NULL); /* of the largest part */
    ck_assert(!sandbox_has("run"));
    const struct outcome plain = sandbox_run(*call_of("train e.yaml --quiet --out plain --threads 2"));
    const struct outcome allowed =
        sandbox_run(*call_of("train e.yaml --quiet --out run --threads 2 --max-memory 1.5GiB"));
    assert_status("plain", &plain, 0);
    assert_status("1.5GiB", &allowed, 0);
    const struct outcome longer = sandbox_run(*call_of("train --resume plain --quiet --set schedule.epochs=2"));
    const struct outcome limited =
        sandbox_run(*call_of("train --resume run --quiet --set schedule.epochs=2 --max-memory 1.5GiB"));
    assert_status("longer", &longer, 0);
    assert_status("limited", &limited, 0);
    size_t size, other_size;
    const char *weights = sandbox_read("plain/weights.safetensors", &size);
    const char *other = sandbox_read("run/weights.safetensors", &other_size);
    ck_assert(size == other_size && memcmp(weights, other, size) == 0);
}
END_TEST

int main(void) {
    unsetenv("MALLOC_PERTURB_"); /* set by meson: malloc would write to memory that the programs never use */
    Suite *suite = suite_create("memory");
    TCase *cases = add_case(suite, "memory", 300, NULL, NULL);
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, training_takes_the_memory_that_check_promises, 0, ROWS(rows));
    tcase_add_test(cases, prediction_takes_less_memory_than_the_training);
    tcase_add_test(cases, limit_refuses_before_the_run_exists_and_changes_no_bit);
    return run_suite(suite);
}
