/* cli/print.h: text from data, files and command lines on a terminal.
 *
 * Such text may contain line breaks, escape sequences of the terminal, or bytes that are not UTF-8. Every place of the
 * command line tool that prints it without JSON uses these functions.
 */
#ifndef RONDO_CLI_PRINT_H
#define RONDO_CLI_PRINT_H

#include <stdio.h>

/* Prints a text on one line, as io/printable.h makes it safe. */
void print_text(FILE *stream, const char *text);

/* Prints at most `width` columns of a terminal; a longer text is cut and ends with "…". printed_width: the number of columns that
 * this prints. */
void print_text_within(FILE *stream, const char *text, int width);
int printed_width(const char *text, int width);

/* The same for the text of an error, which may have several lines: a line break that an indented line follows is kept.
 */
void print_message(FILE *stream, const char *text);

#endif
