/* store/run_folder.h: whatever fails while a run writes its files, what was good remains, and the message is true. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/failing_system.h"
#include "tests/run_fixture.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

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
    {SYSTEM_MAKE_FOLDER, EMLINK, "Too many links"},    {SYSTEM_LOOK, EMFILE, "Too many open files"},
    {SYSTEM_CLOSE, EDQUOT, "Disk quota exceeded"},     {SYSTEM_CLOSE, EIO, "Input/output error"},
};

/* Lets each call of a checkpoint's writing fail in turn. Whatever it is, the previous checkpoint is still there. */
static void fail_checkpoint(int row, int is_first) {
    struct run_folder *run = run_start("run");
    const int has_folder = !is_first;
    if (has_folder) {
        ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    }
    const int before = open_descriptors();
    rondo_status status = RONDO_IO;
    long number = 1;
    for (; status != RONDO_OK; number++) {
        system_fail(failures[row].call, number, failures[row].error);
        status = run_checkpoint(run, 2, 1);
        system_fail(failures[row].call, 0, 0);
        ck_assert_int_eq(open_descriptors(), before);
        ck_assert_int_eq(files_in("run/checkpoints", ".tmp-") + files_in("run", ".tmp-"), 0);
        if (status == RONDO_OK) {
            break;
        }
        ck_assert_int_eq(status, RONDO_IO);
        assert_parts("failed", errors_text(&run_errors, 0), failures[row].reason);
        errors_free(&run_errors);
        assert_newest_checkpoint(run, file_is_there(checkpoint_path(2)) ? 2
                                      : has_folder                      ? 1
                                                                        : RUN_FOLDER_NO_CHECKPOINT);
        ck_assert_int_eq(run_notes.count, 0);
        if (file_is_there(checkpoint_path(2))) { /* renamed, but the name is not known to be on the disk */
            ck_assert(failures[row].call == SYSTEM_SYNC || failures[row].call == SYSTEM_LOOK);
            ck_assert_int_eq(unlink(checkpoint_path(2)), 0);
        }
    }
    ck_assert_msg(number > 1 || failures[row].call == SYSTEM_MAKE_FOLDER || failures[row].call == SYSTEM_LINK ||
                      failures[row].call == SYSTEM_OPEN,
                  "nothing failed");
    assert_newest_checkpoint(run, 2);
    ck_assert_int_eq(run_checkpoint(run, 3, 1), RONDO_OK); /* removes what could not be removed before */
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 1);
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

/* No checkpoint knows more lines than the disk has. */
START_TEST(no_checkpoint_is_written_before_the_lines_are_on_the_disk) {
    static const char *const logs[] = {"run/metrics.jsonl", "run/timings.jsonl"};
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    for (int log = 0; log < ROWS(logs); log++) {
        system_fail(SYSTEM_WRITE, 0, 0);
        system_fail(SYSTEM_SYNC, log + 1, EIO);
        ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_IO);
        system_fail(SYSTEM_SYNC, 0, 0);
        assert_parts("log", errors_text(&run_errors, log), logs[log]);
        ck_assert_int_eq(system_calls(SYSTEM_WRITE), 0);
        assert_newest_checkpoint(run, 1);
    }
    system_fail(SYSTEM_SYNC, 0, 0);
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_OK);
    ck_assert_int_eq(system_calls(SYSTEM_SYNC), 2 + 1 + 1); /* the logs, the file, and its name in the folder */
    run_folder_close(run);
}
END_TEST

/* Weights replace earlier ones of the same name, or do not. */
START_TEST(weights_that_fail_leave_the_previous_ones) {
    struct run_folder *run = run_start("run");
    float value = 1;
    const struct named_tensor tensor = {"W", tensor_1d(RONDO_F32, 1, &value)};
    ck_assert_int_eq(run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, 1, 1, &tensor, 1, &run_errors), RONDO_OK);
    size_t before_size, size;
    const char *before = file_content("run/weights.safetensors", &before_size);
    const int descriptors = open_descriptors();
    value = 2;
    rondo_status status = RONDO_IO;
    for (long number = 1; status != RONDO_OK; number++) {
        system_fail(failures[_i].call, number, failures[_i].error);
        status = run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, 2, 2, &tensor, 1, &run_errors);
        system_fail(failures[_i].call, 0, 0);
        ck_assert_int_eq(open_descriptors(), descriptors);
        ck_assert_int_eq(files_in("run", ".tmp-"), 0);
        const char *after = file_content("run/weights.safetensors", &size);
        const int is_old = size == before_size && memcmp(before, after, size) == 0;
        if (status == RONDO_OK) {
            ck_assert(!is_old);
            break;
        }
        ck_assert_int_eq(status, RONDO_IO);
        ck_assert_int_eq(run_folder_weights(run), 1);
        assert_parts("weights", errors_text(&run_errors, 0), "run/weights.safetensors");
        assert_parts("weights", errors_text(&run_errors, 0), failures[_i].reason);
        ck_assert_msg(is_old || size == before_size, "half of a file");
        /* Renamed, but the name is not known to be on the disk. */
        ck_assert(is_old || failures[_i].call == SYSTEM_SYNC || failures[_i].call == SYSTEM_LOOK);
        errors_free(&run_errors);
    }
    ck_assert_int_eq(run_folder_weights(run), 2);
    run_folder_close(run);
}
END_TEST

