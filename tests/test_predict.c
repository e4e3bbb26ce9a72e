/* tests/test_predict.c: what `rondo predict` and `rondo eval` read and print: texts from lines and from columns of tables,
 * one line of output per text whatever the labels contain, and mistakes as text or as JSON.
 *
 * The environment names the program: RONDO_PROGRAM.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* The plain name `great`, and a label with everything that a terminal would act upon: LF, TAB, ESC, a C1 control, and a
 * mark that reverses text. */
#define STRANGE "very\nbad\t\x1b[31m\xc2\x9b\xe2\x80\xae!"

static struct outcome rondo(const char *arguments, const char *input, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, status);
    return outcome;
}

static void setup(void) {
    sandbox_open();
    tiny_write();
    rondo("train e.yaml --out run --quiet", NULL, 0);
    sandbox_write("table.csv", "id,text,label\n1,\"soup, lovely\",great\n2,tea awful,other\n3,soup awful,other\n"
                               "4,\"tea\nlovely\",great\n");
    sandbox_write("lines.txt", "soup, lovely\ntea awful\nsoup awful\ntea lovely\n");
    rondo("train e.yaml --out named --quiet --set data.train=table.csv --set data.valid=table.csv --set "
          "data.test=table.csv --set data.header=true --set data.columns.text=text --set data.columns.label=label",
          NULL, 0);
    sandbox_write("strange.csv", "soup,great\ntea,\"" STRANGE "\"\npie,great\nbread,\"" STRANGE "\"\n");
    rondo("train e.yaml --out strange --quiet --set data.train=strange.csv --set data.valid=strange.csv --set "
          "optimizer.lr=0.5 --set schedule.epochs=20",
          NULL, 0);
}

static int count_lines(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* ---- output ---- */

static void assert_no_controls(const char *what, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        ck_assert_msg((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t', "%s: byte 0x%02x in '%s'", what,
                      (unsigned char)*c, text);
    }
    ck_assert_msg(strstr(text, "\xc2\x9b") == NULL && strstr(text, "\xe2\x80\xae") == NULL, "%s: '%s'", what, text);
}

START_TEST(a_prediction_is_one_line_whatever_the_label_contains) {
    const struct outcome outcome = rondo("predict strange", "tea\nsoup\nbread\n", 0);
    ck_assert_int_eq(count_lines(outcome.out), 3);
    assert_no_controls("predict", outcome.out);
    assert_parts("predict", outcome.out, "very\\nbad\\t\\x1b[31m\\u{9b}\\u{202e}!\t|great\t");
}
END_TEST

START_TEST(json_has_the_label_exactly) {
    const struct outcome outcome = rondo("predict strange --json", "tea\n", 0);
    ck_assert_int_eq(count_lines(outcome.out), 1);
    json_t *object = json_loads(outcome.out, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(object, "label")), STRANGE);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(object, "probabilities"), STRANGE));
    json_decref(object);
}
END_TEST

START_TEST(text_of_others_cannot_control_the_terminal) {
    sandbox_write("unknown.csv", "tea,\"\x1b]0;title\x07\nrondo: done\"\n");
    sandbox_write("\x1b[2Jfile.tsv", "tea\tgreat\n");
    tiny_edit("strange.yaml", "name:", "\"na\\eme\": 1");
    const char *const calls[] = {"eval strange --data unknown.csv",
                                 "eval run --data \x1b[2Jfile.tsv",
                                 "predict run \x1b[2Jnothing",
                                 "check e.yaml --set data.train=strange.csv --set data.valid=strange.csv",
                                 "check strange.yaml",
                                 "train e.yaml --out \x1b[2Jrun",
                                 "check --\x1b[2J"};
    for (int i = 0; i < ROWS(calls); i++) {
        const struct outcome outcome = sandbox_run((struct call){.arguments = calls[i]});
        assert_no_controls(calls[i], outcome.out);
        assert_no_controls(calls[i], outcome.err);
    }
    const struct outcome forged = rondo(calls[0], NULL, 2);
    assert_parts(calls[0], forged.err, "label '\\x1b]0;title\\x07\\nrondo: done' in column 1 is not among");
    ck_assert_int_eq(count_lines(forged.err), 1);
}
END_TEST

