/* tests/test_initialiser.c: initialisers beyond the random matrices of test_cells.c: their texts and their ranges,
 * functions of initialisers, ramps, and the memory of Legendre polynomials. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lang/initialiser.h"
#include "tests/suite.h"
#include "tests/support.h"

static struct support support;

static void setup(void) {
    support_open(&support);
}

static void teardown(void) {
    support_close(&support);
}

static struct initialiser parse(const char *text) {
    struct initialiser initialiser;
    support_ok(&support, initialiser_parse(text, (struct location){0}, &initialiser, &support.errors), text);
    return initialiser;
}

static rondo_status fill(const char *text, const rondo_tensor *tensor) {
    const struct initialiser initialiser = parse(text);
    struct arena *scratch = arena_create();
    ck_assert_ptr_nonnull(arena_alloc(scratch, 1));
    const struct arena_mark before = arena_mark(scratch);
    const rondo_status status =
        initialiser_fill(&initialiser, tensor, rng_stream(1, "values"), NULL, scratch, &support.errors);
    const struct arena_mark after = arena_mark(scratch);
    ck_assert(after.block == before.block && after.used == before.used); /* memory is released in any case */
    arena_destroy(scratch);
    return status;
}

static rondo_tensor filled(const char *text, int32_t dtype, const char *shape) {
    const rondo_tensor tensor = support_zeros(&support, dtype, shape);
    support_ok(&support, fill(text, &tensor), text);
    return tensor;
}

/* ---- texts ---- */

static const struct {
    const char *text, *expected; /* the beginning of the error; NULL: the text is right */
} text_rows[] = {
    {"lecun", NULL},
    {"-lecun", NULL},
    {"- lecun ", NULL},
    {"0.7 * lecun_normal", NULL},
    {"-0.7*lecun_normal", NULL},
    {"2 * -3", NULL},
    {"log(uniform(1, 2))", NULL},
    {" log ( uniform ( 1 , 2 ) ) ", NULL},
    {"log(-0.5 * log(uniform(0.81, 0.998)))", NULL},
    {"inverse_softplus(exp(uniform(-6.9, -2.3)))", NULL},
    {"linspace(6, 3)", NULL},
    {"arange(0, -3.14)", NULL},
    {"chrono(784)", NULL},
    {"-chrono(784)", NULL},
    {"legendre_a(784)", NULL},
    {"legendre_b(0.5)", NULL},
    {"------1", NULL},
    {"chrono(T)", NULL},
    {"uniform(low, high_2)", NULL},
    {"uniform(-1, information)", NULL},
    {"gain * orthogonal", NULL},
    {"-gain*-gain * orthogonal", NULL},
    {"normal(2x)", "initialiser 'normal' takes one number >= 0"},
    {"normal(nan)", "initialiser 'normal' takes one number >= 0"},
    {"normal(-T)", "initialiser 'normal' takes one number >= 0"},
    {"normal(a_name_of_thirty_two_characters_)", "initialiser 'normal' takes one number >= 0"},
    {"gain orthogonal", "unknown initialiser 'gain orthogonal'"},
    {"-", "unknown initialiser '-'"},
    {"0.5 *", "unknown initialiser '0.5 *'"},
    {"0.5 * lecn", "unknown initialiser '0.5 * lecn' (did you mean 'lecun'?), expected a number, zeros, ones"},
    {"0.5 lecun", "unknown initialiser '0.5 lecun'"},
    {"1e999 * lecun", "unknown initialiser '1e999 * lecun'"},
    {".", "unknown initialiser '.'"},
    {"log(unifrm(1, 2))", "unknown initialiser 'log(unifrm(1, 2))' (did you mean 'uniform'?)"},
    {"lgo(ones)", "unknown initialiser 'lgo(ones)' (did you mean 'log'?)"},
    {"log", "expected an initialiser in brackets, such as log(uniform(1, 2)), got 'log'"},
    {"log ones", "expected an initialiser in brackets"},
    {"log(ones", "initialiser 'ones' takes no arguments, got 'log(ones'"},
    {"log(ones))", "expected an initialiser in brackets, such as log(uniform(1, 2)), got 'log(ones))'"},
    {"log(ones) 2", "expected an initialiser in brackets"},
    {"log()", "unknown initialiser 'log()'"},
    {"log(1", "unknown initialiser 'log(1'"},
    {"log(exp(1)", "expected an initialiser in brackets"},
    {"ones)", "initialiser 'ones' takes no arguments"},
    {"linspace(1)", "initialiser 'linspace' takes two numbers: linspace(first, last), got 'linspace(1)'"},
    {"arange(1, 2, 3)", "initialiser 'arange' takes two numbers: arange(first, step)"},
    {"chrono", "initialiser 'chrono' takes one number > 2, the longest dependency in steps: chrono(T), got 'chrono'"},
    {"chrono(2)", "initialiser 'chrono' takes one number > 2"},
    {"legendre_a(0)", "initialiser 'legendre_a' takes one number > 0, the steps of the window: legendre_a(theta)"},
    {"legendre_b(-1)", "initialiser 'legendre_b' takes one number > 0"},
    {"log(log(log(log(log(log(log(1)))))))", "an initialiser has 6 functions and factors at most"},
    {"-------------------------------------------------------------------1", "unknown initialiser '-----"},
    {"((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1", "unknown initialiser '((("},
};

