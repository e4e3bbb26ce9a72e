/* io/look_alike.h: characters that come from word processors and web pages and look like a character of the keyboard:
 * a no-break space for a blank, U+2212 for a minus. The files that Rondo reads must not contain them. A message names
 * the character, because the text looks right on the screen. */
#ifndef RONDO_IO_LOOK_ALIKE_H
#define RONDO_IO_LOOK_ALIKE_H

#include <stddef.h>
#include <stdint.h>

struct look_alike {
    uint32_t code;     /* Unicode code point */
    const char *name;  /* "a no-break space" */
    const char *plain; /* what to write instead, "-"; NULL: nothing, remove it; " ": a blank */
};

/* The character at the beginning of the NUL-terminated `text`, and its length in bytes; NULL if it is not such a
 * character. `length` may be NULL. */
const struct look_alike *look_alike_at(const char *text, size_t *length);
/* 1 if the character is invisible or a blank. */
int look_alike_is_blank(const struct look_alike *character);

/* "U+00A0, a no-break space; expected a blank". */
struct look_alike_text {
    char text[96];
};
struct look_alike_text look_alike_text(const struct look_alike *character);

#endif
