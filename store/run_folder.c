#define _XOPEN_SOURCE 700
#include "store/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_lock.h"
#include "store/checkpoint_files.h"
#include "store/killed_start.h"
#include "store/line_file.h"
#include "store/run_folder_parts.h"
#include "store/run_list.h"

enum { MAX_RUNS = 100000 };

/* Written last when a run starts: a folder that has it has all that training goes on from. */
#define LAST_FILE "experiment.yaml"

int64_t run_folder_weights(const struct run_folder *run) {
    return run->weights;
}

int64_t run_folder_checkpoint(const struct run_folder *run) {
    return atomic_load(&run->checkpoint);
}

void run_folder_keep(struct run_folder *run) {
    run->is_temporary = 0;
}

/* Adds "cannot VERB 'path/name': reason". */
static rondo_status failed(const struct run_folder *run, const char *verb, const char *name, int error,
                           struct errors *errors) {
    const char *shown = run_folder_file(run, name);
    return shown == NULL ? errors_no_memory(errors)
                         : file_failed(errors, RONDO_IO, (struct location){0}, verb, shown, error);
}

/* 0 if they cannot be listed. */
static int32_t count_checkpoints(int folder, const char *path) {
    int64_t *steps;
    int32_t count;
    struct errors ignored = {0};
    checkpoint_list(folder, path, &steps, &count, &ignored);
    free(steps);
    errors_free(&ignored);
    return count;
}

/* -1: it cannot be read for lack of memory. */
static int is_empty_folder(const char *path) {
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return errno == ENOMEM ? -1 : 0;
    }
    int entries = 0;
    while (readdir(stream) != NULL) {
        entries++; /* . and .. among them */
    }
    closedir(stream);
    return entries <= 2;
}

/* A copy without slashes at the end. NULL: out of memory. */
static const char *copy_path(struct run_folder *run, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    return arena_strndup(run->arena, folder, length);
}

