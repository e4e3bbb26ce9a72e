#define _POSIX_C_SOURCE 200809L
#include "store/line_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/number.h"
#include "io/file.h"
#include "io/json.h"

/* The longest line that line_file_ends_with reads. */
enum { MAX_LAST_LINE = 1 << 14 };

static rondo_status failed(struct errors *errors, const char *file, int error) {
    return file_failed(errors, RONDO_IO, (struct location){0}, "write", file, error);
}

static rondo_status write_line(int descriptor, const char *file, const char *line, size_t length,
                               struct errors *errors) {
    struct stat before;
    if (fstat(descriptor, &before) != 0) {
        return failed(errors, file, errno);
    }
    size_t done = 0;
    while (done < length) {
        const ssize_t written = write(descriptor, line + done, length - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    const int error = errno;
    if (done == length) {
        return RONDO_OK;
    }
    const int is_cut = done > 0 && ftruncate(descriptor, before.st_size) != 0;
    const rondo_status status = failed(errors, file, error);
    return is_cut ? errors_add(errors, status, "the last line of '%s' is cut", file) : status;
}

rondo_status line_file_append(int descriptor, const char *file, const struct json_t *object, int64_t *length,
                              struct errors *errors) {
    const struct number_scope scope = number_scope_open();
    char *text = json_write(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    number_scope_close(scope);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const size_t size = strlen(text) + 1;
    text[size - 1] = '\n'; /* in place of the terminating NUL: the line is written by its length */
    const rondo_status status = write_line(descriptor, file, text, size, errors);
    *length += status == RONDO_OK ? (int64_t)size : 0;
    free(text);
    return status;
}

int line_file_is_removed(int descriptor) {
    struct stat info;
    return fstat(descriptor, &info) == 0 && info.st_nlink == 0;
}

int64_t line_file_length(int descriptor) {
    struct stat info;
    return fstat(descriptor, &info) == 0 ? (int64_t)info.st_size : -1;
}

/* The end of the last line within the first `length` bytes; -1 with errno if the file cannot be read. */
static int64_t end_of_line(int descriptor, int64_t length) {
    char text[4096];
    while (length > 0) {
        const size_t wanted = length < (int64_t)sizeof text ? (size_t)length : sizeof text;
        const ssize_t got = pread(descriptor, text, wanted, (off_t)(length - (int64_t)wanted));
        if (got != (ssize_t)wanted) {
            errno = got < 0 ? errno : EIO;
            return -1;
        }
        for (size_t i = wanted; i > 0; i--) {
            if (text[i - 1] == '\n') {
                return length - (int64_t)(wanted - i);
            }
        }
        length -= (int64_t)wanted;
    }
    return 0;
}

void line_file_compare(int descriptor, const char *file, int64_t length, struct errors *differences) {
    const int64_t present = line_file_length(descriptor);
    if (present < length) {
        errors_add(differences, RONDO_INVALID,
                   "'%s' has %lld bytes, and had at least %lld when the checkpoint was written: %lld are missing", file,
                   (long long)present, (long long)length, (long long)(length - present));
    } else if (end_of_line(descriptor, length) != length) {
        errors_add(differences, RONDO_INVALID,
                   "'%s' was changed after the checkpoint was written: no line ends after %lld bytes", file,
                   (long long)length);
    }
}

rondo_status line_file_cut(int descriptor, const char *file, int64_t length, int64_t *left, struct errors *errors) {
    const int64_t present = line_file_length(descriptor);
    const int64_t end = present < 0 ? -1 : end_of_line(descriptor, length < present ? length : present);
    if (end < 0) {
        return file_failed(errors, RONDO_IO, (struct location){0}, "read", file, errno);
    }
    if (end < present && ftruncate(descriptor, (off_t)end) != 0) {
        return failed(errors, file, errno);
    }
    *left = end;
    return RONDO_OK;
}

rondo_status line_file_sync(int descriptor, const char *file, struct errors *errors) {
    const int error = fdatasync(descriptor) == 0 ? 0 : errno;
    return error == 0 || error == EINVAL || error == ENOTSUP ? RONDO_OK : failed(errors, file, error);
}

int64_t line_file_count(int descriptor) {
    char text[4096];
    int64_t count = 0;
    ssize_t got;
    for (off_t offset = 0; (got = pread(descriptor, text, sizeof text, offset)) > 0; offset += got) {
        for (ssize_t i = 0; i < got; i++) {
            count += text[i] == '\n';
        }
    }
    return count;
}

int line_file_ends_with(int descriptor, const char *key) {
    char text[MAX_LAST_LINE];
    const int64_t length = line_file_length(descriptor);
    const int64_t begin = length > MAX_LAST_LINE ? length - MAX_LAST_LINE : 0;
    const ssize_t got = length <= 0 ? 0 : pread(descriptor, text, sizeof text, (off_t)begin);
    if (got <= 0 || text[got - 1] != '\n') {
        return 0;
    }
    size_t line = (size_t)got - 1;
    while (line > 0 && text[line - 1] != '\n') {
        line--;
    }
    json_t *object;
    json_error_t reason;
    if (json_parse(text + line, (size_t)got - 1 - line, &object, &reason) != RONDO_OK) {
        return 0;
    }
    const int is_true = json_is_true(json_object_get(object, key));
    json_decref(object);
    return is_true;
}
