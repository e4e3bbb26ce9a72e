/* store/run_folder.h: a run has one owner, its checkpoints are whole, and whatever fails leaves what was good. */
#define _XOPEN_SOURCE 700

#include "store/run_folder.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"
#include "store/archive_file.h"
#include "tests/failing_system.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct errors errors, notes;

/* Each test is a process of its own in a folder of its own. */
static void setup(void) {
    char folder[64];
    snprintf(folder, sizeof folder, "test-%ld", (long)getpid());
    ck_assert_int_eq(chdir(sandbox_path("%s", ".")), 0);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void) {
    errors_free(&errors);
    errors_free(&notes);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static int has(const char *name) {
    struct stat info;
    return lstat(name, &info) == 0;
}

/* The number of files in a folder; with `part` in their names, if it is not NULL. */
static int count_files(const char *folder, const char *part) {
    int count = 0;
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        count += entry->d_name[0] != '.' && (part == NULL || strstr(entry->d_name, part) != NULL);
    }
    if (stream != NULL) {
        closedir(stream);
    }
    return count;
}

static void touch(const char *name) {
    const int descriptor = open(name, O_WRONLY | O_CREAT, 0666);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

/* A run with all that makes it one. */
static struct run_folder *start(const char *folder) {
    struct run_folder *run = run_folder_create(folder, "tiny", &errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(run_folder_write(run, "experiment.yaml", "name: tiny\n", 11, &errors), RONDO_OK);
    return run;
}

static struct run_folder *reopen(const char *folder) {
    struct run_folder *run = run_folder_open(folder, &errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&errors, 0));
    return run;
}

static rondo_status append(struct run_folder *run, const char *key, int64_t value) {
    json_t *object = json_pack("{s:I}", key, (json_int_t)value);
    const rondo_status status = run_folder_append(run, RUN_METRICS, object, &errors);
    json_decref(object);
    return status;
}

/* A checkpoint that contains its step, and some thousand numbers. */
static rondo_status checkpoint(struct run_folder *run, int64_t step, int32_t keep) {
    struct archive *archive = archive_create();
    const int64_t shape[] = {4096};
    struct archive_entry *entry = archive_add(archive, "model.W", ARCHIVE_F32, 1, shape);
    for (int64_t i = 0; i < 4096; i++) {
        ((float *)entry->data)[i] = (float)(i * step);
    }
    archive_put_integer(archive, step, "trainer.step");
    const rondo_status status = run_folder_write_checkpoint(run, archive, step, keep, &errors);
    archive_destroy(archive);
    return status;
}

/* Asserts that the checkpoint that is read is that of `step`; -1: that there is none. */
static void assert_newest(struct run_folder *run, int64_t step) {
    struct archive *archive;
    int64_t found, inside;
    ck_assert_msg(run_folder_read_checkpoint(run, &archive, &found, &notes, &errors) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    ck_assert_int_eq(found, step);
    ck_assert_int_eq(archive != NULL, step >= 0);
    if (archive != NULL) {
        ck_assert_int_eq(archive_take_integer(archive, &inside, &errors, "trainer.step"), RONDO_OK);
        ck_assert_int_eq(inside, step);
        ck_assert_int_eq(run_folder_checkpoint(run), step);
    }
    archive_destroy(archive);
}

static const char *path_of(int64_t step) {
    static char path[128];
    snprintf(path, sizeof path, "run/checkpoints/step-%012lld.safetensors", (long long)step);
    return path;
}

/* Changes a byte in the middle of a file. */
static void damage(const char *file) {
    const int descriptor = open(file, O_RDWR);
    char byte;
    ck_assert_int_eq(pread(descriptor, &byte, 1, 9000), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(descriptor, &byte, 1, 9000), 1);
    close(descriptor);
}

/* ---- what is kept ---- */

START_TEST(the_newest_checkpoints_are_kept) {
    struct run_folder *run = start("run");
    assert_newest(run, RUN_FOLDER_NO_CHECKPOINT);
    ck_assert_int_eq(run_folder_checkpoint(run), RUN_FOLDER_NO_CHECKPOINT);
    for (int64_t step = 0; step < 5000; step += 999) {
        ck_assert_int_eq(checkpoint(run, step, 3), RONDO_OK);
        ck_assert_int_eq(run_folder_checkpoint(run), step);
    }
    ck_assert_int_eq(count_files("run/checkpoints", NULL), 3);
    ck_assert(has(path_of(2997)) && has(path_of(3996)) && has(path_of(4995)));
    assert_newest(run, 4995);
    ck_assert_int_eq(checkpoint(run, INT64_C(1234567890123456), 1), RONDO_OK);
    ck_assert_int_eq(count_files("run/checkpoints", NULL), 1);
    run_folder_close(run);
    run = reopen("run");
    assert_newest(run, INT64_C(1234567890123456));
    ck_assert_int_eq(notes.count, 0);
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
    struct run_folder *run = start("run");
    ck_assert_int_eq(checkpoint(run, 1, 1), RONDO_OK);
    for (int i = 0; i < ROWS(others); i++) {
        char name[128];
        snprintf(name, sizeof name, "run/checkpoints/%s", others[i]);
        touch(name);
    }
    ck_assert_int_eq(checkpoint(run, 2, 1), RONDO_OK);
    ck_assert_int_eq(count_files("run/checkpoints", NULL), ROWS(others) + 1);
    assert_newest(run, 2);
    ck_assert_int_eq(notes.count, 0);
    run_folder_close(run);
}
END_TEST

enum { WITH_NOTHING, WITH_WEIGHTS, WITH_CHECKPOINT, WITH_KEEP, WITH_REOPENING };

START_TEST(a_folder_without_anything_trained_is_removed) {
    struct run_folder *run = start("above/run");
    float value = 1;
    const struct named_tensor tensor = {"W", tensor_1d(RONDO_F32, 1, &value)};
    ck_assert_int_eq(run_folder_subfolder(run, "cells", &errors), RONDO_OK);
    ck_assert_int_eq(append(run, "epoch", 1), RONDO_OK);
    if (_i == WITH_WEIGHTS) {
        ck_assert_int_eq(run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, 17, 1, &tensor, 1, &errors), RONDO_OK);
    } else if (_i == WITH_CHECKPOINT) {
        ck_assert_int_eq(checkpoint(run, 1, 1), RONDO_OK);
    } else if (_i == WITH_KEEP) {
        run_folder_keep(run);
    } else if (_i == WITH_REOPENING) {
        run_folder_keep(run);
        run_folder_close(run);
        run = reopen("above/run");
    }
    run_folder_close(run);
    ck_assert_int_eq(has("above"), _i != WITH_NOTHING);
    ck_assert_int_eq(has("above/run/experiment.yaml"), _i != WITH_NOTHING);
    if (_i == WITH_WEIGHTS) {
        run = reopen("above/run");
        ck_assert_int_eq(run_folder_weights(run), RUN_FOLDER_NO_WEIGHTS);
        run_folder_set_weights(run, 17);
        ck_assert_int_eq(run_folder_weights(run), 17);
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
        struct run_folder *run = start("run");
        run_folder_keep(run);
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        _exit(read(done[0], &byte, 1) == 0 ? 7 : 8); /* as killed: nothing is closed */
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 0);
    ck_assert_ptr_null(run_folder_open("run", &errors));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    char number[80];
    snprintf(number, sizeof number, "another process trains in 'run' (its number is %ld)", (long)child);
    assert_parts("second", errors_text(&errors, 0), number);
    ck_assert_ptr_null(run_folder_create("run", "tiny", &errors));
    ck_assert(has("run/experiment.yaml"));
    close(done[1]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 1);
    run_folder_close(reopen("run"));
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
            struct run_folder *run = run_folder_create("new/run", "tiny", &errors);
            if (run == NULL) {
                _exit(errors.status == RONDO_INVALID ? 2 : 3);
            }
            run_folder_keep(run);
            const int is_written = run_folder_write(run, "experiment.yaml", "x", 1, &errors) == RONDO_OK;
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
    ck_assert(has("new/run/experiment.yaml"));
    winners += WEXITSTATUS(status) == 0;
    ck_assert_int_eq(winners, 1);
    ck_assert(has("new/run/metrics.jsonl"));
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
    struct run_folder *run = start("run");
    run_folder_keep(run);
    run_folder_close(run);
    ck_assert_int_eq(file_write("run/metrics.jsonl", ends[_i].metrics, strlen(ends[_i].metrics), &errors), RONDO_OK);
    ck_assert_int_eq(run_folder_is_unfinished("run"), ends[_i].is_unfinished);
    ck_assert_int_eq(unlink("run/experiment.yaml"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("nothing"), 0);
    ck_assert_int_eq(run_folder_is_unfinished("run/metrics.jsonl"), 0);
}
END_TEST

START_TEST(what_is_no_run_is_not_opened) {
    ck_assert_int_eq(mkdir("empty", 0777), 0);
    ck_assert_ptr_null(run_folder_open("empty", &errors));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
    assert_parts("empty", errors_text(&errors, 0), "'empty' is not the folder of a run: it has no experiment.yaml");
    ck_assert_int_eq(count_files("empty", NULL), 0);
    errors_free(&errors);
    ck_assert_ptr_null(run_folder_open("nothing", &errors));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
    ck_assert(!has("nothing"));
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
    {"notes.tmp-%ld", 0, 0},
    {"notes.tmp-%ld-1x", 0, 0},
    {"weights.tmp", 0, 0},
    {"weights.safetensors.tmp-%ld-", 0, 0},
};

START_TEST(temporary_files_of_killed_processes_are_removed) {
    struct run_folder *run = start("run");
    ck_assert_int_eq(checkpoint(run, 1, 1), RONDO_OK);
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
    touch(path);
    run_folder_close(reopen("run"));
    ck_assert_int_eq(has(path), !left_over[_i].is_removed);
    ck_assert(has(path_of(1)));
}
END_TEST

/* ---- logs ---- */

START_TEST(logs_are_cut_to_the_length_of_a_checkpoint) {
    struct run_folder *run = start("run");
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 0);
    ck_assert_int_eq(append(run, "epoch", 1), RONDO_OK);
    const int64_t length = run_folder_length(run, RUN_METRICS);
    ck_assert_int_eq(length, 12);
    ck_assert_int_eq(append(run, "epoch", 2), RONDO_OK);
    run_folder_keep(run);
    run_folder_close(run);
    run = reopen("run");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, length, &errors), RONDO_OK);
    ck_assert_int_eq(append(run, "epoch", 7), RONDO_OK);
    ck_assert_str_eq(sandbox_read(sandbox_path("test-%ld/run/metrics.jsonl", (long)getpid()), NULL),
                     "{\"epoch\":1}\n{\"epoch\":7}\n");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 30, &errors), RONDO_INVALID);
    assert_parts("short", errors_text(&errors, 0), "'run/metrics.jsonl' has 24 bytes|at least 30|6 are missing");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 13, &errors), RONDO_INVALID);
    assert_parts("within", errors_text(&errors, 1), "was changed|no line ends after 13 bytes");
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 24);
    ck_assert_int_eq(run_folder_cut(run, RUN_TIMINGS, 0, &errors), RONDO_OK);
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 0, &errors), RONDO_OK);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 0);
    run_folder_close(run);
}
END_TEST

