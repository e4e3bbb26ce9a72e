/* tests/test_inspect_numbers.c: the numbers of an inspection, from values that are known: spectral radii, which
 * golden/make_spectral_radius.py computes with numpy, half-lives, and how far inputs count. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "core/multiply.h"
#include "inspect/decay.h"
#include "inspect/spectral_radius.h"
#include "tests/plugin_fixture.h"
#include "tests/suite.h"

static const struct parallel one_thread = {1};

/* ---- spectral radii ---- */

enum { GOLDEN_CASES = 23 };

/* The radius of a block of `n` columns in a matrix with `stride` columns. */
static double radius_of(const double *a, int64_t n, int64_t stride) {
    struct errors errors = {0};
    struct arena *arena = arena_create();
    double *work = arena_calloc(arena, (size_t)(2 * n * n), sizeof *work), radius = -1;
    ck_assert_ptr_nonnull(work);
    ck_assert_int_eq(multiply_open(&one_thread, &errors), RONDO_OK);
    ck_assert_int_eq(spectral_radius(&one_thread, arena, a, n, stride, work, &radius, &errors), RONDO_OK);
    arena_destroy(arena);
    return radius;
}

START_TEST(spectral_radii_are_those_of_numpy) {
    struct golden golden = golden_open("spectral_radius.txt");
    int cases = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden), cases++) {
        char name[100];
        ck_assert_str_eq(word, "case");
        snprintf(name, sizeof name, "%s", golden.rest);
        const int64_t n = (int64_t)golden_numbers(&golden, "size", 1)[0];
        const double *matrix = golden_numbers(&golden, "matrix", n * n);
        const double expected = golden_numbers(&golden, "radius", 1)[0], found = radius_of(matrix, n, n);
        ck_assert_msg(fabs(found - expected) <= 1e-5 * expected, "%s: %.12g, expected %.12g", name, found, expected);
    }
    golden_close(&golden);
    ck_assert_int_eq(cases, GOLDEN_CASES);
}
END_TEST

START_TEST(a_block_of_a_wider_matrix_has_its_own_radius) {
    const double matrix[] = {1, 2, 3, 0, 0, 1, 0, 3};
    ck_assert_double_eq_tol(radius_of(matrix, 2, 4), 1, 1e-6);
    ck_assert_double_eq_tol(radius_of(matrix + 2, 2, 4), 3, 1e-6);
}
END_TEST

START_TEST(a_matrix_with_a_number_that_is_not_finite_has_no_radius) {
    const double matrix[] = {1, NAN, 0, 1};
    ck_assert_double_nan(radius_of(matrix, 2, 2));
}
END_TEST

/* ---- curves ---- */

enum { STEPS = 50 };

static const struct {
    const char *what;
    double first, factor; /* norm = first * factor^distance */
    int64_t reach;        /* examples that reach all distances; below, one example reaches no more than half of them */
    double half_life;
    int64_t counts, most; /* decay_reach and decay_most with the shares of inspect.h */
} curves[] = {
    {"halves every step", 3, 0.5, 10, 1, 6, 3},    {"halves every 10 steps", 1e-3, 0.9330329915368074, 10, 10, 49, 29},
    {"does not fall", 1, 1, 10, INFINITY, 49, 44}, {"grows", 1, 1.1, 10, INFINITY, 49, 48},
    {"vanishes at once", 1, 1e-7, 10, NAN, 0, 0},
};

START_TEST(half_life_and_reach_are_those_of_an_exponential) {
    struct arena *arena = arena_create();
    double sums[STEPS];
    int64_t reaching[STEPS];
    for (int64_t d = 0; d < STEPS; d++) {
        reaching[d] = curves[_i].reach;
        sums[d] = (double)reaching[d] * curves[_i].first * pow(curves[_i].factor, (double)d);
    }
    const struct inspect_curve curve = decay_curve(sums, reaching, STEPS, arena);
    ck_assert_int_eq(curve.count, STEPS);
    ck_assert_double_eq_tol(curve.norm[0], curves[_i].first, 1e-12);
    if (isnan(curves[_i].half_life)) {
        ck_assert_double_nan(curve.half_life);
    } else if (isinf(curves[_i].half_life)) {
        ck_assert_double_infinite(curve.half_life);
        ck_assert_double_eq_tol(curve.factor, curves[_i].factor, 1e-9);
    } else {
        ck_assert_double_eq_tol(curve.half_life, curves[_i].half_life, 1e-6);
        ck_assert_double_eq_tol(curve.factor, curves[_i].factor, 1e-9);
        ck_assert_double_eq_tol(curve.fit, 1, 1e-9);
    }
    ck_assert_int_eq(decay_reach(&curve, INSPECT_REACH_SHARE), curves[_i].counts);
    ck_assert_int_eq(decay_most(&curve, INSPECT_MOST_SHARE), curves[_i].most);
    arena_destroy(arena);
}
END_TEST

START_TEST(a_curve_is_the_mean_of_the_examples_that_reach_a_distance) {
    struct arena *arena = arena_create();
    const double sums[] = {40, 20, 5, 0.25, 0};
    const int64_t reaching[] = {20, 20, 10, 1, 0};
    const struct inspect_curve curve = decay_curve(sums, reaching, 5, arena);
    const double norms[] = {2, 1, 0.5, 0.25};
    ck_assert_int_eq(curve.count, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq(curve.norm[i], norms[i]);
        ck_assert_int_eq(curve.examples[i], reaching[i]);
    }
    ck_assert_int_eq(curve.common, 3); /* a twentieth of the examples is too few */
    ck_assert_int_eq(curve.fitted, 2);
    ck_assert_int_eq(decay_reach(&curve, 0.01), 2);
    ck_assert_double_eq_tol(curve.half_life, 1, 1e-9);
    arena_destroy(arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("inspect_numbers");
    TCase *radii = add_case(suite, "radii", 30, fixture_setup, fixture_teardown);
    tcase_add_test(radii, spectral_radii_are_those_of_numpy);
    tcase_add_test(radii, a_block_of_a_wider_matrix_has_its_own_radius);
    tcase_add_test(radii, a_matrix_with_a_number_that_is_not_finite_has_no_radius);
    TCase *decay = add_case(suite, "decay", 30, fixture_setup, fixture_teardown);
    tcase_add_loop_test(decay, half_life_and_reach_are_those_of_an_exponential, 0, ROWS(curves));
    tcase_add_test(decay, a_curve_is_the_mean_of_the_examples_that_reach_a_distance);
    return run_suite(suite);
}
