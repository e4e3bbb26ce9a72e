/* tests/test_locale.c: numbers are read and written in the same way in every locale: by core/number.h, by the command
 * and through rondo/rondo.h.
 *
 * The locales are compiled into the sandbox from the sources of the package 'locales'. A process runs in one of them,
 * and its output and files are compared with those of the command in the locale "C".
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <dlfcn.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/number.h"
#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* One with a decimal comma, and one whose decimal point is a character of two bytes. */
static const char *const locales[] = {"de_DE", "ps_AF"};

/* Cells, options and data with fractions in them. */
static const char experiment[] =
    "rondo: 1\n"
    "name: fractions\n"
    "architecture: \"N:1\"\n"
    "data: {reader: text, target: number, train: numbers.tsv, valid: numbers.tsv, test: numbers.tsv}\n"
    "model:\n"
    "  embedding: {size: 4, dropout: 0.25}\n"
    "  layers: [{cell: ./cell.yaml, hidden: 4, dropout: 0.125, zoneout: 0.1, clip: 2.5, leak: 0.75}]\n"
    "  pool: mean\n"
    "loss: {plugin: huber, delta: 0.5}\n"
    "optimizer: {plugin: adam, lr: 0.0123, weight_decay: 1.5e-3}\n"
    "schedule: {epochs: 2, batch: 8, seed: 1, learning_rate: {plugin: exponential, factor: 0.97, unit: steps}}\n";
static const char cell[] = "cell: cell\n"
                           "options: {leak: {default: 0.5, min: 0.25, max: 1}}\n"
                           "state: [h]\n"
                           "equations: |\n"
                           "  u = hard_sigmoid(x @ W + h @ U + b) * 1.5e-1\n"
                           "  h' = leak * h + (1 - leak) * u\n"
                           "init: {W: 0.5 * glorot, U: \"uniform(-0.25, 0.25)\", b: 0.125}\n";

static void compile_locale(const char *name) {
    char command[4096];
    snprintf(command, sizeof command, "localedef --no-archive -i %s -f UTF-8 '%s'", name,
             sandbox_path("locales/%s.UTF-8", name));
    ck_assert_msg(system(command) == 0,
                  "failed: %s (the Debian package 'locales' has the sources of locales; 'make "
                  "deps' installs it)",
                  command);
}

static void setup(void) {
    sandbox_open();
    sandbox_write("locales/empty", "");
    for (int i = 0; i < ROWS(locales); i++) {
        compile_locale(locales[i]);
    }
    setenv("LOCPATH", sandbox_path("locales"), 1);
    /* The program looks for plug-ins and cells in folders next to it. */
    sandbox_copy(variable("RONDO_PROGRAM"), "bin/rondo");
    sandbox_copy(variable("RONDO_PROGRAM_IN_LOCALE"), "bin/rondo-in-locale");
    ck_assert_int_eq(symlink(variable("RONDO_TEST_PLUGINS"), sandbox_path("bin/plugins")), 0);
    ck_assert_int_eq(symlink(variable("RONDO_CELL_PATH"), sandbox_path("bin/cells")), 0);
    tiny_write();
    sandbox_write("fractions.yaml", experiment);
    sandbox_write("cell.yaml", cell);
    sandbox_write("numbers.tsv", "tea\t0.5\nlovely soup\t1.25\nawful soup\t-1e-1\n");
}

static const char *locale_name(int index) {
    char *name = sandbox_memory(64);
    snprintf(name, 64, "%s.UTF-8", locales[index]);
    return name;
}

static void enter_locale(int index) {
    ck_assert_msg(setlocale(LC_ALL, locale_name(index)) != NULL, "there is no locale '%s'", locale_name(index));
    ck_assert_str_ne(localeconv()->decimal_point, ".");
}

/* ---- core/number.h ---- */

static const struct {
    const char *text;
    double value;
    const char *rest; /* after the number */
} numbers[] = {
    {"0.5", 0.5, ""},     {"-1.25e-3x", -1.25e-3, "x"},
    {"1,5", 1, ",5"},     {"  .5", 0.5, ""},
    {"1.5.5", 1.5, ".5"}, {"x", 0, "x"},
    {"", 0, ""},          {"1.7976931348623157e308", DBL_MAX, ""},
};

