/* tests/test_runs_rm.c: `rondo runs rm` removes what Rondo has written, and nothing else. */
#define _DEFAULT_SOURCE
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* `run` is what all tests copy. */
static void setup(void) {
    sandbox_open();
    tiny_write();
    rondo("train e.yaml --quiet --out run", 0);
    sandbox_write("run/test.json", "{\"part\": \"test\", \"scores\": {}}");
    sandbox_write("run/inspect.json", "{}");
    sandbox_write("run/weights.valid_accuracy.safetensors", "other weights");
    sandbox_write("run/checkpoints/step-000000000004.safetensors.tmp-4711-0", "left by a killed process");
    sandbox_write("mine.txt", "precious");
}

START_TEST(a_run_is_removed_with_its_folder) {
    sandbox_copy("run", "runs/a");
    sandbox_copy("run", "runs/b");
    const struct outcome outcome = rondo("runs rm runs/a/ runs/b ./runs/a --yes", 0);
    ck_assert_str_eq(outcome.out, "removed runs/a\nremoved runs/b\n");
    ck_assert_str_eq(outcome.err, "");
    ck_assert(!sandbox_has("runs/a") && !sandbox_has("runs/b") && sandbox_has("runs"));
}
END_TEST

/* Names that look like Rondo's, and are not; in the run, or in one of its subfolders. */
static const char *const foreign[] = {
    "notes.txt",
    ".hidden",
    "weights.safetensors.bak",
    "experiment.yaml~",
    "cells/notes.txt",
    "checkpoints/step-7.safetensors",
    "checkpoints/step-000000000009.safetensors.old",
    "plots/loss.svg",
    "cells/deep/er.yaml",
    "metrics.jsonl.tmp-12",
    "weights..tmp-1-2-3",
};

START_TEST(what_is_not_rondos_stays) {
    char file[96], folder[64], warning[160];
    snprintf(folder, sizeof folder, "stays/%d", _i);
    snprintf(file, sizeof file, "%s/%s", folder, foreign[_i]);
    sandbox_copy("run", folder);
    sandbox_write(file, "precious");
    char arguments[96];
    snprintf(arguments, sizeof arguments, "runs rm %s --yes", folder);
    const struct outcome outcome = rondo(arguments, 0);
    ck_assert_str_eq(sandbox_read(file, NULL), "precious");
    snprintf(warning, sizeof warning, "rondo: warning: '%s/", folder);
    ck_assert_msg(strstr(outcome.err, warning) != NULL && strstr(outcome.err, "is not Rondo's, and stays") != NULL,
                  "'%s' is not in %s", warning, outcome.err);
    snprintf(file, sizeof file, "%s/experiment.yaml", folder);
    ck_assert(!sandbox_has(file));
}
END_TEST

/* A link is neither followed nor removed, whatever it is called. */
START_TEST(links_are_not_followed) {
    sandbox_copy("run", "linked/a");
    sandbox_remove("linked/a/cells");
    sandbox_remove("linked/a/weights.safetensors");
    sandbox_copy("run/cells", "elsewhere/cells");
    ck_assert_int_eq(symlink("../../elsewhere/cells", sandbox_path("linked/a/cells")), 0);
    ck_assert_int_eq(symlink("../../mine.txt", sandbox_path("linked/a/weights.safetensors")), 0);
    rondo("runs rm linked/a --yes", 0);
    ck_assert_str_eq(sandbox_read("mine.txt", NULL), "precious");
    ck_assert(sandbox_has("elsewhere/cells/gru.yaml") && sandbox_has("linked/a/cells"));
    ck_assert(!sandbox_has("linked/a/metrics.jsonl"));

    sandbox_copy("run", "linked/b");
    ck_assert_int_eq(symlink("b", sandbox_path("linked/to-b")), 0);
    assert_parts("link", rondo("runs rm linked/to-b --yes", 2).err, "'linked/to-b' is a link to a folder");
    assert_parts("link/", rondo("runs rm linked/to-b/ --yes", 2).err, "'linked/to-b' is a link to a folder");
    ck_assert(sandbox_has("linked/b/weights.safetensors"));
}
END_TEST

/* One mistake among the names: nothing is removed. */
static const struct {
    const char *name, *error;
} mistakes[] = {
    {"e.yaml", "'e.yaml' is a file, expected the folder of a run"},
    {"nowhere", "there is no folder 'nowhere'"},
    {"whole", "'whole' is not the folder of a run; 'rondo runs ls whole --each' lists the 1 in it"},
    {"whole/grid", "'whole/grid' is a comparison, expected one run"},
    {".", "'.' is not the folder of a run"},
};

