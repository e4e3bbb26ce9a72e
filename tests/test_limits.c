/* tests/test_limits.c: the command when the system limits it: addresses, the length of files, a reader of its output
 * that ends.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* Runs a line of the shell in the sandbox: "$RONDO" is the command, killed after 20 seconds. */
static struct outcome shell(const char *format, const char *arguments) {
    char line[4096], script[8192];
    snprintf(line, sizeof line, format, arguments);
    snprintf(script, sizeof script, "RONDO='timeout -s KILL 20 %s'\nset -o pipefail\n%s\n", variable("RONDO_PROGRAM"),
             line);
    sandbox_write("script.sh", script);
    return sandbox_run((struct call){.program = "/bin/bash", .arguments = "script.sh"});
}

static void setup(void) {
    sandbox_open();
    tiny_write();
}

/* ---- addresses ---- */

/* Limits in kilobytes, from one that the program can be loaded in to one that is enough. */
static const int limits[] = {7000,  7500,  8000,  9000,   10000,  11000,  12000,  13000,  14000,  16000,  18000, 20000,
                             25000, 30000, 60000, 150000, 240000, 300000, 340000, 360000, 380000, 500000, 700000};
static const char *const memory_settings[] = {"$RONDO train --threads 1", "$RONDO train --threads 3",
                                              "$RONDO train --threads 3 --engine tape"};

START_TEST(training_ends_with_any_limit_of_memory) {
    int done = 0;
    for (int i = 0; i < ROWS(limits); i++) {
        char line[512];
        snprintf(line, sizeof line, "ulimit -v %d\n%s e.yaml --quiet --out memory-%d-%d", limits[i],
                 memory_settings[_i], _i, i);
        const struct outcome outcome = shell("%s", line);
        if (outcome.status == 127 && limits[i] < 10000) {
            continue; /* the linker found no room for the program */
        }
        ck_assert_msg(outcome.status == 0 || outcome.status == 1, "%s: %s, expected 0 or 1: %s", line, outcome.end,
                      outcome.err);
        /* libgomp ends the process itself, with a message of its own, if the system refuses a thread or, before main, its own
         * memory: whether it comes to that near a limit depends on how fast the first threads take their memory, and on the size
         * of the program. */
        const int is_libgomp = strcmp(getenv("RONDO_THREADS"), "openmp") == 0 &&
                               (strstr(outcome.err, "libgomp: Thread creation failed") != NULL ||
                                strstr(outcome.err, "libgomp: Out of memory") != NULL);
        ck_assert_msg(outcome.status == 0 || is_libgomp || strstr(outcome.err, "out of memory") != NULL, "%s: %s", line,
                      outcome.err);
        done += outcome.status == 0;
        ck_assert(i + 1 < ROWS(limits) || outcome.status == 0);
    }
    ck_assert_int_lt(done, ROWS(limits)); /* otherwise no limit was too low, and nothing was tested */
}
END_TEST

/* Memory may end while a plug-in is linked, which is no fault of the plug-in. Steps of a few pages, since the limits at which it
 * ends there depend on the size of the program. */
START_TEST(plugin_without_memory_to_link_it_is_not_at_fault) {
    for (int limit = 7000; limit < 9000; limit += 16) {
        char number[16];
        snprintf(number, sizeof number, "%d", limit);
        const struct outcome outcome = shell("ulimit -v %s\n$RONDO check e.yaml --threads 1", number);
        const int is_not_loaded = outcome.status == 127; /* the program itself found no room */
        ck_assert_msg(is_not_loaded || outcome.status == 0 || outcome.status == 1, "%d: %s: %s", limit, outcome.end,
                      outcome.err);
    }
}
END_TEST