START_TEST(numbers_are_read_and_written_with_points) {
    enter_locale(_i);
    for (int i = 0; i < ROWS(numbers); i++) {
        char *end;
        ck_assert_double_eq(number_parse(numbers[i].text, &end), numbers[i].value);
        ck_assert_str_eq(end, numbers[i].rest);
    }
    char text[64];
    ck_assert_int_eq(number_print(text, sizeof text, "%s %.2f %g", "a", 0.25, 1e-9), 12);
    ck_assert_str_eq(text, "a 0.25 1e-09");
    ck_assert_int_eq(number_print(text, 5, "%.17g", 0.125), 5);
    ck_assert_str_eq(text, "0.12");
    ck_assert_str_eq(number_shortest(0.1, 1).text, "0.1");
    ck_assert_str_eq(number_shortest(0.1, 15).text, "0.1");
    ck_assert_str_eq(number_shortest(1.0 / 3, 6).text, "0.3333333333333333");
    ck_assert_str_ne(localeconv()->decimal_point, "."); /* the process keeps its locale */
}
END_TEST

START_TEST(shortest_text_reads_back_as_the_same_bits) {
    enter_locale(_i);
    uint64_t word = 1;
    for (int i = 0; i < 20000; i++) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        const uint64_t bits = word ^ word >> 29;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        const double again = number_parse(number_shortest(value, 1 + i % 17).text, NULL);
        ck_assert_msg(memcmp(&again, &value, sizeof value) == 0, "%a gives %s, which is %a", value,
                      number_shortest(value, 1 + i % 17).text, again);
    }
}
END_TEST

/* ---- the command ---- */

/* Each is run in "C", then in another locale; "RUN" stands for the run that was trained in the same one. */
enum { MISTAKES = 2 }; /* the first commands are mistakes */
static const char *const commands[] = {
    "check e.yaml --set optimizer.lr=0,5",
    "check e.yaml --set optimizer.lr=-5.5",
    "check fractions.yaml",
    "check fractions.yaml --json",
    "train fractions.yaml --quiet --out RUN",
    "eval RUN --on test",
    "eval RUN --on test --json",
    "predict RUN test.tsv",
    "predict RUN --json test.tsv",
    "list optimizer/adam",
    "list --json",
    "cells show ./cell.yaml --program",
    "cells show ./cell.yaml --json",
};

/* The name of run number `index`, trained in "C" or in the other locale. Both names have the same length.
 */
static const char *run_name(int index, int is_other) {
    char *name = sandbox_memory(16);
    snprintf(name, 16, "run-%d-%d", index, is_other);
    return name;
}

/* `text` with `new` for each `old`. */
static char *with(const char *text, const char *old, const char *new) {
    char *copy = sandbox_memory(strlen(text) + 256);
    copy[0] = '\0';
    const char *found;
    for (; (found = strstr(text, old)) != NULL; text = found + strlen(old)) {
        snprintf(copy + strlen(copy), strlen(text) + 256, "%.*s%s", (int)(found - text), text, new);
    }
    return strcat(copy, text);
}

static struct outcome run_in(int index, int is_other, const char *arguments) {
    const char *locale = is_other ? locale_name(index) : "C";
    char *setting = sandbox_memory(64);
    snprintf(setting, 64, "LC_ALL=%s", locale);
    return sandbox_run((struct call){.arguments = with(arguments, "RUN", run_name(index, is_other)),
                                     .program = sandbox_path(is_other ? "bin/rondo-in-locale" : "bin/rondo"),
                                     .environment = setting});
}

/* A copy without the line of the memory that `check` predicts, which differs from run to run, or, of JSON, without the
 * end that begins there. */
static char *without_memory(const char *text) {
    const char *line = strstr(text, " of memory for training"), *json = strstr(text, "\"memory_megabytes\"");
    const char *begin = line != NULL ? line : json != NULL ? json : text + strlen(text);
    while (line != NULL && begin > text && begin[-1] != '\n') {
        begin--;
    }
    const char *end = line == NULL ? "" : strchr(line, '\n');
    char *copy = sandbox_memory(strlen(text) + 1);
    sprintf(copy, "%.*s%s", (int)(begin - text), text, end == NULL ? "" : end);
    return copy;
}