/* ---- damaged checkpoints ---- */

START_TEST(a_damaged_checkpoint_is_passed_over_and_said_so) {
    struct run_folder *run = start("run");
    for (int64_t step = 100; step <= 300; step += 100) {
        ck_assert_int_eq(checkpoint(run, step, 3), RONDO_OK);
    }
    damage(path_of(300));
    assert_newest(run, 200);
    ck_assert_int_eq(notes.count, 1);
    assert_parts("note", errors_text(&notes, 0), "passed over|step-000000000300.safetensors: |damaged");
    errors_free(&notes);
    /* The one that goes on from 200 is newer than the damaged one, and stays. */
    ck_assert_int_eq(checkpoint(run, 250, 1), RONDO_OK);
    ck_assert_int_eq(count_files("run/checkpoints", NULL), 1);
    assert_newest(run, 250);
    ck_assert_int_eq(notes.count, 0);
    ck_assert_int_eq(checkpoint(run, 350, 2), RONDO_OK);
    damage(path_of(250));
    damage(path_of(350));
    struct archive *archive;
    int64_t step;
    ck_assert_int_eq(run_folder_read_checkpoint(run, &archive, &step, &notes, &errors), RONDO_INVALID);
    ck_assert_ptr_null(archive);
    ck_assert_int_eq(notes.count, 2);
    assert_parts("all", errors_text(&errors, 0), "no checkpoint in 'run/checkpoints' can be read: all are damaged");
    ck_assert_int_eq(count_files("run/checkpoints", NULL), 2);
    run_folder_close(run);
}
END_TEST

