#define _POSIX_C_SOURCE 200809L

#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rondo_status source_failed(struct errors *errors, rondo_status status, struct location where, const char *verb,
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
    /* The last round asks for the byte behind the end; there is room for it, because of the NUL. */
    for (;;) {
        const ssize_t got = read(descriptor, text + done, size + 1 - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return source_failed(errors, RONDO_IO, where, "read", file, errno);
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
        return source_failed(errors, RONDO_IO, where, "read", file, errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' is %s, expected a regular file", file,
                             S_ISDIR(info.st_mode) ? "a folder" : "a pipe or device");
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

rondo_status source_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                         struct location where, struct errors *errors) {
    /* O_NONBLOCK: opening a pipe must not wait for its other end, only to be refused then. */
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return errors_add_at(errors, RONDO_NOT_FOUND, where, "cannot read '%s': there is no such file", file);
    }
    if (descriptor < 0) {
        return source_failed(errors, RONDO_INVALID, where, "read", file, errno);
    }
    const rondo_status status = read_descriptor(descriptor, file, max_bytes, arena, text, length, where, errors);
    close(descriptor);
    return status;
}