/* The first weights, and the first checkpoint, that fail: there is a run that can be gone on with, or nothing. */
START_TEST(a_run_whose_first_results_fail_is_whole_or_gone) {
    float value = 1;
    const struct named_tensor tensor = {"W", tensor_1d(RONDO_F32, 1, &value)};
    for (int is_checkpoint = 0; is_checkpoint < 2; is_checkpoint++) {
        rondo_status status = RONDO_IO;
        for (long number = 1; status != RONDO_OK; number++) {
            struct run_folder *run = run_start("run");
            system_fail(failures[_i].call, number, failures[_i].error);
            status = is_checkpoint ? run_checkpoint(run, 2, 1)
                                   : run_folder_write_weights(run, RUN_FOLDER_WEIGHTS, 2, 2, &tensor, 1, &run_errors);
            system_fail(failures[_i].call, 0, 0);
            run_folder_close(run);
            const int has_results = files_in("run/checkpoints", NULL) > 0 || file_is_there("run/weights.safetensors");
            ck_assert(has_results || status != RONDO_OK);
            ck_assert_int_eq(has_results, file_is_there("run/experiment.yaml"));
            ck_assert_int_eq(has_results, file_is_there("run"));
            errors_free(&run_errors);
            if (has_results) {
                sandbox_remove(sandbox_path("test-%ld/run", (long)getpid()));
            }
        }
    }
}
END_TEST

/* Of a line there is all or nothing. */
START_TEST(a_line_that_fails_leaves_the_log_as_it_was) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    system_fail(failures[_i].call, 1, failures[_i].error);
    const rondo_status status = run_append(run, "epoch", 2);
    const int is_writing = failures[_i].call == SYSTEM_WRITE || failures[_i].call == SYSTEM_WRITE_HALF;
    system_fail(failures[_i].call, 0, 0);
    ck_assert_int_eq(status, is_writing ? RONDO_IO : RONDO_OK);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), is_writing ? 12 : 24);
    if (status == RONDO_IO) {
        assert_parts("line", errors_text(&run_errors, 0), "cannot write 'run/metrics.jsonl': ");
        ck_assert_int_eq(run_append(run, "epoch", 2), RONDO_OK);
        ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 24);
    }
    run_folder_close(run);
}
END_TEST

START_TEST(a_line_that_can_neither_be_written_nor_removed_is_reported) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    system_fail(SYSTEM_WRITE_HALF, 1, ENOSPC);
    system_fail(SYSTEM_TRUNCATE, 1, EIO);
    ck_assert_int_eq(run_append(run, "epoch", 2), RONDO_IO);
    system_fail(SYSTEM_WRITE_HALF, 0, 0);
    system_fail(SYSTEM_TRUNCATE, 0, 0);
    assert_parts("line", errors_text(&run_errors, 0), "cannot write 'run/metrics.jsonl': No space left on device");
    assert_parts("line", errors_text(&run_errors, 1), "the last line of 'run/metrics.jsonl' is cut");
    run_folder_close(run);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 1);
    run = run_reopen("run");
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 12, &run_errors), RONDO_OK);
    run_folder_close(run);
}
END_TEST

/* A run that cannot start leaves nothing, and has all descriptors closed. */
START_TEST(a_start_that_fails_leaves_nothing) {
    const int before = open_descriptors();
    rondo_status status = RONDO_IO;
    for (long number = 1; status != RONDO_OK; number++) {
        system_fail(failures[_i].call, number, failures[_i].error);
        struct run_folder *run = run_folder_create("above/run", "tiny", &run_errors);
        status = run == NULL ? run_errors.status : run_folder_write(run, "experiment.yaml", "x", 1, &run_errors);
        run_folder_close(run);
        system_fail(failures[_i].call, 0, 0);
        ck_assert_int_eq(open_descriptors(), before);
        ck_assert_int_eq(files_in(".", NULL), 0);
        ck_assert_int_eq(status, run_errors.count == 0 ? RONDO_OK : RONDO_IO);
        if (status != RONDO_OK) {
            assert_parts("start", errors_text(&run_errors, 0), failures[_i].reason);
        }
        errors_free(&run_errors);
    }
}
END_TEST

