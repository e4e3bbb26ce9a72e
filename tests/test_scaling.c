/* data/scaling.c: means and deviations of the training data, what is left as it is, and the way to JSON and back. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "data/batch.h"
#include "data/scaling.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct errors errors;
static struct dataset *dataset;

/* Two examples of two and one steps, of two numbers; the second number is constant. Targets of one number, one of them
 * missing. */
static const float inputs[] = {1, 7, 3, 7, 8, 7};
static const float targets[] = {10, NAN, 30};

static void setup(void) {
    arena = arena_create();
    errors = (struct errors){0};
    dataset = dataset_create(&errors);
    dataset_stream(dataset, "input", STREAM_REAL, STORE_F32, 2, &errors);
    dataset_stream(dataset, "target", STREAM_REAL, STORE_F32, 1, &errors);
    dataset_add(dataset, (struct stream_part[]){{inputs, 2}, {targets, 2}}, &errors);
    dataset_add(dataset, (struct stream_part[]){{inputs + 4, 1}, {targets + 2, 1}}, &errors);
    ck_assert_int_eq(errors.count, 0);
}

static void teardown(void) {
    dataset_destroy(dataset);
    errors_free(&errors);
    arena_destroy(arena);
}

static struct scaling learn(int32_t input, int32_t target, int target_has_units) {
    struct scaling scaling;
    ck_assert_int_eq(
        scaling_learn(&scaling, dataset, (struct scaling_options){input, target}, target_has_units, arena, &errors),
        RONDO_OK);
    return scaling;
}

START_TEST(numbers_get_the_mean_0_and_the_deviation_1) {
    const struct scaling scaling = learn(SCALING_STANDARD, SCALING_STANDARD, 0);
    const float *shift = scaling.streams[0].shift, *scale = scaling.streams[0].scale;
    ck_assert_float_eq(shift[0], 4);
    ck_assert_float_eq(scale[0], (float)sqrt((9 + 1 + 16) / 3.0));
    ck_assert_float_eq(shift[1], 7);
    ck_assert_float_eq(scale[1], 1); /* a constant */
    ck_assert_float_eq(scaling.streams[1].shift[0], 20);
    ck_assert_float_eq(scaling.streams[1].scale[0], 10);
}
END_TEST

/* Far from 0 a sum of squares would cancel; a number is constant if it is the same everywhere, however it is rounded. */
static const struct {
    float numbers[4];
    float shift, scale;
} exact[] = {
    {{1e6F, 1e6F + 1, 1e6F, 1e6F + 1}, 1e6F + 0.5F, 0.5F},
    {{0.1F, 0.1F, 0.1F, 0.1F}, 0.1F, 1},
    {{-3e38F, 3e38F, -3e38F, 3e38F}, 0, 3e38F},
    {{0, 1e-45F, 0, 1e-45F}, 0, 1}, /* too small to divide by */
    {{0, 1, 0, 0}, 0, 1},           /* an indicator */
    {{0, 1, 0, 3}, 1, 1.2247449F},
};

START_TEST(means_and_deviations_are_exact) {
    struct dataset *own = dataset_create(&errors);
    dataset_stream(own, "input", STREAM_REAL, STORE_F32, 1, &errors);
    dataset_add(own, (struct stream_part[]){{exact[_i].numbers, 4}}, &errors);
    struct scaling scaling;
    ck_assert_int_eq(
        scaling_learn(&scaling, own, (struct scaling_options){SCALING_STANDARD, SCALING_NONE}, 0, arena, &errors),
        RONDO_OK);
    ck_assert_float_eq(scaling.streams[0].shift[0], exact[_i].shift);
    ck_assert_float_eq(scaling.streams[0].scale[0], exact[_i].scale);
    dataset_destroy(own);
}
END_TEST

