/* tests/set_locale.c: linked into a program, it sets the locale of the environment before main begins. */
#include <locale.h>
#include <stdlib.h>

__attribute__((constructor)) static void set_locale(void) {
    if (setlocale(LC_ALL, "") == NULL || localeconv()->decimal_point[0] == '.') {
        exit(125); /* a test in the wrong locale would test nothing */
    }
}
