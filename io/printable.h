/* io/printable.h: text from data, files and command lines, made safe for a line on a terminal.
 *
 * Control characters, the marks of Unicode that change the direction of text, and bytes that are not UTF-8 become \n, \r, \t, \xNN (a
 * byte) or \u{NNNN} (a character). A backslash stays as it is: JSON output is exact, this is for people.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_PRINTABLE_H
#define RONDO_IO_PRINTABLE_H

#include <stddef.h>

/* What is printed for the first character of a text. */
struct printable_character {
    char text[16];
    size_t taken; /* bytes of the original text; 0 at its end */
    int width;    /* columns on a terminal: 2 for characters of East Asian scripts and emoji, 0 for combining marks */
};
/* `keeps_lines`: a line break that a blank follows stays a line break. */
struct printable_character printable_next(const char *text, int keeps_lines);

#endif
