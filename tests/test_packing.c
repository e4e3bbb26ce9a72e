/* data/batch.h and data/epoch.h: outputs without a target, weights, lists, the target of the step before, storage and
 * scaling; batches of a number of steps. tests/test_batch.c has the layout of a batch. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/epoch.h"
#include "data/windows.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct errors errors;
static struct dataset *dataset;

static void setup(void) {
    arena = arena_create();
    dataset = dataset_create(&errors);
    ck_assert(arena != NULL && dataset != NULL);
}

static void teardown(void) {
    dataset_destroy(dataset);
    errors_free(&errors);
    arena_destroy(arena);
}

static struct stream *add_stream(const char *name, int32_t kind, int32_t store, int64_t size) {
    struct stream *stream = dataset_stream(dataset, name, kind, store, size, &errors);
    ck_assert_ptr_nonnull(stream);
    return stream;
}

static void add_example(const struct stream_part *parts) {
    ck_assert_msg(dataset_add(dataset, parts, &errors) == RONDO_OK, "%s", errors_text(&errors, 0));
}

/* "10 20 - 3.5": the numbers of a tensor. */
static const char *show(const rondo_tensor *tensor) {
    const char *text = "";
    for (int64_t i = 0; tensor->data != NULL && i < rondo_count(tensor); i++) {
        text = arena_printf(arena, "%s%s%g", text, i == 0 ? "" : " ", tensor_get(tensor, i));
    }
    return text;
}

static struct batch pack(const int64_t *examples, int64_t count, struct batch_plan plan, int with_targets) {
    struct batch batch;
    ck_assert_int_eq(dataset_fits(dataset, &plan, with_targets, "data", &errors), RONDO_OK);
    ck_assert_int_eq(batch_pack(dataset, examples, count, &plan, with_targets, arena, &batch, &errors), RONDO_OK);
    return batch;
}

static const struct batch_plan by_step = {.architecture = {1, 1}, .dtype = RONDO_F32};
static const struct batch_plan per_example = {.architecture = {1, 0}, .dtype = RONDO_F32};
static const int64_t both[] = {0, 1};

/* ---- outputs without a target ---- */

/* Two examples of 3 and 2 steps; packed, their steps are a0 b0 a1 b1 a2. -1: no target. */
static const struct {
    int32_t first[3], second[2];
    const char *scored, *targets; /* scored "": all outputs, in their order */
    int is_empty;
} gaps[] = {
    {{1, 2, 3}, {4, 5}, "", "1 4 2 5 3", 0}, {{1, -1, 3}, {4, 5}, "0 1 3 4", "1 4 5 3", 0},
    {{-1, -1, 3}, {-1, 5}, "3 4", "5 3", 0}, {{-1, -1, -1}, {-1, 5}, "3", "5", 0},
    {{-1, -1, -1}, {-1, -1}, "0", "0", 1}, /* a loss gets at least one row, here with the weight 0 */
};

static void add_gaps(int row, int is_number) {
    const int32_t inputs[] = {0, 0, 0};
    float first[3], second[2];
    for (int t = 0; t < 3; t++) {
        first[t] = gaps[row].first[t] < 0 ? NAN : (float)gaps[row].first[t];
        second[t % 2] = gaps[row].second[t % 2] < 0 ? NAN : (float)gaps[row].second[t % 2];
    }
    add_stream("input", STREAM_CLASS, STORE_I32, 1);
    add_stream("target", is_number ? STREAM_REAL : STREAM_CLASS, is_number ? STORE_F32 : STORE_I32, is_number ? 1 : 9);
    const void *a = is_number ? (const void *)first : gaps[row].first;
    const void *b = is_number ? (const void *)second : gaps[row].second;
    add_example((const struct stream_part[]){{inputs, 3}, {a, 3}});
    add_example((const struct stream_part[]){{inputs, 2}, {b, 2}});
}

