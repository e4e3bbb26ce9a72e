#define _POSIX_C_SOURCE 200809L
#include "store/checkpoint_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

#define PREFIX CHECKPOINT_FOLDER "/"

struct checkpoint_name checkpoint_name(int64_t step) {
    struct checkpoint_name name;
    snprintf(name.text, sizeof name.text, PREFIX "step-%012lld.safetensors", (long long)step);
    return name;
}

/* The step in a name within the subfolder; -1: it is not a checkpoint. */
static int64_t step_of(const char *name) {
    if (strncmp(name, "step-", 5) != 0) {
        return -1;
    }
    errno = 0;
    const long long step = strtoll(name + 5, NULL, 10);
    return errno == 0 && step >= 0 && strcmp(checkpoint_name(step).text + sizeof PREFIX - 1, name) == 0 ? step : -1;
}

int64_t checkpoint_step(const char *name) {
    return strncmp(name, PREFIX, sizeof PREFIX - 1) == 0 ? step_of(name + sizeof PREFIX - 1) : -1;
}

static int newest_first(const void *left, const void *right) {
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a < b) - (a > b);
}

/* Returns 0 or a value of errno. */
static int read_steps(DIR *stream, int64_t **steps, int32_t *count) {
    for (int32_t capacity = 0;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno;
        }
        const int64_t step = step_of(entry->d_name);
        if (step < 0) {
            continue;
        }
        if (*count == capacity) {
            capacity = 2 * capacity + 16;
            int64_t *more = realloc(*steps, (size_t)capacity * sizeof *more);
            if (more == NULL) {
                return ENOMEM;
            }
            *steps = more;
        }
        (*steps)[(*count)++] = step;
    }
}

/* Returns 0 or a value of errno. */
static int list(int folder, int64_t **steps, int32_t *count) {
    *steps = NULL;
    *count = 0;
    const int descriptor = openat(folder, CHECKPOINT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    int error = stream == NULL ? errno : read_steps(stream, steps, count);
    if (stream != NULL) {
        closedir(stream);
    } else if (descriptor >= 0) {
        close(descriptor);
    }
    if (error == 0 && *count > 1) {
        qsort(*steps, (size_t)*count, sizeof **steps, newest_first);
    }
    if (error != 0) {
        free(*steps);
        *steps = NULL;
        *count = 0;
    }
    return descriptor < 0 && error == ENOENT ? 0 : error;
}

static rondo_status failed(struct errors *errors, const char *verb, const char *path, int error) {
    char shown[4096];
    snprintf(shown, sizeof shown, "%s/" CHECKPOINT_FOLDER, path);
    return file_failed(errors, RONDO_IO, (struct location){0}, verb, shown, error);
}

rondo_status checkpoint_list(int folder, const char *path, int64_t **steps, int32_t *count, struct errors *errors) {
    const int error = list(folder, steps, count);
    return error == 0 ? RONDO_OK : failed(errors, "read the folder", path, error);
}

rondo_status checkpoint_make_folder(int folder, const char *path, struct errors *errors) {
    if (mkdirat(folder, CHECKPOINT_FOLDER, 0777) == 0) {
        const int error = file_sync(folder);
        return error == 0 ? RONDO_OK : failed(errors, "make the folder", path, error);
    }
    return errno == EEXIST ? RONDO_OK : failed(errors, "make the folder", path, errno);
}

void checkpoint_remove_old(int folder, int64_t step, int32_t keep, int64_t but) {
    int64_t *steps;
    int32_t count;
    if (list(folder, &steps, &count) != 0) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        if (steps[i] > step || (keep-- <= 0 && steps[i] != but)) {
            unlinkat(folder, checkpoint_name(steps[i]).text, 0);
        }
    }
    free(steps);
}
