/* store/run_folder.h: a run has one owner, its newest checkpoints are kept, and damaged ones are passed over. */
#define _XOPEN_SOURCE 700
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "tests/run_fixture.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

/* ---- what is kept ---- */

START_TEST(the_newest_checkpoints_are_kept) {
    struct run_folder *run = run_start("run");
    assert_newest_checkpoint(run, RUN_FOLDER_NO_CHECKPOINT);
    ck_assert_int_eq(run_folder_checkpoint(run), RUN_FOLDER_NO_CHECKPOINT);
    for (int64_t step = 0; step < 5000; step += 999) {
        ck_assert_int_eq(run_checkpoint(run, step, 3), RONDO_OK);
        ck_assert_int_eq(run_folder_checkpoint(run), step);
    }
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 3);
    ck_assert(file_is_there(checkpoint_path(2997)) && file_is_there(checkpoint_path(3996)) &&
              file_is_there(checkpoint_path(4995)));
    assert_newest_checkpoint(run, 4995);
    ck_assert_int_eq(run_checkpoint(run, INT64_C(1234567890123456), 1), RONDO_OK);
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 1);
    run_folder_close(run);
    run = run_reopen("run");
    assert_newest_checkpoint(run, INT64_C(1234567890123456));
    ck_assert_int_eq(run_notes.count, 0);
    run_folder_close(run);
}
END_TEST

/* Only files with the name of a checkpoint are checkpoints; no others are removed. */
START_TEST(other_files_among_the_checkpoints_stay) {
    static const char *const others[] = {"step-1.safetensors",
                                         "step-000000000007.safetensors.old",
                                         "copy-step-000000000007.safetensors",
                                         "step-00000000000x.safetensors",
                                         "step--00000000001.safetensors",
                                         "step-99999999999999999999.safetensors"};
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    for (int i = 0; i < ROWS(others); i++) {
        char name[128];
        snprintf(name, sizeof name, "run/checkpoints/%s", others[i]);
        file_touch(name);
    }
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_OK);
    ck_assert_int_eq(files_in("run/checkpoints", NULL), ROWS(others) + 1);
    assert_newest_checkpoint(run, 2);
    ck_assert_int_eq(run_notes.count, 0);
    run_folder_close(run);
}
END_TEST

enum { WITH_NOTHING, WITH_WEIGHTS, WITH_CHECKPOINT, WITH_KEEP, WITH_REOPENING };

START_TEST(a_folder_without_anything_trained_is_removed) {
    struct run_folder *run = run_start("above/run");
    float value = 1;
    const struct named_tensor tensor = {"W", tensor_1d(RONDO_F32, 1, &value)};
    ck_assert_int_eq(run_folder_subfolder(run, "cells", &run_errors), RONDO_OK);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    if (_i == WITH_WEIGHTS) {
        ck_assert_int_eq(run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, 17, 1, &tensor, 1, &run_errors), RONDO_OK);
    } else if (_i == WITH_CHECKPOINT) {
        ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    } else if (_i == WITH_KEEP) {
        run_folder_keep(run);
    } else if (_i == WITH_REOPENING) {
        run_folder_keep(run);
        run_folder_close(run);
        run = run_reopen("above/run");
    }
    run_folder_close(run);
    ck_assert_int_eq(file_is_there("above"), _i != WITH_NOTHING);
    ck_assert_int_eq(file_is_there("above/run/experiment.yaml"), _i != WITH_NOTHING);
    if (_i == WITH_WEIGHTS) {
        run = run_reopen("above/run");
        ck_assert_int_eq(run_folder_weights(run), RUN_FOLDER_NO_WEIGHTS);
        run_folder_close(run);
    }
}
END_TEST

/* ---- one owner ---- */

START_TEST(a_second_process_is_refused_until_the_first_has_ended) {
    int ready[2], done[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(done), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(done[1]);
        struct run_folder *run = run_start("run");
        run_folder_keep(run);
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        _exit(read(done[0], &byte, 1) == 0 ? 7 : 8); /* as killed: nothing is closed */
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 0);
    ck_assert_ptr_null(run_folder_open("run", &run_errors));
    ck_assert_int_eq(run_errors.status, RONDO_INVALID);
    char number[80];
    snprintf(number, sizeof number, "another process trains in 'run' (its number is %ld)", (long)child);
    assert_parts("second", errors_text(&run_errors, 0), number);
    ck_assert_ptr_null(run_folder_create("run", "tiny", &run_errors));
    ck_assert(file_is_there("run/experiment.yaml"));
    close(done[1]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 1);
    ck_assert_ptr_null(run_folder_create("run/", "tiny", &run_errors));
    assert_parts("create", errors_text(&run_errors, run_errors.count - 1),
                 "'run' exists and is not empty|--resume run");
    run_folder_close(run_reopen("run/"));
}
END_TEST