START_TEST(only_outputs_with_a_target_are_scored) {
    const int row = _i / 2;
    add_gaps(row, _i % 2);
    const struct batch batch = pack(both, 2, by_step, 1);
    ck_assert_str_eq(show(&batch.scored), gaps[row].scored);
    ck_assert_str_eq(show(&batch.targets), gaps[row].targets);
    ck_assert_int_eq(batch.n_scored, batch.targets.shape[0]);
    ck_assert_int_eq(batch.is_empty, gaps[row].is_empty);
    ck_assert_str_eq(show(&batch.weight), gaps[row].is_empty ? "0" : "");
    ck_assert_str_eq(show(&batch.inputs[0]), "0 0 0 0 0"); /* the model reads all steps */
}
END_TEST

START_TEST(the_only_target_of_an_example_must_not_be_missing) {
    const float missing = NAN, number = 1;
    add_stream("input", STREAM_REAL, STORE_F32, 1);
    add_stream("target", STREAM_REAL, STORE_F32, 1);
    add_example((const struct stream_part[]){{&number, 1}, {&missing, 1}});
    ck_assert_int_eq(dataset_fits(dataset, &per_example, 1, "x.tsv", &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "x.tsv: example 1 "));
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "expected a target that is not missing"));
}
END_TEST

/* ---- weights ---- */

/* Of example 0 (3 steps) and 1 (2 steps, the second without a target); < 0: it has none, which is 1. */
static const struct {
    float weights[2];
    int by_step;
    const char *expected; /* of a0 b0 a1 a2, or of the examples */
} weights[] = {
    {{2, 3}, 1, "2 3 2 2"},
    {{2, -1}, 1, "2 1 2 2"},
    {{0, 0.5f}, 1, "0 0.5 0 0"},
    {{2, 3}, 0, "2 3"},
};

START_TEST(every_loss_of_an_example_has_its_weight) {
    const int32_t inputs[] = {0, 0, 0}, first[] = {0, 1, 2}, second[] = {3, STREAM_NO_TARGET};
    add_stream("input", STREAM_CLASS, STORE_I32, 1);
    add_stream("target", STREAM_CLASS, STORE_I32, 9);
    add_stream("weight", STREAM_REAL, STORE_F32, 1);
    const int is_by_step = weights[_i].by_step;
    for (int i = 0; i < 2; i++) {
        const float *weight = &weights[_i].weights[i];
        add_example((const struct stream_part[]){
            {inputs, 3 - i}, {i == 0 ? first : second, is_by_step ? 3 - i : 1}, {weight, *weight < 0 ? 0 : 1}});
    }
    const struct batch batch = pack(both, 2, is_by_step ? by_step : per_example, 1);
    ck_assert_str_eq(show(&batch.weight), weights[_i].expected);
    const struct batch_plan f64 = {.architecture = {1, is_by_step}, .dtype = RONDO_F64};
    ck_assert_int_eq(pack(both, 2, f64, 1).weight.dtype, RONDO_F64);
}
END_TEST

/* ---- lists ---- */

START_TEST(lists_are_packed_one_after_the_other) {
    const int32_t inputs[] = {0, 0, 0, 0}, labels[] = {5, 6, 7, 8, 1};
    add_stream("input", STREAM_CLASS, STORE_I32, 1);
    add_stream("target", STREAM_LIST, STORE_I32, 9);
    add_stream("weight", STREAM_REAL, STORE_F32, 1);
    const float one = 1, two = 2, three = 3;
    add_example((const struct stream_part[]){{inputs, 2}, {labels, 3}, {&one, 1}});
    add_example((const struct stream_part[]){{inputs, 4}, {labels + 3, 2}, {&two, 1}});
    add_example((const struct stream_part[]){{inputs, 1}, {labels, 0}, {&three, 1}}); /* an empty list */
    const struct batch batch = pack((const int64_t[]){0, 1, 2}, 3, by_step, 1);
    ck_assert_mem_eq(batch.example, ((int64_t[]){1, 0, 2}), 3 * sizeof(int64_t));
    ck_assert_str_eq(show(&batch.targets), "8 1 5 6 7");
    ck_assert_mem_eq(batch.target_begin, ((int64_t[]){0, 2, 5, 5}), 4 * sizeof(int64_t));
    ck_assert_str_eq(show(&batch.weight), "2 1 3"); /* a loss of each sequence */
    ck_assert_ptr_null(batch.scored.data);
    ck_assert_int_eq(batch.n_scored, batch.time.total);
}
END_TEST

/* ---- the target of the step before ---- */