/* metrics.jsonl of a folder, to ask about its lock; -1: there is none. *is_run (may be NULL): the folder is complete. */
static int open_metrics(const char *folder, int *is_run) {
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat info;
    if (descriptor < 0) {
        return -1;
    }
    if (is_run != NULL) {
        *is_run = fstatat(descriptor, LAST_FILE, &info, 0) == 0 || count_checkpoints(descriptor, folder) > 0;
    }
    const int metrics = openat(descriptor, run_log_name(RUN_METRICS), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    close(descriptor);
    return metrics;
}

int run_folder_is_in_use(const char *folder) {
    const int metrics = open_metrics(folder, NULL);
    const int is_used = metrics >= 0 && !file_lock(metrics, FILE_LOCK_SHARED);
    if (metrics >= 0) {
        close(metrics);
    }
    return is_used;
}

static rondo_status refuse_folder(const char *path, struct errors *errors) {
    if (run_folder_is_in_use(path)) {
        return errors_add(errors, RONDO_INVALID, "another process trains in '%s': wait until it has ended, or end it",
                          path);
    }
    const int is_unfinished = run_folder_is_unfinished(path);
    return errors_add(
        errors, RONDO_INVALID, "'%s' exists and is not empty; a run never overwrites another, so name a new folder%s%s",
        path, is_unfinished ? ", or go on with the run in it: rondo train --resume " : "", is_unfinished ? path : "");
}

/* Makes the folder that was asked for, or takes over what a killed start has left in it. */
static rondo_status make_folder(struct run_folder *run, const char *folder, struct errors *errors) {
    const char *path = copy_path(run, folder);
    const int is_empty = path == NULL ? -1 : !file_exists(path) ? 1 : is_empty_folder(path);
    run->is_taken_over = is_empty == 0 ? killed_start_is(path) : 0;
    if (is_empty < 0 || run->is_taken_over < 0) {
        return errors_no_memory(errors);
    }
    if (!is_empty && !run->is_taken_over) {
        return refuse_folder(path, errors);
    }
    RONDO_TRY(folder_create(path, &run->made, errors));
    run->path = path;
    return RONDO_OK;
}

/* Makes runs/NAME, or the first of runs/NAME-2, runs/NAME-3, … that does not exist. Looking first and making it then
 * would let two runs that start at the same time take the same folder. */
static rondo_status make_next_folder(struct run_folder *run, const char *name, struct errors *errors) {
    int32_t above = 0;
    RONDO_TRY(folder_create(RUN_LIST_FOLDER, &above, errors));
    for (int k = 1; k < MAX_RUNS; k++) {
        const char *path = run_list_path(name, k, run->arena);
        if (path == NULL) {
            folder_remove(RUN_LIST_FOLDER, above);
            return errors_no_memory(errors);
        }
        if (mkdir(path, 0777) == 0) {
            run->path = path;
            run->made = above + 1;
            return RONDO_OK;
        }
        if (errno != EEXIST) {
            const int error = errno;
            folder_remove(RUN_LIST_FOLDER, above);
            return file_failed(errors, RONDO_IO, (struct location){0}, "make the folder", path, error);
        }
    }
    return errors_add(errors, RONDO_INVALID,
                      "there are %d runs of this name in '" RUN_LIST_FOLDER "', name a folder with --out", MAX_RUNS);
}

/* Holds the folder open: files are written to this folder even if its path changes. */
static rondo_status open_folder(struct run_folder *run, struct errors *errors) {
    run->absolute = path_absolute(run->arena, run->path);
    if (run->absolute == NULL) {
        return errors_no_memory(errors);
    }
    run->descriptor = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return run->descriptor < 0 ? file_failed(errors, RONDO_IO, (struct location){0}, "open", run->path, errno)
                               : RONDO_OK;
}

/* ---- creating and opening ---- */

/* Makes names of new folders last: that of the run, and of those above it. */
static void sync_above(struct run_folder *run) {
    const char *folder = run->absolute;
    for (int32_t i = 0; i < run->made && folder != NULL; i++) {
        folder = path_folder(run->arena, folder);
        if (folder != NULL) {
            file_sync_folder(AT_FDCWD, folder);
        }
    }
}

static rondo_status start(struct run_folder *run, const char *folder, const char *name, struct errors *errors) {
    RONDO_TRY(folder == NULL ? make_next_folder(run, name, errors) : make_folder(run, folder, errors));
    RONDO_TRY(open_folder(run, errors));
    sync_above(run);
    RONDO_TRY(run_logs_create(run, errors));
    if (run->is_taken_over &&
        killed_start_is(run->path) != 1) { /* it was not locked when it was looked at, and went on */
        run->written = NULL;
        return refuse_folder(run->path, errors);
    }
    if (run->is_taken_over) {
        killed_start_remove(run->descriptor);
    }
    return RONDO_OK;
}

/* NULL with an error. */
static struct run_folder *allocate(struct errors *errors) {
    struct arena *arena = arena_create();
    struct run_folder *run = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *run);
    if (run == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *run = (struct run_folder){.arena = arena, .descriptor = -1, .weights = RUN_FOLDER_NO_WEIGHTS};
    atomic_init(&run->checkpoint, RUN_FOLDER_NO_CHECKPOINT);
    run->protected_step = RUN_FOLDER_NO_CHECKPOINT;
    for (int log = 0; log < RUN_LOG_COUNT; log++) {
        run->logs[log].descriptor = -1;
    }
    return run;
}

struct run_folder *run_folder_create(const char *folder, const char *name, struct errors *errors) {
    struct run_folder *run = allocate(errors);
    if (run == NULL) {
        return NULL;
    }
    run->is_temporary = 1;
    if (start(run, folder, name, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

static rondo_status reopen(struct run_folder *run, const char *folder, struct errors *errors) {
    struct stat info;
    run->path = copy_path(run, folder);
    if (run->path == NULL) {
        return errors_no_memory(errors);
    }
    if (!file_exists(run->path)) {
        return errors_add(errors, RONDO_NOT_FOUND, "there is no folder '%s'", run->path);
    }
    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode)) {
        return errors_add(errors, RONDO_INVALID, "'%s' is a file, expected the folder of a run", folder);
    }
    RONDO_TRY(open_folder(run, errors));
    if (fstatat(run->descriptor, LAST_FILE, &info, 0) != 0 && count_checkpoints(run->descriptor, run->path) == 0) {
        return errors_add(
            errors, RONDO_NOT_FOUND, "'%s' is not the folder of a run: it has no " LAST_FILE "%s", run->path,
            killed_start_is(run->path) == 1 ? ", since the run was killed as it started: start it again" : "");
    }
    return run_logs_open(run, errors);
}

struct run_folder *run_folder_open(const char *folder, struct errors *errors) {
    struct run_folder *run = allocate(errors);
    if (run != NULL && reopen(run, folder, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

int run_folder_is_free(const char *folder) {
    return !file_exists(folder) || is_empty_folder(folder) == 1 || killed_start_is(folder) == 1;
}

int run_folder_is_unfinished(const char *folder) {
    int is_run = 0;
    const int metrics = open_metrics(folder, &is_run);
    const int is_unfinished =
        metrics >= 0 && is_run && file_lock(metrics, FILE_LOCK_SHARED) && !line_file_ends_with(metrics, "finished");
    if (metrics >= 0) {
        close(metrics);
    }
    return is_unfinished;
}

int run_folder_has_ended(const char *folder) {
    const int metrics = open_metrics(folder, NULL);
    const int has_ended = metrics >= 0 && line_file_ends_with(metrics, "finished");
    if (metrics >= 0) {
        close(metrics);
    }
    return has_ended;
}

/* ---- files ---- */

rondo_status run_folder_subfolder(struct run_folder *run, const char *name, struct errors *errors) {
    RONDO_TRY(run_folder_check(run, errors));
    RONDO_TRY(run_folder_remember(run, name, errors));
    return mkdirat(run->descriptor, name, 0777) == 0 || errno == EEXIST
               ? RONDO_OK
               : failed(run, "make the folder", name, errno, errors);
}

/* Begins a file in the folder. */
static rondo_status begin_file(struct run_folder *run, const char *name, struct file_writer *writer,
                               struct errors *errors) {
    const char *shown = run_folder_file(run, name);
    if (shown == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(run_folder_check(run, errors));
    return file_begin_in(writer, run->descriptor, name, shown, errors);
}

rondo_status run_folder_write(struct run_folder *run, const char *name, const void *bytes, size_t length,
                              struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(run_folder_remember(run, name, errors));
    RONDO_TRY(begin_file(run, name, &writer, errors));
    rondo_status status = file_piece(&writer, bytes, length, errors);
    status = status == RONDO_OK ? file_commit(&writer, errors) : status;
    file_abort(&writer); /* does nothing after a commit */
    return status;
}

/* 1 if there is anything that was trained. The disk is asked, since a file may be in place although writing it failed: the
 * name could not be synced. */
static int has_results(const struct run_folder *run) {
    struct stat info;
    return count_checkpoints(run->descriptor, run->path) > 0 || run->weights != RUN_FOLDER_NO_WEIGHTS ||
           fstatat(run->descriptor, RUN_FOLDER_WEIGHTS, &info, 0) == 0;
}

/* Failures are ignored: what cannot be removed stays, and the reason why the run failed has been reported already. */
static void remove_all(const struct run_folder *run) {
    unlinkat(run->descriptor, CHECKPOINT_FOLDER, AT_REMOVEDIR); /* empty */
    for (const struct written_file *file = run->written; file != NULL; file = file->previous) {
        if (unlinkat(run->descriptor, file->name, 0) != 0) {
            unlinkat(run->descriptor, file->name, AT_REMOVEDIR);
        }
    }
    if (run->descriptor < 0 || run_folder_is_in_place(run)) {
        folder_remove(run->path, run->made);
    }
}

int run_folder_is_kept(const struct run_folder *run) {
    return run->path == NULL || !run->is_temporary || has_results(run);
}

void run_folder_close(struct run_folder *run) {
    if (run == NULL) {
        return;
    }
    if (!run_folder_is_kept(run)) {
        remove_all(run);
    }
    for (int log = 0; log < RUN_LOG_COUNT; log++) {
        if (run->logs[log].descriptor >= 0) {
            close(run->logs[log].descriptor);
        }
    }
    if (run->descriptor >= 0) {
        close(run->descriptor);
    }
    arena_destroy(run->arena);
}

rondo_status run_folder_write_weights(struct run_folder *run, const char *name, int64_t step, int64_t epochs,
                                      const struct named_tensor *tensors, int32_t count, struct errors *errors) {
    char epoch_text[24];
    snprintf(epoch_text, sizeof epoch_text, "%lld", (long long)epochs);
    const char *const metadata[] = {"format", "rondo", "epoch", epoch_text, NULL};
    struct file_writer writer;
    const struct arena_mark mark = arena_mark(run->arena);
    rondo_status status = begin_file(run, name, &writer, errors);
    if (status == RONDO_OK) {
        status = safetensors_write_to(&writer, tensors, count, metadata, errors);
    }
    arena_release(run->arena, mark);
    if (status == RONDO_OK && strcmp(name, RUN_FOLDER_WEIGHTS) == 0) {
        run->weights = step;
    }
    return status;
}
