/* tests/test_unfinished.c: a new run says that the last one of its experiment is unfinished. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static void setup(void) {
    sandbox_open();
    tiny_write();
}

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* Removes the last line of the metrics, as if the run had been killed. */
static void make_unfinished(const char *run) {
    char name[200];
    size_t size;
    snprintf(name, sizeof name, "%s/metrics.jsonl", run);
    char *text = sandbox_read(name, &size);
    text[size - 1] = '\0';
    char *last = strrchr(text, '\n') + 1;
    ck_assert_ptr_nonnull(strstr(last, "\"finished\""));
    sandbox_write_bytes(name, text, (size_t)(last - text));
}

static const struct {
    const char *name;
    int runs;                  /* before the new one */
    const char *unfinished[2]; /* of them */
    const char *bare;          /* of them, the one without checkpoints; NULL: all have some */
    const char *warning;       /* "": none */
    const char *next;          /* the folder of the new run */
} runs[] = {
    {"tiny", 0, {NULL}, NULL, "", "runs/tiny"},
    {"tiny", 1, {NULL}, NULL, "", "runs/tiny-2"},
    {"tiny",
     1,
     {"runs/tiny"},
     NULL,
     "rondo: warning: the run 'runs/tiny' is unfinished, with a checkpoint after step 9; to go on with it: rondo train "
     "--resume runs/tiny\n",
     "runs/tiny-2"},
    {"tiny",
     2,
     {"runs/tiny", "runs/tiny-2"},
     NULL,
     "to go on with it: rondo train --resume runs/tiny-2\n",
     "runs/tiny-3"},
    {"tiny", 2, {"runs/tiny"}, NULL, "", "runs/tiny-3"},
    {"tiny",
     1,
     {"runs/tiny"},
     "runs/tiny",
     "the run 'runs/tiny' is unfinished, and has no checkpoint yet; to train in it: rondo train --resume runs/tiny\n",
     "runs/tiny-2"},
    {"my run's", 1, {"runs/my run's"}, NULL, ": rondo train --resume 'runs/my run'\\''s'\n", "runs/my run's-2"},
};

START_TEST(a_new_run_warns_of_an_unfinished_one_and_leaves_it_alone) {
    char line[100], path[200];
    snprintf(line, sizeof line, "name: \"%s\"", runs[_i].name);
    tiny_edit("e.yaml", "name:", line);
    for (int i = 0; i < runs[_i].runs; i++) {
        rondo("train e.yaml --quiet", 0);
    }
    for (int i = 0; i < 2 && runs[_i].unfinished[i] != NULL; i++) {
        make_unfinished(runs[_i].unfinished[i]);
    }
    if (runs[_i].bare != NULL) {
        snprintf(path, sizeof path, "%s/checkpoints", runs[_i].bare);
        sandbox_remove(path);
    }
    const char *warning = rondo("train e.yaml --quiet", 0).err;
    ck_assert_int_eq(warning[0] == '\0', runs[_i].warning[0] == '\0');
    assert_parts(runs[_i].name, warning, runs[_i].warning);
    snprintf(path, sizeof path, "%s/weights.safetensors", runs[_i].next);
    ck_assert(sandbox_has(path));
    if (runs[_i].unfinished[0] != NULL) {
        snprintf(path, sizeof path, "%s/metrics.jsonl", runs[_i].unfinished[0]);
        ck_assert_ptr_null(strstr(sandbox_read(path, NULL), "\"finished\""));
    }
}
END_TEST

START_TEST(a_program_reads_the_warning_as_json) {
    rondo("train e.yaml --quiet", 0);
    make_unfinished("runs/tiny");
    json_t *object = json_loads(rondo("train e.yaml --quiet --json", 0).err, 0, NULL);
    ck_assert_ptr_nonnull(object);
    assert_parts("warning", json_string_value(json_object_get(object, "warning")), "rondo train --resume runs/tiny");
    json_decref(object);
}
END_TEST

/* The command of the warning does what it says. */
START_TEST(the_command_of_the_warning_goes_on) {
    rondo("train e.yaml --quiet", 0);
    char *whole = sandbox_read("runs/tiny/metrics.jsonl", NULL);
    make_unfinished("runs/tiny");
    const char *command = strstr(rondo("train e.yaml --quiet", 0).err, "rondo train --resume ");
    ck_assert_ptr_nonnull(command);
    char arguments[200];
    snprintf(arguments, sizeof arguments, "%.*s --quiet", (int)strcspn(command, "\n") - 6, command + 6);
    rondo(arguments, 0);
    ck_assert_str_eq(sandbox_read("runs/tiny/metrics.jsonl", NULL), whole);
}
END_TEST

START_TEST(a_folder_that_is_an_unfinished_run_is_refused_with_the_way_to_go_on) {
    rondo("train e.yaml --quiet --out mine", 0);
    ck_assert_ptr_null(strstr(rondo("train e.yaml --quiet --out mine", 2).err, "--resume"));
    make_unfinished("mine");
    const char *text = rondo("train e.yaml --quiet --out mine", 2).err;
    assert_parts("refusal", text, "rondo train --resume mine\n|'mine' exists and is not empty");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unfinished");
    TCase *cases = add_case(suite, "unfinished", 60, setup, sandbox_close);
    tcase_add_loop_test(cases, a_new_run_warns_of_an_unfinished_one_and_leaves_it_alone, 0, ROWS(runs));
    tcase_add_test(cases, a_program_reads_the_warning_as_json);
    tcase_add_test(cases, the_command_of_the_warning_goes_on);
    tcase_add_test(cases, a_folder_that_is_an_unfinished_run_is_refused_with_the_way_to_go_on);
    return run_suite(suite);
}
