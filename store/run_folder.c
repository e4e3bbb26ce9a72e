#define _XOPEN_SOURCE 700
#include "store/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/number.h"
#include "io/file.h"

enum { MAX_RUNS = 100000 };

/* A file that was written to the folder, so that it can be removed again. */
struct written_file {
    const char *name;
    struct written_file *previous;
};

enum { LOGS = 2 };
static const char *const log_files[LOGS] = {[RUN_METRICS] = "metrics.jsonl", [RUN_TIMINGS] = "timings.jsonl"};

struct run_folder {
    struct arena *arena;
    const char *path;     /* as messages name it; NULL: not made yet */
    const char *absolute; /* the same path, independent of the working directory */
    int descriptor;       /* of the folder; -1: not open */
    int32_t made;   /* number of folders that were created: this one and those above it; 0: it existed, and was empty */
    int logs[LOGS]; /* descriptors; -1: not open */
    int64_t weights;              /* the update whose weights are written */
    struct written_file *written; /* in reverse order */
};

const char *run_folder_path(const struct run_folder *run) {
    return run->path;
}

int64_t run_folder_weights(const struct run_folder *run) {
    return run->weights;
}

/* A file as messages name it; NULL: out of memory. */
static const char *in_folder(const struct run_folder *run, const char *name) {
    return arena_printf(run->arena, "%s/%s", run->path, name);
}

static int is_empty_folder(const char *path) {
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return 0;
    }
    int entries = 0;
    while (readdir(stream) != NULL) {
        entries++; /* . and .. among them */
    }
    closedir(stream);
    return entries <= 2;
}

/* Makes the folder that was asked for. */
static rondo_status make_folder(struct run_folder *run, const char *folder, struct errors *errors) {
    if (file_exists(folder) && !is_empty_folder(folder)) {
        return errors_add(errors, RONDO_INVALID,
                          "'%s' exists and is not empty; a run never overwrites another, so name a new folder", folder);
    }
    const char *path = arena_strdup(run->arena, folder);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(folder_create(path, &run->made, errors));
    run->path = path;
    return RONDO_OK;
}

/* Makes runs/NAME, or the first of runs/NAME-2, runs/NAME-3, … that does not exist. Looking first and making it then
 * would let two runs that start at the same time take the same folder. */
