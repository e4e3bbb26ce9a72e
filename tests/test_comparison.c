/* tests/test_comparison.c: comparison.json, written and read. */
#include "compare/comparison.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;

static void open_test(void) {
    sandbox_open();
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
    sandbox_close();
}

static const struct compared_setting settings[] = {{.key = "model.layers.0.cell", .text = "lstm"},
                                                   {.key = "optimizer.lr", .text = "0.01"}},
                                     tuned[] = {{"model.layers.0.cell", "lstm", COMPARED_WITHIN},
                                                {"optimizer.lr", "0.01", COMPARED_LARGEST},
                                                {"batch.size", "8", COMPARED_SMALLEST}};
static const struct compared_metric metrics[] = {{"accuracy", 0.1 + 0.2}, {"f1", NAN}};
static const int64_t seeds[] = {1, 7};

/* Two variants with a run in every state. */
static struct comparison sample(void) {
    static struct compared_run runs[2][2];
    static struct compared_variant variants[2];
    const struct compared_run empty = {.seed = 1,
                                       .folder = "runs/a/seed-1",
                                       .score = NAN,
                                       .valid = NAN,
                                       .best_epoch = NAN,
                                       .epochs = NAN,
                                       .seconds = NAN,
                                       .seconds_per_epoch = NAN,
                                       .peak_memory = NAN,
                                       .steps_to_target = NAN,
                                       .seconds_to_target = INFINITY};
    for (int v = 0; v < 2; v++) {
        runs[v][0] = runs[v][1] = empty;
        runs[v][1].seed = 7;
        runs[v][1].folder = "runs/a/seed-7";
        variants[v] = (struct compared_variant){.name = v == 0 ? "a" : "b \"quoted\", \xc3\xa9",
                                                .folder = v == 0 ? "a" : "b",
                                                .settings = settings,
                                                .n_settings = 2,
                                                .widths = settings,
                                                .n_widths = v,
                                                .tuned = tuned,
                                                .n_tuned = 3 * v,
                                                .failed_trials = v,
                                                .parameters = 123456789012,
                                                .flops = 77,
                                                .budget_ratio = v == 0 ? 1.0 / 3 : NAN,
                                                .runs = runs[v]};
    }
    runs[0][0].state = COMPARED_SCORED;
    runs[0][0].score = 0.1 + 0.2;
    runs[0][0].metrics = metrics;
    runs[0][0].n_metrics = 2;
    runs[0][1].state = COMPARED_FINISHED;
    runs[1][0].state = COMPARED_FAILED;
    runs[1][0].reason = "loss is not finite";
    runs[1][1].state = COMPARED_RUNNING;
    return (struct comparison){.name = "cells",
                               .file = "/somewhere/x.yaml",
                               .flags = " --set 'a=b c'",
                               .metric = "accuracy",
                               .higher_is_better = 1,
                               .part = "test",
                               .target = 0.9,
                               .equal = COMPARED_EQUAL_FLOPS,
                               .budget = 1000,
                               .baseline = "a",
                               .seeds = seeds,
                               .n_seeds = 2,
                               .variants = variants,
                               .n_variants = 2,
                               .trials = 12};
}

static char *written(const struct comparison *comparison) {
    json_t *value = comparison_json(comparison);
    char *text = json_write(value, JSON_INDENT(1));
    ck_assert_ptr_nonnull(text);
    json_decref(value);
    return text;
}

START_TEST(what_is_read_is_what_was_written) {
    const struct comparison was = sample();
    char *text = written(&was);
    sandbox_write("c/" COMPARISON_FILE, text);
    struct comparison now;
    ck_assert_msg(comparison_read(sandbox_path("c"), &now, arena, &errors) == RONDO_OK, "%s", errors_text(&errors, 0));
    char *again = written(&now);
    ck_assert_str_eq(text, again);
    ck_assert(now.variants[0].runs[0].score == was.variants[0].runs[0].score); /* every bit */
    ck_assert(isinf(now.variants[1].runs[1].seconds_to_target));
    ck_assert_int_eq(now.variants[1].tuned[1].end, COMPARED_LARGEST);
    ck_assert_str_eq(now.flags, was.flags);
    ck_assert_str_eq(now.folder, sandbox_path("c"));
    free(text);
    free(again);
}
END_TEST

START_TEST(a_comparison_is_complete_when_no_run_can_go_on) {
    struct comparison comparison = sample();
    ck_assert(!comparison_is_complete(&comparison));
    comparison.variants[0].runs[1].state = COMPARED_SCORED;
    ck_assert(!comparison_is_complete(&comparison));
    comparison.variants[1].runs[1].state = COMPARED_FAILED;
    ck_assert(comparison_is_complete(&comparison));
}
END_TEST

/* Files that are refused: `was` in the sample is replaced by `now`. */
static const struct {
    const char *was, *now, *message;
} damages[] = {
    {"\"format\": 1", "\"format\": 2", "format 2, expected 1"},
    {"\"metric\": \"accuracy\"", "\"metric\": 3", "'metric' is not a text"},
    {"\"part\": \"test\"", "\"part\": \"tent\"", "'part' is not a known word"},
    {"\"scored\"", "\"scared\"", "'state' is not a known word"},
    {"\"largest\"", "\"longest\"", "'optimizer.lr' is not a known word"},
    {"\"parameters\": 123456789012", "\"parameters\": -1", "'parameters' is not a whole number"},
    {"\"score\": null", "\"score\": true", "'score' is not a number"},
    {"\"seed\": 7", "\"seed\": 7.5", "'seed' is not a whole number"},
    {"\"seeds\": [", "\"seats\": [", "'seeds' is not an array"},
    {"\"runs\": [", "\"runs\": [1, ", "one run for each seed"},
    {"\"optimizer.lr\": \"0.01\"", "\"optimizer.lr\": 0.01", "an object of texts"},
    {"\"variants\": [", "\"variants\": [,", "damaged: line"},
};

START_TEST(a_damaged_file_is_refused_with_the_reason) {
    const struct comparison comparison = sample();
    char *text = written(&comparison);
    char *at = strstr(text, damages[_i].was);
    ck_assert_msg(at != NULL, "%s", damages[_i].was);
    char *damaged = sandbox_memory(strlen(text) + 100);
    *at = '\0';
    strcpy(damaged, text);
    strcat(damaged, damages[_i].now);
    strcat(damaged, at + strlen(damages[_i].was));
    sandbox_write("d/" COMPARISON_FILE, damaged);
    struct comparison now;
    ck_assert_int_eq(comparison_read(sandbox_path("d"), &now, arena, &errors), RONDO_INVALID);
    assert_parts(damages[_i].now, errors_text(&errors, 0), damages[_i].message);
    free(text);
}
END_TEST

START_TEST(another_folder_is_not_a_comparison) {
    struct comparison now;
    ck_assert_int_eq(comparison_read(sandbox_path("none"), &now, arena, &errors), RONDO_NOT_FOUND);
    assert_parts("no folder", errors_text(&errors, 0), "is not the folder of a comparison");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("comparison");
    TCase *file = add_case(suite, "file", 10, open_test, close_test);
    tcase_add_test(file, what_is_read_is_what_was_written);
    tcase_add_test(file, a_comparison_is_complete_when_no_run_can_go_on);
    tcase_add_loop_test(file, a_damaged_file_is_refused_with_the_reason, 0, ROWS(damages));
    tcase_add_test(file, another_folder_is_not_a_comparison);
    return run_suite(suite);
}
