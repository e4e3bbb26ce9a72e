/* core/number.h: numbers as text, the same in every locale.
 *
 * A program that embeds Rondo may have called setlocale, and strtod and printf then read and write "0,5" for one half.
 * All numbers that Rondo reads or writes go through this file: options, equations, data, JSON, messages. The locale of
 * the process and of the calling thread is as before when a function of this file returns.
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_NUMBER_H
#define RONDO_CORE_NUMBER_H

#include <stdarg.h>
#include <stddef.h>

#include "rondo/plugin.h"

/* The double at the start of `text`, as strtod reads it in the locale "C": leading blanks, hexadecimal numbers, "inf"
 * and "nan" are accepted. Correctly rounded. *end is the first character after it, `text` if there is no number. */
double number_parse(const char *text, char **end);

/* snprintf and vsnprintf in the locale "C". */
int number_print(char *buffer, size_t size, const char *format, ...) RONDO_PRINTF(3, 4);
int number_vprint(char *buffer, size_t size, const char *format, va_list arguments);

struct number_text {
    char text[32];
};
/* The fewest significant digits, at least `digits`, that number_parse reads back as the same double. 17 always do. */
struct number_text number_shortest(double value, int digits);

/* For code that is not Rondo's own and formats or reads numbers: JSON, and plug-ins that write options as text. Between
 * open and close the calling thread has the locale "C". Scopes may be nested, and must be closed by the same thread, in
 * reverse order. */
struct number_scope {
    void *outer, *plain; /* both a locale_t */
};
struct number_scope number_scope_open(void);
void number_scope_close(struct number_scope scope);

#endif
