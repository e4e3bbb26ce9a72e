/* tests/test_curve.c: curves as text (cli/curve.h), character by character. */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/curve.h"
#include "tests/suite.h"

/* The text that curve_print writes to a file. The caller frees it. */
static char *drawn(const struct curve *curve) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    curve_print(out, curve);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void assert_drawn(const struct curve *curve, const char *expected) {
    char *found = drawn(curve);
    ck_assert_msg(strcmp(found, expected) == 0, "found\n%s\nexpected\n%s", found, expected);
    free(found);
}

START_TEST(line_goes_from_corner_to_corner) {
    const double values[] = {0, 1, 2, 3};
    assert_drawn(&(struct curve){.title = "rate",
                                 .values = values,
                                 .count = 4,
                                 .x_label = "update",
                                 .first = 1,
                                 .last = 4,
                                 .marks = CURVE_ASCII,
                                 .columns = 4,
                                 .rows = 7},
                 "rate\n"
                 "         3 +   *\n"
                 "           |  **\n"
                 "           |  *\n"
                 "           | **\n"
                 "           | *\n"
                 "           |**\n"
                 "         0 +*\n"
                 "            1  4\n"
                 "            update\n");
}
END_TEST

/* The bits of a pattern above U+2800 are 1 8, 2 16, 4 32, 64 128, from the top. Here the left column of dots spans 3
 * to 1.5, and the right one 1.5 to 0: 1 + 2 + 4 + 32 + 128. */
START_TEST(braille_dots_are_where_they_belong) {
    const double values[] = {3, 0};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 2, .first = 0, .last = 1, .marks = CURVE_BRAILLE, .columns = 1, .rows = 1},
        "         0 \u2524\u28a7\n"
        "            0 1\n");
}
END_TEST

/* A fall between two neighbouring values is a vertical line. */
START_TEST(sudden_change_leaves_no_gap) {
    const double values[] = {1, 1, 1, 0, 0, 0};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 6, .first = 0, .last = 5, .marks = CURVE_ASCII, .columns = 6, .rows = 5},
        "         1 +***\n"
        "           |  *\n"
        "           |  **\n"
        "           |   *\n"
        "         0 +   ***\n"
        "            0    5\n");
}
END_TEST

/* A single high value among a hundred thousand is visible. */
START_TEST(peak_shows_however_many_values_there_are) {
    enum { COUNT = 100000 };
    double *values = calloc(COUNT, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int at = 0; at < COUNT; at += 7919) {
        values[at] = 1;
        char *text = drawn(&(struct curve){.values = values, .count = COUNT, .marks = CURVE_ASCII});
        const char *end = strchr(text, '\n'), *star = strchr(text, '*');
        ck_assert(star != NULL && star < end); /* in the first row */
        ck_assert_int_le(labs((long)(star - text - 12) - (long)(at / (COUNT / 59.0) + 0.5)), 1);
        free(text);
        values[at] = 0;
    }
    free(values);
}
END_TEST

START_TEST(not_finite_leaves_a_gap) {
    const double values[] = {1, 0, NAN, INFINITY, -INFINITY, 0, 1};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 7, .first = 0, .last = 6, .marks = CURVE_ASCII, .columns = 7, .rows = 3},
        "         1 +*     *\n"
        "           |**   **\n"
        "         0 + *   *\n"
        "            0     6\n");
}
END_TEST

