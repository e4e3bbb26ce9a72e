#define _POSIX_C_SOURCE 200809L
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

struct run_folder {
    struct arena *arena;
    const char *path;             /* NULL: not made yet */
    int existed;                  /* the folder existed before, and was empty */
    int metrics;                  /* descriptor of metrics.jsonl; -1: not open */
    int64_t weights;              /* the epoch whose weights are written; 0: none */
    struct written_file *written; /* in reverse order */
};

const char *run_folder_path(const struct run_folder *run) {
    return run->path;
}

int64_t run_folder_weights(const struct run_folder *run) {
    return run->weights;
}

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
    const int existed = file_exists(folder);
    if (existed && !is_empty_folder(folder)) {
        return errors_add(errors, RONDO_INVALID,
                          "'%s' exists and is not empty; a run never overwrites another, so name a new folder", folder);
    }
    const char *path = arena_strdup(run->arena, folder);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(folder_create(path, errors));
    run->path = path;
    run->existed = existed;
    return RONDO_OK;
}

/* Makes runs/NAME, or the next runs/NAME-K that is free. To look first and make it then would let two runs that start
 * at the same time take the same one. */
static rondo_status make_next_folder(struct run_folder *run, const char *name, struct errors *errors) {
    RONDO_TRY(folder_create("runs", errors));
    for (int k = 1; k < MAX_RUNS; k++) {
        const char *path =
            k == 1 ? arena_printf(run->arena, "runs/%s", name) : arena_printf(run->arena, "runs/%s-%d", name, k);
        if (path == NULL) {
            return errors_no_memory(errors);
        }
        if (mkdir(path, 0777) == 0) {
            run->path = path;
            return RONDO_OK;
        }
        if (errno != EEXIST) {
            return errors_add(errors, RONDO_IO, "cannot make the folder '%s': %s", path, strerror(errno));
        }
    }
    return errors_add(errors, RONDO_INVALID, "there are %d runs of this name in 'runs', name a folder with --out",
                      MAX_RUNS);
}

/* Remembers a name in the folder, to be removed if the run comes to nothing. */
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

static rondo_status open_metrics(struct run_folder *run, struct errors *errors) {
    const char *file = in_folder(run, "metrics.jsonl");
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(remember(run, "metrics.jsonl", errors));
    run->metrics = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return run->metrics < 0 ? file_failed(errors, RONDO_IO, (struct location){0}, "write", file, errno) : RONDO_OK;
}

struct run_folder *run_folder_create(const char *folder, const char *name, struct errors *errors) {
    struct arena *arena = arena_create();
    struct run_folder *run = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *run);
    if (run == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *run = (struct run_folder){.arena = arena, .metrics = -1};
    const rondo_status made = folder == NULL ? make_next_folder(run, name, errors) : make_folder(run, folder, errors);
    if (made != RONDO_OK || open_metrics(run, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

const char *run_folder_file(const struct run_folder *run, const char *name) {
    return in_folder(run, name);
}

rondo_status run_folder_subfolder(struct run_folder *run, const char *name, struct errors *errors) {
    const char *path = in_folder(run, name);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(remember(run, name, errors));
    return folder_create(path, errors);
}

rondo_status run_folder_write(struct run_folder *run, const char *name, const void *bytes, size_t length,
                              struct errors *errors) {
    const char *path = in_folder(run, name);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(remember(run, name, errors));
    return file_write(path, bytes, length, errors);
}

/* Failures are ignored: what cannot be removed stays, and the reason why the run failed has been reported already. */
static void remove_all(const struct run_folder *run) {
    for (const struct written_file *file = run->written; file != NULL; file = file->previous) {
        const char *path = in_folder(run, file->name);
        if (path != NULL) {
            remove(path);
        }
    }
    if (!run->existed) {
        rmdir(run->path);
    }
}

void run_folder_close(struct run_folder *run) {
    if (run == NULL) {
        return;
    }
    if (run->metrics >= 0) {
        close(run->metrics);
    }
    if (run->path != NULL && run->weights == 0) {
        remove_all(run);
    }
    arena_destroy(run->arena);
}

/* One line, in one write: a reader never sees half of it. */
rondo_status run_folder_append(struct run_folder *run, const struct json_t *object, struct errors *errors) {
    const struct number_scope scope = number_scope_open();
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    number_scope_close(scope);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the end: the line is written by its length */
    const ssize_t written = write(run->metrics, text, length + 1);
    free(text);
    if (written != (ssize_t)length + 1) {
        return errors_add(errors, RONDO_IO, "cannot write to '%s/metrics.jsonl': %s", run->path,
                          written < 0 ? strerror(errno) : "the disk is full");
    }
    return RONDO_OK;
}

rondo_status run_folder_write_weights(struct run_folder *run, int64_t epoch, const struct named_tensor *tensors,
                                      int32_t count, struct errors *errors) {
    char epoch_text[24];
    snprintf(epoch_text, sizeof epoch_text, "%lld", (long long)epoch);
    const char *const metadata[] = {"format", "rondo", "epoch", epoch_text, NULL};
    const struct arena_mark mark = arena_mark(run->arena);
    const char *file = in_folder(run, "weights.safetensors");
    const rondo_status status =
        file == NULL ? errors_no_memory(errors) : safetensors_write(file, tensors, count, metadata, errors);
    arena_release(run->arena, mark);
    RONDO_TRY(status);
    run->weights = epoch;
    return RONDO_OK;
}