/* ---- failures of the system ---- */

static const struct {
    enum system_call call;
    int error;
    const char *reason;
} failures[] = {
    {SYSTEM_OPEN, EROFS, "Read-only file system"},     {SYSTEM_OPEN, EACCES, "Permission denied"},
    {SYSTEM_OPEN, EMFILE, "Too many open files"},      {SYSTEM_OPEN, ENOSPC, "No space left on device"},
    {SYSTEM_WRITE, ENOSPC, "No space left on device"}, {SYSTEM_WRITE, EDQUOT, "Disk quota exceeded"},
    {SYSTEM_WRITE, EIO, "Input/output error"},         {SYSTEM_WRITE, EFBIG, "File too large"},
    {SYSTEM_WRITE_HALF, ENOSPC, "No space left"},      {SYSTEM_WRITE_HALF, EDQUOT, "Disk quota exceeded"},
    {SYSTEM_SYNC, EIO, "Input/output error"},          {SYSTEM_SYNC, ENOSPC, "No space left on device"},
    {SYSTEM_SYNC, EDQUOT, "Disk quota exceeded"},      {SYSTEM_LINK, EROFS, "Read-only file system"},
    {SYSTEM_LINK, EDQUOT, "Disk quota exceeded"},      {SYSTEM_LINK, ENOSPC, "No space left on device"},
    {SYSTEM_RENAME, EROFS, "Read-only file system"},   {SYSTEM_RENAME, ENOSPC, "No space left on device"},
    {SYSTEM_RENAME, EIO, "Input/output error"},        {SYSTEM_MAKE_FOLDER, EROFS, "Read-only file system"},
    {SYSTEM_MAKE_FOLDER, EMLINK, "Too many links"},
};