static const struct {
    int is_number, window, lanes;
    const int64_t examples[3]; /* -1 ends */
    const char *inputs, *previous;
} feedbacks[] = {
    {0, 0, 0, {0, -1}, "1 2 3 4", "9 5 6 7"}, /* 9, the number of classes: the start symbol */
    {1, 0, 0, {0, -1}, "1 2 3 4", "0 5 6 7"}, /* numbers: zero */
    {0, 2, 0, {0, -1}, "1 2", "9 5"},
    {0, 2, 0, {1, -1}, "3 4", "6 7"}, /* a window continues with the target before it */
    {1, 2, 0, {1, -1}, "3 4", "6 7"},
    {0, 2, 2, {1, -1}, "3 4", "9 7"}, /* a lane begins anew */
    {0, 2, 0, {0, 1, -1}, "1 3 2 4", "9 6 5 7"},
};

START_TEST(feedback_reads_the_target_of_the_step_before) {
    const int32_t inputs[] = {1, 2, 3, 4}, classes[] = {5, 6, 7, 8};
    const float numbers[] = {5, 6, 7, 8};
    const int is_number = feedbacks[_i].is_number;
    add_stream("input", STREAM_CLASS, STORE_I32, 5);
    add_stream("target", is_number ? STREAM_REAL : STREAM_CLASS, is_number ? STORE_F32 : STORE_I32, is_number ? 1 : 9);
    add_example(
        (const struct stream_part[]){{inputs, 4}, {is_number ? (const void *)numbers : (const void *)classes, 4}});
    if (feedbacks[_i].window > 0) {
        struct dataset *whole = dataset;
        dataset = windows_cut(whole, feedbacks[_i].window, feedbacks[_i].lanes, &errors);
        dataset_destroy(whole);
        ck_assert_ptr_nonnull(dataset);
    }
    const struct batch_plan plan = {.architecture = {1, 1}, .dtype = RONDO_F32, .feedback = 1};
    struct batch_input described[BATCH_MOST_INPUTS];
    ck_assert_int_eq(batch_inputs(dataset, &plan, described), 2);
    ck_assert_str_eq(described[0].name, "input");
    ck_assert_str_eq(described[1].name, "previous");
    ck_assert_int_eq(described[1].symbols, is_number ? 0 : 10); /* and the start symbol */
    ck_assert_int_eq(described[1].size, is_number ? 1 : 0);
    const struct batch batch = pack(feedbacks[_i].examples, feedbacks[_i].examples[1] < 0 ? 1 : 2, plan, 1);
    ck_assert_int_eq(batch.n_inputs, 2);
    ck_assert_str_eq(show(&batch.inputs[0]), feedbacks[_i].inputs);
    ck_assert_str_eq(show(&batch.inputs[1]), feedbacks[_i].previous);
}
END_TEST

/* A step that has no target is the start symbol for the step after it. */
START_TEST(a_missing_target_is_read_as_the_start_symbol) {
    const int32_t classes[] = {5, STREAM_NO_TARGET, 7};
    add_stream("target", STREAM_CLASS, STORE_I32, 9);
    add_example((const struct stream_part[]){{classes, 3}});
    const struct batch_plan plan = {.architecture = {0, 1}, .dtype = RONDO_F32, .feedback = 1};
    const struct batch batch = pack(both, 1, plan, 1);
    ck_assert_int_eq(batch.n_inputs, 1); /* a model without another input */
    ck_assert_str_eq(show(&batch.inputs[0]), "9 5 9");
    ck_assert_str_eq(show(&batch.targets), "5 7");
}
END_TEST

