/* tests/test_report_numbers.c: curves with fewer points, and numbers of tables, as a report shows them. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "report/html_table.h"
#include "report/reduce.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;

static void open_test(void) {
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

START_TEST(long_curves_keep_their_extremes_and_their_end) {
    enum { LINES = 10000, MOST = 100 };
    static double step[LINES], values[LINES], mean[MOST], low[MOST], high[MOST];
    for (int i = 0; i < LINES; i++) {
        step[i] = 3 * (i + 1);
        values[i] = i == 1234 ? 50 : i == 7000 ? NAN : i == 9000 ? -7 : 1;
    }
    const struct report_log log = {.count = LINES, .step = step}, *const logs[] = {NULL, &log};
    struct reduced_grid grid;
    ck_assert_int_eq(reduced_grid_make(logs, 2, MOST, &grid, arena, &errors), RONDO_OK);
    ck_assert_int_eq(grid.count, MOST / 2);
    ck_assert_int_eq(grid.most_steps, 2 * LINES / MOST);
    ck_assert_double_eq(grid.step[grid.count - 1], 3 * LINES);
    reduce_curve(&grid, &log, values, mean, low, high);
    double least = INFINITY, most = -INFINITY, sum = 0;
    for (int64_t b = 0; b < grid.count; b++) {
        least = fmin(least, low[b]);
        most = fmax(most, high[b]);
        sum += mean[b];
    }
    ck_assert_double_eq(least, -7);
    ck_assert_double_eq(most, 50);
    ck_assert_double_eq_tol(sum / (double)grid.count, 1 + 49.0 / LINES - 8.0 / LINES, 1e-9);
}
END_TEST

START_TEST(seeds_of_other_lengths_share_their_points) {
    double first[] = {10, 20, 30}, second[] = {10, 25}, value[] = {1, 2, 3}, mean[4];
    const struct report_log logs[] = {{.count = 3, .step = first}, {.count = 2, .step = second}};
    const struct report_log *const both[] = {&logs[0], &logs[1]};
    struct reduced_grid grid;
    ck_assert_int_eq(reduced_grid_make(both, 2, 10, &grid, arena, &errors), RONDO_OK);
    ck_assert_int_eq(grid.count, 4);
    reduce_curve(&grid, &logs[1], value, mean, NULL, NULL);
    ck_assert_double_eq(mean[0], 1);
    ck_assert(isnan(mean[1]) && isnan(mean[3]));
    ck_assert_double_eq(mean[2], 2);
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} durations[] = {
    {0.123, "0.12\xc2\xa0s"},
    {12.34, "12.3\xc2\xa0s"},
    {119.6, "2\xc2\xa0min 00\xc2\xa0s"},
    {3599.9, "1\xc2\xa0h 00\xc2\xa0min"},
    {7980, "2\xc2\xa0h 13\xc2\xa0min"},
    {NAN, "\xe2\x80\x93"},
    {INFINITY, "never"},
};

START_TEST(a_duration_has_two_units_at_most) {
    struct markup markup = {0};
    html_duration_cell(&markup, durations[_i].seconds);
    const char *wanted = arena_printf(arena, ">%s</td>", durations[_i].text);
    ck_assert_msg(strstr(markup.text, wanted) != NULL, "%s is not %s", markup.text, wanted);
    markup_free(&markup);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("report_numbers");
    TCase *numbers = add_case(suite, "numbers", 10, open_test, close_test);
    tcase_add_test(numbers, long_curves_keep_their_extremes_and_their_end);
    tcase_add_test(numbers, seeds_of_other_lengths_share_their_points);
    tcase_add_loop_test(numbers, a_duration_has_two_units_at_most, 0, ROWS(durations));
    return run_suite(suite);
}