/* A defect of the disk is like damage; what says nothing about the file is not. */
static const struct {
    enum system_call call;
    long number;
    int error, is_passed_over;
} readings[] = {{SYSTEM_READ, 1, EIO, 1},
                {SYSTEM_READ, 3, EIO, 1},
                {SYSTEM_OPEN_FILE, 1, EMFILE, 0},
                {SYSTEM_OPEN_FILE, 1, EACCES, 0}};

START_TEST(a_checkpoint_that_cannot_be_read_is_passed_over_only_if_it_is_damaged) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 2), RONDO_OK);
    ck_assert_int_eq(run_checkpoint(run, 2, 2), RONDO_OK);
    const int before = open_descriptors();
    struct archive *archive;
    int64_t step;
    system_fail(readings[_i].call, readings[_i].number, readings[_i].error);
    const rondo_status status = run_folder_read_checkpoint(run, &archive, &step, &run_notes, &run_errors);
    system_fail(readings[_i].call, 0, 0);
    ck_assert_int_eq(status, RONDO_INVALID);
    ck_assert_ptr_null(archive);
    ck_assert_int_eq(run_notes.count, readings[_i].is_passed_over ? 2 : 0);
    assert_parts("reading", errors_text(&run_errors, 0),
                 readings[_i].is_passed_over ? "step-000000000001.safetensors|Input/output error"
                                             : "cannot read '|step-000000000002.safetensors");
    ck_assert_int_eq(open_descriptors(), before);
    assert_newest_checkpoint(run, 2);
    run_folder_close(run);
}
END_TEST

/* ---- failures of the real system ---- */

START_TEST(a_limit_on_the_size_of_files_is_like_a_full_disk) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {8192, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_IO);
    assert_parts("limit", errors_text(&run_errors, 0), "cannot write '|step-000000000002.safetensors': File too large");
    rondo_status status = RONDO_OK;
    int64_t length = 0;
    for (int i = 0; i < 1000 && status == RONDO_OK; i++) {
        length = run_folder_length(run, RUN_METRICS);
        status = run_append(run, "epoch", i);
    }
    ck_assert_int_eq(status, RONDO_IO);
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), length);
    ck_assert_int_eq(files_in("run/checkpoints", NULL), 1);
    assert_newest_checkpoint(run, 1);
    run_folder_close(run);
}
END_TEST

/* Root writes to folders without permission, so the test becomes another user. */
START_TEST(a_folder_that_turns_read_only_keeps_what_it_has) {
    enum { NOBODY = 65534 };
    ck_assert_int_eq(chmod(".", 0777), 0);
    ck_assert_int_eq(chmod("..", 0711), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(setgid(NOBODY), 0);
        ck_assert_int_eq(setuid(NOBODY), 0);
    }
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    ck_assert_int_eq(chmod("run/checkpoints", 0555), 0);
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_IO);
    assert_parts("read-only", errors_text(&run_errors, 0), "step-000000000002.safetensors': Permission denied");
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    assert_newest_checkpoint(run, 1);
    ck_assert_int_eq(chmod("run/checkpoints", 0777), 0);
    ck_assert_int_eq(chmod("run/metrics.jsonl", 0444), 0);
    run_folder_close(run);
    errors_free(&run_errors);
    ck_assert_ptr_null(run_folder_open("run", &run_errors));
    ck_assert_int_eq(run_errors.status, RONDO_IO);
    assert_parts("log", errors_text(&run_errors, 0), "cannot write 'run/metrics.jsonl': Permission denied");
    ck_assert_int_eq(chmod("run/metrics.jsonl", 0644), 0);
    ck_assert_int_eq(chmod("run/checkpoints/step-000000000001.safetensors", 0), 0);
    errors_free(&run_errors);
    run = run_reopen("run");
    /* Not damaged: it must not be passed over, and then be removed. */
    struct archive *archive;
    int64_t step;
    ck_assert_int_eq(run_folder_read_checkpoint(run, &archive, &step, &run_notes, &run_errors), RONDO_INVALID);
    assert_parts("unreadable", errors_text(&run_errors, 0), "step-000000000001.safetensors': Permission denied");
    ck_assert_int_eq(run_notes.count, 0);
    run_folder_close(run);
}
END_TEST

