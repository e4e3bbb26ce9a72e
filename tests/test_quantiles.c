/* tests/test_quantiles.c: quantiles of the losses that describe how targets are distributed, against SciPy; prediction
 * intervals of `rondo predict`, and metrics of them.
 *
 * The environment names the program: RONDO_PROGRAM.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "batch_fixture.h"
#include "sandbox.h"
#include "tests/suite.h"

enum { QUANTILE_CASES = 50 };

static rondo_status quantile_of(const struct batch_fixture *batch, double probability, const rondo_tensor *values) {
    struct host_call host = fixture_host(batch->loss->base.name);
    return host_result(&host, batch->loss->quantile(&host.base, &batch->call, &batch->outputs, probability, values));
}

START_TEST(quantiles_agree_with_scipy) {
    const struct fixture_precision *precision = &fixture_precisions[_i];
    struct golden golden = golden_open("quantiles.txt");
    int cases = 0;
    for (; golden_next(&golden) != NULL; cases++) {
        char name[64], options[128], what[128];
        int size = 0, rows = 0;
        double probability = 0;
        ck_assert_int_eq(sscanf(golden.rest, "%63s %d %d %lf %127[^\n]", name, &size, &rows, &probability, options), 5);
        struct batch_fixture batch = batch_fixture_create(name, "real", size, rows, options, precision->dtype);
        fixture_fill(&batch.outputs, golden_numbers(&golden, "outputs", rondo_count(&batch.outputs)));
        const rondo_tensor values = fixture_tensor(precision->dtype, 2, rows, size);
        ck_assert_int_eq(quantile_of(&batch, probability, &values), RONDO_OK);
        snprintf(what, sizeof what, "case %d (%s, %g)", cases, name, probability);
        fixture_all_near(&values, golden_numbers(&golden, "values", rondo_count(&values)), 1e-6, what);
    }
    ck_assert_int_eq(cases, QUANTILE_CASES);
    golden_close(&golden);
}
END_TEST

/* Levels that the outputs do not reach. */
static const struct {
    const char *options;
    double probability;
    const char *part; /* NULL: given */
} reaches[] = {
    {"levels=[0.1,0.9]", 0.1, NULL},
    {"levels=[0.1,0.9]", 0.05, "'levels' of the loss are from 0.1 to 0.9, expected ones that reach to 0.05"},
    {"levels=[0.1,0.9]", 0.95, "expected ones that reach to 0.95"},
    {"levels=0.5", 0.4, "'levels' of the loss are from 0.5 to 0.5"},
};

START_TEST(quantiles_beyond_the_levels_are_refused) {
    struct batch_fixture batch = batch_fixture_create("quantile", "real", 1, 0, reaches[_i].options, RONDO_F32);
    const rondo_tensor values = fixture_tensor(RONDO_F32, 2, 0, 1);
    const rondo_status status = quantile_of(&batch, reaches[_i].probability, &values);
    ck_assert_int_eq(status, reaches[_i].part == NULL ? RONDO_OK : RONDO_INVALID);
    if (reaches[_i].part != NULL) {
        fixture_error(reaches[_i].part);
    }
}
END_TEST

/* ---- the command ---- */

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* y = 1000 + 100 x, and noise: far from 0 and from a deviation of 1, so that numbers that were not turned back show. */
static void write_table(void) {
    char text[8192] = "x,y,z\n";
    size_t length = strlen(text);
    for (int i = 0; i < 200; i++) {
        const double x = sin(i), noise = 50 * sin(7.0 * i * i);
        length += (size_t)snprintf(text + length, sizeof text - length, "%.3f,%.1f,%.1f\n", x, 1000 + 100 * x + noise,
                                   2000 - noise);
    }
    sandbox_write("table.csv", text);
}

static void train(const char *loss, const char *more) {
    char experiment[1024];
    snprintf(experiment, sizeof experiment,
             "rondo: 1\nname: t\narchitecture: \"1:1\"\n"
             "data: {reader: table, train: table.csv, test: {last: 0.5}, target: number, columns: {target: %s}}\n"
             "model: {layers: [{cell: gru, hidden: 4}]}\nloss: {%s}\n%s\n"
             "optimizer: {plugin: adam, lr: 0.03}\nschedule: {epochs: 40, batch: 20, seed: 1}\n",
             strstr(more, "two") != NULL ? "[y, z]" : "y, ignore: [z]", loss,
             strstr(more, "metrics:") == NULL ? "" : more);
    sandbox_write("e.yaml", experiment);
    rondo("train e.yaml --out run --quiet", 0);
}

static const char *const losses[] = {"plugin: gaussian", "plugin: student_t", "plugin: negative_binomial, scale: 1000",
                                     "plugin: mixture_density, components: 2",
                                     "plugin: quantile, levels: [0.1, 0.5, 0.9]"};

/* The column of a JSON object. */
static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "no number '%s'", key);
    return json_number_value(value);
}

/* An interval has a lower and an upper end around the prediction, in the units of the data; the text has the same numbers as
 * the JSON. */
