/* tests/test_resume_state.c: a checkpoint whose file is whole, but whose numbers no training can have; resumes that would lose
 * what there is; and what a training with other data goes on with. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "store/archive_file.h"
#include "tests/suite.h"
#include "tiny.h"

#define CHECKPOINT "run/checkpoints/step-000000000005.safetensors"

static const char *const kept[] = {CHECKPOINT, "run/experiment.yaml", "run/metrics.jsonl", "run/weights.safetensors"};

static const char *rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome.err;
}

/* Trains an average of rows, which catches up, with states that are carried: it has every kind of number. 24 texts. */
static void setup(void) {
    sandbox_open();
    tiny_write();
    tiny_edit("wrapped.yaml", "optimizer:", "optimizer: {plugin: sgd, lr: 0.1, wrappers: [{plugin: ema}]}");
    sandbox_write("book.txt", "the cat sat on the mat and the dog sat on the cat and all of it was very good indeed ");
    sandbox_write("carry.yaml", "rondo: 1\n"
                                "name: carry\n"
                                "architecture: \"N:N\"\n"
                                "data: {reader: characters, train: book.txt, window: 8, carry: true}\n"
                                "model: {feedback: true, layers: [{cell: gru, hidden: 4}]}\n"
                                "loss: {plugin: softmax_cross_entropy}\n"
                                "optimizer: {plugin: sgd, lr: 0.1}\n"
                                "schedule: {epochs: 1, batch: 2, seed: 1}\n");
}

/* Trains to a checkpoint after step 5. */
static void train(const char *experiment) {
    char arguments[200];
    snprintf(arguments, sizeof arguments,
             "train %s --quiet --out run --set schedule.checkpoint.every.steps=5 "
             "--set schedule.checkpoint.keep=9",
             experiment);
    rondo(arguments, 0);
    for (int step = 6; step < 100; step++) {
        char name[80];
        snprintf(name, sizeof name, "run/checkpoints/step-%012d.safetensors", step);
        if (sandbox_has(name)) {
            sandbox_remove(name);
        }
    }
}

/* A number in a checkpoint, and one that it cannot be. */
static const struct {
    const char *experiment, *name;
    int64_t number;
    const char *parts; /* of the message */
} damages[] = {
    {"e.yaml", "trainer.epoch", 0, "has the number 0, expected 1 to "},
    {"e.yaml", "trainer.epoch", INT64_MIN, "expected 1 to "},
    {"e.yaml", "trainer.epochs", INT64_MAX, "expected 1 to "},
    {"e.yaml", "trainer.update", -1, "has the number -1, expected 0 to 3"},
    {"e.yaml", "trainer.update", 4, "has the number 4, expected 0 to 3"},
    {"e.yaml", "trainer.updates", INT64_MAX, "expected 0 to "},
    {"e.yaml", "trainer.steps", 6, "has the number 6, expected 5 to 5"},
    {"e.yaml", "trainer.skipped", 6, "expected 0 to 5"},
    {"e.yaml", "trainer.recent", 5, "has the number 5, expected 0 to 4"},
    {"e.yaml", "trainer.recent", -1, "expected 0 to 4"},
    {"e.yaml", "trainer.validations", INT64_MAX, "expected 0 to "},
    {"e.yaml", "trainer.validated_step", -2, "expected -1 to 5"},
    {"e.yaml", "trainer.better_validation", 2, "expected 0 to 1"},
    {"e.yaml", "trainer.best_step", 6, "expected 0 to 5"},
    {"e.yaml", "trainer.rollbacks", INT64_MAX, "expected 0 to 1000000"},
    {"e.yaml", "rollback.step", 6, "expected -1 to 5"},
    {"e.yaml", "trainer.train.rows", -1, "expected 0 to "},
    {"e.yaml", "optimizer.steps", INT64_MAX, "expected 0 to "},
    {"wrapped.yaml", "optimizer.reached.embedding.W", 6, "has the number 6, expected 0 to 5"},
    {"wrapped.yaml", "optimizer.reached.embedding.W", INT64_MIN, "expected 0 to 5"},
    {"e.yaml", "files.metrics", -1, "expected 0 to "},
    {"e.yaml", "files.timings", INT64_MAX, "expected 0 to "},
    {"carry.yaml", "carry.lanes", INT64_MAX, "belongs to nothing in this training"},
};

