/* cli/print.h: text from data, files and command lines on a terminal.
 *
 * Such text may contain line breaks, escape sequences of the terminal, or bytes that are not UTF-8. Every place of the
 * command line tool that prints it without JSON uses these functions.
 */
#ifndef RONDO_CLI_PRINT_H
#define RONDO_CLI_PRINT_H

#include <stdio.h>

/* Prints a text on one line. Control characters, the marks of Unicode that change the direction of text, and bytes that
 * are not UTF-8 are printed as \n, \r, \t, \xNN (a byte) or \u{NNNN} (a character). A backslash is printed as it is:
 * JSON output is exact, this is for people. */
void print_text(FILE *stream, const char *text);

/* Prints at most `width` characters; a longer text is cut and ends with "…". printed_width: the number of characters that
 * this prints. */
void print_text_within(FILE *stream, const char *text, int width);
int printed_width(const char *text, int width);

/* The same for the text of an error, which may have several lines: a line break that an indented line follows is kept.
 */
void print_message(FILE *stream, const char *text);

#endif