START_TEST(texts_are_read_or_refused) {
    struct initialiser initialiser;
    const struct location where = {"cell.yaml", 9, 7};
    const rondo_status status = initialiser_parse(text_rows[_i].text, where, &initialiser, &support.errors);
    const char *found = support_error(&support), *expected = text_rows[_i].expected;
    ck_assert_msg(status == (expected == NULL ? RONDO_OK : RONDO_INVALID), "%s: %s", text_rows[_i].text, found);
    if (expected != NULL) {
        ck_assert_int_eq(support.errors.count, 1);
        ck_assert_msg(strncmp(found, "cell.yaml:9:7: ", 15) == 0, "%s", found);
        ck_assert_msg(strncmp(found + 15, expected, strlen(expected)) == 0, "%s", found);
    }
}
END_TEST

/* The text of an initialiser for `rondo cells show`. It is parsed, and must give the same text again. */
static const struct {
    const char *text, *expected;
} written_rows[] = {
    {"glorot", "glorot"},
    {"0", "zeros"},
    {"1", "ones"},
    {"-0.5", "-0.5"},
    {"0.7071067811865476 * lecun_normal", "0.7071067811865476 * lecun_normal"},
    {"- lecun ", "-lecun"},
    {"uniform(-0.1,0.1)", "uniform(-0.1, 0.1)"},
    {"log ( -0.5 * log(uniform(0.81, 0.998001)) )", "log(-0.5 * log(uniform(0.81, 0.998001)))"},
    {"inverse_softplus(exp(arange(-1, 2)))", "inverse_softplus(exp(arange(-1, 2)))"},
    {"-chrono(784)", "-chrono(784)"},
    {"log(chrono(784))", "log(chrono(784))"},
    {"chrono(T)", "chrono(T)"},
    {"-gain*-gain * orthogonal", "-gain * -gain * orthogonal"},
    {"legendre_a(theta)", "legendre_a(theta)"},
    {"2 * -3", "2 * -3"},
};

START_TEST(initialisers_are_written_as_they_are_read) {
    const char *text = written_rows[_i].text;
    for (int again = 0; again < 2; again++) {
        struct initialiser initialiser;
        support_ok(&support, initialiser_parse(text, (struct location){0}, &initialiser, &support.errors), text);
        text = initialiser_text(&initialiser, support.arena);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, written_rows[_i].expected);
    }
}
END_TEST

/* ---- options ---- */