/* Writes a file of so many lines, each with words that no other line has. */
static void write_lines(const char *name, int count) {
    FILE *file = fopen(sandbox_path("%s", name), "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < count; i++) {
        fprintf(file, "word%d of%d line%d\tgood\n", i, i, i);
    }
    ck_assert_int_eq(ferror(file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Writes an experiment with this reader and so wide vectors. */
static void write_large(const char *reader, const char *file, int width) {
    char experiment[1000];
    const int is_text = strcmp(reader, "text") == 0;
    snprintf(
        experiment, sizeof experiment,
        "rondo: 1\nname: e\narchitecture: \"%s\"\ndata: {reader: %s, train: %s}\nmodel: {%sembedding: {size: %d}, "
        "layers: [{cell: gru, hidden: 1}]}\nloss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.1}\n"
        "schedule: {epochs: 1, batch: 1, seed: 1}\n",
        is_text ? "N:1" : "N:N", reader, file, is_text ? "" : "feedback: true, ", width);
    sandbox_write("large.yaml", experiment);
}

static const struct {
    const char *reader, *file, *hint;
} large[] = {
    {"text", "big.tsv", "'max_words'"},
    {"words", "big.txt", "'max_words'"},
    {"characters", "big.txt", "a smaller part of the data"},
};

START_TEST(data_that_outgrow_memory_are_refused_by_name) {
    enum { LINES = 400000 };
    write_lines(large[_i].file, LINES);
    write_large(large[_i].reader, large[_i].file, 1);
    int named = 0;
    for (int limit = 20000; limit <= 60000; limit += 8000) {
        char line[200];
        snprintf(line, sizeof line, "ulimit -v %d\n$RONDO train large.yaml --quiet --threads 1 --out large", limit);
        const struct outcome outcome = shell("%s", line);
        ck_assert_msg(outcome.status == 1, "%s: %s: %s", line, outcome.end, outcome.err);
        named += strstr(outcome.err, "large.yaml:4:") != NULL && strstr(outcome.err, large[_i].file) != NULL &&
                 strstr(outcome.err, "out of memory: ") != NULL &&
                 strstr(outcome.err, " MB for the data of '") != NULL && strstr(outcome.err, "'ulimit -v'") != NULL &&
                 strstr(outcome.err, large[_i].hint) != NULL;
    }
    ck_assert_int_ge(named, 1);
}
END_TEST

START_TEST(vocabulary_with_too_large_a_table_is_refused_with_the_keys_that_limit_it) {
    write_lines("words.txt", 1000);
    write_large("words", "words.txt", 65536);
    const struct outcome outcome = shell("ulimit -v %s\n$RONDO train large.yaml --quiet --out large", "600000");
    assert_status("train", &outcome, 2);
    assert_parts("train", outcome.err, "large.yaml:5:|takes at least|data.max_words and data.min_count");
}
END_TEST

/* Megabytes of memory that `rondo check` predicts. */
static double predicted_megabytes(const char *limit) {
    static const char key[] = "\"memory_megabytes\": ";
    const struct outcome outcome = shell("ulimit -v %s\n$RONDO check long.yaml --json --threads 1", limit);
    assert_status(limit, &outcome, 0);
    const char *found = strstr(outcome.out, key);
    ck_assert_msg(found != NULL, "%s: %s", limit, outcome.out);
    return strtod(found + strlen(key), NULL);
}

/* At 160 MB of addresses one part of a batch fits, of sixteen that take 27 MB each; at 50 MB, two of its examples. */
START_TEST(prediction_of_a_training_that_does_not_fit_is_that_without_a_limit) {
    const char *product = getenv("RONDO_PRODUCT");
    const int is_openblas = product != NULL && strcmp(product, "openblas") == 0; /* it takes 203 MB for itself */
    const char *const less[] = {is_openblas ? "363000" : "160000", is_openblas ? "253000" : "50000"};
    sandbox_write("long.yaml", "rondo: 1\nname: e\narchitecture: \"N:1\"\n"
                               "data: {reader: synthetic, task: adding, length: 800, train: 512}\n"
                               "model: {layers: [{cell: lstm, hidden: 64}]}\nloss: {plugin: squared_error}\n"
                               "optimizer: {plugin: sgd, lr: 0.1}\nschedule: {epochs: 1, batch: 256, seed: 1}\n");
    const double promised = predicted_megabytes("unlimited");
    for (int i = 0; i < ROWS(less); i++) {
        const double megabytes = predicted_megabytes(less[i]);
        ck_assert_msg(fabs(megabytes - promised) < 0.05 * promised, "%.1f MB, and %.1f MB at %s kB", promised,
                      megabytes, less[i]);
    }
}
END_TEST

START_TEST(command_that_needs_no_product_ends_in_little_memory) {
    const struct outcome outcome = shell("ulimit -v %s\n$RONDO list optimizer/adam", "20000");
    assert_status("list", &outcome, 0);
    assert_parts("list", outcome.out, "adam|lr");
}
END_TEST

/* ---- length of files ---- */

START_TEST(file_that_may_not_grow_is_like_a_full_disk) {
    struct outcome outcome = shell("ulimit -f 1\n$RONDO train e.yaml --quiet %s", "--out short");
    assert_status("train", &outcome, 1);
    assert_parts("train", outcome.err, "cannot write|File too large");
    ck_assert_msg(!sandbox_has("short"), "half of a run is left behind");
    outcome = shell("ulimit -f 16\n$RONDO train e.yaml --quiet %s", "--out long --set schedule.epochs=200");
    assert_status("train", &outcome, 1);
    assert_parts("train", outcome.err, "metrics.jsonl|the weights of epoch ");
    outcome = shell("ls long | grep %s", "tmp");
    ck_assert_str_eq(outcome.out, "");
    outcome = shell("$RONDO eval long --on %s", "test");
    assert_status("eval", &outcome, 0);
}
END_TEST

/* ---- readers of the output ---- */

static const char *const readers[] = {
    "$RONDO train e.yaml %s 2>&1 | head -1",
    "$RONDO train e.yaml %s 2>&1 | true",
    "$RONDO train e.yaml --json %s | true",
    "{ sleep 0.2; $RONDO train e.yaml %s; } 2>&1 | true",
};

START_TEST(training_goes_on_without_a_reader) {
    char out[32];
    snprintf(out, sizeof out, "--out read-%d", _i);
    const struct outcome outcome = shell(readers[_i], out);
    assert_status(readers[_i], &outcome, 0);
    const char *metrics = sandbox_read(sandbox_path("read-%d/metrics.jsonl", _i), NULL);
    assert_parts(readers[_i], metrics, "\"finished\":true,\"epochs\":3");
    ck_assert(sandbox_has(sandbox_path("read-%d/weights.safetensors", _i)));
}
END_TEST

START_TEST(other_commands_end_with_their_reader) {
    const struct outcome outcome = shell("$RONDO list --json | %s; echo ${PIPESTATUS[0]}", "true");
    assert_status("list", &outcome, 0);
    ck_assert_str_eq(outcome.err, "");
    ck_assert_str_eq(outcome.out, "141\n");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("limits");
    TCase *cases = tcase_create("limits");
    tcase_set_timeout(cases, 280);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    if (has_address_limits()) {
        tcase_add_loop_test(cases, training_ends_with_any_limit_of_memory, 0, ROWS(memory_settings));
        tcase_add_test(cases, plugin_without_memory_to_link_it_is_not_at_fault);
        tcase_add_loop_test(cases, data_that_outgrow_memory_are_refused_by_name, 0, ROWS(large));
        tcase_add_test(cases, vocabulary_with_too_large_a_table_is_refused_with_the_keys_that_limit_it);
        tcase_add_test(cases, prediction_of_a_training_that_does_not_fit_is_that_without_a_limit);
        tcase_add_test(cases, command_that_needs_no_product_ends_in_little_memory);
    }
    tcase_add_test(cases, file_that_may_not_grow_is_like_a_full_disk);
    tcase_add_loop_test(cases, training_goes_on_without_a_reader, 0, ROWS(readers));
    tcase_add_test(cases, other_commands_end_with_their_reader);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