START_TEST(nothing_is_removed_if_a_name_is_wrong) {
    char folder[32], arguments[96];
    snprintf(folder, sizeof folder, "right/%d", _i);
    sandbox_copy("run", folder);
    sandbox_copy("run", "whole/grid/runs/gru/seed-1");
    sandbox_write("whole/grid/comparison.json", "{}");
    snprintf(arguments, sizeof arguments, "runs rm %s %s --yes", folder, mistakes[_i].name);
    assert_parts(arguments, rondo(arguments, 2).err, mistakes[_i].error);
    strcat(folder, "/weights.safetensors");
    ck_assert(sandbox_has(folder) && sandbox_has("whole/grid/runs/gru/seed-1/weights.safetensors"));
}
END_TEST

START_TEST(a_run_that_is_trained_now_is_not_removed) {
    sandbox_copy("run", "now");
    const int descriptor = open(sandbox_path("now/metrics.jsonl"), O_RDWR);
    ck_assert_int_eq(flock(descriptor, LOCK_EX | LOCK_NB), 0);
    assert_parts("rm", rondo("runs rm now --yes", 2).err,
                 "a process trains in 'now' now: wait until it has ended, or end it");
    ck_assert(sandbox_has("now/weights.safetensors"));
    close(descriptor);
    assert_parts("dot", rondo("runs rm now/. --yes", 2).err, "'now/.' does not name the folder, expected its name");
    ck_assert(sandbox_has("now/weights.safetensors"));
    rondo("runs rm now --yes", 0);
    ck_assert(!sandbox_has("now"));
}
END_TEST

/* Nobody can be asked: what would be lost is printed, and nothing is removed. */
START_TEST(without_a_terminal_it_needs_yes) {
    sandbox_copy("run", "grid/runs/gru/seed-1");
    sandbox_write("grid/comparison.json", "{}");
    const struct outcome outcome = rondo("runs rm grid/runs/gru/seed-1", 2);
    assert_parts("rm", outcome.err,
                 "grid/runs/gru/seed-1  finished |part of the comparison 'grid', which would train it again|"
                 "nothing was removed: --yes removes this run without a question");
    ck_assert(sandbox_has("grid/runs/gru/seed-1/weights.safetensors"));
    assert_parts("rm --yes", rondo("runs rm grid/runs/gru/seed-1 --yes", 0).err,
                 "warning: 'grid/runs/gru/seed-1' was part of the comparison 'grid', which would train it again");
}
END_TEST

/* Folders in any state are removed, also one that was left by a removal that was interrupted. */
START_TEST(damaged_runs_are_removed) {
    static const char *const missing[] = {"experiment.yaml", "weights.safetensors", "checkpoints",
                                          "cells",           "reader.json",         "timings.jsonl"};
    sandbox_copy("run", "damaged");
    for (int i = 0; i <= _i; i++) {
        char file[64];
        snprintf(file, sizeof file, "damaged/%s", missing[i]);
        sandbox_remove(file);
    }
    rondo("runs rm damaged --yes", 0);
    ck_assert(!sandbox_has("damaged"));
}
END_TEST

START_TEST(a_folder_that_cannot_be_changed_stays_a_run) {
    if (geteuid() == 0) {
        return; /* root may do everything */
    }
    sandbox_copy("run", "closed/run");
    ck_assert_int_eq(chmod(sandbox_path("closed/run"), 0500), 0);
    assert_parts("rm", rondo("runs rm closed/run --yes", 1).err, "cannot remove 'closed/run/");
    ck_assert_int_eq(chmod(sandbox_path("closed/run"), 0700), 0);
    rondo("runs show closed/run", 0);
}
END_TEST

START_TEST(strange_names_are_removed) {
    sandbox_copy("run", "strange/x");
    ck_assert_int_eq(rename(sandbox_path("strange/x"), sandbox_path("strange/-a'\n\xff")), 0);
    assert_parts("rm", rondo("runs rm --yes -- strange/-a'\n\xff", 0).out, "removed strange/-a'\\n\\xff\n");
    ck_assert(!sandbox_has("strange/-a'\n\xff"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("runs_rm");
    TCase *test_case = tcase_create("removal");
    tcase_set_timeout(test_case, 60);
    tcase_add_unchecked_fixture(test_case, setup, sandbox_close);
    tcase_add_test(test_case, a_run_is_removed_with_its_folder);
    tcase_add_loop_test(test_case, what_is_not_rondos_stays, 0, ROWS(foreign));
    tcase_add_test(test_case, links_are_not_followed);
    tcase_add_loop_test(test_case, nothing_is_removed_if_a_name_is_wrong, 0, ROWS(mistakes));
    tcase_add_test(test_case, a_run_that_is_trained_now_is_not_removed);
    tcase_add_test(test_case, without_a_terminal_it_needs_yes);
    tcase_add_loop_test(test_case, damaged_runs_are_removed, 0, 6);
    tcase_add_test(test_case, a_folder_that_cannot_be_changed_stays_a_run);
    tcase_add_test(test_case, strange_names_are_removed);
    suite_add_tcase(suite, test_case);
    return run_suite(suite);
}