START_TEST(intervals_are_in_the_units_of_the_data) {
    write_table();
    train(losses[_i], "");
    const struct outcome outcome = rondo("predict run table.csv --interval 0.8 --json", 0);
    int lines = 0;
    for (const char *line = outcome.out; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        ck_assert_msg(object != NULL, "%s", line);
        const double lower = number_of(object, "lower"), upper = number_of(object, "upper");
        ck_assert_double_eq(number_of(object, "interval"), 0.8);
        const json_t *values = json_object_get(object, "values");
        const double middle =
            values == NULL ? number_of(object, "value") : json_number_value(json_array_get(values, 1));
        ck_assert((values != NULL) == (json_object_get(object, "median") != NULL));
        ck_assert_double_eq(values == NULL ? middle : number_of(object, "median"), middle);
        ck_assert_msg(lower > 500 && lower <= middle && middle <= upper && upper < 1500, "%.200s", line);
        json_decref(object);
    }
    ck_assert_int_eq(lines, 200);
    const struct outcome text = rondo("predict run table.csv --interval 0.8", 0);
    char first[64];
    double ends[5];
    ck_assert_int_eq(sscanf(text.out, "%lf\t%lf\t%lf\t%lf\t%lf", &ends[0], &ends[1], &ends[2], &ends[3], &ends[4]) >= 3,
                     1);
    snprintf(first, sizeof first, "%.6g\t", ends[0]);
    ck_assert_int_eq(strncmp(text.out, first, strlen(first)), 0);
}
END_TEST

/* Half of the data are the test part; a model that knows the noise has about the coverage that it promises. */
START_TEST(coverage_is_near_the_probability) {
    write_table();
    train(losses[_i], "metrics: [mae, coverage, \"coverage:interval=0.5\", interval_score]");
    const struct outcome outcome = rondo("eval run --json", 0);
    json_t *object = json_loads(outcome.out, 0, NULL);
    ck_assert_msg(object != NULL, "%s", outcome.out);
    const double wide = number_of(object, "coverage"), narrow = number_of(object, "coverage:interval=0.5");
    ck_assert_msg(wide > 0.6 && wide < 0.95 && narrow > 0.2 && narrow < 0.75 && narrow < wide, "%g and %g", wide,
                  narrow);
    ck_assert_double_lt(number_of(object, "mae"), 100); /* with quantiles, that of the median */
    ck_assert_double_gt(number_of(object, "interval_score"), 50);
    json_decref(object);
}
END_TEST

/* Several numbers, of units of their own. */
START_TEST(intervals_of_several_numbers_are_lists) {
    write_table();
    train("plugin: student_t, degrees: 5", "two");
    const struct outcome outcome = rondo("predict run table.csv --interval 0.9 --json", 0);
    json_t *object = json_loads(outcome.out, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *lower = json_object_get(object, "lower"), *upper = json_object_get(object, "upper");
    ck_assert_uint_eq(json_array_size(lower), 2);
    const double ends[4] = {json_number_value(json_array_get(lower, 0)), json_number_value(json_array_get(upper, 0)),
                            json_number_value(json_array_get(lower, 1)), json_number_value(json_array_get(upper, 1))};
    ck_assert_msg(ends[0] > 500 && ends[0] < ends[1] && ends[1] < 1500 && ends[2] > 1500 && ends[2] < ends[3],
                  "%g %g %g %g", ends[0], ends[1], ends[2], ends[3]);
    json_decref(object);
}
END_TEST

static const struct {
    const char *loss, *arguments;
    const char *part;
} mistakes[] = {
    {"plugin: squared_error", "predict run table.csv --interval 0.8",
     "--interval: the loss 'squared_error' does not say how targets are distributed, so it has no prediction "
     "intervals"},
    {"plugin: gaussian", "predict run table.csv --interval 1.5",
     "--interval: '1.5' is not a probability, expected a number between 0 and 1, such as 0.8"},
    {"plugin: gaussian", "predict run table.csv --interval wide", "--interval: 'wide' is not a probability"},
    {"plugin: quantile", "predict run table.csv --interval 0.8", "'levels' of the loss are from 0.5 to 0.5"},
    {"plugin: squared_error", "eval run --metric coverage", "metric 'coverage' does not fit: the loss 'squared_error'"},
    {"plugin: quantile, levels: [0.1, 0.9]", "eval run --metric coverage:interval=0.9",
     "metric 'coverage' does not fit: quantile: 'levels' of the loss are from 0.1 to 0.9"},
    {"plugin: quantile, levels: [0.1, 0.2]", "eval run --metric mae", "metric 'mae' does not fit the loss 'quantile'"},
};

START_TEST(intervals_that_a_loss_does_not_have_are_refused) {
    write_table();
    train(mistakes[_i].loss, "");
    const struct outcome outcome = rondo(mistakes[_i].arguments, 2);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].part);
}
END_TEST

static TCase *quantile_cases(void) {
    TCase *cases = tcase_create("quantiles");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, quantiles_agree_with_scipy, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, quantiles_beyond_the_levels_are_refused, 0, ROWS(reaches));
    return cases;
}

static TCase *command_cases(void) {
    TCase *cases = tcase_create("command");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, intervals_are_in_the_units_of_the_data, 0, ROWS(losses));
    tcase_add_loop_test(cases, coverage_is_near_the_probability, 0, ROWS(losses));
    tcase_add_test(cases, intervals_of_several_numbers_are_lists);
    tcase_add_loop_test(cases, intervals_that_a_loss_does_not_have_are_refused, 0, ROWS(mistakes));
    return cases;
}

int main(void) {
    Suite *suite = suite_create("quantiles");
    suite_add_tcase(suite, quantile_cases());
    suite_add_tcase(suite, command_cases());
    return run_suite(suite);
}
