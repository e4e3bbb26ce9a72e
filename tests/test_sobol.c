/* tests/test_sobol.c: points of Sobol' sequences (core/sobol.h) are those of scipy, and fill each dimension evenly.
 * golden/make_sobol.py writes the points. */
#include "core/sobol.h"

#include <check.h>
#include <string.h>

#include "tests/plugin_fixture.h"
#include "tests/suite.h"

enum { SCALE = 1024 };

START_TEST(points_are_those_of_scipy) {
    struct golden golden = golden_open("sobol.txt");
    int32_t count = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden), count++) {
        ck_assert_str_eq(word, "point");
        char *next = golden.rest;
        const uint32_t n = (uint32_t)strtoul(next, &next, 10);
        for (int32_t d = 0; d < SOBOL_DIMENSIONS; d++) {
            const uint32_t expected = (uint32_t)strtoul(next, &next, 10) * (UINT32_MAX / SCALE + 1);
            ck_assert_msg(sobol_coordinate(d, n) == expected, "dimension %d of point %u: %u, expected %u", d, n,
                          sobol_coordinate(d, n), expected);
        }
    }
    ck_assert_int_eq(count, 56);
    golden_close(&golden);
}
END_TEST

/* Among the first 2^k points, each dimension has one in each interval of length 2^-k. */
START_TEST(each_dimension_is_filled_evenly) {
    for (int32_t k = 0; k <= 12; k++) {
        char seen[1 << 12] = {0};
        for (uint32_t n = 0; n < 1u << k; n++) {
            const uint32_t interval = k == 0 ? 0 : sobol_coordinate(_i, n) >> (32 - k);
            ck_assert_int_eq(seen[interval], 0);
            seen[interval] = 1;
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sobol");
    TCase *cases = add_case(suite, "sobol", 60, NULL, NULL);
    tcase_add_test(cases, points_are_those_of_scipy);
    tcase_add_loop_test(cases, each_dimension_is_filled_evenly, 0, SOBOL_DIMENSIONS);
    return run_suite(suite);
}
