/* store/line_file_end.h: the lines of a log from its end backwards, so that the last ones of a long log are found without reading
 * all of it.
 *
 *     struct line_file_end end;
 *     status = line_file_end_open(&end, descriptor, errors);
 *     while (status == RONDO_OK && (status = line_file_previous(&end, &line, &length, errors)) == RONDO_OK && line != NULL) …
 *     line_file_end_close(&end);
 *
 * Threads: one thread per object; another process may append to the file meanwhile.
 */
#ifndef RONDO_STORE_LINE_FILE_END_H
#define RONDO_STORE_LINE_FILE_END_H

#include "core/status.h"

struct line_file_end {
    int descriptor;   /* borrowed */
    const char *file; /* for messages; borrowed */
    int64_t begin;    /* the file from here to the last line that was returned is in `text` */
    char *text;       /* from malloc */
    size_t length;    /* bytes of it that have not been returned */
    size_t capacity;
    int is_cut; /* the file does not end with the end of a line: what follows the last one is left out */
};

/* The file as it is now: what is appended later is not seen. Close it also after a failure. */
rondo_status line_file_end_open(struct line_file_end *end, int descriptor, const char *file, struct errors *errors);
/* The line before the last one that was returned, without its line break: valid until the next call. *line NULL: there is none. RONDO_IO
 * if the system cannot read, RONDO_INVALID for a line of more than a megabyte: no log of Rondo's has one. */
rondo_status line_file_previous(struct line_file_end *end, const char **line, size_t *length, struct errors *errors);
void line_file_end_close(struct line_file_end *end);

#endif