static const struct {
    int32_t input, target;
    int has_units;
    int is_scaled[2];
} chosen[] = {
    {SCALING_NONE, SCALING_NONE, 1, {0, 0}},     {SCALING_STANDARD, SCALING_NONE, 1, {1, 0}},
    {SCALING_NONE, SCALING_AUTO, 1, {0, 1}},     {SCALING_STANDARD, SCALING_AUTO, 0, {1, 0}},
    {SCALING_NONE, SCALING_STANDARD, 0, {0, 1}},
};

START_TEST(options_and_the_loss_decide_what_is_scaled) {
    const struct scaling scaling = learn(chosen[_i].input, chosen[_i].target, chosen[_i].has_units);
    scaling_bind(&scaling, dataset);
    for (int s = 0; s < 2; s++) {
        ck_assert_int_eq(dataset->streams[s].scale != NULL, chosen[_i].is_scaled[s]);
        ck_assert_int_eq(dataset->streams[s].shift != NULL, chosen[_i].is_scaled[s]);
    }
}
END_TEST

START_TEST(ids_are_never_scaled) {
    struct dataset *own = dataset_create(&errors);
    const int32_t id = 2;
    dataset_stream(own, "input", STREAM_CLASS, STORE_I32, 3, &errors);
    dataset_add(own, (struct stream_part[]){{&id, 1}}, &errors);
    struct scaling scaling;
    const struct scaling_options all = {SCALING_STANDARD, SCALING_STANDARD};
    ck_assert_int_eq(scaling_learn(&scaling, own, all, 1, arena, &errors), RONDO_OK);
    scaling_bind(&scaling, own);
    ck_assert_ptr_null(own->streams[0].scale);
    dataset_destroy(own);
}
END_TEST

START_TEST(a_batch_has_scaled_numbers) {
    const struct scaling scaling = learn(SCALING_STANDARD, SCALING_STANDARD, 0);
    scaling_bind(&scaling, dataset);
    const struct batch_plan plan = {.architecture = {1, 1}, .dtype = RONDO_F64};
    struct batch batch;
    const int64_t examples[] = {0};
    ck_assert_int_eq(batch_pack(dataset, examples, 1, &plan, 1, arena, &batch, &errors), RONDO_OK);
    const double *x = batch.inputs[0].data;
    ck_assert_double_eq(x[0], (1 - 4.0) / (double)(float)sqrt(26 / 3.0));
    ck_assert_double_eq(x[1], 0);
    ck_assert_int_eq(batch.n_scored, 1); /* the missing target stays missing */
    ck_assert_double_eq(*(const double *)batch.targets.data, -1);
}
END_TEST

START_TEST(json_gives_the_same_bits_back) {
    const struct scaling scaling = learn(SCALING_STANDARD, SCALING_STANDARD, 0);
    json_t *object = json_object();
    struct scaling loaded;
    ck_assert_int_eq(scaling_save(&scaling, object, &errors), RONDO_OK);
    char *text = json_dumps(object, 0);
    json_decref(object);
    object = json_loads(text, 0, NULL);
    ck_assert_int_eq(scaling_load(&loaded, object, "reader.json", arena, &errors), RONDO_OK);
    for (int s = 0; s < SCALING_STREAMS; s++) {
        const struct scaling_stream *a = &scaling.streams[s], *b = &loaded.streams[s];
        ck_assert_int_eq(a->size, b->size);
        if (a->size == 0) { /* the data have no such stream, and so no array */
            continue;
        }
        ck_assert_mem_eq(a->shift, b->shift, (size_t)a->size * sizeof *a->shift);
        ck_assert_mem_eq(a->scale, b->scale, (size_t)a->size * sizeof *a->scale);
    }
    json_decref(object);
    free(text);
}
END_TEST

