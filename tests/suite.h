/* tests/suite.h: what every test program has: tables of rows, and an end. */
#ifndef RONDO_TESTS_SUITE_H
#define RONDO_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "core/sanitizer.h"

/* The number of rows of a table: the end of a loop test. */
#define ROWS(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* 1 if the processor is emulated (scripts/arm64/test.sh sets the variable). qemu writes a line of its own to standard error for
 * a program that a signal ends. */
static inline int is_emulated(void) {
    return getenv("RONDO_TEST_EMULATED") != NULL;
}

/* 1 if limits on addresses (RLIMIT_AS, `ulimit -v`) can be tested. Shadow memory of a sanitizer takes terabytes of addresses.
 * An emulator needs many too, and ignores the limits that its program sets. */
static inline int has_address_limits(void) {
    return !SANITIZER_SHADOW && !is_emulated();
}

/* A limit of a test itself, in seconds, made longer for sanitizers and emulators as those of Check are. */
static inline double limit_of(double seconds) {
    const char *multiplier = getenv("CK_TIMEOUT_MULTIPLIER");
    const double times = multiplier == NULL ? 1 : atof(multiplier);
    return times > 1 ? times * seconds : seconds;
}

/* Adds a case to the suite: each of its tests may take `seconds`, and runs between setup and teardown. */
static inline TCase *add_case(Suite *suite, const char *name, double seconds, SFun setup, SFun teardown) {
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, seconds);
    tcase_add_checked_fixture(test_case, setup, teardown);
    suite_add_tcase(suite, test_case);
    return test_case;
}

/* Runs the suite and frees it. Returns the exit status of the program. */
static inline int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