static rondo_status make_next_folder(struct run_folder *run, const char *name, struct errors *errors) {
    int32_t above = 0;
    RONDO_TRY(folder_create("runs", &above, errors));
    for (int k = 1; k < MAX_RUNS; k++) {
        const char *path =
            k == 1 ? arena_printf(run->arena, "runs/%s", name) : arena_printf(run->arena, "runs/%s-%d", name, k);
        if (path == NULL) {
            folder_remove("runs", above);
            return errors_no_memory(errors);
        }
        if (mkdir(path, 0777) == 0) {
            run->path = path;
            run->made = above + 1;
            return RONDO_OK;
        }
        if (errno != EEXIST) {
            const int error = errno;
            folder_remove("runs", above);
            return file_failed(errors, RONDO_IO, (struct location){0}, "make the folder", path, error);
        }
    }
    return errors_add(errors, RONDO_INVALID, "there are %d runs of this name in 'runs', name a folder with --out",
                      MAX_RUNS);
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

/* 1 if the path leads to the folder of this run. */
static int is_in_place(const struct run_folder *run) {
    struct stat own, found;
    return fstat(run->descriptor, &own) == 0 && stat(run->absolute, &found) == 0 && own.st_dev == found.st_dev &&
           own.st_ino == found.st_ino;
}

rondo_status run_folder_check(struct run_folder *run, struct errors *errors) {
    if (is_in_place(run)) {
        return RONDO_OK;
    }
    /* On Linux this link contains the present path of an open folder. */
    char link[40], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", run->descriptor);
    const ssize_t length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    struct stat own;
    const int is_removed = fstat(run->descriptor, &own) != 0 || own.st_nlink == 0;
    if (is_removed || length <= 0) {
        return errors_add(errors, RONDO_IO, "the folder '%s' of the run was %s while the run was going on", run->path,
                          is_removed ? "removed" : "moved");
    }
    return errors_add(errors, RONDO_IO, "the folder '%s' of the run was moved to '%s' while the run was going on",
                      run->path, target);
}

/* Remembers a name in the folder, to be removed if the run ends without weights. */
static rondo_status remember(struct run_folder *run, const char *name, struct errors *errors) {
    struct written_file *file = arena_alloc(run->arena, sizeof *file);
    const char *copy = arena_strdup(run->arena, name);
    if (file == NULL || copy == NULL) {
        return errors_no_memory(errors);
    }
    *file = (struct written_file){copy, run->written};
    run->written = file;
    return RONDO_OK;
}

static rondo_status open_logs(struct run_folder *run, struct errors *errors) {
    for (int log = 0; log < LOGS; log++) {
        RONDO_TRY(remember(run, log_files[log], errors));
        run->logs[log] = openat(run->descriptor, log_files[log], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (run->logs[log] < 0) {
            return errors_add(errors, RONDO_IO, "cannot write '%s/%s': %s", run->path, log_files[log], strerror(errno));
        }
    }
    return RONDO_OK;
}

struct run_folder *run_folder_create(const char *folder, const char *name, struct errors *errors) {
    struct arena *arena = arena_create();
    struct run_folder *run = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *run);
    if (run == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *run = (struct run_folder){.arena = arena, .descriptor = -1, .logs = {-1, -1}, .weights = RUN_FOLDER_NO_WEIGHTS};
    const rondo_status made = folder == NULL ? make_next_folder(run, name, errors) : make_folder(run, folder, errors);
    if (made != RONDO_OK || open_folder(run, errors) != RONDO_OK || open_logs(run, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

rondo_status run_folder_subfolder(struct run_folder *run, const char *name, struct errors *errors) {
    RONDO_TRY(run_folder_check(run, errors));
    RONDO_TRY(remember(run, name, errors));
    return mkdirat(run->descriptor, name, 0777) == 0
               ? RONDO_OK
               : errors_add(errors, RONDO_IO, "cannot make the folder '%s/%s': %s", run->path, name, strerror(errno));
}

/* Begins a file in the folder. */
static rondo_status begin_file(struct run_folder *run, const char *name, struct file_writer *writer,
                               struct errors *errors) {
    const char *shown = in_folder(run, name);
    if (shown == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(run_folder_check(run, errors));
    return file_begin_in(writer, run->descriptor, name, shown, errors);
}

rondo_status run_folder_write(struct run_folder *run, const char *name, const void *bytes, size_t length,
                              struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(remember(run, name, errors));
    RONDO_TRY(begin_file(run, name, &writer, errors));
    rondo_status status = file_piece(&writer, bytes, length, errors);
    status = status == RONDO_OK ? file_commit(&writer, errors) : status;
    file_abort(&writer); /* does nothing after a commit */
    return status;
}

/* Failures are ignored: what cannot be removed stays, and the reason why the run failed has been reported already. */
static void remove_all(const struct run_folder *run) {
    for (const struct written_file *file = run->written; file != NULL; file = file->previous) {
        if (unlinkat(run->descriptor, file->name, 0) != 0) {
            unlinkat(run->descriptor, file->name, AT_REMOVEDIR);
        }
    }
    if (run->descriptor < 0 || is_in_place(run)) {
        folder_remove(run->path, run->made);
    }
}

void run_folder_close(struct run_folder *run) {
    if (run == NULL) {
        return;
    }
    for (int log = 0; log < LOGS; log++) {
        if (run->logs[log] >= 0) {
            close(run->logs[log]);
        }
    }
    if (run->path != NULL && run->weights == RUN_FOLDER_NO_WEIGHTS) {
        remove_all(run);
    }
    if (run->descriptor >= 0) {
        close(run->descriptor);
    }
    arena_destroy(run->arena);
}

/* Writes a line with one call, so that a reader never sees half of it. A line that a full disk has cut is removed. */
static rondo_status write_line(struct run_folder *run, enum run_log log, const char *line, size_t length,
                               struct errors *errors) {
    struct stat before;
    const int is_known = fstat(run->logs[log], &before) == 0;
    const ssize_t written = write(run->logs[log], line, length);
    if (written == (ssize_t)length) {
        return RONDO_OK;
    }
    const char *reason = written < 0 ? strerror(errno) : "the disk is full";
    if (written > 0 && is_known && ftruncate(run->logs[log], before.st_size) != 0) {
        reason = "the disk is full, and its last line is cut";
    }
    return errors_add(errors, RONDO_IO, "cannot write to '%s/%s': %s", run->path, log_files[log], reason);
}

rondo_status run_folder_append(struct run_folder *run, enum run_log log, const struct json_t *object,
                               struct errors *errors) {
    RONDO_TRY(run_folder_check(run, errors));
    const struct number_scope scope = number_scope_open();
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    number_scope_close(scope);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the terminating NUL: the line is written by its length */
    const rondo_status status = write_line(run, log, text, length + 1, errors);
    free(text);
    return status;
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
