/* realpath is an X/Open function. */
#define _XOPEN_SOURCE 700

#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rondo_status file_failed(struct errors *errors, rondo_status status, struct location where, const char *verb,
                         const char *file, int error) {
    char reason[128];
    if (error == ENOMEM) {
        return errors_memory_for(errors, errors_no_memory(errors), where, "'%s'", file);
    }
    if (strerror_r(error, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", error);
    }
    return errors_add_at(errors, status, where, "cannot %s '%s': %s", verb, file, reason);
}

/* "~/x" is a name that the shell replaces, but not within a text such as data.train=~/x. */
static const char *tilde_hint(const char *file) {
    const int has_tilde = strncmp(file, "~/", 2) == 0 || strstr(file, "/~/") != NULL;
    return has_tilde ? "; '~' is not expanded, so write the full path of the folder" : "";
}

static rondo_status check_regular(int descriptor, const char *file, int64_t *bytes, struct location where,
                                  struct errors *errors) {
    struct stat info;
    if (fstat(descriptor, &info) != 0) {
        return file_failed(errors, RONDO_IO, where, "read", file, errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' is %s", file,
                             S_ISDIR(info.st_mode)
                                 ? "a folder, expected a regular file"
                                 : "a pipe or device, expected a regular file; write its contents to a file first");
    }
    *bytes = (int64_t)info.st_size;
    return RONDO_OK;
}

rondo_status file_open(const char *file, int *descriptor, int64_t *bytes, struct location where,
                       struct errors *errors) {
    /* O_NONBLOCK: opening a pipe must not wait for its other end, only to be refused then. */
    *descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return errors_add_at(errors, RONDO_NOT_FOUND, where, "cannot read '%s': there is no such file%s", file,
                             tilde_hint(file));
    }
    if (*descriptor < 0) {
        return file_failed(errors, RONDO_INVALID, where, "read", file, errno);
    }
    const rondo_status status = check_regular(*descriptor, file, bytes, where, errors);
    if (status != RONDO_OK) {
        close(*descriptor);
    }
    return status;
}

rondo_status file_next(int descriptor, const char *file, void *buffer, size_t wanted, size_t *got,
                       struct location where, struct errors *errors) {
    *got = 0;
    while (*got < wanted) {
        const ssize_t piece = read(descriptor, (char *)buffer + *got, wanted - *got);
        if (piece < 0 && errno == EINTR) {
            continue;
        }
        if (piece < 0) {
            return file_failed(errors, RONDO_IO, where, "read", file, errno);
        }
        if (piece == 0) {
            break;
        }
        *got += (size_t)piece;
    }
    return RONDO_OK;
}

static rondo_status read_descriptor(int descriptor, const char *file, size_t size, struct arena *arena, char **text,
                                    size_t *length, struct location where, struct errors *errors) {
    if (size == SIZE_MAX) {
        return errors_no_memory(errors);
    }
    char *bytes = arena_alloc(arena, size + 1);
    if (bytes == NULL) {
        return errors_no_memory(errors);
    }
    /* Asks for one byte after the end; the buffer has room for it, because of the NUL. */
    size_t got;
    RONDO_TRY(file_next(descriptor, file, bytes, size + 1, &got, where, errors));
    if (got != size) {
        return errors_add_at(errors, RONDO_IO, where, "'%s' changed while it was read", file);
    }
    bytes[size] = '\0';
    *text = bytes;
    if (length != NULL) {
        *length = size;
    }
    return RONDO_OK;
}

rondo_status file_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                       struct location where, struct errors *errors) {
    int descriptor;
    int64_t bytes;
    RONDO_TRY(file_open(file, &descriptor, &bytes, where, errors));
    const rondo_status status =
        (uint64_t)bytes > max_bytes
            ? errors_add_at(errors, RONDO_INVALID, where, "'%s' has %jd bytes, expected at most %zu", file,
                            (intmax_t)bytes, max_bytes)
            : read_descriptor(descriptor, file, (size_t)bytes, arena, text, length, where, errors);
    close(descriptor);
    return status;
}