/* What a start leaves that was killed, and files that no start leaves so. */
static const struct {
    const char *name;
    int is_start, is_removed;
} starts[] = {
    {"run/metrics.jsonl", 1, 0},
    {"run/timings.jsonl", 1, 0},
    {"run/reader.json", 1, 1},
    {"run/environment.json.tmp-17-0", 1, 1},
    {"run/experiment.yaml.tmp-17-0", 1, 1},
    {"run/cells/gru.yaml", 1, 1},
    {"run/cells/gru.yaml.tmp-17-0", 1, 1},
    {"run/experiment.yaml", 0, 0},
    {"run/weights.safetensors", 0, 0},
    {"run/notes.txt", 0, 0},
    {"run/cells/notes.txt", 0, 0},
    {"run/checkpoints/step-000000000001.safetensors", 0, 0},
};

START_TEST(a_folder_that_a_killed_start_has_left_is_taken_over) {
    ck_assert_int_eq(mkdir("run", 0777), 0);
    ck_assert_int_eq(mkdir("run/cells", 0777), 0);
    ck_assert_int_eq(mkdir("run/checkpoints", 0777), 0);
    file_touch("run/metrics.jsonl");
    file_touch(starts[_i].name);
    if (strstr(starts[_i].name, "checkpoints") == NULL) {
        ck_assert_int_eq(rmdir("run/checkpoints"), 0);
    }
    ck_assert_int_eq(run_folder_is_unfinished("run"), !starts[_i].is_start &&
                                                          strcmp(starts[_i].name + 4, "notes.txt") != 0 &&
                                                          strcmp(starts[_i].name + 4, "weights.safetensors") != 0 &&
                                                          strncmp(starts[_i].name + 4, "cells", 5) != 0);
    struct run_folder *run = run_folder_create("run", "tiny", &run_errors);
    ck_assert_int_eq(run != NULL, starts[_i].is_start);
    if (run == NULL) {
        assert_parts("create", errors_text(&run_errors, 0), "'run' exists and is not empty");
        ck_assert(file_is_there(starts[_i].name));
        return;
    }
    ck_assert_int_eq(file_is_there(starts[_i].name), !starts[_i].is_removed);
    ck_assert_int_eq(files_in("run", NULL), 2);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    run_folder_close(run);
    ck_assert_int_eq(files_in("run", NULL), 0);
}
END_TEST

/* The line is the result of a run whose other files were removed. */
START_TEST(a_folder_with_lines_is_not_taken_over) {
    ck_assert_int_eq(mkdir("run", 0777), 0);
    ck_assert_int_eq(file_write("run/metrics.jsonl", "{}\n", 3, &run_errors), RONDO_OK);
    ck_assert_ptr_null(run_folder_create("run", "tiny", &run_errors));
    ck_assert_str_eq(file_content("run/metrics.jsonl", NULL), "{}\n");
    ck_assert_ptr_null(run_folder_open("run", &run_errors));
    ck_assert_str_eq(errors_text(&run_errors, 1), "'run' is not the folder of a run: it has no experiment.yaml");
}
END_TEST

START_TEST(a_start_that_goes_on_is_not_taken_over) {
    struct run_folder *run = run_folder_create("run", "tiny", &run_errors);
    ck_assert_ptr_nonnull(run);
    ck_assert_int_eq(run_folder_write(run, "reader.json", "{}", 2, &run_errors), RONDO_OK);
    ck_assert_ptr_null(run_folder_create("run", "tiny", &run_errors));
    assert_parts("second", errors_text(&run_errors, 0), "this process already trains in 'run'");
    ck_assert(file_is_there("run/reader.json") && file_is_there("run/metrics.jsonl"));
    run_folder_close(run);
    ck_assert(!file_is_there("run"));
    ck_assert_int_eq(mkdir("run", 0777), 0);
    file_touch("run/metrics.jsonl");
    errors_free(&run_errors);
    ck_assert_ptr_null(run_folder_open("run", &run_errors));
    assert_parts("open", errors_text(&run_errors, 0),
                 "it has no experiment.yaml, since the run was killed|start it again");
}
END_TEST

