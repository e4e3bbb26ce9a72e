#define _XOPEN_SOURCE 700
/* store/run_place.c: where the folder of a run is, see store/run_folder.h and store/run_folder_parts.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "store/run_folder_parts.h"

const char *run_folder_path(const struct run_folder *run) {
    return run->path;
}

const char *run_folder_file(const struct run_folder *run, const char *name) {
    return arena_printf(run->arena, "%s/%s", run->path, name);
}

int run_folder_has(const struct run_folder *run, const char *name) {
    struct stat info;
    return fstatat(run->descriptor, name, &info, 0) == 0;
}

int run_folder_is_in_place(const struct run_folder *run) {
    struct stat own, found;
    errno = ENOENT;
    return fstat(run->descriptor, &own) == 0 && stat(run->absolute, &found) == 0 && own.st_dev == found.st_dev &&
           own.st_ino == found.st_ino;
}

rondo_status run_folder_check(struct run_folder *run, struct errors *errors) {
    if (run_folder_is_in_place(run)) {
        return RONDO_OK;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
        return file_failed(errors, RONDO_IO, (struct location){0}, "look at the folder", run->path, errno);
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

rondo_status run_folder_remember(struct run_folder *run, const char *name, struct errors *errors) {
    struct written_file *file = arena_alloc(run->arena, sizeof *file);
    const char *copy = arena_strdup(run->arena, name);
    if (file == NULL || copy == NULL) {
        return errors_no_memory(errors);
    }
    *file = (struct written_file){copy, run->written};
    run->written = file;
    return RONDO_OK;
}
