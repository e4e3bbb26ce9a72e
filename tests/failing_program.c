/* tests/failing_program.c: makes a program of which calls of the system fail: those that the environment variable
 * RONDO_TEST_FAIL names, as "CALL NUMBER ERROR" in numbers (tests/failing_system.h). Without it, none does. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "tests/failing_system.h"

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("RONDO_TEST_FAIL");
    int call, error;
    long number;
    if (text != NULL && sscanf(text, "%d %ld %d", &call, &number, &error) == 3 && call >= 0 && call < SYSTEM_CALLS) {
        system_fail((enum system_call)call, number, error);
    }
}