static void assert_same(const char *what, const char *plain, const char *other) {
    size_t line = 0; /* where the line of the first difference begins */
    for (size_t i = 0; plain[i] == other[i] && plain[i] != '\0'; i++) {
        line = plain[i] == '\n' ? i + 1 : line;
    }
    ck_assert_msg(strcmp(plain, other) == 0, "%s: '%.300s', in the locale \"C\" '%.300s'", what, other + line,
                  plain + line);
}

static void compare_files(const char *name, int index) {
    size_t size, other_size;
    const char *plain = sandbox_read(sandbox_path("%s/%s", run_name(index, 0), name), &size);
    const char *other = sandbox_read(sandbox_path("%s/%s", run_name(index, 1), name), &other_size);
    if (memchr(plain, '\0', size) == NULL) {
        assert_same(name, plain, other);
    }
    ck_assert_msg(size == other_size && memcmp(plain, other, size) == 0, "%s differs", name);
}

/* Measured values differ, so timings.jsonl is not compared. But each number must have a decimal point. */
static void check_timings(int index) {
    char *text = sandbox_read(sandbox_path("%s/timings.jsonl", run_name(index, 1)), NULL);
    int count = 0;
    for (char *at = text; (at = strstr(at, "\"seconds\":")) != NULL; count++) {
        at += strlen("\"seconds\":");
        ck_assert_msg(at[strspn(at, "0123456789")] == '.', "%.20s seconds", at);
    }
    ck_assert_int_eq(count, 3); /* two epochs, and the whole training */
}

START_TEST(command_does_the_same_in_every_locale) {
    for (int i = 0; i < ROWS(commands); i++) {
        const struct outcome plain = run_in(_i, 0, commands[i]), other = run_in(_i, 1, commands[i]);
        assert_status(commands[i], &plain, i < MISTAKES ? 2 : 0);
        assert_status(commands[i], &other, plain.status);
        assert_same(commands[i], without_memory(plain.out),
                    without_memory(with(other.out, run_name(_i, 1), run_name(_i, 0))));
        assert_same(commands[i], plain.err, with(other.err, run_name(_i, 1), run_name(_i, 0)));
    }
    compare_files("weights.safetensors", _i);
    compare_files("experiment.yaml", _i);
    compare_files("reader.json", _i);
    compare_files("metrics.jsonl", _i);
    check_timings(_i);
}
END_TEST

/* ---- another program ---- */

START_TEST(run_is_opened_and_predicts_in_every_locale) {
    static const char *const texts[] = {"the soup was lovely", "", "awful"};
    void *library = dlopen(variable("RONDO_SHARED"), RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    __typeof__(&rondo_run_open) open_run;
    __typeof__(&rondo_run_predict) predict;
    __typeof__(&rondo_run_close) close_run;
    memcpy(&open_run, (void *[]){dlsym(library, "rondo_run_open")}, sizeof open_run);
    memcpy(&predict, (void *[]){dlsym(library, "rondo_run_predict")}, sizeof predict);
    memcpy(&close_run, (void *[]){dlsym(library, "rondo_run_close")}, sizeof close_run);
    const struct outcome outcome = run_in(_i, 0, "train e.yaml --out embedded-RUN --quiet");
    assert_status("train", &outcome, 0);
    float predictions[2][6];
    for (int i = 0; i < 2; i++) {
        char error[1024];
        rondo_run *run = open_run(sandbox_path("embedded-%s", run_name(_i, 0)), 1, error, sizeof error);
        ck_assert_msg(run != NULL, "%s", error);
        ck_assert_msg(predict(run, texts, 3, predictions[i], error, sizeof error) == RONDO_OK, "%s", error);
        close_run(run);
        enter_locale(_i);
    }
    ck_assert_mem_eq(predictions[0], predictions[1], sizeof predictions[0]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("locale");
    TCase *cases = tcase_create("locale");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, numbers_are_read_and_written_with_points, 0, ROWS(locales));
    tcase_add_loop_test(cases, shortest_text_reads_back_as_the_same_bits, 0, ROWS(locales));
    tcase_add_loop_test(cases, command_does_the_same_in_every_locale, 0, ROWS(locales));
    tcase_add_loop_test(cases, run_is_opened_and_predicts_in_every_locale, 0, ROWS(locales));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