static void damage(const char *name, int64_t number) {
    struct errors errors = {0};
    struct archive *archive = archive_read(sandbox_path(CHECKPOINT), &errors);
    int found = 0;
    ck_assert_msg(archive != NULL, "%s", errors_text(&errors, 0));
    for (int32_t i = 0; i < archive_count(archive); i++) {
        const struct archive_entry *entry = archive_entry(archive, i);
        if (strcmp(entry->name, name) == 0) {
            ck_assert_int_eq(entry->kind, ARCHIVE_I64);
            memcpy(entry->data, &number, sizeof number);
            found = 1;
        }
    }
    ck_assert_msg(found, "the checkpoint has no '%s'", name);
    ck_assert_int_eq(archive_write(sandbox_path(CHECKPOINT), archive, &errors), RONDO_OK);
    archive_destroy(archive);
}

START_TEST(number_that_no_training_has_is_refused_and_the_run_stays) {
    const char *before[ROWS(kept)];
    size_t sizes[ROWS(kept)];
    train(damages[_i].experiment);
    damage(damages[_i].name, damages[_i].number);
    for (int i = 0; i < ROWS(kept); i++) {
        before[i] = sandbox_read(kept[i], &sizes[i]);
    }
    const char *message = rondo("train --resume run --set schedule.epochs=4", 2);
    assert_parts(damages[_i].name, message, damages[_i].parts);
    assert_parts(damages[_i].name, message, "step-000000000005.safetensors: ");
    ck_assert_msg(strstr(message, "to go on: ") == NULL, "%s", message);
    for (int i = 0; i < ROWS(kept); i++) {
        size_t size;
        const char *after = sandbox_read(kept[i], &size);
        ck_assert_msg(size == sizes[i] && memcmp(after, before[i], size) == 0, "%s was changed", kept[i]);
    }
}
END_TEST

/* What became of a log between the checkpoint and the resume. */
static const struct {
    const char *log;
    int is_removed; /* 0: its first lines remain */
    int is_refused;
} logs[] = {{"metrics.jsonl", 1, 1}, {"metrics.jsonl", 0, 1}, {"timings.jsonl", 1, 0}, {"timings.jsonl", 0, 0}};

START_TEST(lines_that_are_missing_are_reported_and_can_be_accepted) {
    char log[40];
    snprintf(log, sizeof log, "run/%s", logs[_i].log);
    train("e.yaml");
    sandbox_remove(log);
    if (!logs[_i].is_removed) {
        sandbox_write(log, "{}\n");
    }
    const char *checkpoint = sandbox_read(CHECKPOINT, NULL);
    if (logs[_i].is_refused) {
        const char *message = rondo("train --resume run --set schedule.epochs=4", 2);
        assert_parts(logs[_i].log, message,
                     "would not go on as it began|/metrics.jsonl'|--accept-changes goes on nevertheless");
        assert_parts(logs[_i].log, message, logs[_i].is_removed ? "is missing" : "has 3 bytes, and had at least ");
        ck_assert_int_eq(sandbox_has(log), !logs[_i].is_removed);
        ck_assert_str_eq(sandbox_read(CHECKPOINT, NULL), checkpoint);
        message = rondo("train --resume run --quiet --set schedule.epochs=4 --accept-changes", 0);
        assert_parts(logs[_i].log, message, "warning: |/metrics.jsonl'");
    } else {
        assert_parts(logs[_i].log, rondo("train --resume run --quiet --set schedule.epochs=4", 0),
                     "warning: |/timings.jsonl'");
    }
    assert_parts(logs[_i].log, sandbox_read("run/metrics.jsonl", NULL), "\"finished\"|\"epoch\":4,");
    assert_parts(logs[_i].log, sandbox_read("run/timings.jsonl", NULL), "\"step\":12,");
    rondo("train --resume run --quiet --set schedule.epochs=5", 0);
    /* Only the last line remains, and nothing is left to train. */
    sandbox_write(log, "{\"finished\":true}\n");
    for (int i = 0; i < 2; i++) {
        rondo("train --resume run --quiet --accept-changes", 0);
        const char *finished = strstr(sandbox_read("run/metrics.jsonl", NULL), "\"finished\"");
        ck_assert(finished != NULL && strchr(finished, '\n')[1] == '\0');
    }
}
END_TEST