/* Values whose range is 0, and ranges that overflow a double. */
START_TEST(extreme_values_are_drawn) {
    static const double one[] = {2.5}, same[] = {-3e-5, -3e-5}, none[] = {NAN, INFINITY}, huge[] = {-1.7e308, 1.7e308};
    assert_drawn(&(struct curve){.values = one, .count = 1, .marks = CURVE_ASCII, .columns = 3, .rows = 3},
                 "           |\n"
                 "       2.5 +***\n"
                 "           |\n"
                 "            0\n");
    assert_drawn(&(struct curve){.values = same, .count = 2, .last = 1, .marks = CURVE_ASCII, .columns = 3, .rows = 1},
                 "    -3e-05 +***\n"
                 "            0 1\n");
    assert_drawn(&(struct curve){.values = huge, .count = 2, .last = 1, .marks = CURVE_ASCII, .columns = 3, .rows = 5},
                 "  1.7e+308 +  *\n"
                 "           | **\n"
                 "           | *\n"
                 "           |**\n"
                 " -1.7e+308 +*\n"
                 "            0 1\n");
    assert_drawn(&(struct curve){.title = "loss", .values = none, .count = 2, .marks = CURVE_BRAILLE},
                 "loss\n"
                 "            no finite value\n");
    assert_drawn(&(struct curve){.values = none, .count = 0}, "            no finite value\n");
}
END_TEST

/* 60 by 8 by default, and never more than the largest size. */
static const struct {
    int32_t columns, rows, expected_columns, expected_rows;
} sizes[] = {{0, 0, 60, 8}, {-5, -5, 60, 8}, {1, 1, 1, 1}, {200, 50, 200, 50}, {INT32_MAX, INT32_MAX, 200, 50}};

START_TEST(size_is_the_one_asked_for) {
    const double values[] = {5, 5};
    for (int32_t marks = CURVE_ASCII; marks <= CURVE_BRAILLE; marks++) {
        char *text = drawn(&(struct curve){
            .values = values, .count = 2, .marks = marks, .columns = sizes[_i].columns, .rows = sizes[_i].rows});
        int lines = 0, longest = 0, length = 0;
        for (const char *c = text; *c != '\0'; c++) {
            length += ((unsigned char)*c & 0xc0) != 0x80; /* characters, not bytes */
            if (*c == '\n') {
                longest = length - 1 > longest && lines < sizes[_i].expected_rows ? length - 1 : longest;
                length = 0;
                lines++;
            }
        }
        ck_assert_int_eq(lines, sizes[_i].expected_rows + 1); /* and the line with the values of x */
        ck_assert_int_eq(longest, sizes[_i].expected_columns + 12);
        free(text);
    }
}
END_TEST

/* ---- characters ---- */

/* The text that curve_print writes to a terminal in a locale. */
static void on_terminal(const char *locale, char *text, size_t size) {
    ck_assert_int_eq(setenv("LC_ALL", locale, 1), 0);
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_msg(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "no terminal to test with");
    FILE *out = fopen(ptsname(master), "w");
    ck_assert_ptr_nonnull(out);
    const double values[] = {0, 1};
    curve_print(out, &(struct curve){.values = values, .count = 2, .columns = 4, .rows = 2});
    ck_assert_int_eq(fflush(out), 0);
    const ssize_t length = read(master, text, size - 1);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    fclose(out);
    close(master);
}

START_TEST(braille_is_for_terminals_with_utf8_alone) {
    char text[1024];
    on_terminal("C.UTF-8", text, sizeof text);
    ck_assert_msg(strstr(text, "\u2524") != NULL && strchr(text, '*') == NULL, "%s", text);
    on_terminal("C", text, sizeof text);
    ck_assert_msg(strstr(text, "\u2524") == NULL && strchr(text, '*') != NULL, "%s", text);
    ck_assert_int_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
    const double values[] = {0, 1};
    char *file = drawn(&(struct curve){.values = values, .count = 2});
    ck_assert(strstr(file, "\u2524") == NULL && strchr(file, '*') != NULL);
    free(file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("curve");
    TCase *tcase = tcase_create("curve");
    tcase_add_test(tcase, line_goes_from_corner_to_corner);
    tcase_add_test(tcase, braille_dots_are_where_they_belong);
    tcase_add_test(tcase, sudden_change_leaves_no_gap);
    tcase_add_test(tcase, peak_shows_however_many_values_there_are);
    tcase_add_test(tcase, not_finite_leaves_a_gap);
    tcase_add_test(tcase, extreme_values_are_drawn);
    tcase_add_loop_test(tcase, size_is_the_one_asked_for, 0, ROWS(sizes));
    tcase_add_test(tcase, braille_is_for_terminals_with_utf8_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