/* T = 9, low = -1, high = 2, nothing else. */
static int option_value(const void *arg, const char *name, double *number) {
    static const struct {
        const char *name;
        double number;
    } options[] = {{"T", 9}, {"low", -1}, {"high", 2}};
    ck_assert_ptr_eq(arg, &support);
    for (int i = 0; i < ROWS(options); i++) {
        if (strcmp(options[i].name, name) == 0) {
            *number = options[i].number;
            return 1;
        }
    }
    return 0;
}

static const struct {
    const char *text, *same_as; /* the same with numbers; NULL: it is refused */
    const char *error;
} option_rows[] = {
    {"chrono(T)", "chrono(9)", NULL},
    {"uniform(low, high)", "uniform(-1, 2)", NULL},
    {"uniform(low, 0.5)", "uniform(-1, 0.5)", NULL},
    {"uniform(-7, high)", "uniform(-7, 2)", NULL},
    {"T * high * lecun", "18 * lecun", NULL},
    {"exp(-low * linspace(low, high))", "exp(linspace(-1, 2))", NULL},
    {"0.5", "0.5", NULL},
    {"uniform(high, low)", NULL,
     "initialiser 'uniform' takes two numbers, the lower one first: uniform(low, high), got 2 and -1"},
    {"normal(low)", NULL, "initialiser 'normal' takes one number >= 0: normal(std), got -1"},
    {"chrono(high)", NULL, "initialiser 'chrono' takes one number > 2"},
    {"normal(std)", NULL, "the initialiser uses 'std', which is neither a number nor an option of the cell"},
    {"inf * ones", NULL, "the initialiser uses 'inf', which is neither a number nor an option of the cell"},
    {"gain * ones", NULL, "the initialiser uses 'gain', which is neither a number nor an option of the cell"},
};

START_TEST(numbers_come_from_options_where_they_are_named) {
    struct initialiser initialiser = parse(option_rows[_i].text);
    const struct location where = {"cell.yaml", 9, 7};
    const rondo_status status = initialiser_resolve(&initialiser, option_value, &support, where, &support.errors);
    if (option_rows[_i].same_as == NULL) {
        const char *found = support_error(&support), *expected = option_rows[_i].error;
        ck_assert_int_eq(status, RONDO_INVALID);
        ck_assert_msg(strncmp(found, "cell.yaml:9:7: ", 15) == 0, "%s", found);
        ck_assert_msg(strncmp(found + 15, expected, strlen(expected)) == 0, "%s", found);
        return;
    }
    support_ok(&support, status, option_rows[_i].text);
    const rondo_tensor expected = filled(option_rows[_i].same_as, RONDO_F64, "4, 5"),
                       tensor = support_zeros(&support, RONDO_F64, "4, 5");
    struct arena *scratch = arena_create();
    support_ok(&support,
               initialiser_fill(&initialiser, &tensor, rng_stream(1, "values"), NULL, scratch, &support.errors),
               "fill");
    arena_destroy(scratch);
    support_near(&tensor, &expected, 1e-15, option_rows[_i].text);
}
END_TEST

START_TEST(options_that_an_initialiser_uses_are_known) {
    const struct initialiser initialiser = parse("gain * log(uniform(low, high))");
    ck_assert(initialiser_uses(&initialiser, "gain") && initialiser_uses(&initialiser, "low"));
    ck_assert(initialiser_uses(&initialiser, "high") && !initialiser_uses(&initialiser, "log"));
    const rondo_tensor tensor = support_zeros(&support, RONDO_F64, "2");
    ck_assert_int_eq(fill("chrono(T)", &tensor), RONDO_INVALID); /* nobody has resolved it */
    ck_assert_int_eq(fill("gain * ones", &tensor), RONDO_INVALID);
}
END_TEST

/* ---- values ---- */

