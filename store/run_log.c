#define _XOPEN_SOURCE 700
/* store/run_log.c: the logs of a run, and the lock on the first, see store/run_folder.h. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_lock.h"
#include "io/json.h"
#include "store/checkpoint_files.h"
#include "store/line_file.h"
#include "store/line_file_end.h"
#include "store/run_folder_parts.h"

const char *run_log_name(enum run_log log) {
    static const char *const names[] = {
        [RUN_METRICS] = "metrics.jsonl", [RUN_TIMINGS] = "timings.jsonl", [RUN_SAMPLES] = "samples.jsonl"};
    return names[log];
}

/* What is written in the folder belongs to the other process. */
static rondo_status refuse_second(struct run_folder *run, int descriptor, struct errors *errors) {
    const long owner = file_lock_owner(descriptor);
    char number[40];
    snprintf(number, sizeof number, " (its number is %ld)", owner);
    run->written = NULL;
    return owner == (long)getpid() ? errors_add(errors, RONDO_INVALID, "this process already trains in '%s'", run->path)
                                   : errors_add(errors, RONDO_INVALID,
                                                "another process trains in '%s'%s: wait until it has ended, or end it",
                                                run->path, owner > 0 ? number : "");
}

/* Its descriptor is -1 with errno after a failure of the system. */
static rondo_status open_log(struct run_folder *run, enum run_log log, int flags, struct errors *errors) {
    struct run_log_file *file = &run->logs[log];
    file->path = run_folder_file(run, run_log_name(log));
    if (file->path == NULL) {
        return errors_no_memory(errors);
    }
    file->descriptor = openat(run->descriptor, run_log_name(log), O_RDWR | O_APPEND | O_CLOEXEC | flags, 0666);
    if (file->descriptor >= 0) {
        file->length = line_file_length(file->descriptor);
    }
    return RONDO_OK;
}

static rondo_status check_open(const struct run_folder *run, enum run_log log, struct errors *errors) {
    return run->logs[log].descriptor >= 0
               ? RONDO_OK
               : file_failed(errors, RONDO_IO, (struct location){0}, "write", run->logs[log].path, errno);
}

/* A file that was removed protects nothing. Until it was locked, another process may have appended to it. */
static int lock(struct run_folder *run) {
    struct run_log_file *file = &run->logs[RUN_METRICS];
    const int is_locked = file_lock(file->descriptor, FILE_LOCK_OWN) && !line_file_is_removed(file->descriptor);
    file->length = line_file_length(file->descriptor);
    return is_locked;
}

/* Creates the first log, so that only one of several processes succeeds, and locks it. */
static rondo_status create_first(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(open_log(run, RUN_METRICS, O_CREAT | O_EXCL, errors));
    if (run->logs[RUN_METRICS].descriptor < 0 && errno == EEXIST) {
        RONDO_TRY(open_log(run, RUN_METRICS, 0, errors));
        return refuse_second(run, run->logs[RUN_METRICS].descriptor, errors);
    }
    RONDO_TRY(check_open(run, RUN_METRICS, errors));
    return lock(run) ? RONDO_OK : refuse_second(run, run->logs[RUN_METRICS].descriptor, errors);
}

/* Opens the first log, and locks it. Its descriptor is -1 if it is missing. */
static rondo_status open_first(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(open_log(run, RUN_METRICS, 0, errors));
    if (run->logs[RUN_METRICS].descriptor < 0 && errno == ENOENT) {
        return RONDO_OK;
    }
    RONDO_TRY(check_open(run, RUN_METRICS, errors));
    return lock(run) ? RONDO_OK : refuse_second(run, run->logs[RUN_METRICS].descriptor, errors);
}

rondo_status run_logs_create(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(run_folder_remember(run, run_log_name(RUN_METRICS), errors));
    if (run->is_taken_over) {
        RONDO_TRY(open_first(run, errors));
    }
    if (run->logs[RUN_METRICS].descriptor < 0) {
        RONDO_TRY(create_first(run, errors));
    }
    RONDO_TRY(run_folder_remember(run, run_log_name(RUN_TIMINGS), errors));
    RONDO_TRY(open_log(run, RUN_TIMINGS, O_CREAT, errors));
    return check_open(run, RUN_TIMINGS, errors);
}

static void remove_left_over(const struct run_folder *run) {
    file_remove_left_over(run->descriptor, ".", "weights.");
    file_remove_left_over(run->descriptor, "cells", "");
    file_remove_left_over(run->descriptor, CHECKPOINT_FOLDER, "");
}

rondo_status run_logs_open(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(open_first(run, errors));
    if (run->logs[RUN_METRICS].descriptor >= 0) {
        remove_left_over(run);
    }
    for (int log = RUN_TIMINGS; log < RUN_LOG_COUNT; log++) {
        RONDO_TRY(open_log(run, (enum run_log)log, 0, errors));
        if (run->logs[log].descriptor < 0 && errno != ENOENT) {
            return check_open(run, (enum run_log)log, errors);
        }
    }
    return RONDO_OK;
}