rondo_status file_hash(const char *file, int64_t *bytes, uint64_t *hash, struct errors *errors) {
    enum { BLOCK = 1 << 16 };
    const struct location nowhere = {0};
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unsigned char *block = malloc(BLOCK);
    rondo_status status = block == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK && descriptor < 0) {
        status = file_failed(errors, RONDO_NOT_FOUND, nowhere, "read", file, errno);
    }
    *bytes = 0;
    *hash = 0xcbf29ce484222325u;
    for (ssize_t got = 1; status == RONDO_OK && got != 0;) {
        got = read(descriptor, block, BLOCK);
        if (got < 0 && errno != EINTR) {
            status = file_failed(errors, RONDO_IO, nowhere, "read", file, errno);
        }
        for (ssize_t i = 0; i < got; i++) {
            *hash = (*hash ^ block[i]) * 0x100000001b3u;
        }
        *bytes += got > 0 ? got : 0;
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    free(block);
    return status;
}

int file_exists(const char *file) {
    struct stat info;
    return lstat(file, &info) == 0;
}

int file_is_same(const char *left, const char *right) {
    struct stat a, b;
    return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Makes one folder; *is_new is 1 if it did not exist. */
static rondo_status make_one(const char *folder, int *is_new, struct errors *errors) {
    *is_new = mkdir(folder, 0777) == 0;
    if (*is_new) {
        return RONDO_OK;
    }
    const int error = errno;
    struct stat info;
    const int exists = stat(folder, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        return RONDO_OK;
    }
    if (exists) {
        return errors_add(errors, RONDO_INVALID, "'%s' is a file, expected a folder", folder);
    }
    return file_failed(errors, RONDO_IO, (struct location){0}, "make the folder", folder, error);
}

rondo_status folder_create(const char *folder, int32_t *made, struct errors *errors) {
    char *path = strdup(folder);
    int32_t count = 0;
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = RONDO_OK;
    /* From the second character on: "/" itself always exists. */
    for (char *slash = path; status == RONDO_OK && slash != NULL && *slash != '\0';) {
        int is_new;
        slash = strchr(slash + 1, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        status = make_one(path, &is_new, errors);
        count += is_new;
        if (status == RONDO_OK && slash != NULL) {
            *slash = '/';
        }
    }
    if (status != RONDO_OK && count > 0) {
        *strrchr(path, '/') = '\0'; /* the last one was not made, only those above it */
        folder_remove(path, count);
        count = 0;
    }
    free(path);
    if (made != NULL) {
        *made = count;
    }
    return status;
}

void folder_remove(const char *folder, int32_t made) {
    char *path = strdup(folder);
    for (int32_t i = 0; path != NULL && i < made; i++) {
        size_t length = strlen(path);
        while (length > 1 && path[length - 1] == '/') {
            path[--length] = '\0';
        }
        rmdir(path);
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            break;
        }
        *slash = '\0';
    }
    free(path);
}

const char *path_join(struct arena *arena, const char *folder, const char *name) {
    if (name[0] == '/' || folder[0] == '\0' || strcmp(folder, ".") == 0) {
        return name;
    }
    const char *separator = folder[strlen(folder) - 1] == '/' ? "" : "/";
    return arena_printf(arena, "%s%s%s", folder, separator, name);
}

const char *path_folder(struct arena *arena, const char *file) {
    size_t length = strlen(file);
    while (length > 1 && file[length - 1] == '/') {
        length--;
    }
    while (length > 0 && file[length - 1] != '/') {
        length--;
    }
    while (length > 1 && file[length - 1] == '/') {
        length--;
    }
    return length == 0 ? "." : arena_strndup(arena, file, length);
}

/* The working directory, from malloc; NULL if the system cannot name it. */
static char *working_directory(void) {
    for (size_t size = 256; size < (size_t)1 << 20; size *= 2) {
        char *path = malloc(size);
        if (path == NULL || getcwd(path, size) != NULL) {
            return path;
        }
        const int error = errno;
        free(path);
        if (error != ERANGE) {
            return NULL;
        }
    }
    return NULL;
}

const char *path_absolute(struct arena *arena, const char *file) {
    char *resolved = realpath(file, NULL);
    if (resolved != NULL) {
        const char *path = arena_strdup(arena, resolved);
        free(resolved);
        return path;
    }
    if (file[0] == '/') {
        return arena_strdup(arena, file);
    }
    char *directory = working_directory();
    const char *path = directory == NULL ? NULL : path_join(arena, directory, file);
    free(directory);
    return path;
}