START_TEST(checkpoint_that_was_renamed_is_refused) {
    train("e.yaml");
    sandbox_copy(CHECKPOINT, "run/checkpoints/step-000000000007.safetensors");
    assert_parts("renamed", rondo("train --resume run", 2),
                 "step-000000000007.safetensors: the entry 'trainer.steps' has the number 5, expected 7 to 7");
}
END_TEST

START_TEST(finished_run_without_checkpoints_is_not_begun_again) {
    train("e.yaml");
    const char *metrics = sandbox_read("run/metrics.jsonl", NULL);
    sandbox_remove("run/checkpoints");
    assert_parts("resume", rondo("train --resume run", 2),
                 "the run 'run' has finished, and has no checkpoint from which it could go on");
    ck_assert_str_eq(sandbox_read("run/metrics.jsonl", NULL), metrics);
}
END_TEST

/* Changes that cannot be accepted, since the checkpoint does not fit them, and what the message says. */
static const struct {
    const char *changes, *parts;
} unfit[] = {
    {"model.layers.0.hidden=7", "cannot change the number or the shapes of the parameters\n|"
                                "'model.layers.0.hidden' was 4 when the run was trained, and is 7\n|"
                                "the parameter 'layers.0.W_r' is [4, 4] in the checkpoint, and would be [4, 7]\n"},
    {"model.layers.0.count=2", "cannot change the number or the shapes of the parameters\n|"
                               "'model.layers.0.count' was 1 when the run was trained, and is 2\n"},
    {"model.layers.0.cell=rnn_tanh", "cannot change the number or the shapes of the parameters\n|in the checkpoint"},
    {"optimizer.plugin=lion", "'optimizer.plugin' was adam when the run was trained, and is lion: a resume cannot "
                              "change the optimizer"},
    {"schedule.learning_rate.plugin=plateau", "cannot go on with these changes: a resume cannot change a wrapper, the "
                                              "schedule or the layers if the state |'schedule.state'"},
};

START_TEST(changes_that_do_not_fit_the_checkpoint_are_refused_in_words_of_the_user) {
    char line[300];
    train("e.yaml");
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "train --resume run %s --set %s", i == 0 ? "--accept-changes" : "",
                 unfit[_i].changes);
        const char *message = rondo(line, 2);
        ck_assert_msg(strstr(message, "going on after") == NULL, "%s", message);
        ck_assert_msg(strstr(message, "to go on: ") == NULL, "%s", message);
        if (i == 0) {
            assert_parts(line, message, unfit[_i].parts);
        }
    }
    rondo("train --resume run --quiet", 0);
}
END_TEST

/* An unfinished run whose checkpoints are gone: what there is is not replaced without a word. */
static const struct {
    const char *metrics; /* NULL: removed */
    int is_refused;
    const char *parts;
} beginnings[] = {
    {NULL, 1, "'run' has no checkpoint, so its training begins again|0 lines of metrics.jsonl"},
    {"{\"epoch\":1}\n{\"epoch\":2}\n", 0,
     "warning: 'run' has no checkpoint, so its training begins again|2 lines of metrics.jsonl"},
    {"{\"epoch\":1}\n", 0, "warning: |1 line of metrics.jsonl"},
};

START_TEST(unfinished_run_without_checkpoints_is_not_replaced_silently) {
    train("e.yaml");
    const char *metrics = sandbox_read("run/metrics.jsonl", NULL);
    sandbox_remove("run/checkpoints");
    sandbox_remove("run/metrics.jsonl");
    if (beginnings[_i].metrics != NULL) {
        sandbox_write("run/metrics.jsonl", beginnings[_i].metrics);
    }
    if (beginnings[_i].is_refused) {
        const char *weights = sandbox_read("run/weights.safetensors", NULL);
        assert_parts("refused", rondo("train --resume run --quiet", 2), beginnings[_i].parts);
        ck_assert_str_eq(sandbox_read("run/weights.safetensors", NULL), weights);
        ck_assert_int_eq(sandbox_has("run/metrics.jsonl"), beginnings[_i].metrics != NULL);
    }
    assert_parts(
        "begun",
        rondo(beginnings[_i].is_refused ? "train --resume run --quiet --accept-changes" : "train --resume run --quiet",
              0),
        beginnings[_i].parts);
    ck_assert_str_eq(sandbox_read("run/metrics.jsonl", NULL), metrics);
}
END_TEST