START_TEST(windows_of_lanes_say_whose_states_they_continue) {
    const int32_t inputs[] = {0, 1, 2, 3, 4, 5, 6};
    add_stream("input", STREAM_CLASS, STORE_U8, 9);
    add_stream("target", STREAM_CLASS, STORE_U8, 9);
    unsigned char bytes[7];
    for (int t = 0; t < 7; t++) {
        bytes[t] = (unsigned char)inputs[t];
    }
    add_example((const struct stream_part[]){{bytes, 7}, {bytes, 7}});
    struct dataset *windows = windows_cut(dataset, 2, 2, &errors);
    ck_assert_ptr_nonnull(windows);
    struct epoch epoch;
    const struct rng_stream stream = rng_stream(1, "order");
    ck_assert_int_eq(epoch_make(&epoch, windows, &by_step, (struct batch_size){.examples = 2}, &stream, &errors),
                     RONDO_OK);
    ck_assert_int_eq(epoch.batches, 2); /* lanes 0 1 2 and 3 4 5 6, whatever the stream is */
    static const char *const expected[] = {"0 3 1 4", "5 2 6"};
    static const int64_t lanes[2][2] = {{0, 1}, {1, 0}};
    for (int64_t k = 0; k < 2; k++) {
        struct batch batch;
        ck_assert_int_eq(batch_pack(windows, epoch.examples + epoch.begin[k], 2, &by_step, 1, arena, &batch, &errors),
                         RONDO_OK);
        ck_assert_str_eq(show(&batch.inputs[0]), expected[k]);
        ck_assert_mem_eq(batch.lane, lanes[k], sizeof lanes[k]);
        ck_assert(batch.starts[0] == (k == 0) && batch.starts[1] == (k == 0));
    }
    epoch_free(&epoch);
    dataset_destroy(windows);
}
END_TEST

/* ---- storage and scaling ---- */

START_TEST(bytes_and_scaled_numbers_are_what_the_model_sees) {
    const unsigned char pixels[] = {0, 255, 100, 50};
    const float targets[] = {10, 30};
    const float input_shift[] = {0, 50}, input_scale[] = {255, 50}, target_shift[] = {20}, target_scale[] = {5};
    struct stream *input = add_stream("input", STREAM_REAL, STORE_U8, 2);
    struct stream *target = add_stream("target", STREAM_REAL, STORE_F32, 1);
    add_example((const struct stream_part[]){{pixels, 2}, {targets, 2}});
    struct batch_plan plan = by_step;
    struct batch batch = pack(both, 1, plan, 1);
    ck_assert_str_eq(show(&batch.inputs[0]), "0 255 100 50");
    ck_assert_str_eq(show(&batch.targets), "10 30");
    input->shift = input_shift;
    input->scale = input_scale;
    target->shift = target_shift;
    target->scale = target_scale;
    plan.dtype = _i == 0 ? RONDO_F32 : RONDO_F64;
    plan.feedback = 1;
    batch = pack(both, 1, plan, 1);
    ck_assert_int_eq(batch.inputs[0].dtype, plan.dtype);
    ck_assert_double_eq_tol(tensor_get(&batch.inputs[0], 1), (255 - 50) / 50.0, 1e-6);
    ck_assert_double_eq_tol(tensor_get(&batch.inputs[0], 2), 100 / 255.0, 1e-6);
    ck_assert_str_eq(show(&batch.targets), "-2 2");
    ck_assert_str_eq(show(&batch.inputs[1]), "0 -2"); /* previous: zero at the start, then as the model saw it */
    struct dataset *view = dataset_view(dataset, both, 1, &errors); /* views keep the scaling */
    ck_assert_int_eq(batch_pack(view, both, 1, &plan, 1, arena, &batch, &errors), RONDO_OK);
    ck_assert_str_eq(show(&batch.targets), "-2 2");
    dataset_destroy(view);
}
END_TEST

START_TEST(classes_of_a_byte_take_one_byte_each) {
    const unsigned char inputs[] = {0, 255, 7}, target = 3;
    const struct stream *stream = add_stream("input", STREAM_CLASS, STORE_U8, 256);
    add_stream("target", STREAM_CLASS, STORE_U8, 4);
    add_example((const struct stream_part[]){{inputs, 3}, {&target, 1}});
    ck_assert_mem_eq(stream->data, inputs, 3);
    const struct batch batch = pack(both, 1, per_example, 1);
    ck_assert_str_eq(show(&batch.inputs[0]), "0 255 7");
    ck_assert_str_eq(show(&batch.targets), "3");
    const unsigned char high = 4;
    ck_assert_int_eq(dataset_add(dataset, (const struct stream_part[]){{inputs, 1}, {&high, 1}}, &errors),
                     RONDO_INTERNAL);
}
END_TEST

/* ---- batches of a number of steps ---- */