static void put_text(const char *file, const char *text) {
    const int descriptor = open(file, O_WRONLY);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

/* A small file system in memory, for this process and those that it starts. 0: not permitted here. */
static int mount_small(const char *folder) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
        return 0;
    }
    if (user != 0) { /* the user becomes the owner of the new file system */
        char map[32];
        snprintf(map, sizeof map, "0 %ld 1", (long)user);
        put_text("/proc/self/uid_map", map);
        put_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %ld 1", (long)group);
        put_text("/proc/self/gid_map", map);
    }
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("none", folder, "tmpfs", 0, "size=128k") == 0;
}

START_TEST(a_full_disk_keeps_what_it_has) {
    ck_assert_int_eq(mkdir("disk", 0777), 0);
    if (!mount_small("disk")) {
        printf("mounting is not permitted here: a full disk is only simulated, by the tests with failing calls\n");
        return;
    }
    ck_assert_int_eq(chdir("disk"), 0);
    struct run_folder *run = run_start("run");
    rondo_status status = RONDO_OK;
    int64_t step = 0;
    int64_t bytes, room;
    ck_assert_int_eq(run_folder_is_full(run, &bytes, &room), 0);
    while (status == RONDO_OK && step < 100) {
        status = run_checkpoint(run, ++step, 100);
    }
    ck_assert_int_eq(status, RONDO_IO);
    ck_assert_int_gt(step, 3);
    assert_parts("full", errors_text(&run_errors, 0), "cannot write '|No space left on device");
    ck_assert_int_eq(files_in("run/checkpoints", NULL), (int)step - 1);
    ck_assert_int_eq(run_folder_checkpoint(run), step - 1);
    assert_newest_checkpoint(run, step - 1);
    ck_assert_int_eq(run_folder_is_full(run, &bytes, &room), 1);
    ck_assert(bytes > 16000 && bytes < 20000 && room < bytes + bytes / 8);
    const int descriptor = open("fill", O_WRONLY | O_CREAT, 0666);
    static const char block[4096];
    while (write(descriptor, block, sizeof block) > 0) {
    }
    close(descriptor);
    int lines = 0;
    while (run_append(run, "epoch", 1) == RONDO_OK && lines < 10000) {
        lines++;
    }
    ck_assert_int_eq(run_folder_length(run, RUN_METRICS), 12 * lines);
    assert_newest_checkpoint(run, step - 1);
    ck_assert_int_eq(unlink("fill"), 0);
    run_folder_limit_checkpoints(run, step - 1, 1);
    ck_assert_int_eq(run_folder_is_full(run, &bytes, &room), 0);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    run_folder_close(run);
}
END_TEST

/* ---- the folder is changed during the run ---- */

START_TEST(a_folder_that_is_removed_or_moved_gets_no_checkpoint) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    if (_i == 0) {
        ck_assert_int_eq(rename("run", "elsewhere"), 0);
    } else {
        sandbox_remove(sandbox_path("test-%ld/run", (long)getpid()));
    }
    ck_assert_int_eq(mkdir("run", 0777), 0); /* another one of the same name */
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_IO);
    assert_parts("changed", errors_text(&run_errors, 0),
                 _i == 0 ? "the folder 'run' of the run was moved to '|/elsewhere'"
                         : "the folder 'run' of the run was removed");
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_IO);
    struct archive *archive;
    int64_t step;
    ck_assert_int_eq(run_folder_read_checkpoint(run, &archive, &step, &run_notes, &run_errors), RONDO_IO);
    ck_assert_int_eq(files_in("run", NULL), 0);
    ck_assert_int_eq(file_is_there("elsewhere/checkpoints/step-000000000001.safetensors"), _i == 0);
    run_folder_close(run);
    ck_assert(file_is_there("run"));
}
END_TEST

START_TEST(checkpoints_that_are_removed_during_the_run_are_written_again) {
    struct run_folder *run = run_start("run");
    ck_assert_int_eq(run_checkpoint(run, 1, 1), RONDO_OK);
    sandbox_remove(sandbox_path("test-%ld/run/checkpoints", (long)getpid()));
    assert_newest_checkpoint(run, RUN_FOLDER_NO_CHECKPOINT);
    ck_assert_int_eq(run_checkpoint(run, 2, 1), RONDO_OK);
    assert_newest_checkpoint(run, 2);
    /* Moved to another disk, with a link. */
    ck_assert_int_eq(rename("run/checkpoints", "large"), 0);
    ck_assert_int_eq(symlink("../large", "run/checkpoints"), 0);
    ck_assert_int_eq(run_checkpoint(run, 3, 1), RONDO_OK);
    assert_newest_checkpoint(run, 3);
    ck_assert_int_eq(files_in("large", NULL), 1);
    /* Replaced by a file. */
    ck_assert_int_eq(unlink("run/checkpoints"), 0);
    file_touch("run/checkpoints");
    ck_assert_int_eq(run_checkpoint(run, 4, 1), RONDO_IO);
    assert_parts("file", errors_text(&run_errors, 0),
                 "run/checkpoints/step-000000000004.safetensors': Not a directory");
    run_folder_close(run);
}
END_TEST