rondo_status run_folder_make_logs(struct run_folder *run, struct errors *errors) {
    if (run->logs[RUN_METRICS].descriptor < 0) {
        RONDO_TRY(create_first(run, errors));
        remove_left_over(run);
    }
    if (run->logs[RUN_TIMINGS].descriptor < 0) {
        RONDO_TRY(open_log(run, RUN_TIMINGS, O_CREAT, errors));
    }
    return check_open(run, RUN_TIMINGS, errors);
}

rondo_status run_folder_make_samples(struct run_folder *run, struct errors *errors) {
    if (run->logs[RUN_SAMPLES].descriptor >= 0) {
        return RONDO_OK;
    }
    RONDO_TRY(run_folder_remember(run, run_log_name(RUN_SAMPLES), errors));
    RONDO_TRY(open_log(run, RUN_SAMPLES, O_CREAT, errors));
    return check_open(run, RUN_SAMPLES, errors);
}

/* ---- lines ---- */

static rondo_status check_log(struct run_folder *run, enum run_log log, struct errors *errors) {
    const struct run_log_file *file = &run->logs[log];
    if (line_file_is_removed(file->descriptor)) {
        /* Perhaps the whole folder is being removed. */
        const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
        nanosleep(&pause, NULL);
        RONDO_TRY(run_folder_check(run, errors));
        return errors_add(errors, RONDO_IO, "'%s' was removed or replaced while the run was going on", file->path);
    }
    const int64_t length = line_file_length(file->descriptor);
    return length == file->length
               ? RONDO_OK
               : errors_add(errors, RONDO_IO,
                            "'%s' was changed by another program while the run was going on: it has %lld bytes, and "
                            "had %lld after its last line was written",
                            file->path, (long long)length, (long long)file->length);
}

rondo_status run_folder_check_logs(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(run_folder_check(run, errors));
    for (int log = 0; log < RUN_LOG_COUNT; log++) {
        if (run->logs[log].descriptor >= 0) {
            RONDO_TRY(check_log(run, (enum run_log)log, errors));
        }
    }
    return RONDO_OK;
}

rondo_status run_folder_append(struct run_folder *run, enum run_log log, const struct json_t *object,
                               struct errors *errors) {
    struct run_log_file *file = &run->logs[log];
    RONDO_TRY(run_folder_check(run, errors));
    RONDO_TRY(check_log(run, log, errors));
    return line_file_append(file->descriptor, file->path, object, &file->length, errors);
}

int run_folder_is_finished(const struct run_folder *run) {
    return line_file_ends_with(run->logs[RUN_METRICS].descriptor, "finished");
}

rondo_status run_folder_last_interval(const struct run_folder *run, int64_t *step, struct errors *errors) {
    const struct run_log_file *file = &run->logs[RUN_METRICS];
    struct line_file_end end = {.text = NULL};
    const char *text = NULL;
    size_t length = 0;
    *step = -1;
    if (file->descriptor < 0) {
        return RONDO_OK;
    }
    rondo_status status = line_file_end_open(&end, file->descriptor, file->path, errors);
    while (status == RONDO_OK && *step < 0) {
        json_t *line = NULL;
        json_error_t reason;
        status = line_file_previous(&end, &text, &length, errors);
        if (status != RONDO_OK || text == NULL) {
            break;
        }
        if (json_parse(text, length, &line, &reason) == RONDO_NO_MEMORY) {
            status = errors_no_memory(errors);
        }
        const json_t *number = json_object_get(line, "epoch") == NULL ? NULL : json_object_get(line, "step");
        *step = json_is_integer(number) ? (int64_t)json_integer_value(number) : -1;
        json_decref(line);
    }
    line_file_end_close(&end);
    return status;
}

int64_t run_folder_length(const struct run_folder *run, enum run_log log) {
    return run->logs[log].descriptor < 0 ? 0 : run->logs[log].length;
}

void run_folder_compare_log(const struct run_folder *run, enum run_log log, int64_t length,
                            struct errors *differences) {
    const struct run_log_file *file = &run->logs[log];
    if (file->descriptor >= 0) {
        line_file_compare(file->descriptor, file->path, length, differences);
    } else if (length > 0) {
        errors_add(differences, RONDO_INVALID,
                   "'%s' is missing: the checkpoint was written with %lld bytes of lines in it", file->path,
                   (long long)length);
    }
}

int64_t run_folder_count_lines(const struct run_folder *run, enum run_log log) {
    return run->logs[log].descriptor < 0 ? 0 : line_file_count(run->logs[log].descriptor);
}

rondo_status run_folder_cut(struct run_folder *run, enum run_log log, int64_t length, struct errors *errors) {
    struct run_log_file *file = &run->logs[log];
    if (file->descriptor < 0) {
        return RONDO_OK; /* it has no lines */
    }
    RONDO_TRY(check_log(run, log, errors));
    return line_file_cut(file->descriptor, file->path, length, &file->length, errors);
}
