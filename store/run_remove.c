#define _POSIX_C_SOURCE 200809L
#include "store/run_remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_lock.h"

/* The last files: the first of them has the lock, and with the others a folder is that of a run (run_files_are_of_run). */
#define LOCKED_FILE "metrics.jsonl"
static const char *const last_files[] = {"environment.json", "reader.json", "experiment.yaml", LOCKED_FILE};
enum { LAST = sizeof last_files / sizeof last_files[0] };

/* A folder that is removed. */
struct removal {
    const char *path;
    int folder, lock; /* descriptors; -1: not open */
    struct errors *errors;
};

static rondo_status failed(const struct removal *removal, const char *name, int error) {
    char shown[4096];
    snprintf(shown, sizeof shown, "%s%s%s", removal->path, name[0] == '\0' ? "" : "/", name);
    return file_failed(removal->errors, RONDO_IO, (struct location){0}, "remove", shown, error);
}

/* 1 if the last part of a path is "." or "..", whose folder rmdir does not remove. */
static int ends_in_dots(const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    size_t dots = 0;
    while (dots < length && path[length - 1 - dots] == '.') {
        dots++;
    }
    return (dots == 1 || dots == 2) && (dots == length || path[length - 1 - dots] == '/');
}

/* O_NOFOLLOW: what is behind a link is perhaps not meant. */
static rondo_status open_run(struct removal *removal, struct run_file_list *files, struct arena *arena) {
    struct stat info;
    if (ends_in_dots(removal->path)) {
        return errors_add(removal->errors, RONDO_INVALID, "'%s' does not name the folder, expected its name",
                          removal->path);
    }
    if (lstat(removal->path, &info) == 0 && S_ISLNK(info.st_mode)) {
        return errors_add(removal->errors, RONDO_INVALID, "'%s' is a link to a folder: name the folder itself",
                          removal->path);
    }
    removal->folder = open(removal->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (removal->folder < 0) {
        return file_failed(removal->errors, RONDO_INVALID, (struct location){0}, "open the folder", removal->path,
                           errno);
    }
    RONDO_TRY(run_files_list(removal->folder, removal->path, files, arena, removal->errors));
    return run_files_are_of_run(files->has)
               ? RONDO_OK
               : errors_add(removal->errors, RONDO_NOT_FOUND, "'%s' is not the folder of a run", removal->path);
}

/* Whoever trains in the folder has this lock (store/run_folder.h). A folder without the file, or on a disk without locks, is one in
 * which nobody trains, as far as can be known. */
static rondo_status lock_run(struct removal *removal) {
    removal->lock = openat(removal->folder, LOCKED_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (removal->lock < 0 || file_lock(removal->lock, FILE_LOCK_OWN)) {
        return RONDO_OK;
    }
    return errors_add(removal->errors, RONDO_INVALID,
                      "a process trains in '%s' now: wait until it has ended, or end it", removal->path);
}

static void close_run(struct removal *removal) {
    if (removal->lock >= 0) {
        close(removal->lock);
    }
    if (removal->folder >= 0) {
        close(removal->folder);
    }
}

static struct removal begin(const char *folder, struct errors *errors) {
    return (struct removal){folder, -1, -1, errors};
}

rondo_status run_remove_check(const char *folder, struct errors *errors) {
    struct arena *arena = arena_create();
    struct removal removal = begin(folder, errors);
    struct run_file_list files;
    rondo_status status = arena == NULL ? errors_no_memory(errors) : open_run(&removal, &files, arena);
    status = status == RONDO_OK ? lock_run(&removal) : status;
    close_run(&removal);
    arena_destroy(arena);
    return status;
}

static int is_last(const char *name) {
    for (int i = 0; i < LAST; i++) {
        if (strcmp(last_files[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Removes a file that is, or was a moment ago, a regular one: unlinkat removes the name only, also that of a link. */
static rondo_status remove_file(const struct removal *removal, const char *name) {
    return unlinkat(removal->folder, name, 0) == 0 || errno == ENOENT ? RONDO_OK : failed(removal, name, errno);
}

/* A file in a subfolder: the subfolder is not followed if it has become a link. */
static rondo_status remove_inner(const struct removal *removal, const char *name) {
    const char *slash = strchr(name, '/');
    char subfolder[64];
    if (slash == NULL) {
        return remove_file(removal, name);
    }
    snprintf(subfolder, sizeof subfolder, "%.*s", (int)(slash - name), name);
    const int inner = openat(removal->folder, subfolder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0) {
        return errno == ENOENT ? RONDO_OK : failed(removal, subfolder, errno);
    }
    const int error = unlinkat(inner, slash + 1, 0) == 0 || errno == ENOENT ? 0 : errno;
    close(inner);
    return error == 0 ? RONDO_OK : failed(removal, name, error);
}

/* 1 if Rondo's subfolder has something that stays. */
static int has_foreign(const struct run_file_list *files, const char *subfolder) {
    const size_t length = strlen(subfolder);
    for (int32_t i = 0; i < files->count; i++) {
        const struct run_file *file = &files->items[i];
        if (!file->is_own && strncmp(file->name, subfolder, length) == 0 && file->name[length] == '/') {
            return 1;
        }
    }
    return 0;
}

static rondo_status remove_own(const struct removal *removal, const struct run_file_list *files) {
    for (int32_t i = 0; i < files->count; i++) {
        const struct run_file *file = &files->items[i];
        if (file->is_own && !file->is_folder && !is_last(file->name)) {
            RONDO_TRY(remove_inner(removal, file->name));
        }
    }
    for (int32_t i = 0; i < files->count; i++) {
        const struct run_file *file = &files->items[i];
        if (file->is_own && file->is_folder && !has_foreign(files, file->name) &&
            unlinkat(removal->folder, file->name, AT_REMOVEDIR) != 0 && errno != ENOENT && errno != ENOTEMPTY &&
            errno != EEXIST) {
            return failed(removal, file->name, errno);
        }
    }
    for (int i = 0; i < LAST; i++) {
        struct stat info;
        if (fstatat(removal->folder, last_files[i], &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)) {
            RONDO_TRY(remove_file(removal, last_files[i]));
        }
    }
    return RONDO_OK;
}

/* What has appeared meanwhile stays, too. */
static rondo_status remove_folder(const struct removal *removal, struct run_file_list *left, struct arena *arena) {
    RONDO_TRY(run_files_list(removal->folder, removal->path, left, arena, removal->errors));
    if (left->count > 0) {
        return RONDO_OK;
    }
    return rmdir(removal->path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST
               ? RONDO_OK
               : failed(removal, "", errno);
}

rondo_status run_remove(const char *folder, struct run_file_list *left, struct arena *arena, struct errors *errors) {
    struct removal removal = begin(folder, errors);
    struct run_file_list files;
    *left = (struct run_file_list){.checkpoint = -1};
    rondo_status status = open_run(&removal, &files, arena);
    status = status == RONDO_OK ? lock_run(&removal) : status;
    status = status == RONDO_OK ? remove_own(&removal, &files) : status;
    status = status == RONDO_OK ? remove_folder(&removal, left, arena) : status;
    close_run(&removal);
    return status;
}