static const struct {
    const char *text, *shape;
    double numbers[8];
} value_rows[] = {
    {"-0.5", "2", {-0.5, -0.5}},
    {"-ones", "2", {-1, -1}},
    {"--ones", "1", {1}},
    {"2 * -3 * ones", "1", {-6}},
    {"-2 * identity", "2, 2", {-2, 0, 0, -2}},
    {"log(2)", "", {0.6931471805599453}},
    {"exp(linspace(0, 1))", "2", {1, 2.718281828459045}},
    {"2 * exp(-log(4))", "1", {0.5}},
    {"inverse_softplus(0.6931471805599453)", "1", {0}},
    {"inverse_softplus(1000)", "1", {1000}},
    {"inverse_softplus(1e-9)", "1", {-20.72326583644641}}, /* ln(e^y - 1), near ln y */
    {"linspace(3, 6)", "4", {3, 4, 5, 6}},
    {"linspace(6, 3)", "4", {6, 5, 4, 3}},
    {"linspace(1, 3)", "2, 3", {1, 2, 3, 1, 2, 3}},
    {"linspace(5, 7)", "1", {5}},
    {"linspace(5, 7)", "3, 1", {5, 5, 5}},
    {"linspace(5, 7)", "", {5}},
    {"linspace(5, 7)", "3, 0", {0}},
    {"arange(1, 1)", "2, 4", {1, 2, 3, 4, 1, 2, 3, 4}},
    {"arange(0, -0.5)", "3", {0, -0.5, -1}},
    {"log(arange(1, 1))", "1, 3", {0, 0.6931471805599453, 1.0986122886681098}},
    {"log(linspace(1, 3))", "3", {0, 0.6931471805599453, 1.0986122886681098}},
    {"-log(linspace(1, 3))", "3", {0, -0.6931471805599453, -1.0986122886681098}},
};

START_TEST(fixed_values_are_those_of_the_text) {
    const rondo_tensor found = filled(value_rows[_i].text, RONDO_F64, value_rows[_i].shape);
    const rondo_tensor expected = support_numbers(&support, RONDO_F64, value_rows[_i].shape, value_rows[_i].numbers);
    support_near(&found, &expected, 1e-14, value_rows[_i].text);
}
END_TEST

static const char *const infinite_rows[] = {"log(zeros)",      "log(-ones)",          "log(linspace(1, -1))",
                                            "exp(1000)",       "inverse_softplus(0)", "inverse_softplus(-1)",
                                            "log(orthogonal)", "exp(-log(zeros))"};

START_TEST(values_outside_the_domain_of_a_function_are_refused) {
    const rondo_tensor tensor = support_zeros(&support, RONDO_F64, "3, 3");
    ck_assert_int_eq(fill(infinite_rows[_i], &tensor), RONDO_INVALID);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_msg(strstr(support_error(&support), "the functions of an initialiser make ") != NULL, "%s",
                  support_error(&support));
}
END_TEST

static double uniform_share(double x, double low, double high) {
    return (x - low) / (high - low);
}

static double softplus(double x) {
    return log1p(exp(x));
}

/* Functions that compute, from a value, the uniform number that it was made from, as a share of its range. */
static double share_chrono(double x) {
    return uniform_share(exp(x), 1, 99);
}
static double share_minus_chrono(double x) {
    return uniform_share(exp(-x), 1, 99);
}
static double share_lecun(double x) {
    return uniform_share(x, -sqrt(3.0 / 50), sqrt(3.0 / 50));
}
static double share_fan_in(double x) {
    return uniform_share(x, -1 / sqrt(50), 1 / sqrt(50));
}
static double share_fan_out(double x) {
    return uniform_share(x, -0.1, 0.1);
}
static double share_lecun_normal(double x) {
    return 0.5 * erfc(-x * sqrt(50) / sqrt(2));
}
static double share_scaled_normal(double x) {
    return 0.5 * erfc(-x * 10 / sqrt(2)); /* std 0.1 = sqrt(1 / 2) sqrt(1 / 50) */
}
/* LRU (Orvieto et al. 2023, Lemma 3.2): |lambda|^2 = exp(-2 exp(nu)) is uniform in [r_min^2, r_max^2]. */
static double share_ring(double x) {
    return uniform_share(exp(-2 * exp(x)), 0.81, 0.998001);
}
static double share_steps(double x) {
    return uniform_share(log(softplus(x)), log(0.001), log(0.1));
}
static double share_decay(double x) {
    return uniform_share(exp(-8 * softplus(x)), 0.9, 0.999);
}