static const struct {
    int64_t count, longest, steps;
} budgets[] = {{1, 5, 100}, {200, 30, 64}, {200, 30, 30}, {50, 40, 10} /* fewer than an example has */,
               {300, 9, 1}, {7, 3, 1000}};

static void check_epoch(const struct epoch *epoch, int64_t steps) {
    const struct stream *input = dataset_find(dataset, "input");
    char *seen = calloc((size_t)dataset->count + 1, 1);
    ck_assert_int_eq(epoch->begin[0], 0);
    ck_assert_int_eq(epoch->begin[epoch->batches], dataset->count);
    for (int64_t k = 0; k < epoch->batches; k++) {
        int64_t sum = 0;
        for (int64_t i = epoch->begin[k]; i < epoch->begin[k + 1]; i++) {
            sum += input->length[epoch->examples[i]];
            ck_assert_int_eq(seen[epoch->examples[i]]++, 0);
        }
        ck_assert_int_gt(epoch->begin[k + 1], epoch->begin[k]);
        ck_assert(sum <= steps || epoch->begin[k + 1] - epoch->begin[k] == 1);
    }
    ck_assert_ptr_null(memchr(seen, 0, (size_t)dataset->count));
    free(seen);
}

START_TEST(batches_have_at_most_so_many_steps) {
    const int32_t inputs[64] = {0}, target = 0;
    const struct rng_stream stream = rng_stream(3, "lengths");
    add_stream("input", STREAM_CLASS, STORE_I32, 1);
    add_stream("target", STREAM_CLASS, STORE_I32, 1);
    for (int64_t i = 0; i < budgets[_i].count; i++) {
        const int64_t length = 1 + (int64_t)rng_below(stream, (uint64_t)i, (uint64_t)budgets[_i].longest);
        add_example((const struct stream_part[]){{inputs, length}, {&target, 1}});
    }
    const struct batch_size size = {.steps = budgets[_i].steps};
    struct epoch first, other, again, evaluation;
    const struct rng_stream one = rng_stream(1, "order"), two = rng_stream(2, "order");
    ck_assert_int_eq(epoch_make(&first, dataset, &per_example, size, &one, &errors), RONDO_OK);
    ck_assert_int_eq(epoch_make(&again, dataset, &per_example, size, &one, &errors), RONDO_OK);
    ck_assert_int_eq(epoch_make(&other, dataset, &per_example, size, &two, &errors), RONDO_OK);
    ck_assert_int_eq(epoch_make(&evaluation, dataset, &per_example, size, NULL, &errors), RONDO_OK);
    const size_t bytes = (size_t)dataset->count * sizeof *first.examples;
    check_epoch(&first, size.steps);
    check_epoch(&other, size.steps);
    check_epoch(&evaluation, size.steps);
    ck_assert_int_eq(other.batches, first.batches); /* schedules know the number of updates in advance */
    ck_assert_int_eq(evaluation.batches, first.batches);
    ck_assert_mem_eq(again.examples, first.examples, bytes);
    ck_assert(dataset->count < 10 || memcmp(first.examples, other.examples, bytes) != 0);
    epoch_free(&first);
    epoch_free(&again);
    epoch_free(&other);
    epoch_free(&evaluation);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("packing");
    TCase *cases = tcase_create("packing");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, only_outputs_with_a_target_are_scored, 0, 2 * ROWS(gaps));
    tcase_add_test(cases, the_only_target_of_an_example_must_not_be_missing);
    tcase_add_loop_test(cases, every_loss_of_an_example_has_its_weight, 0, ROWS(weights));
    tcase_add_test(cases, lists_are_packed_one_after_the_other);
    tcase_add_loop_test(cases, feedback_reads_the_target_of_the_step_before, 0, ROWS(feedbacks));
    tcase_add_test(cases, a_missing_target_is_read_as_the_start_symbol);
    tcase_add_test(cases, windows_of_lanes_say_whose_states_they_continue);
    tcase_add_loop_test(cases, bytes_and_scaled_numbers_are_what_the_model_sees, 0, 2);
    tcase_add_test(cases, classes_of_a_byte_take_one_byte_each);
    tcase_add_loop_test(cases, batches_have_at_most_so_many_steps, 0, ROWS(budgets));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