/* A process that waits for the lock of another one goes on from what that one has written until then. */
START_TEST(lines_that_come_while_a_lock_is_waited_for_are_no_change_by_others) {
    const struct timespec moment = {.tv_nsec = 30 * 1000 * 1000};
    int gate[2];
    char byte;
    struct run_folder *first = run_start("run");
    run_folder_keep(first);
    run_folder_close(first);
    ck_assert_int_eq(pipe(gate), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct run_folder *run = run_folder_open("run", &run_errors);
        const int is_told = write(gate[1], "x", 1) == 1;
        nanosleep(&moment, NULL);
        _exit(run != NULL && is_told && run_append(run, "step", 1) == RONDO_OK ? 0 : 1);
    }
    ck_assert_int_eq(read(gate[0], &byte, 1), 1);
    struct run_folder *run = NULL;
    while (run == NULL) { /* a machine may be so busy that the lock is not given up in time */
        errors_free(&run_errors);
        run = run_folder_open("run", &run_errors);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_msg(run_append(run, "step", 2) == RONDO_OK, "%s", errors_text(&run_errors, 0));
    ck_assert_int_eq(run_folder_count_lines(run, RUN_METRICS), 2);
    run_folder_close(run);
}
END_TEST

/* Of processes that start in the same empty folder, one goes on, and the others leave its files alone. */
START_TEST(of_processes_that_start_together_one_goes_on) {
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    int gate[2], hold[2], winners = 0;
    char byte;
    ck_assert_int_eq(pipe(gate), 0);
    ck_assert_int_eq(pipe(hold), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(gate[1]);
            close(hold[1]);
            byte = read(gate[0], &byte, 1) == 0 ? 0 : 1; /* all at the same time */
            struct run_folder *run = run_folder_create("new/run", "tiny", &run_errors);
            if (run == NULL) {
                _exit(run_errors.status == RONDO_INVALID ? 2 : 3);
            }
            run_folder_keep(run);
            const int is_written = run_folder_write(run, "experiment.yaml", "x", 1, &run_errors) == RONDO_OK;
            byte = read(hold[0], &byte, 1) == 0 ? 0 : 1; /* until all others have ended */
            _exit(is_written ? 0 : 4);
        }
    }
    close(gate[1]);
    close(gate[0]);
    int ended = 0, status;
    for (; ended < PROCESSES - 1; ended++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %x", (unsigned)status);
    }
    close(hold[1]);
    ck_assert_int_gt(wait(&status), 0);
    ck_assert(file_is_there("new/run/experiment.yaml"));
    winners += WEXITSTATUS(status) == 0;
    ck_assert_int_eq(winners, 1);
    ck_assert(file_is_there("new/run/metrics.jsonl"));
}
END_TEST

static const struct {
    const char *metrics;
    int is_unfinished;
} ends[] = {
    {"", 1},
    {"{\"epoch\":1}\n", 1},
    {"{\"epoch\":1}\n{\"finished\":true,\"epochs\":1}\n", 0},
    {"{\"finished\":true}\n", 0},
    {"{\"finished\":true}\n{\"epoch\":2}\n", 1},
    {"{\"epoch\":1}\n{\"finished\":true}", 1},
    {"{\"finished\":false}\n", 1},
    {"{\"epoch\":1}\n{\"fini", 1},
    {"\n", 1},
    {"[true]\n", 1},
};

START_TEST(a_run_is_unfinished_without_its_last_line) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    run_folder_close(run);
    ck_assert_int_eq(file_write("run/metrics.jsonl", ends[_i].metrics, strlen(ends[_i].metrics), &run_errors),
                     RONDO_OK);
    ck_assert_int_eq(run_folder_is_unfinished("run"), ends[_i].is_unfinished);
    ck_assert_int_eq(unlink("run/experiment.yaml"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("nothing"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("run/metrics.jsonl"), 0);
}
END_TEST

START_TEST(what_is_no_run_is_not_opened) {
    ck_assert_int_eq(mkdir("empty", 0777), 0);
    ck_assert_ptr_null(run_folder_open("empty", &run_errors));
    ck_assert_int_eq(run_errors.status, RONDO_NOT_FOUND);
    assert_parts("empty", errors_text(&run_errors, 0), "'empty' is not the folder of a run: it has no experiment.yaml");
    ck_assert_int_eq(files_in("empty", NULL), 0);
    errors_free(&run_errors);
    ck_assert_ptr_null(run_folder_open("nothing", &run_errors));
    ck_assert_int_eq(run_errors.status, RONDO_NOT_FOUND);
    ck_assert(!file_is_there("nothing"));
}
END_TEST

static const struct {
    const char *name;
    int is_removed, of_living;
} left_over[] = {
    {"weights.safetensors.tmp-%ld-0", 1, 0},
    {"weights.safetensors.tmp-%ld-0", 1, 1},
    {"checkpoints/step-000000000009.safetensors.tmp-%ld-12", 1, 1},
    {"predictions.csv.tmp-%ld-0", 1, 0},
    {"predictions.csv.tmp-%ld-0", 0, 1},
    {"run_notes.tmp-%ld", 0, 0},
    {"run_notes.tmp-%ld-1x", 0, 0},
    {"weights.tmp", 0, 0},
    {"weights.safetensors.tmp-%ld-", 0, 0},
};

START_TEST(temporary_files_of_killed_processes_are_removed) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    run_folder_close(run);
    const pid_t child = fork(); /* a number that no process has any more */
    if (child == 0) {
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    char name[128], path[160];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, sizeof name, left_over[_i].name, (long)(left_over[_i].of_living ? getpid() : child));
#pragma GCC diagnostic pop
    snprintf(path, sizeof path, "run/%s", name);
    file_touch(path);
    run_folder_close(run_reopen("run"));
    ck_assert_int_eq(file_is_there(path), !left_over[_i].is_removed);
    ck_assert(file_is_there(checkpoint_path(1)));
}
END_TEST

