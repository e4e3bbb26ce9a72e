#define _POSIX_C_SOURCE 200809L
#include "cli/text_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/file.h"
#include "io/utf8.h"

enum { MAX_LINE = 16 * 1024 * 1024 }; /* bytes of one line */

rondo_status text_lines_open(struct text_lines *lines, const char *file, struct errors *errors) {
    *lines = (struct text_lines){.name = file};
    if (strcmp(file, "-") == 0) {
        lines->name = "standard input";
        lines->stream = stdin;
    } else {
        struct stat status;
        const int is_folder = stat(file, &status) == 0 && S_ISDIR(status.st_mode);
        lines->stream = is_folder ? (errno = EISDIR, NULL) : fopen(file, "r");
        lines->owns_stream = 1;
    }
    lines->where = (struct location){lines->name, 0, 0};
    return lines->stream != NULL ? RONDO_OK
                                 : file_failed(errors, RONDO_NOT_FOUND, (struct location){0}, "open", file, errno);
}

void text_lines_close(struct text_lines *lines) {
    if (lines->owns_stream && lines->stream != NULL) {
        fclose(lines->stream);
    }
    free(lines->buffer);
    lines->stream = NULL;
    lines->buffer = NULL;
}

int text_lines_is_terminal(const struct text_lines *lines) {
    return isatty(fileno(lines->stream));
}

/* Adds a byte; the buffer keeps room for a NUL. */
static rondo_status add_byte(struct text_lines *lines, int c, struct errors *errors) {
    if (lines->length == MAX_LINE) {
        return errors_add_at(errors, RONDO_INVALID, lines->where, "a line of more than %d bytes", MAX_LINE);
    }
    if (lines->length + 1 >= lines->capacity) {
        const size_t capacity = lines->capacity == 0 ? 4096 : 2 * lines->capacity;
        char *buffer = memory_realloc(lines->buffer, capacity);
        if (buffer == NULL) {
            return errors_no_memory(errors);
        }
        lines->buffer = buffer;
        lines->capacity = capacity;
    }
    lines->buffer[lines->length++] = (char)c;
    return RONDO_OK;
}

/* Goes to the next line. */
static void skip_line(struct text_lines *lines) {
    int c;
    while ((c = getc(lines->stream)) != EOF && c != '\n') {
    }
}

/* Reads the bytes of the next line. A line longer than MAX_LINE is refused before it takes all memory. */
static int read_bytes(struct text_lines *lines, rondo_status *status, struct errors *errors) {
    lines->length = 0;
    int c;
    while ((c = getc(lines->stream)) != EOF && c != '\n') {
        *status = add_byte(lines, c, errors);
        if (*status != RONDO_OK) {
            skip_line(lines);
            return 0;
        }
    }
    if (ferror(lines->stream)) {
        *status = errors_add_at(errors, RONDO_IO, lines->where, "cannot read: %s", strerror(errno));
        return 0;
    }
    lines->has_end = c == '\n';
    if (lines->length > 0 && lines->buffer[lines->length - 1] == '\r') {
        lines->length--;
    }
    return c != EOF || lines->length > 0;
}

/* Checks that a line is text. A byte order mark before the first line is removed. */
static rondo_status check_line(struct text_lines *lines, struct errors *errors) {
    struct location where = lines->where;
    if (where.line == 1 && lines->length >= 3 && memcmp(lines->buffer, "\xEF\xBB\xBF", 3) == 0) {
        lines->length -= 3;
        memmove(lines->buffer, lines->buffer + 3, lines->length);
    }
    const char *text = lines->length == 0 ? "" : lines->buffer;
    const char *nul = memchr(text, '\0', lines->length);
    if (nul != NULL) {
        where.column = (int32_t)(nul - text) + 1;
        return errors_add_at(errors, RONDO_INVALID, where, "a NUL byte, expected text as UTF-8");
    }
    if (!utf8_check(text, lines->length, NULL)) {
        return errors_add_at(errors, RONDO_INVALID, where, "this line is not UTF-8 text");
    }
    if (where.line == 1 && !lines->has_end && memchr(text, '\r', lines->length) != NULL) {
        return errors_add_at(errors, RONDO_INVALID, where, "the lines end in CR, expected LF or CRLF");
    }
    return RONDO_OK;
}

int text_lines_next(struct text_lines *lines, rondo_status *status, struct errors *errors) {
    lines->where.line++;
    if (!read_bytes(lines, status, errors)) {
        return 0;
    }
    *status = check_line(lines, errors);
    if (lines->length > 0) {
        lines->buffer[lines->length] = '\0';
    }
    lines->text = lines->length == 0 ? "" : lines->buffer;
    return *status == RONDO_OK;
}
