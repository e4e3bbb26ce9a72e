#define _POSIX_C_SOURCE 200809L
#include "store/line_file_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/file.h"
#include "store/line_file.h"

/* What is read together: the last lines of most runs. */
enum { PIECE = 1 << 13, MOST_LINE = 1 << 20 };

/* Reads the piece of the file before `begin`, in front of the text. */
static rondo_status read_piece(struct line_file_end *end, struct errors *errors) {
    const size_t wanted = end->begin < PIECE ? (size_t)end->begin : PIECE;
    if (end->length + wanted > end->capacity) {
        const size_t capacity = 2 * end->capacity + PIECE;
        char *text = memory_realloc(end->text, capacity);
        if (text == NULL) {
            return errors_no_memory(errors);
        }
        end->text = text;
        end->capacity = capacity;
    }
    memmove(end->text + wanted, end->text, end->length);
    const ssize_t got = pread(end->descriptor, end->text, wanted, (off_t)end->begin - (off_t)wanted);
    if (got != (ssize_t)wanted) {
        return file_failed(errors, RONDO_IO, (struct location){0}, "read", end->file, got < 0 ? errno : EIO);
    }
    end->begin -= (int64_t)wanted;
    end->length += wanted;
    return RONDO_OK;
}

/* The number of bytes of the text up to and including its last line break; 0: it has none. */
static size_t last_break(const char *text, size_t length) {
    while (length > 0 && text[length - 1] != '\n') {
        length--;
    }
    return length;
}

/* The same, after more of the file was read if necessary: 0 only if the whole of it has no line break before the end. */
static rondo_status find_break(struct line_file_end *end, size_t beyond, size_t *found, struct errors *errors) {
    for (;;) {
        *found = last_break(end->text, end->length - beyond);
        if (*found > 0 || end->begin == 0) {
            return RONDO_OK;
        }
        if (end->length > MOST_LINE) {
            return errors_add(errors, RONDO_INVALID, "'%s' has a line of more than %d bytes", end->file, MOST_LINE);
        }
        RONDO_TRY(read_piece(end, errors));
    }
}

rondo_status line_file_end_open(struct line_file_end *end, int descriptor, const char *file, struct errors *errors) {
    *end = (struct line_file_end){.descriptor = descriptor, .file = file, .begin = line_file_length(descriptor)};
    if (end->begin < 0) {
        return file_failed(errors, RONDO_IO, (struct location){0}, "read", file, errno);
    }
    size_t whole;
    RONDO_TRY(find_break(end, 0, &whole, errors));
    end->is_cut = whole < end->length;
    end->length = whole;
    return RONDO_OK;
}

rondo_status line_file_previous(struct line_file_end *end, const char **line, size_t *length, struct errors *errors) {
    *line = NULL;
    *length = 0;
    if (end->length == 0) {
        return RONDO_OK;
    }
    size_t start;
    RONDO_TRY(find_break(end, 1, &start, errors)); /* before the line break at its end */
    *line = end->text + start;
    *length = end->length - 1 - start;
    end->length = start;
    return RONDO_OK;
}

void line_file_end_close(struct line_file_end *end) {
    free(end->text);
    end->text = NULL;
}
