/* tests/test_diagnostics.c: `schedule.diagnostics`: the size of updates in metrics.jsonl. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/sandbox.h"
#include "tests/suite.h"
#include "tests/tiny.h"

enum { MOST_LINES = 32 };

static void train(const char *arguments, const char *folder) {
    char line[300];
    snprintf(line, sizeof line, "train %s --out %s", arguments, folder);
    const struct outcome outcome = sandbox_run((struct call){.arguments = line});
    assert_status(line, &outcome, 0);
}

/* The lines of metrics.jsonl. */
static int read_lines(const char *folder, json_t **lines) {
    char name[100];
    int count = 0;
    snprintf(name, sizeof name, "%s/metrics.jsonl", folder);
    for (char *line = sandbox_read(name, NULL), *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_lt(count, MOST_LINES);
        lines[count] = json_loadb(line, (size_t)(end - line), 0, NULL);
        ck_assert_ptr_nonnull(lines[count++]);
    }
    return count;
}

static void free_lines(json_t **lines, int count) {
    for (int i = 0; i < count; i++) {
        json_decref(lines[i]);
    }
}

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "%s", key);
    return json_number_value(value);
}

static const struct {
    const char *what, *arguments;
} trainings[] = {
    {"adam", "e.yaml"},
    {"clipped", "e.yaml --set schedule.clip_norm=0.01"},
    {"several validations per epoch, two batches per update",
     "e.yaml --set schedule.validate.epochs=0.5 --set schedule.accumulate=2 --set schedule.batch=2"},
    {"average", "ema.yaml"},
    {"lazy rows", "lazy.yaml"},
    {"frozen", "frozen.yaml"},
};

static void setup(void) {
    sandbox_open();
    tiny_write();
    tiny_edit("ema.yaml", "optimizer", "optimizer: {plugin: sgd, lr: 0.1, wrappers: [{plugin: ema, decay: 0.9}]}");
    tiny_edit("lazy.yaml", "model",
              "model: {embedding: {size: 4, lazy: true}, layers: [{cell: gru, hidden: 4}], pool: mean}");
    tiny_edit("frozen.yaml", "optimizer",
              "optimizer: {plugin: adam, lr: 0.05, groups: [{match: \"layers.*\", frozen: true}]}");
    tiny_edit("sgd.yaml", "optimizer", "optimizer: {plugin: sgd, lr: 0.1}");
}

START_TEST(diagnostics_change_nothing_else) {
    char with[20], without[20], more[200], name[100];
    json_t *lines[MOST_LINES], *plain[MOST_LINES];
    snprintf(with, sizeof with, "with-%d", _i);
    snprintf(without, sizeof without, "without-%d", _i);
    snprintf(more, sizeof more, "%s --set schedule.diagnostics=true", trainings[_i].arguments);
    train(more, with);
    train(trainings[_i].arguments, without);
    const int count = read_lines(with, lines);
    ck_assert_int_eq(read_lines(without, plain), count);
    for (int i = 0; i < count; i++) {
        const int is_validation = json_object_get(lines[i], "step") != NULL;
        ck_assert_int_eq(json_object_get(lines[i], "diagnostics") != NULL, is_validation);
        ck_assert_ptr_null(json_object_get(plain[i], "diagnostics"));
        json_object_del(lines[i], "diagnostics");
        ck_assert(json_equal(lines[i], plain[i]));
    }
    size_t size_with, size_without;
    snprintf(name, sizeof name, "%s/weights.safetensors", with);
    const char *weights = sandbox_read(name, &size_with);
    snprintf(name, sizeof name, "%s/weights.safetensors", without);
    const char *expected = sandbox_read(name, &size_without);
    ck_assert_uint_eq(size_with, size_without);
    ck_assert_mem_eq(weights, expected, size_with);
    free_lines(lines, count);
    free_lines(plain, count);
}
END_TEST

START_TEST(gradient_norms_add_up_to_that_of_all) {
    char folder[20], more[200];
    json_t *lines[MOST_LINES];
    snprintf(folder, sizeof folder, "sum-%d", _i);
    snprintf(more, sizeof more, "%s --set schedule.diagnostics=true", trainings[_i].arguments);
    train(more, folder);
    const int count = read_lines(folder, lines);
    for (int i = 0; i < count - 1; i++) {
        double squares = 0;
        const char *name;
        json_t *parameter;
        json_object_foreach(json_object_get(lines[i], "diagnostics"), name, parameter) {
            squares += pow(number_of(parameter, "gradient_norm"), 2);
        }
        ck_assert_double_eq_tol(sqrt(squares), number_of(lines[i], "gradient_norm"), 1e-5 * sqrt(squares));
    }
    free_lines(lines, count);
}
END_TEST

/* w' = w - lr g, so |w' - w| / |w| = lr |g| / |w|. A tensor that begins as zeros has been updated before. */
START_TEST(the_ratio_is_that_of_the_update_rule) {
    json_t *lines[MOST_LINES];
    train("sgd.yaml --set schedule.diagnostics=true", "sgd");
    const int count = read_lines("sgd", lines);
    for (int i = 0; i < count - 1; i++) {
        const char *name;
        json_t *parameter;
        int parameters = 0;
        json_object_foreach(json_object_get(lines[i], "diagnostics"), name, parameter) {
            const double expected = 0.1 * number_of(parameter, "gradient_norm") / number_of(parameter, "weight_norm");
            const double found = number_of(parameter, "ratio");
            /* weights are rounded to f32 */
            ck_assert_msg(fabs(found - expected) <= 1e-4 * expected + 6e-8, "%s: %g, expected %g", name, found,
                          expected);
            parameters++;
        }
        ck_assert_int_eq(parameters, 12); /* embedding, 9 of the gru, 2 of the head */
    }
    free_lines(lines, count);
}
END_TEST

START_TEST(a_parameter_that_is_not_trained_has_no_ratio) {
    json_t *lines[MOST_LINES];
    train("frozen.yaml --set schedule.diagnostics=true", "frozen");
    const int count = read_lines("frozen", lines);
    const json_t *all = json_object_get(lines[0], "diagnostics");
    ck_assert(json_is_null(json_object_get(json_object_get(all, "layers.0.U_r"), "ratio")));
    ck_assert_double_gt(number_of(json_object_get(all, "head.W"), "ratio"), 0);
    free_lines(lines, count);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes) {
    char more[200], folder[20], name[100];
    const char *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        snprintf(more, sizeof more, "e.yaml --set schedule.diagnostics=true --threads %d", threads);
        snprintf(folder, sizeof folder, "threads-%d", threads);
        train(more, folder);
        snprintf(name, sizeof name, "%s/metrics.jsonl", folder);
        const char *lines = sandbox_read(name, NULL);
        first = first == NULL ? lines : first;
        ck_assert_str_eq(lines, first);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("diagnostics");
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 60);
    tcase_add_unchecked_fixture(runs, setup, sandbox_close);
    suite_add_tcase(suite, runs);
    tcase_add_loop_test(runs, diagnostics_change_nothing_else, 0, ROWS(trainings));
    tcase_add_loop_test(runs, gradient_norms_add_up_to_that_of_all, 0, ROWS(trainings));
    tcase_add_test(runs, the_ratio_is_that_of_the_update_rule);
    tcase_add_test(runs, a_parameter_that_is_not_trained_has_no_ratio);
    tcase_add_test(runs, any_number_of_threads_gives_the_same_bytes);
    return run_suite(suite);
}
