#define _POSIX_C_SOURCE 200809L
#include "core/number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

struct number_scope number_scope_open(void) {
    /* Costs a few nanoseconds: for "C", the C library has an object that is always there. Were it refused,
     * uselocale((locale_t)0) would leave the thread's locale as it is. */
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return (struct number_scope){.outer = uselocale(plain), .plain = plain};
}

void number_scope_close(struct number_scope scope) {
    uselocale((locale_t)scope.outer);
    if (scope.plain != NULL) {
        freelocale((locale_t)scope.plain);
    }
}

double number_parse(const char *text, char **end) {
    const struct number_scope scope = number_scope_open();
    const double value = strtod(text, end);
    number_scope_close(scope);
    return value;
}

int number_vprint(char *buffer, size_t size, const char *format, va_list arguments) {
    const struct number_scope scope = number_scope_open();
    const int length = vsnprintf(buffer, size, format, arguments);
    number_scope_close(scope);
    return length;
}

int number_print(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = number_vprint(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

struct number_text number_shortest(double value, int digits) {
    struct number_text shortest = {""};
    for (;; digits++) {
        number_print(shortest.text, sizeof shortest.text, "%.*g", digits, value);
        if (digits >= 17 || number_parse(shortest.text, NULL) == value) {
            return shortest;
        }
    }
}