/* ---- logs ---- */

START_TEST(logs_are_cut_to_the_length_of_a_checkpoint) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 0);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    const int64_t length = run_folder_length(run, RUN_METRICS);
    ck_assert_int_eq(length, 12);
    ck_assert_int_eq(run_append(run, "epoch", 2), RONDO_OK);
    run_folder_keep(run);
    run_folder_close(run);
    run = run_reopen("run");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, length, &run_errors), RONDO_OK);
    ck_assert_int_eq(run_append(run, "epoch", 7), RONDO_OK);
    ck_assert_str_eq(file_content("run/metrics.jsonl", NULL), "{\"epoch\":1}\n{\"epoch\":7}\n");
    run_folder_compare_log(run, RUN_METRICS, 24, &run_notes);
    run_folder_compare_log(run, RUN_METRICS, 12, &run_notes);
    run_folder_compare_log(run, RUN_METRICS, 0, &run_notes);
    ck_assert_int_eq(run_notes.count, 0);
    run_folder_compare_log(run, RUN_METRICS, 30, &run_notes);
    assert_parts("short", errors_text(&run_notes, 0), "'run/metrics.jsonl' has 24 bytes|at least 30|6 are missing");
    run_folder_compare_log(run, RUN_METRICS, 13, &run_notes);
    assert_parts("within", errors_text(&run_notes, 1), "was changed|no line ends after 13 bytes");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 30, &run_errors), RONDO_OK);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 24);
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 13, &run_errors), RONDO_OK);
    ck_assert_str_eq(file_content("run/metrics.jsonl", NULL), "{\"epoch\":1}\n");
    ck_assert_int_eq(run_folder_cut(run, RUN_TIMINGS, 0, &run_errors), RONDO_OK);
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 0, &run_errors), RONDO_OK);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 0);
    run_folder_close(run);
}
END_TEST

/* Nothing is created before the run has turned out to go on, and then by one process only. */
START_TEST(logs_that_are_missing_are_made_when_the_run_goes_on) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    run_folder_close(run);
    ck_assert_int_eq(unlink("run/metrics.jsonl") + unlink("run/timings.jsonl"), 0);
    run = run_reopen("run");
    ck_assert_int_eq(files_in("run", NULL), 1);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 0);
    ck_assert_int_eq(run_folder_is_finished(run), 0);
    run_folder_compare_log(run, RUN_METRICS, 0, &run_notes);
    ck_assert_int_eq(run_notes.count, 0);
    run_folder_compare_log(run, RUN_METRICS, 12, &run_notes);
    assert_parts("missing", errors_text(&run_notes, 0), "'run/metrics.jsonl' is missing");
    struct run_folder *second = run_reopen("run");
    ck_assert_int_eq(run_folder_make_logs(second, &run_errors), RONDO_OK);
    ck_assert_int_eq(run_folder_make_logs(run, &run_errors), RONDO_INVALID);
    assert_parts("second", errors_text(&run_errors, 0), "already trains in 'run'");
    run_folder_close(run);
    ck_assert_int_eq(run_append(second, "epoch", 1), RONDO_OK);
    ck_assert_int_eq(run_folder_cut(second, RUN_TIMINGS, 0, &run_errors), RONDO_OK);
    run_folder_close(second);
    ck_assert_str_eq(file_content("run/metrics.jsonl", NULL), "{\"epoch\":1}\n");
}
END_TEST

