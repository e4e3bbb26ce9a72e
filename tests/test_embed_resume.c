/* tests/test_embed_resume.c: a program that embeds Rondo ends a training, and goes on with it (rondo/rondo.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static char error[2048];

static void setup(void) {
    variable("RONDO_PLUGIN_PATH");
    sandbox_open();
    tiny_write();
    sandbox_write("alone.yaml", "rondo: 1\n"
                                "name: alone\n"
                                "architecture: \"N:1\"\n"
                                "data: {reader: text, train: train.tsv}\n"
                                "model: {embedding: {size: 4}, layers: [{cell: gru, hidden: 4}], pool: mean}\n"
                                "loss: {plugin: softmax_cross_entropy}\n"
                                "optimizer: {plugin: adam, lr: 0.05, wrappers: [{plugin: ema}]}\n"
                                "schedule: {epochs: 3, batch: 8, seed: 1}\n");
}

/* Ends the training after a number of calls; 0: never. */
struct stop {
    int after, calls;
    int64_t first; /* total_updates at the first call */
};

static int stop_training(void *arg, const rondo_training *training) {
    struct stop *stop = arg;
    ck_assert_msg(stop->after == 0 || stop->calls < stop->after, "called again after it ended the training");
    stop->first = stop->calls == 0 ? training->total_updates : stop->first;
    return ++stop->calls == stop->after;
}

static rondo_experiment *open_experiment(const char *file, const char *const *assignments) {
    rondo_experiment *experiment = rondo_experiment_open(sandbox_path("%s", file), assignments, 1, error, sizeof error);
    ck_assert_msg(experiment != NULL, "%s", error);
    return experiment;
}

