/* tests/test_unfinished.c: a new run says that the last one of its experiment is unfinished; one command begins a run or goes on
 * with it. */
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

/* ---- one command that begins a run, goes on with it, and prints its result ---- */

#define REPEATED "train e.yaml --resume mine --quiet --json"

/* A run `mine` before the command. */
static void leave_nothing(void) {
}

static void leave_empty_folder(void) {
    rondo("train e.yaml --quiet --out mine", 0);
    sandbox_remove("mine");
    sandbox_write("mine/x", "");
    sandbox_remove("mine/x");
}

/* What a process has written that was killed as it started: the last file is missing. */
static void leave_half_start(void) {
    rondo("train e.yaml --quiet --out whole", 0);
    sandbox_copy("whole/reader.json", "mine/reader.json");
    sandbox_copy("whole/cells", "mine/cells");
    sandbox_write("mine/metrics.jsonl", "");
    sandbox_write("mine/timings.jsonl", "");
    sandbox_write("mine/environment.json.tmp-1234567-0", "{");
}

static void leave_run_without_checkpoint(void) {
    rondo("train e.yaml --quiet --out mine", 0);
    sandbox_remove("mine/checkpoints");
    sandbox_remove("mine/weights.safetensors");
    sandbox_write("mine/metrics.jsonl", "");
}

static void leave_unfinished(void) {
    rondo("train e.yaml --quiet --out mine --set schedule.checkpoint.every.steps=4 --set schedule.checkpoint.keep=9",
          0);
    sandbox_remove("mine/checkpoints/step-000000000009.safetensors");
    make_unfinished("mine");
}

static void leave_finished(void) {
    rondo("train e.yaml --quiet --out mine", 0);
}

static void leave_shorter(void) {
    rondo("train e.yaml --quiet --out mine --set schedule.epochs=2", 0);
}

static void (*const left[])(void) = {
    leave_nothing,    leave_empty_folder, leave_half_start, leave_run_without_checkpoint,
    leave_unfinished, leave_finished,     leave_shorter};

START_TEST(one_command_begins_goes_on_and_prints_the_result) {
    static const char *const files[] = {"metrics.jsonl", "weights.safetensors", "reader.json"};
    rondo("train e.yaml --quiet --out alone", 0);
    left[_i]();
    const struct outcome first = rondo(REPEATED, 0), second = rondo(REPEATED, 0);
    assert_parts("result", first.out, "\"run\":|mine|\"epochs\": 3");
    ck_assert_str_eq(first.out, second.out);
    ck_assert_str_eq(second.err, "");
    for (int i = 0; i < ROWS(files); i++) {
        size_t sizes[2];
        const char *alone = sandbox_read(sandbox_path("alone/%s", files[i]), &sizes[0]);
        const char *mine = sandbox_read(sandbox_path("mine/%s", files[i]), &sizes[1]);
        ck_assert_msg(sizes[0] == sizes[1] && memcmp(alone, mine, sizes[0]) == 0, "row %d: %s differs", _i, files[i]);
    }
    rondo("train --resume mine --quiet", 0);
}
END_TEST

/* What `mine` is, and the refusal of the command with these flags. */
static const struct {
    void (*leave)(void);
    const char *flags, *parts;
} refusals[] = {
    {leave_unfinished, "--set optimizer.lr=0.1", "'optimizer.lr' was 0.05 when the run was trained, and is 0.1"},
    {leave_finished, "--set optimizer.lr=0.1", "'optimizer.lr' was 0.05 when the run was trained, and is 0.1"},
    {leave_run_without_checkpoint, "--set optimizer.lr=0.1", "'optimizer.lr' was 0.05 when the run was trained"},
    {leave_unfinished, "--set name=another", "'name' was tiny when the run was trained, and is another"},
    {leave_finished, "--set optimizer.plugin=sgd",
     "'optimizer.plugin' was adam when the run was trained, and is sgd: a "},
    {leave_finished, "--out other", "--resume goes on in the folder of the run"},
};

START_TEST(one_command_refuses_another_experiment) {
    char line[300];
    refusals[_i].leave();
    const int entries = sandbox_entries();
    const char *experiment = sandbox_read("mine/experiment.yaml", NULL);
    snprintf(line, sizeof line, "%s %s", REPEATED, refusals[_i].flags);
    assert_parts(refusals[_i].flags, rondo(line, 2).err, refusals[_i].parts);
    ck_assert_int_eq(sandbox_entries(), entries);
    ck_assert_str_eq(sandbox_read("mine/experiment.yaml", NULL), experiment);
}
END_TEST

START_TEST(one_command_leaves_other_files_alone) {
    sandbox_write("mine/metrics.jsonl", "");
    sandbox_write("mine/notes.txt", "my own");
    assert_parts("refusal", rondo(REPEATED, 2).err, "'mine' is not the folder of a run");
    ck_assert_str_eq(sandbox_read("mine/notes.txt", NULL), "my own");
    ck_assert(sandbox_has("mine/metrics.jsonl"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unfinished");
    TCase *cases = add_case(suite, "unfinished", 60, setup, sandbox_close);
    tcase_add_loop_test(cases, a_new_run_warns_of_an_unfinished_one_and_leaves_it_alone, 0, ROWS(runs));
    tcase_add_test(cases, a_program_reads_the_warning_as_json);
    tcase_add_test(cases, the_command_of_the_warning_goes_on);
    tcase_add_test(cases, a_folder_that_is_an_unfinished_run_is_refused_with_the_way_to_go_on);
    tcase_add_loop_test(cases, one_command_begins_goes_on_and_prints_the_result, 0, ROWS(left));
    tcase_add_loop_test(cases, one_command_refuses_another_experiment, 0, ROWS(refusals));
    tcase_add_test(cases, one_command_leaves_other_files_alone);
    return run_suite(suite);
}