/* ---- input ---- */

static const struct {
    const char *arguments, *input;
} same[] = {
    {"predict named table.csv --column text", NULL},
    {"predict named table.csv --column 1", NULL},
    {"predict named table.csv --column \"text\"", NULL},
    {"predict named --column text", "text\n\"soup, lovely\"\ntea awful\nsoup awful\ntea lovely\n"},
    {"predict named - --column=label", "label,id\n\"soup, lovely\",1\ntea awful,2\nsoup awful,3\ntea lovely,4\n"},
    {"predict named", "\xef\xbb\xbfsoup, lovely\r\ntea awful\r\nsoup awful\r\ntea lovely\r\n"},
};

START_TEST(texts_are_predicted_the_same_from_lines_and_from_columns) {
    const struct outcome expected = rondo("predict named lines.txt", NULL, 0);
    ck_assert_int_eq(count_lines(expected.out), 4);
    ck_assert_str_eq(rondo(same[_i].arguments, same[_i].input, 0).out, expected.out);
}
END_TEST

/* A pipe has no size, and its name says nothing about the format. */
START_TEST(a_table_may_come_from_a_pipe) {
    const struct outcome expected = rondo("predict named table.csv --column text", NULL, 0);
    char command[4096], text[4096];
    snprintf(command, sizeof command, "cat '%s' | '%s' predict '%s' --column text", sandbox_path("table.csv"),
             variable("RONDO_PROGRAM"), sandbox_path("named"));
    FILE *stream = popen(command, "r");
    ck_assert_ptr_nonnull(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    ck_assert_int_eq(pclose(stream), 0);
    ck_assert_str_eq(text, expected.out);
}
END_TEST

/* More texts than one batch. */
START_TEST(long_tables_are_predicted_row_by_row) {
    enum { COUNT = 1000 };
    char *table = sandbox_memory(32 * COUNT + 32), *lines = sandbox_memory(32 * COUNT + 32);
    size_t t = (size_t)sprintf(table, "text,x\n"), l = 0;
    for (int i = 0; i < COUNT; i++) {
        const char *text = i % 3 == 0 ? "soup, lovely" : i % 3 == 1 ? "tea" : "";
        t += (size_t)sprintf(table + t, "\"%s\",%d\n", text, i);
        l += (size_t)sprintf(lines + l, "%s\n", text);
    }
    sandbox_write("long.csv", table);
    const struct outcome expected = rondo("predict named", lines, 0);
    ck_assert_int_eq(count_lines(expected.out), COUNT);
    ck_assert_str_eq(rondo("predict named long.csv --column text", NULL, 0).out, expected.out);
}
END_TEST

static const struct {
    const char *arguments, *input, *err;
} refused[] = {
    {"predict named table.csv --column body", NULL,
     "--column: 'table.csv' has no column 'body'; it has 'id', 'text', 'label'"},
    {"predict named table.csv --column 7", NULL, "--column: 'table.csv' has no column 7; it has 3"},
    {"predict run test.tsv --column text", NULL, "--column: column 'text' is not a number from 0; a name needs header"},
    {"predict named lines.txt --column 0", NULL, "the name 'lines.txt' ends in neither .csv nor .tsv"},
    {"predict named nothing.csv --column 0", NULL, "--column: cannot read 'nothing.csv': there is no such file"},
    {"predict named --column text", "text,label\na,b\nc\n", "standard input:3: 1 field, expected 2"},
    {"predict named --column 0", "a\xff\n", "standard input:1:2: byte 0xff is not valid UTF-8"},
    {"predict named", "soup\rtea\rpie\r", "standard input:1: the lines end in CR, expected LF or CRLF"},
    {"predict named", "soup\n\xc3\n", "standard input:2: this line is not UTF-8 text"},
    {"eval run --data test.tsv --on test", NULL, "--on 'test' is not used with --data 'test.tsv'"},
    {"eval run --data ~/test.tsv", NULL, "there is no such file; '~' is not expanded, so write the full path"},
    {"check e.yaml --set data.train=~/train.tsv", NULL, "there is no such file; '~' is not expanded"},
    {"eval run --data pipe.tsv", NULL,
     "'pipe.tsv' is a pipe or device, expected a regular file; write its contents to"},
};

START_TEST(mistakes_in_the_call_and_its_input_are_refused) {
    if (!sandbox_has("pipe.tsv")) {
        ck_assert_int_eq(mkfifo(sandbox_path("pipe.tsv"), 0600), 0);
    }
    assert_parts(refused[_i].arguments, rondo(refused[_i].arguments, refused[_i].input, 2).err, refused[_i].err);
}
END_TEST

START_TEST(a_line_that_is_no_text_has_an_empty_output) {
    const struct outcome soup = rondo("predict named", "soup\n", 0);
    const struct outcome outcome = rondo("predict named", "soup\n\xc3\nsoup\n", 2);
    char expected[512];
    snprintf(expected, sizeof expected, "%s\n%s", soup.out, soup.out);
    ck_assert_str_eq(outcome.out, expected);
    assert_parts("message", outcome.err, "standard input:2: this line is not UTF-8 text");
    const struct outcome json = rondo("predict named --json", "soup\n\xc3\nsoup\n", 2);
    assert_parts("JSON", json.out,
                 "{\"text\":\"soup\"|\n{\"text\":\"\",\"error\":\"|not UTF-8 text|}\n{\"text\":\"soup\"");
}
END_TEST

/* A run records absolute paths in YAML, which is UTF-8. */
START_TEST(folder_that_is_not_utf8_is_refused_before_training) {
    sandbox_write("caf\xe9/train.tsv", "soup\tgreat\ntea\tother\n");
    tiny_edit("caf\xe9/e.yaml", "data:", "data: {reader: text, train: train.tsv}");
    const int before = sandbox_entries();
    const struct outcome outcome = rondo("train caf\xe9/e.yaml --out latin1", NULL, 2);
    assert_parts("train", outcome.err, "e.yaml:4:29: the path '|caf\\xe9/train.tsv' is not UTF-8, so a run could not");
    ck_assert_int_eq(sandbox_entries(), before);
    sandbox_remove("caf\xe9");
}
END_TEST

/* ---- mistakes as JSON ---- */

static const struct {
    const char *name, *key, *line; /* the experiment bad.yaml */
    const char *arguments;
    const char *file; /* NULL: null is expected; a number that is 0 also means null */
    int row, column;
    const char *message;
} json_mistakes[] = {
    {"a key", "name:", "naem: tiny", "check bad.yaml --json", "bad.yaml", 2, 1, "unknown key 'naem'"},
    {"a key, in training", "name:", "naem: tiny", "train bad.yaml --json", "bad.yaml", 2, 1, "unknown key 'naem'"},
    {"--set", "name:", "name: t", "check bad.yaml --json --set a=1", "--set a=1", 0, 0, "unknown key 'a'"},
    {"a file", "name:", "name: t", "eval run --json --data no.tsv", "--data", 0, 0, "cannot read 'no.tsv'"},
    {"an example", "name:", "name: t", "eval run --json --data strange.csv", "strange.csv", 2, 0, "label 'very\nbad\t"},
    {"a run", "name:", "name: t", "predict nothing --json", NULL, 0, 0, "'nothing' is not the folder of a run"},
    {"a flag", "name:", "name: t", "predict run --json --jsn", NULL, 0, 0, "unknown flag '--jsn' (did you mean"},
    {"no argument", "name:", "name: t", "gradcheck --json --threads 0", NULL, 0, 0, "--threads expects a number"},
    {"no file", "name:", "name: t", "check --json", NULL, 0, 0, "an argument is missing"},
    {"a cell", "name:", "name: t", "cells show gruu --json", NULL, 0, 0, "there is no cell or block 'gruu'"},
    {"a command", "name:", "name: t", "chekc e.yaml --json", NULL, 0, 0, "unknown command 'chekc' (did you mean"},
    {"an action", "name:", "name: t", "plugin chekc --json", NULL, 0, 0, "unknown action 'chekc' (did you mean"},
    {"a kind", "name:", "name: t", "list optimizr --json", NULL, 0, 0, "optimizr"},
};

static void assert_number_or_null(const char *what, const json_t *value, int expected) {
    ck_assert_msg(expected == 0 ? json_is_null(value) : json_integer_value(value) == expected, "%s: not %d", what,
                  expected);
}

START_TEST(mistakes_are_json_for_programs) {
    tiny_edit("bad.yaml", json_mistakes[_i].key, json_mistakes[_i].line);
    const struct outcome outcome = rondo(json_mistakes[_i].arguments, NULL, 2);
    const char *end = strchr(outcome.err, '\n');
    ck_assert_ptr_nonnull(end);
    json_error_t error;
    json_t *object = json_loadb(outcome.err, (size_t)(end - outcome.err), 0, &error);
    ck_assert_msg(object != NULL, "%s: %s", outcome.err, error.text);
    ck_assert_uint_eq(json_object_size(object), 4);
    const json_t *file = json_object_get(object, "file");
    if (json_mistakes[_i].file == NULL) {
        ck_assert(json_is_null(file));
    } else {
        assert_parts(json_mistakes[_i].name, json_string_value(file), json_mistakes[_i].file);
    }
    assert_number_or_null("line", json_object_get(object, "line"), json_mistakes[_i].row);
    assert_number_or_null("column", json_object_get(object, "column"), json_mistakes[_i].column);
    const char *message = json_string_value(json_object_get(object, "message"));
    ck_assert_msg(strstr(message, json_mistakes[_i].message) != NULL, "%s", message);
    /* The message does not repeat the place. */
    ck_assert_msg(strstr(message, "bad.yaml:") == NULL, "%s", message);
    ck_assert_str_eq(outcome.out, "");
    json_decref(object);
}
END_TEST

/* One object per mistake, each on a line. */
START_TEST(every_mistake_is_an_object) {
    tiny_edit("bad.yaml", "optimizer:", "optimizer: {plugin: adam, lr: -1, beta1: 7}");
    const struct outcome outcome = rondo("check bad.yaml --json", NULL, 2);
    int count = 0;
    for (char *line = strtok((char *)outcome.err, "\n"); line != NULL; line = strtok(NULL, "\n"), count++) {
        json_t *object = json_loads(line, 0, NULL);
        ck_assert_msg(object != NULL, "%s", line);
        ck_assert_int_eq(json_integer_value(json_object_get(object, "line")), 7);
        json_decref(object);
    }
    ck_assert_int_eq(count, 2);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("predict");
    TCase *cases = tcase_create("predict");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_test(cases, a_prediction_is_one_line_whatever_the_label_contains);
    tcase_add_test(cases, json_has_the_label_exactly);
    tcase_add_test(cases, text_of_others_cannot_control_the_terminal);
    tcase_add_loop_test(cases, texts_are_predicted_the_same_from_lines_and_from_columns, 0, ROWS(same));
    tcase_add_test(cases, a_table_may_come_from_a_pipe);
    tcase_add_test(cases, long_tables_are_predicted_row_by_row);
    tcase_add_loop_test(cases, mistakes_in_the_call_and_its_input_are_refused, 0, ROWS(refused));
    tcase_add_test(cases, a_line_that_is_no_text_has_an_empty_output);
    tcase_add_test(cases, folder_that_is_not_utf8_is_refused_before_training);
    tcase_add_loop_test(cases, mistakes_are_json_for_programs, 0, ROWS(json_mistakes));
    tcase_add_test(cases, every_mistake_is_an_object);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