static rondo_experiment *resume(const char *folder, const char *const *assignments, int accept_changes) {
    rondo_experiment *experiment =
        rondo_experiment_resume(sandbox_path("%s", folder), assignments, accept_changes, 2, error, sizeof error);
    ck_assert_msg(experiment != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert_ptr_null(rondo_experiment_folder(experiment));
    return experiment;
}

/* Trains, at most to the end of `after` calls, and closes. */
static rondo_status train(rondo_experiment *experiment, const char *folder, int after) {
    struct stop stop = {.after = after};
    const char *path = folder == NULL ? NULL : sandbox_path("%s", folder);
    const rondo_status status = rondo_experiment_train(experiment, path, stop_training, &stop, error, sizeof error);
    ck_assert_msg(status == RONDO_OK || (status == RONDO_INTERRUPTED && stop.calls == after), "%s", error);
    rondo_experiment_close(experiment);
    return status;
}

static void assert_same_files(const char *run, const char *other) {
    static const char *const names[] = {"weights.safetensors", "metrics.jsonl", "experiment.yaml"};
    for (int i = 0; i < ROWS(names); i++) {
        size_t size, other_size;
        char file[200], other_file[200];
        snprintf(file, sizeof file, "%s/%s", run, names[i]);
        snprintf(other_file, sizeof other_file, "%s/%s", other, names[i]);
        const char *bytes = sandbox_read(file, &size), *other_bytes = sandbox_read(other_file, &other_size);
        ck_assert_msg(size == other_size && memcmp(bytes, other_bytes, size) == 0, "%s of '%s' and '%s' differ",
                      names[i], run, other);
    }
}

/* The callback is called after each update and each validation; without validation data, nothing follows the last update. */
static const struct {
    const char *file;
    const char *assignments[4];
    int calls, last; /* of the callback; the last one that can end the training */
} trainings[] = {
    {"e.yaml", {NULL}, 12, 11},
    {"e.yaml", {"schedule.batch=3", "schedule.accumulate=3", NULL}, 12, 11}, /* updates of 3, 3 and 2 batches */
    {"e.yaml", {"schedule.validate.steps=2", NULL}, 14, 13},
    {"e.yaml", {"schedule.early_stopping.patience=1", "schedule.early_stopping.min_delta=10", NULL}, 8, 7},
    {"alone.yaml", {NULL}, 12, 10}, /* without validation data, and with averaged weights */
};

START_TEST(training_that_is_ended_after_every_k_calls_and_resumed_ends_with_the_same_files) {
    const int calls = trainings[_i].calls;
    struct stop all = {0};
    rondo_experiment *experiment = open_experiment(trainings[_i].file, trainings[_i].assignments);
    ck_assert_str_eq(rondo_experiment_warnings(experiment), "");
    ck_assert_msg(rondo_experiment_train(experiment, sandbox_path("whole"), stop_training, &all, error, sizeof error) ==
                      RONDO_OK,
                  "%s", error);
    rondo_experiment_close(experiment);
    ck_assert_int_eq(all.calls, calls);
    for (int k = 1; k <= trainings[_i].last; k += k < 4 ? 1 : 2) {
        char name[40];
        snprintf(name, sizeof name, "after-%d", k);
        rondo_status status = train(open_experiment(trainings[_i].file, trainings[_i].assignments), name, k);
        ck_assert_int_eq(status, RONDO_INTERRUPTED);
        assert_parts(name, error, "interrupted|the checkpoint |the weights ");
        for (int parts = 0; status == RONDO_INTERRUPTED; parts++) {
            ck_assert_int_lt(parts, calls);
            status = train(resume(name, NULL, 0), NULL, k);
        }
        assert_same_files("whole", name);
    }
}
END_TEST

/* Leaves the unfinished run `name`, with checkpoints after steps 4 and 5. */
static void leave_unfinished(const char *name) {
    const char *const assignments[] = {"schedule.checkpoint.every.steps=1", NULL};
    ck_assert_int_eq(train(open_experiment("e.yaml", assignments), name, 6), RONDO_INTERRUPTED);
}

START_TEST(callback_counts_the_updates_before_the_resume) {
    struct stop stop = {0};
    leave_unfinished("counted");
    rondo_experiment *experiment = resume("counted", NULL, 0);
    ck_assert_int_eq(rondo_experiment_train(experiment, NULL, stop_training, &stop, error, sizeof error), RONDO_OK);
    ck_assert_str_eq(rondo_experiment_folder(experiment), sandbox_path("counted"));
    ck_assert_int_eq(stop.first, 6);
    rondo_experiment_close(experiment);
}
END_TEST

START_TEST(checkpoint_that_is_damaged_is_passed_over_with_a_warning) {
    const char *file = "damaged/checkpoints/step-000000000005.safetensors";
    size_t size;
    leave_unfinished("damaged");
    char *bytes = sandbox_read(file, &size);
    bytes[size / 2] = (char)(bytes[size / 2] ^ 1);
    sandbox_write_bytes(file, bytes, size);
    rondo_experiment *experiment = resume("damaged", NULL, 0);
    assert_parts("warnings", rondo_experiment_warnings(experiment), "step-000000000005.safetensors");
    ck_assert_int_eq(train(experiment, NULL, 0), RONDO_OK);
    leave_unfinished("undamaged");
    ck_assert_int_eq(train(resume("undamaged", NULL, 0), NULL, 0), RONDO_OK);
    assert_same_files("undamaged", "damaged");
}
END_TEST

START_TEST(finished_run_is_trained_for_more_epochs) {
    const char *const more[] = {"schedule.epochs=5", NULL};
    ck_assert_int_eq(train(open_experiment("e.yaml", more), "five", 0), RONDO_OK);
    ck_assert_int_eq(train(open_experiment("e.yaml", NULL), "three", 0), RONDO_OK);
    sandbox_copy("three", "before");
    ck_assert_int_eq(train(resume("three", NULL, 0), NULL, 1), RONDO_OK); /* nothing is left, so no call either */
    assert_same_files("before", "three");
    ck_assert_int_eq(train(resume("three", more, 0), NULL, 0), RONDO_OK);
    assert_same_files("five", "three");
}
END_TEST

static void collect(void *arg, int32_t level, const char *origin, const char *text) {
    char *lines = arg;
    const size_t used = strlen(lines);
    ck_assert_int_eq(level, RONDO_LOG_INFO);
    ck_assert_ptr_null(origin);
    snprintf(lines + used, 4096 - used, "%s\n", text);
}

static const struct {
    const char *assignment, *parts; /* of the log */
} failures[] = {
    {"schedule.on_nonfinite=rollback", "the training goes back to step 0, rollback 1, learning rate times 0.5: |\nthe "
                                       "training goes back to step 0, rollback 2, "},
    {"schedule.on_nonfinite=skip", "step 1 is skipped: |\nstep 2 is skipped: "},
};

START_TEST(log_has_what_is_done_about_values_that_are_not_finite) {
    const char *const assignments[] = {failures[_i].assignment, "schedule.nonfinite_limit=2", NULL};
    char lines[4096] = "";
    sandbox_write("infinite.yaml", "cell: infinite\nsource: nobody\nstate: [h]\n"
                                   "equations: |\n  h' = tanh(x @ W + h @ U) * exp(exp(10 + sigmoid(x @ V)))\n");
    tiny_edit("infinite_run.yaml",
              "model:", "model: {embedding: {size: 4}, layers: [{cell: infinite.yaml, hidden: 4}]}");
    rondo_experiment *experiment = open_experiment("infinite_run.yaml", assignments);
    rondo_experiment_set_log(experiment, collect, lines);
    ck_assert_int_eq(rondo_experiment_train(experiment, sandbox_path("failed"), NULL, NULL, error, sizeof error),
                     RONDO_NOT_FINITE);
    assert_parts("log", lines, failures[_i].parts);
    rondo_experiment_close(experiment);
}
END_TEST

/* ---- failures ---- */

static void assert_refused(const char *folder, const char *const *assignments, const char *parts) {
    const char *path = folder == NULL ? NULL : sandbox_path("%s", folder);
    ck_assert_ptr_null(rondo_experiment_resume(path, assignments, 0, 1, error, sizeof error));
    assert_parts(folder == NULL ? "NULL" : folder, error, parts);
}

START_TEST(folder_that_is_no_run_is_refused) {
    sandbox_write("folder/other.txt", "text");
    assert_refused(NULL, NULL, "the folder is NULL");
    assert_refused("nowhere", NULL, "there is no folder '");
    assert_refused("e.yaml", NULL, "e.yaml' is a file, expected the folder of a run");
    assert_refused("folder", NULL, "folder' is not the folder of a run");
    ck_assert_ptr_null(rondo_experiment_resume("folder", NULL, 0, -1, error, sizeof error));
    assert_parts("threads", error, "threads is negative");
    ck_assert_ptr_null(rondo_experiment_resume("/nowhere", NULL, 0, 1, NULL, 0));
}
END_TEST

START_TEST(mistake_in_an_assignment_is_refused) {
    const char *const unknown[] = {"optimizer.rl=1", NULL}, *const fewer[] = {"schedule.epochs=1", NULL};
    leave_unfinished("assigned");
    assert_refused("assigned", unknown, "unknown key 'rl' in optimizer (did you mean 'lr'?)");
    assert_refused("assigned", fewer, "'schedule.epochs' is 1, and the run is already in epoch");
}
END_TEST

START_TEST(run_is_locked_until_it_is_trained_or_closed) {
    leave_unfinished("locked");
    rondo_experiment *experiment = resume("locked", NULL, 0);
    assert_refused("locked", NULL, "this process already trains in '|/locked'");
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train --resume locked"});
    assert_status("a second process", &outcome, 2);
    assert_parts("a second process", outcome.err, "another process trains in 'locked'");
    rondo_experiment_close(experiment);
    experiment = resume("locked", NULL, 0);
    struct stop stop = {.after = 1};
    ck_assert_int_eq(rondo_experiment_train(experiment, NULL, stop_training, &stop, error, sizeof error),
                     RONDO_INTERRUPTED);
    ck_assert_int_eq(train(resume("locked", NULL, 0), NULL, 0), RONDO_OK); /* although the first is still open */
    rondo_experiment_close(experiment);
}
END_TEST

START_TEST(resumed_run_is_trained_once_and_in_its_own_folder) {
    leave_unfinished("once");
    rondo_experiment *experiment = resume("once", NULL, 0);
    ck_assert_int_eq(rondo_experiment_train(experiment, "elsewhere", NULL, NULL, error, sizeof error), RONDO_INVALID);
    ck_assert_str_eq(error, "the training of a resumed run goes on in its own folder: expected NULL, not 'elsewhere'");
    ck_assert_ptr_null(rondo_experiment_folder(experiment));
    ck_assert_int_eq(rondo_experiment_train(experiment, NULL, NULL, NULL, error, sizeof error), RONDO_OK);
    ck_assert_int_eq(rondo_experiment_train(experiment, NULL, NULL, NULL, error, sizeof error), RONDO_INVALID);
    ck_assert_str_eq(error, "a resumed run is trained once; rondo_experiment_resume opens it again");
    ck_assert_str_eq(rondo_experiment_folder(experiment), sandbox_path("once"));
    rondo_experiment_close(experiment);
}
END_TEST

START_TEST(changed_data_are_refused_or_accepted_with_a_warning) {
    leave_unfinished("changed");
    const char *data = sandbox_read("train.tsv", NULL);
    char *longer = sandbox_memory(strlen(data) + 40);
    sprintf(longer, "%s%s", data, "lovely tea\tgreat\n");
    sandbox_write("train.tsv", longer);
    assert_refused("changed", NULL, "changed' would not go on as it began:|train.tsv: data.train has changed");
    rondo_experiment *experiment = resume("changed", NULL, 1);
    assert_parts("warnings", rondo_experiment_warnings(experiment), "train.tsv: data.train has changed");
    ck_assert_int_eq(train(experiment, NULL, 0), RONDO_OK);
}
END_TEST

START_TEST(warnings_are_also_those_of_a_new_experiment) {
    sandbox_write("twice.tsv", sandbox_read("train.tsv", NULL));
    tiny_edit("twice.yaml", "data:", "data: {reader: text, train: twice.tsv, valid: twice.tsv}");
    rondo_experiment *experiment = open_experiment("twice.yaml", NULL);
    assert_parts("warnings", rondo_experiment_warnings(experiment),
                 "twice.yaml:4:|'data.valid' has the same examples as 'data.train'");
    rondo_experiment_close(experiment);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("embed_resume");
    TCase *cases = tcase_create("embed_resume");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, training_that_is_ended_after_every_k_calls_and_resumed_ends_with_the_same_files, 0,
                        ROWS(trainings));
    tcase_add_test(cases, callback_counts_the_updates_before_the_resume);
    tcase_add_test(cases, checkpoint_that_is_damaged_is_passed_over_with_a_warning);
    tcase_add_test(cases, finished_run_is_trained_for_more_epochs);
    tcase_add_loop_test(cases, log_has_what_is_done_about_values_that_are_not_finite, 0, ROWS(failures));
    tcase_add_test(cases, folder_that_is_no_run_is_refused);
    tcase_add_test(cases, mistake_in_an_assignment_is_refused);
    tcase_add_test(cases, run_is_locked_until_it_is_trained_or_closed);
    tcase_add_test(cases, resumed_run_is_trained_once_and_in_its_own_folder);
    tcase_add_test(cases, changed_data_are_refused_or_accepted_with_a_warning);
    tcase_add_test(cases, warnings_are_also_those_of_a_new_experiment);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
