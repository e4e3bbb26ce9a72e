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
    if (strerror_r(error, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", error);
    }
    return errors_add_at(errors, status, where, "cannot %s '%s': %s", verb, file, reason);
}

/* Reads `size` bytes and makes sure that the file ends there. */
static rondo_status read_all(int descriptor, const char *file, char *text, size_t size, struct location where,
                             struct errors *errors) {
    size_t done = 0;
    /* The last round asks for one byte after the end; the buffer has room for it, because of the NUL. */
    for (;;) {
        const ssize_t got = read(descriptor, text + done, size + 1 - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return file_failed(errors, RONDO_IO, where, "read", file, errno);
        }
        done += (size_t)got;
        if (got == 0 || done > size) {
            break;
        }
    }
    if (done != size) {
        return errors_add_at(errors, RONDO_IO, where, "'%s' changed while it was read", file);
    }
    text[size] = '\0';
    return RONDO_OK;
}

static rondo_status read_descriptor(int descriptor, const char *file, size_t max_bytes, struct arena *arena,
                                    char **text, size_t *length, struct location where, struct errors *errors) {
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
    if ((uintmax_t)info.st_size > max_bytes) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' has %jd bytes, expected at most %zu", file,
                             (intmax_t)info.st_size, max_bytes);
    }
    const size_t size = (size_t)info.st_size;
    if (size == SIZE_MAX) {
        return errors_no_memory(errors);
    }
    char *bytes = arena_alloc(arena, size + 1);
    if (bytes == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(read_all(descriptor, file, bytes, size, where, errors));
    *text = bytes;
    if (length != NULL) {
        *length = size;
    }
    return RONDO_OK;
}

/* "~/x" is a name that the shell replaces, but not within a text such as data.train=~/x. */
static const char *tilde_hint(const char *file) {
    const int has_tilde = strncmp(file, "~/", 2) == 0 || strstr(file, "/~/") != NULL;
    return has_tilde ? "; '~' is not expanded, so write the full path of the folder" : "";
}

rondo_status file_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                       struct location where, struct errors *errors) {
    /* O_NONBLOCK: opening a pipe must not wait for its other end, only to be refused then. */
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return errors_add_at(errors, RONDO_NOT_FOUND, where, "cannot read '%s': there is no such file%s", file,
                             tilde_hint(file));
    }
    if (descriptor < 0) {
        return file_failed(errors, RONDO_INVALID, where, "read", file, errno);
    }
    const rondo_status status = read_descriptor(descriptor, file, max_bytes, arena, text, length, where, errors);
    close(descriptor);
    return status;
}

static rondo_status io_failed(struct errors *errors, const char *verb, const char *file, int error) {
    return file_failed(errors, RONDO_IO, (struct location){0}, verb, file, error);
}

rondo_status file_write(const char *file, const void *bytes, size_t length, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(file_begin(&writer, file, errors));
    RONDO_TRY(file_piece(&writer, bytes, length, errors));
    return file_commit(&writer, errors);
}

/* Names to try for the temporary file before giving up. More than one is needed only where a killed process with our
 * own number left its file behind, or where this process writes the same file twice at the same time. */
enum { TEMPORARY_NAMES = 1000 };

rondo_status file_begin(struct file_writer *writer, const char *file, struct errors *errors) {
    *writer = (struct file_writer){.descriptor = -1, .file = file};
    const size_t size = strlen(file) + 64;
    writer->temporary = malloc(size);
    if (writer->temporary == NULL) {
        return errors_no_memory(errors);
    }
    int error = EEXIST;
    /* O_EXCL and not mkstemp: the new file gets the permissions that the user's umask asks for, and no link is
     * followed. */
    for (int n = 0; n < TEMPORARY_NAMES && writer->descriptor < 0 && error == EEXIST; n++) {
        snprintf(writer->temporary, size, "%s.tmp-%ld-%d", file, (long)getpid(), n);
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        error = errno;
    }
    if (writer->descriptor < 0) {
        free(writer->temporary);
        writer->temporary = NULL;
        return io_failed(errors, "write", file, error);
    }
    return RONDO_OK;
}

rondo_status file_piece(struct file_writer *writer, const void *bytes, size_t length, struct errors *errors) {
    RONDO_CHECK(writer->descriptor >= 0, errors, "pieces are written between file_begin and file_commit");
    const char *next = bytes;
    while (length > 0) {
        const ssize_t put = write(writer->descriptor, next, length);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            const int error = errno;
            file_abort(writer);
            return io_failed(errors, "write", writer->file, error);
        }
        next += put;
        length -= (size_t)put;
    }
    return RONDO_OK;
}

/* Makes a rename in the folder of `file` last. */
static int sync_folder(const char *file) {
    const char *slash = strrchr(file, '/');
    char *folder = slash == NULL ? NULL : strndup(file, slash == file ? 1 : (size_t)(slash - file));
    if (slash != NULL && folder == NULL) {
        return ENOMEM;
    }
    const int descriptor = open(folder == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (descriptor < 0) {
        return 0; /* a folder that may be written but not read cannot be synced; the file itself has been */
    }
    int error = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    /* Some file systems have no way to sync a folder. */
    return error == EINVAL || error == ENOTSUP ? 0 : error;
}

rondo_status file_commit(struct file_writer *writer, struct errors *errors) {
    RONDO_CHECK(writer->descriptor >= 0, errors, "file_commit follows file_begin");
    int error = fsync(writer->descriptor) == 0 ? 0 : errno;
    if (error == EINVAL || error == ENOTSUP) {
        error = 0;
    }
    if (close(writer->descriptor) != 0 && error == 0) {
        error = errno;
    }
    writer->descriptor = -1;
    if (error == 0 && rename(writer->temporary, writer->file) != 0) {
        error = errno;
    }
    if (error != 0) {
        file_abort(writer);
        return io_failed(errors, "write", writer->file, error);
    }
    free(writer->temporary);
    writer->temporary = NULL;
    error = sync_folder(writer->file);
    return error == 0 ? RONDO_OK : io_failed(errors, "sync the folder of", writer->file, error);
}

void file_abort(struct file_writer *writer) {
    if (writer->descriptor >= 0) {
        close(writer->descriptor);
        writer->descriptor = -1;
    }
    if (writer->temporary != NULL) {
        unlink(writer->temporary);
        free(writer->temporary);
        writer->temporary = NULL;
    }
}

int file_exists(const char *file) {
    struct stat info;
    return lstat(file, &info) == 0;
}

static rondo_status folder_make(const char *folder, struct errors *errors) {
    if (mkdir(folder, 0777) == 0) {
        return RONDO_OK;
    }
    const int error = errno;
    struct stat info;
    const int is_there = stat(folder, &info) == 0;
    if (is_there && S_ISDIR(info.st_mode)) {
        return RONDO_OK;
    }
    if (is_there) {
        return errors_add(errors, RONDO_INVALID, "'%s' is a file, expected a folder", folder);
    }
    return io_failed(errors, "make the folder", folder, error);
}

rondo_status folder_create(const char *folder, struct errors *errors) {
    char *path = strdup(folder);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = RONDO_OK;
    /* From the second character on: "/" itself is always there. */
    for (char *slash = path; status == RONDO_OK && slash != NULL && *slash != '\0';) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        status = folder_make(path, errors);
        if (slash != NULL) {
            *slash = '/';
        }
    }
    free(path);
    return status;
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

/* The working directory; malloc'ed, NULL where it cannot be told. */
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
