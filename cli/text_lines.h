/* cli/text_lines.h: a text file, or standard input, line by line.
 *
 *     struct text_lines lines;
 *     status = text_lines_open(&lines, file, errors);
 *     while (status == RONDO_OK && text_lines_next(&lines, &status, errors)) {
 *         … lines.text, lines.where …
 *     }
 *     text_lines_close(&lines);
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_TEXT_LINES_H
#define RONDO_CLI_TEXT_LINES_H

#include <stdio.h>

#include "core/status.h"

struct text_lines {
    const char *name; /* of the file, for messages */
    const char
        *text; /* the line, NUL-terminated UTF-8, without its end, LF or CRLF; valid until the next one is read */
    struct location where; /* of the line */
    FILE *stream;
    int owns_stream;
    char *buffer;
    size_t length, capacity; /* of the buffer */
    int has_end;             /* a LF followed the line */
};

/* Opens a file, or standard input if it is "-". Close with text_lines_close, also after a failure. */
rondo_status text_lines_open(struct text_lines *lines, const char *file, struct errors *errors);
void text_lines_close(struct text_lines *lines);

/* 1 if the lines are typed at a terminal: each should be answered at once. */
int text_lines_is_terminal(const struct text_lines *lines);

/* Reads the next line. 0 at the end of the input, or after a failure, which is in *status: a line that is not UTF-8, has a
 * NUL byte or more than 16 MiB is RONDO_INVALID, at its place, and the lines after it can be read. */
int text_lines_next(struct text_lines *lines, rondo_status *status, struct errors *errors);

#endif