START_TEST(experiment_that_was_removed_is_restored_from_the_checkpoint) {
    train("e.yaml");
    const char *experiment = sandbox_read("run/experiment.yaml", NULL);
    const char *metrics = sandbox_read("run/metrics.jsonl", NULL);
    sandbox_write("run/metrics.jsonl", ""); /* unfinished */
    sandbox_remove("run/experiment.yaml");
    const char *message = rondo("train e.yaml --quiet --out run", 2);
    assert_parts("create", message,
                 "'run' exists and is not empty|or go on with the run in it: rondo train --resume run");
    ck_assert_msg(strstr(message, "remove") == NULL, "%s", message);
    sandbox_write("run/metrics.jsonl", metrics);
    assert_parts("resume", rondo("train --resume run --quiet", 0),
                 "warning: 'run' had no experiment.yaml: it is written again");
    ck_assert_str_eq(sandbox_read("run/experiment.yaml", NULL), experiment);
}
END_TEST

/* The number of examples that a run goes on with, in batches of 8, and the last steps of its epochs 2 to 5. */
static const struct {
    int examples;
    int64_t steps[4];
} others[] = {
    {24, {6, 9, 12, 15}},
    {40, {8, 13, 18, 23}}, /* 5 updates: the second epoch gets 3 more */
    {8, {5, 6, 7, 8}},     /* 1 update: the second epoch is over */
};

START_TEST(validations_are_at_the_ends_of_epochs_with_other_data) {
    train("e.yaml");
    const char *text = sandbox_read("train.tsv", NULL);
    char *other = sandbox_memory(2 * strlen(text) + 1);
    other[0] = '\0';
    for (int i = 0; i < others[_i].examples; i++) {
        const char *line = text;
        for (int k = 0; k < i % 24; k++) {
            line = strchr(line, '\n') + 1;
        }
        strncat(other, line, (size_t)(strchr(line, '\n') + 1 - line));
    }
    sandbox_write("train.tsv", other);
    rondo("train --resume run --quiet --accept-changes --set schedule.epochs=5", 0);
    const char *at = strchr(sandbox_read("run/metrics.jsonl", NULL), '\n') + 1; /* after epoch 1 */
    for (int i = 0; i < ROWS(others[_i].steps); i++) {
        char step[40];
        snprintf(step, sizeof step, "\"step\":%lld,", (long long)others[_i].steps[i]);
        const char *end = strchr(at, '\n');
        const char *found = strstr(at, step);
        ck_assert_msg(found != NULL && found < end, "row %d, epoch %d: no %s in %s", _i, i + 2, step, at);
        at = end + 1;
    }
    ck_assert_ptr_nonnull(strstr(at, "\"finished\""));
    ck_assert_ptr_eq(strchr(at, '\n')[1] == '\0' ? NULL : at, NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("resume_state");
    TCase *cases = tcase_create("resume_state");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, number_that_no_training_has_is_refused_and_the_run_stays, 0, ROWS(damages));
    tcase_add_loop_test(cases, lines_that_are_missing_are_reported_and_can_be_accepted, 0, ROWS(logs));
    tcase_add_test(cases, checkpoint_that_was_renamed_is_refused);
    tcase_add_test(cases, finished_run_without_checkpoints_is_not_begun_again);
    tcase_add_loop_test(cases, changes_that_do_not_fit_the_checkpoint_are_refused_in_words_of_the_user, 0, ROWS(unfit));
    tcase_add_loop_test(cases, unfinished_run_without_checkpoints_is_not_replaced_silently, 0, ROWS(beginnings));
    tcase_add_test(cases, experiment_that_was_removed_is_restored_from_the_checkpoint);
    tcase_add_loop_test(cases, validations_are_at_the_ends_of_epochs_with_other_data, 0, ROWS(others));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