/* Two images of two pixels of two colours, as bytes. A pixel that is dark almost everywhere must not get a scale of its own. */
START_TEST(pixels_of_a_colour_share_their_scaling) {
    static const unsigned char pixels[] = {0, 10, 4, 10, 0, 30, 0, 30};
    struct dataset *own = dataset_create(&errors);
    struct stream *stream = dataset_stream(own, "input", STREAM_REAL, STORE_U8, 4, &errors);
    stream->channels = 2;
    dataset_add(own, (struct stream_part[]){{pixels, 2}}, &errors);
    struct scaling scaling, loaded;
    const struct scaling_options options = {SCALING_STANDARD, SCALING_NONE};
    ck_assert_int_eq(scaling_learn(&scaling, own, options, 0, arena, &errors), RONDO_OK);
    json_t *object = json_object();
    ck_assert_int_eq(scaling_save(&scaling, object, &errors), RONDO_OK);
    ck_assert_uint_eq(
        json_array_size(json_object_get(json_object_get(json_object_get(object, "scaling"), "input"), "shift")), 2);
    ck_assert_int_eq(scaling_load(&loaded, object, "reader.json", arena, &errors), RONDO_OK);
    scaling_bind(&loaded, own);
    for (int k = 0; k < 4; k++) {
        ck_assert_float_eq(stream->shift[k], k % 2 == 0 ? 1 : 20);
        ck_assert_float_eq(stream->scale[k], k % 2 == 0 ? (float)sqrt(3) : 10);
    }
    json_decref(object);
    dataset_destroy(own);
}
END_TEST

static const struct {
    const char *json, *expected; /* NULL: none */
} loads[] = {
    {"{}", NULL},
    {"{\"scaling\": {}}", NULL},
    {"{\"scaling\": {\"input\": {\"shift\": [1, 2], \"scale\": [1, 2]}}}", NULL},
    {"{\"scaling\": {\"input\": {\"shift\": [], \"scale\": []}}}", "r: 'shift' of 'input' must be a list of numbers"},
    {"{\"scaling\": {\"input\": {\"shift\": [1, \"a\"], \"scale\": [1, 2]}}}",
     "r: 'shift' must be a list of 2 numbers"},
    {"{\"scaling\": {\"target\": {\"shift\": [1], \"scale\": [0]}}}", "r: 'scale' must be a list of 1 numbers above 0"},
    {"{\"scaling\": {\"target\": {\"shift\": [1], \"scale\": [1, 2]}}}",
     "r: 'scale' must be a list of 1 numbers above 0"},
    {"{\"scaling\": {\"input\": {\"size\": 6, \"shift\": [1, 2], \"scale\": [1, 2]}}}", NULL},
    {"{\"scaling\": {\"input\": {\"size\": 5, \"shift\": [1, 2], \"scale\": [1, 2]}}}",
     "r: 'size' must be a multiple of the 2 numbers of 'shift'"},
    {"{\"scaling\": {\"input\": {\"size\": \"a\", \"shift\": [1, 2], \"scale\": [1, 2]}}}",
     "r: 'size' must be a multiple of the 2 numbers of 'shift'"},
    {"{\"scaling\": {\"input\": {\"size\": 1000000000000000, \"shift\": [1], \"scale\": [1]}}}",
     "r: 'size' must be a multiple of the 1 numbers of 'shift'"},
};

START_TEST(damaged_json_is_refused) {
    json_t *object = json_loads(loads[_i].json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    struct scaling scaling;
    const rondo_status status = scaling_load(&scaling, object, "r", arena, &errors);
    ck_assert_int_eq(status, loads[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    if (loads[_i].expected != NULL) {
        ck_assert_str_eq(errors_text(&errors, 0), loads[_i].expected);
    }
    json_decref(object);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scaling");
    TCase *cases = tcase_create("scaling");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, numbers_get_the_mean_0_and_the_deviation_1);
    tcase_add_loop_test(cases, means_and_deviations_are_exact, 0, ROWS(exact));
    tcase_add_loop_test(cases, options_and_the_loss_decide_what_is_scaled, 0, ROWS(chosen));
    tcase_add_test(cases, ids_are_never_scaled);
    tcase_add_test(cases, a_batch_has_scaled_numbers);
    tcase_add_test(cases, json_gives_the_same_bits_back);
    tcase_add_test(cases, pixels_of_a_colour_share_their_scaling);
    tcase_add_loop_test(cases, damaged_json_is_refused, 0, ROWS(loads));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
