/* report/markup.h: HTML text that grows.
 *
 * Failure is sticky: after an allocation has failed nothing more is added, and the owner checks `failed` once, at the end.
 * Threads: any, on different objects.
 */
#ifndef RONDO_REPORT_MARKUP_H
#define RONDO_REPORT_MARKUP_H

#include <stddef.h>

#include "rondo/plugin.h"

/* Zero-initialised is empty. */
struct markup {
    char *text; /* NUL-terminated; from malloc */
    size_t length, capacity;
    int failed;
};

void markup_free(struct markup *markup);

/* HTML as it is. */
void markup_add(struct markup *markup, const char *html);
void markup_bytes(struct markup *markup, const void *bytes, size_t length);
/* printf, in the locale "C". Texts that come from files go through markup_text. */
void markup_format(struct markup *markup, const char *format, ...) RONDO_PRINTF(2, 3);
/* Any bytes as text of an element or of an attribute in double quotes: what has a meaning in HTML is escaped; bytes that are not
 * UTF-8, and control characters, become U+FFFD. */
void markup_text(struct markup *markup, const char *text);
/* The same of the first `length` bytes. */
void markup_piece(struct markup *markup, const char *text, size_t length);
/* A JSON text, of which a script element is the only reader: "<" becomes \u003c, so that no text ends the element. */
void markup_json(struct markup *markup, const char *json);

#endif