/* ---- damaged checkpoints ---- */

START_TEST(a_damaged_checkpoint_is_passed_over_and_said_so) {
    struct run_folder *run = run_start("run");
    for (int64_t step = 100; step <= 300; step += 100) {
        ck_assert_int_eq(run_checkpoint(run, step, 3), RONDO_OK);
    }
    file_damage(checkpoint_path(300));
    assert_newest_checkpoint(run, 200);
    ck_assert_int_eq(run_notes.count, 1);
    assert_parts("note", errors_text(&run_notes, 0), "passed over|step-000000000300.safetensors: |damaged");
    errors_free(&run_notes);
    /* The one that goes on from 200 is newer than the damaged one, and stays. */
    ck_assert_int_eq(run_checkpoint(run, 250, 1), RONDO_OK);
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 1);
    assert_newest_checkpoint(run, 250);
    ck_assert_int_eq(run_notes.count, 0);
    ck_assert_int_eq(run_checkpoint(run, 350, 2), RONDO_OK);
    file_damage(checkpoint_path(250));
    file_damage(checkpoint_path(350));
    struct archive *archive;
    int64_t step;
    ck_assert_int_eq(run_folder_read_checkpoint(run, &archive, &step, &run_notes, &run_errors), RONDO_INVALID);
    ck_assert_ptr_null(archive);
    ck_assert_int_eq(run_notes.count, 2);
    assert_parts("all", errors_text(&run_errors, 0),
                 "none of the 2 checkpoints in 'run/checkpoints' can be "
                 "read|run/checkpoints/step-000000000250.safetensors: the file is damaged|remove the folder");
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 2);
    run_folder_close(run);
}
END_TEST

/* ---- beside the training ---- */

static void *write_checkpoints(void *arg) {
    struct run_folder *run = arg;
    struct errors failed = {0};
    struct archive *archive = archive_create();
    for (int64_t step = 1; step <= 50; step++) {
        archive_clear(archive);
        archive_put_integer(archive, step, "trainer.step");
        run_folder_write_checkpoint(run, archive, step, 2, &failed);
    }
    archive_destroy(archive);
    const int count = failed.count;
    errors_free(&failed);
    return count == 0 ? arg : NULL;
}

START_TEST(checkpoints_are_written_beside_lines_and_weights) {
    struct run_folder *run = run_start("run");
    float value = 1;
    const struct named_tensor tensor = {"W", tensor_1d(RONDO_F32, 1, &value)};
    pthread_t thread;
    void *result;
    ck_assert_int_eq(pthread_create(&thread, NULL, write_checkpoints, run), 0);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(run_append(run, "epoch", i), RONDO_OK);
        ck_assert_int_eq(run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, i, i, &tensor, 1, &run_errors), RONDO_OK);
        ck_assert_int_ge(run_folder_checkpoint(run), RUN_FOLDER_NO_CHECKPOINT);
    }
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, run);
    assert_newest_checkpoint(run, 50);
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 2);
    run_folder_close(run);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run_folder");
    TCase *cases = tcase_create("run_folder");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(cases, run_setup, run_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_newest_checkpoints_are_kept);
    tcase_add_test(cases, other_files_among_the_checkpoints_stay);
    tcase_add_loop_test(cases, a_folder_without_anything_trained_is_removed, 0, WITH_REOPENING + 1);
    tcase_add_test(cases, a_second_process_is_refused_until_the_first_has_ended);
    tcase_add_loop_test(cases, a_folder_that_a_killed_start_has_left_is_taken_over, 0, ROWS(starts));
    tcase_add_test(cases, a_folder_with_lines_is_not_taken_over);
    tcase_add_test(cases, a_start_that_goes_on_is_not_taken_over);
    tcase_add_test(cases, lines_that_come_while_a_lock_is_waited_for_are_no_change_by_others);
    tcase_add_test(cases, of_processes_that_start_together_one_goes_on);
    tcase_add_loop_test(cases, a_run_is_unfinished_without_its_last_line, 0, ROWS(ends));
    tcase_add_test(cases, what_is_no_run_is_not_opened);
    tcase_add_loop_test(cases, temporary_files_of_killed_processes_are_removed, 0, ROWS(left_over));
    tcase_add_test(cases, logs_are_cut_to_the_length_of_a_checkpoint);
    tcase_add_test(cases, logs_that_are_missing_are_made_when_the_run_goes_on);
    tcase_add_test(cases, a_damaged_checkpoint_is_passed_over_and_said_so);
    tcase_add_test(cases, checkpoints_are_written_beside_lines_and_weights);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