static const struct {
    const char *text;
    double (*share)(double x);
} distribution_rows[] = {
    {"chrono(100)", share_chrono},
    {"-chrono(100)", share_minus_chrono},
    {"lecun", share_lecun},
    {"fan_in_uniform", share_fan_in},
    {"fan_out_uniform", share_fan_out},
    {"lecun_normal", share_lecun_normal},
    {"0.7071067811865476 * lecun_normal", share_scaled_normal},
    {"log(-0.5 * log(uniform(0.81, 0.998001)))", share_ring},
    {"inverse_softplus(exp(uniform(-6.907755278982137, -2.302585092994046)))", share_steps},
    {"inverse_softplus(-0.125 * log(uniform(0.9, 0.999)))", share_decay},
};

/* Shares are uniform in [0, 1]: each tenth has a tenth of the 5000 values, within 4 standard deviations. */
START_TEST(random_values_have_the_distribution_of_the_text) {
    const rondo_tensor tensor = filled(distribution_rows[_i].text, RONDO_F64, "50, 100");
    int tenths[10] = {0};
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        const double share = distribution_rows[_i].share(tensor_get(&tensor, i));
        ck_assert_msg(share > -1e-9 && share < 1 + 1e-9, "%s: %g", distribution_rows[_i].text, share);
        tenths[share >= 1 ? 9 : share <= 0 ? 0 : (int)(share * 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_msg(abs(tenths[i] - 500) < 85, "%s: tenth %d has %d of 5000", distribution_rows[_i].text, i,
                      tenths[i]);
    }
}
END_TEST

/* ---- the memory of Legendre polynomials ---- */

/* For order 3 and theta 4, by a matrix exponential in 40 digits; A transposed. */
static const double legendre_a_3[] = {0.76332320823626043,   0.61590926008824587,  -0.32352002518967704,
                                      -0.20530308669608197,  0.21211795318594992,  0.46411910684782359,
                                      -0.064704005037935414, -0.27847146410869417, 0.16706939210496705};
static const double legendre_b_3[] = {0.2366767917637396, -0.61590926008824587, 0.32352002518967704};

START_TEST(legendre_matrices_are_those_of_the_held_step) {
    const rondo_tensor a = filled("legendre_a(4)", RONDO_F64, "3, 3"), b = filled("legendre_b(4)", RONDO_F64, "1, 3");
    const rondo_tensor expected_a = support_numbers(&support, RONDO_F64, "3, 3", legendre_a_3),
                       expected_b = support_numbers(&support, RONDO_F64, "1, 3", legendre_b_3);
    support_near(&a, &expected_a, 1e-13, "A");
    support_near(&b, &expected_b, 1e-13, "B");
}
END_TEST

/* Driven by a constant 1, the memory ends as the Legendre coefficients of the window: 1, 0, 0, … */
START_TEST(legendre_memory_settles_on_the_polynomials_of_its_window) {
    enum { ORDER = 12, STEPS = 600 };
    const rondo_tensor a = filled("legendre_a(40)", RONDO_F64, "12, 12"), b = filled("legendre_b(40)", RONDO_F64, "12");
    double m[ORDER] = {0}, next[ORDER];
    for (int t = 0; t < STEPS; t++) {
        for (int j = 0; j < ORDER; j++) {
            next[j] = tensor_get(&b, j);
            for (int i = 0; i < ORDER; i++) {
                next[j] += m[i] * tensor_get(&a, i * ORDER + j);
            }
        }
        memcpy(m, next, sizeof m);
    }
    for (int i = 0; i < ORDER; i++) {
        ck_assert_double_eq_tol(m[i], i == 0, 1e-9);
    }
}
END_TEST

START_TEST(legendre_a_is_for_squares) {
    static const char *const shapes[] = {"3, 3", "3, 4", "3", "", "2, 3, 3"};
    const struct initialiser a = parse("legendre_a(4)"), b = parse("-legendre_b(4)");
    for (int i = 0; i < ROWS(shapes); i++) {
        const rondo_tensor tensor = support_zeros(&support, RONDO_F32, shapes[i]);
        ck_assert_int_eq(initialiser_fits(&a, &tensor), i == 0);
        ck_assert_int_eq(initialiser_fits(&b, &tensor), 1);
    }
}
END_TEST

/* ---- interruption ---- */

/* Requests an interrupt from call number `last` on. */
struct questions {
    int32_t asked, last;
};

static int is_last_question(void *arg) {
    struct questions *questions = arg;
    return ++questions->asked > questions->last;
}

/* The least number of calls for a matrix that takes a while. */
static const struct {
    const char *initialiser, *shape;
    int32_t least;
} long_rows[] = {
    {"orthogonal", "60, 40", 40},
    {"orthogonal", "2, 3, 50", 6},
    {"legendre_a(20)", "30, 30", 300},
    {"uniform(-1, 1)", "3, 1048576", 3},
    {"zeros", "4", 1},
};

START_TEST(filling_asks_whether_to_stop_and_stops_at_any_question) {
    struct initialiser initialiser;
    const struct location where = {"cell.yaml", 1, 1};
    support_ok(&support, initialiser_parse(long_rows[_i].initialiser, where, &initialiser, &support.errors), "parse");
    rondo_tensor tensor = support_zeros(&support, RONDO_F32, long_rows[_i].shape);
    struct questions all = {0, INT32_MAX};
    const struct interrupt never = {.is_requested = is_last_question, .arg = &all};
    support_ok(&support,
               initialiser_fill(&initialiser, &tensor, rng_stream(1, "values"), &never, support.arena, &support.errors),
               "fill");
    ck_assert_int_ge(all.asked, long_rows[_i].least);
    for (int32_t last = 0; last < all.asked; last += 1 + all.asked / 7) {
        struct questions some = {0, last};
        const struct interrupt interrupt = {.is_requested = is_last_question, .arg = &some};
        struct errors errors = {0};
        ck_assert_int_eq(
            initialiser_fill(&initialiser, &tensor, rng_stream(1, "values"), &interrupt, support.arena, &errors),
            RONDO_INTERRUPTED);
        ck_assert_int_eq(some.asked, last + 1); /* the work stops at the first request */
        ck_assert_int_eq(errors.count, 1);
        errors_free(&errors);
    }
}
END_TEST

static Suite *initialiser_suite(void) {
    Suite *suite = suite_create("initialiser");
    TCase *cases = tcase_create("initialiser");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, texts_are_read_or_refused, 0, ROWS(text_rows));
    tcase_add_loop_test(cases, initialisers_are_written_as_they_are_read, 0, ROWS(written_rows));
    tcase_add_loop_test(cases, numbers_come_from_options_where_they_are_named, 0, ROWS(option_rows));
    tcase_add_test(cases, options_that_an_initialiser_uses_are_known);
    tcase_add_loop_test(cases, fixed_values_are_those_of_the_text, 0, ROWS(value_rows));
    tcase_add_loop_test(cases, values_outside_the_domain_of_a_function_are_refused, 0, ROWS(infinite_rows));
    tcase_add_loop_test(cases, random_values_have_the_distribution_of_the_text, 0, ROWS(distribution_rows));
    tcase_add_test(cases, legendre_matrices_are_those_of_the_held_step);
    tcase_add_test(cases, legendre_memory_settles_on_the_polynomials_of_its_window);
    tcase_add_test(cases, legendre_a_is_for_squares);
    tcase_add_loop_test(cases, filling_asks_whether_to_stop_and_stops_at_any_question, 0, ROWS(long_rows));
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return run_suite(initialiser_suite());
}