/* Lets each call of a checkpoint's writing fail in turn. Whatever it is, the previous checkpoint is still there. */
static void fail_checkpoint(int row, int is_first) {
    struct run_folder *run = start("run");
    const int has_folder = !is_first;
    if (has_folder) {
        ck_assert_int_eq(checkpoint(run, 1, 1), RONDO_OK);
    }
    const int before = open_descriptors();
    rondo_status status = RONDO_IO;
    long number = 1;
    for (; status != RONDO_OK; number++) {
        system_fail(failures[row].call, number, failures[row].error);
        status = checkpoint(run, 2, 1);
        system_fail(failures[row].call, 0, 0);
        ck_assert_int_eq(open_descriptors(), before);
        ck_assert_int_eq(count_files("run/checkpoints", ".tmp-") + count_files("run", ".tmp-"), 0);
        if (status == RONDO_OK) {
            break;
        }
        ck_assert_int_eq(status, RONDO_IO);
        assert_parts("failed", errors_text(&errors, 0), failures[row].reason);
        errors_free(&errors);
        ck_assert_msg(has_folder || !has(path_of(2)) || failures[row].call == SYSTEM_SYNC, "a file remains");
        assert_newest(run, has(path_of(2)) ? 2 : has_folder ? 1 : RUN_FOLDER_NO_CHECKPOINT);
        ck_assert_int_eq(notes.count, 0);
        if (has(path_of(2))) { /* renamed, but the folder could not be synced */
            ck_assert_int_eq(failures[row].call, SYSTEM_SYNC);
            ck_assert_int_eq(unlink(path_of(2)), 0);
        }
    }
    ck_assert_msg(number > 1 || failures[row].call == SYSTEM_MAKE_FOLDER || failures[row].call == SYSTEM_LINK ||
                      failures[row].call == SYSTEM_OPEN,
                  "nothing failed");
    assert_newest(run, 2);
    ck_assert_int_eq(count_files("run/checkpoints", NULL), 1);
    run_folder_close(run);
}

START_TEST(a_checkpoint_that_fails_leaves_the_previous_one) {
    fail_checkpoint(_i, 0);
}
END_TEST

START_TEST(a_first_checkpoint_that_fails_leaves_nothing) {
    fail_checkpoint(_i, 1);
}
END_TEST

START_TEST(without_unnamed_files_a_checkpoint_that_fails_leaves_the_previous_one) {
    system_without_unnamed_files(1);
    fail_checkpoint(_i, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run_folder");
    TCase *cases = tcase_create("run_folder");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_newest_checkpoints_are_kept);
    tcase_add_test(cases, other_files_among_the_checkpoints_stay);
    tcase_add_loop_test(cases, a_folder_without_anything_trained_is_removed, 0, WITH_REOPENING + 1);
    tcase_add_test(cases, a_second_process_is_refused_until_the_first_has_ended);
    tcase_add_test(cases, of_processes_that_start_together_one_goes_on);
    tcase_add_loop_test(cases, a_run_is_unfinished_without_its_last_line, 0, ROWS(ends));
    tcase_add_test(cases, what_is_no_run_is_not_opened);
    tcase_add_loop_test(cases, temporary_files_of_killed_processes_are_removed, 0, ROWS(left_over));
    tcase_add_test(cases, logs_are_cut_to_the_length_of_a_checkpoint);
    tcase_add_test(cases, a_damaged_checkpoint_is_passed_over_and_said_so);
    tcase_add_loop_test(cases, a_checkpoint_that_fails_leaves_the_previous_one, 0, ROWS(failures));
    tcase_add_loop_test(cases, a_first_checkpoint_that_fails_leaves_nothing, 0, ROWS(failures));
    tcase_add_loop_test(cases, without_unnamed_files_a_checkpoint_that_fails_leaves_the_previous_one, 0,
                        ROWS(failures));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