START_TEST(a_log_that_is_removed_during_the_run_ends_it) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    ck_assert_int_eq(unlink("run/metrics.jsonl"), 0);
    ck_assert_int_eq(run_append(run, "epoch", 2), RONDO_IO);
    assert_parts("log", errors_text(&run_errors, 0),
                 "'run/metrics.jsonl' was removed or replaced while the run was going on");
    run_folder_close(run);
}
END_TEST

/* Otherwise lines would be missing in the end, and a checkpoint would record the length without them. */
START_TEST(a_log_that_another_program_changes_during_the_run_ends_it) {
    struct run_folder *run = run_start("run");
    run_folder_keep(run);
    ck_assert_int_eq(run_append(run, "epoch", 1), RONDO_OK);
    ck_assert_int_eq(run_folder_check_logs(run, &run_errors), RONDO_OK);
    if (_i == 0) {
        ck_assert_int_eq(truncate("run/metrics.jsonl", 0), 0);
    } else {
        const int descriptor = open("run/metrics.jsonl", O_WRONLY | O_APPEND);
        ck_assert_int_eq(write(descriptor, "x\n", 2), 2);
        close(descriptor);
    }
    ck_assert_int_eq(run_folder_check_logs(run, &run_errors), RONDO_IO);
    ck_assert_int_eq(run_append(run, "epoch", 2), RONDO_IO);
    ck_assert_int_eq(run_folder_cut(run, RUN_METRICS, 0, &run_errors), RONDO_IO);
    for (int32_t i = 0; i < 3; i++) {
        assert_parts("log", errors_text(&run_errors, i),
                     _i == 0 ? "'run/metrics.jsonl' was changed by another program|it has 0 bytes, and had 12"
                             : "'run/metrics.jsonl' was changed by another program|it has 14 bytes, and had 12");
    }
    run_folder_close(run);
    ck_assert_int_eq(run_folder_is_unfinished("run"), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run_faults");
    TCase *cases = tcase_create("run_faults");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(cases, run_setup, run_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_checkpoint_that_fails_leaves_the_previous_one, 0, ROWS(failures));
    tcase_add_loop_test(cases, a_first_checkpoint_that_fails_leaves_nothing, 0, ROWS(failures));
    tcase_add_loop_test(cases, without_unnamed_files_a_checkpoint_that_fails_leaves_the_previous_one, 0,
                        ROWS(failures));
    tcase_add_test(cases, no_checkpoint_is_written_before_the_lines_are_on_the_disk);
    tcase_add_loop_test(cases, weights_that_fail_leave_the_previous_ones, 0, ROWS(failures));
    tcase_add_loop_test(cases, a_run_whose_first_results_fail_is_whole_or_gone, 0, ROWS(failures));
    tcase_add_loop_test(cases, a_line_that_fails_leaves_the_log_as_it_was, 0, ROWS(failures));
    tcase_add_test(cases, a_line_that_can_neither_be_written_nor_removed_is_reported);
    tcase_add_loop_test(cases, a_start_that_fails_leaves_nothing, 0, ROWS(failures));
    tcase_add_loop_test(cases, a_checkpoint_that_cannot_be_read_is_passed_over_only_if_it_is_damaged, 0,
                        ROWS(readings));
    tcase_add_test(cases, a_limit_on_the_size_of_files_is_like_a_full_disk);
    tcase_add_test(cases, a_folder_that_turns_read_only_keeps_what_it_has);
    tcase_add_test(cases, a_full_disk_keeps_what_it_has);
    tcase_add_loop_test(cases, a_folder_that_is_removed_or_moved_gets_no_checkpoint, 0, 2);
    tcase_add_test(cases, checkpoints_that_are_removed_during_the_run_are_written_again);
    tcase_add_test(cases, a_log_that_is_removed_during_the_run_ends_it);
    tcase_add_loop_test(cases, a_log_that_another_program_changes_during_the_run_ends_it, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
