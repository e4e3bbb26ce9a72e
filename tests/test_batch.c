/* data/batch.h, data/epoch.h and data/dataset.h: packed batches against a naive padded layout, and the order of an epoch. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/epoch.h"
#include "dataset_fixture.h"
#include "tests/suite.h"

enum { VOCABULARY = 1000, CLASSES = 7, WIDTH = 3, TARGET_WIDTH = 2 };

static struct arena *arena;
static struct errors errors;

static void setup(void) {
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static int32_t kind_of(const struct dataset *dataset, const char *stream) {
    return dataset_find(dataset, stream)->kind;
}

/* The plan of batches of `architecture` in f32. */
static struct batch_plan plan_of(struct architecture architecture) {
    return (struct batch_plan){.architecture = architecture, .dtype = RONDO_F32};
}

/* Packs with targets, as a test that may fail. */
static rondo_status pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                         const struct batch_plan *plan, struct batch *batch) {
    return batch_pack(dataset, examples, count, plan, 1, arena, batch, &errors);
}

/* Value k of step t of example i: every place of the data has a value of its own, as far as the classes reach. */
static int32_t token_at(int64_t i, int64_t t) {
    return (int32_t)((37 * i + 11 * t) % VOCABULARY);
}
static float number_at(int64_t i, int64_t t, int64_t k) {
    return (float)(1000 * i + 10 * t + k) + 0.5f;
}

/* Adds example i with these many steps. */
static void add_example(struct dataset *dataset, int64_t i, int64_t n_inputs, int64_t n_targets) {
    int32_t tokens[64], classes[64];
    float numbers[64 * WIDTH], target_numbers[64 * TARGET_WIDTH];
    for (int64_t t = 0; t < 64; t++) {
        tokens[t] = token_at(i, t);
        classes[t] = (int32_t)((i + t) % CLASSES);
        for (int64_t k = 0; k < WIDTH; k++) {
            numbers[t * WIDTH + k] = number_at(i, t, k);
        }
        for (int64_t k = 0; k < TARGET_WIDTH; k++) {
            target_numbers[t * TARGET_WIDTH + k] = -number_at(i, t, k);
        }
    }
    const void *inputs = kind_of(dataset, "input") == STREAM_CLASS ? (const void *)tokens : (const void *)numbers;
    const void *targets =
        kind_of(dataset, "target") == STREAM_CLASS ? (const void *)classes : (const void *)target_numbers;
    ck_assert_int_eq(dataset_fixture_add(dataset, inputs, n_inputs, targets, n_targets, &errors), RONDO_OK);
}

/* `count` examples of lengths between 1 and `longest` that fit `layout`. */
static struct dataset *make(int32_t input_kind, int32_t target_kind, struct architecture layout, int64_t count,
                            int64_t longest) {
    struct dataset *dataset = dataset_fixture_create(input_kind, input_kind == STREAM_CLASS ? VOCABULARY : WIDTH,
                                                     target_kind, target_kind == STREAM_CLASS ? CLASSES : TARGET_WIDTH);
    const struct rng_stream stream = rng_stream(3, "lengths");
    for (int64_t i = 0; i < count; i++) {
        const int64_t length = 1 + (int64_t)rng_below(stream, (uint64_t)i, (uint64_t)longest);
        add_example(dataset, i, layout.input_every_step ? length : 1, layout.output_every_step ? length : 1);
    }
    return dataset;
}

static double value_of(const rondo_tensor *tensor, int64_t position, int64_t k) {
    return tensor_get(tensor, tensor->ndim == 1 ? position : position * tensor->shape[1] + k);
}

static double expected_input(int32_t kind, int64_t example, int64_t t, int64_t k) {
    return kind == STREAM_CLASS ? token_at(example, t) : (double)number_at(example, t, k);
}
static double expected_target(int32_t kind, int64_t example, int64_t t, int64_t k) {
    return kind == STREAM_CLASS ? (double)((example + t) % CLASSES) : (double)-number_at(example, t, k);
}

/* The shape of the packed batch by itself. */
static void check_lengths(const struct batch *batch, const struct dataset *dataset, const struct batch_plan *plan) {
    int64_t total = 0, seen = 0;
    ck_assert_int_eq(batch->time.steps, batch->time.lengths[0]);
    for (int64_t row = 0; row < batch->time.rows; row++) {
        ck_assert_int_eq(batch->time.lengths[row], example_steps(dataset, batch->example[row], plan));
        ck_assert(row == 0 || batch->time.lengths[row] <= batch->time.lengths[row - 1]);
        total += batch->time.lengths[row];
    }
    ck_assert_int_eq(batch->time.total, total);
    ck_assert_int_eq(batch->time.begin[0], 0);
    for (int64_t t = 0; t < batch->time.steps; t++) {
        ck_assert(t == 0 || batch->time.alive[t] <= batch->time.alive[t - 1]);
        ck_assert_int_ge(batch->time.alive[t], 1);
        ck_assert_int_eq(batch->time.begin[t], seen);
        seen += batch->time.alive[t];
    }
    ck_assert_int_eq(batch->time.begin[batch->time.steps], total);
    ck_assert_int_eq(batch->time.alive[0], batch->time.rows);
}

/* Walks the naive layout, [rows, steps] with padding, and finds every real value at its packed place. */
static void check_values(const struct batch *batch, const struct dataset *dataset, struct architecture layout) {
    int64_t inputs = 0, targets = 0;
    for (int64_t row = 0; row < batch->time.rows; row++) {
        for (int64_t t = 0; t < batch->time.steps; t++) {
            const int is_real = t < batch->time.lengths[row];
            ck_assert_int_eq(is_real, row < batch->time.alive[t]);
            const int64_t position = batch->time.begin[t] + row;
            const int64_t example = batch->example[row];
            for (int64_t k = 0; k < WIDTH && is_real && (layout.input_every_step || t == 0); k++, inputs++) {
                ck_assert_double_eq(value_of(&batch->inputs[0], position, k),
                                    expected_input(kind_of(dataset, "input"), example, t, k));
            }
            for (int64_t k = 0; k < TARGET_WIDTH && is_real && (layout.output_every_step || t == 0); k++, targets++) {
                ck_assert_double_eq(value_of(&batch->targets, layout.output_every_step ? position : row, k),
                                    expected_target(kind_of(dataset, "target"), example, t, k));
            }
        }
    }
    ck_assert_int_eq(inputs, batch->inputs[0].shape[0] * WIDTH);
    ck_assert_int_eq(targets, batch->targets.shape[0] * TARGET_WIDTH);
}

/* 1:1, N:1, 1:N, N:N */
static const struct architecture layouts[] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};

/* Every layout with every kind of input and target, in both float types. */
START_TEST(packed_values_are_those_of_the_padded_layout) {
    const struct architecture layout = layouts[_i % 4];
    const int32_t input_kind = _i / 4 % 2, target_kind = _i / 8 % 2, dtype = _i / 16;
    const struct batch_plan plan = {.architecture = layout, .dtype = dtype};
    struct dataset *dataset = make(input_kind, target_kind, layout, 40, 12);
    ck_assert_int_eq(dataset_fits(dataset, &plan, 1, "data", &errors), RONDO_OK);
    static const int64_t examples[] = {5, 39, 0, 7, 7, 12, 31, 2, 3, 4, 22};
    for (int64_t count = 1; count <= ROWS(examples); count++) {
        struct batch batch;
        ck_assert_int_eq(pack(dataset, examples, count, &plan, &batch), RONDO_OK);
        ck_assert_int_eq(batch.time.rows, count);
        ck_assert_int_eq(batch.inputs[0].dtype, input_kind == STREAM_CLASS ? RONDO_I32 : dtype);
        ck_assert_int_eq(batch.inputs[0].ndim, input_kind == STREAM_CLASS ? 1 : 2);
        ck_assert_int_eq(batch.targets.dtype, target_kind == STREAM_CLASS ? RONDO_I32 : dtype);
        check_lengths(&batch, dataset, &plan);
        check_values(&batch, dataset, layout);
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(the_example_of_the_header_is_packed_so) {
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, VOCABULARY, STREAM_CLASS, CLASSES);
    const int32_t tokens[] = {10, 11, 12, 20, 30, 31};
    const int32_t class_id = 1;
    ck_assert_int_eq(dataset_fixture_add(dataset, tokens + 3, 1, &class_id, 1, &errors), RONDO_OK); /* 20 */
    ck_assert_int_eq(dataset_fixture_add(dataset, tokens, 3, &class_id, 1, &errors), RONDO_OK);     /* 10 11 12 */
    ck_assert_int_eq(dataset_fixture_add(dataset, tokens + 4, 2, &class_id, 1, &errors), RONDO_OK); /* 30 31 */
    struct batch batch;
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    ck_assert_int_eq(pack(dataset, (int64_t[]){0, 1, 2}, 3, &plan, &batch), RONDO_OK);
    const int32_t packed[] = {10, 30, 20, 11, 31, 12};
    ck_assert_mem_eq(batch.inputs[0].data, packed, sizeof packed);
    ck_assert_mem_eq(batch.time.alive, ((int64_t[]){3, 2, 1}), 3 * sizeof(int64_t));
    ck_assert_mem_eq(batch.time.begin, ((int64_t[]){0, 3, 5, 6}), 4 * sizeof(int64_t));
    dataset_destroy(dataset);
}
END_TEST

START_TEST(equal_lengths_keep_the_order_they_were_given_in) {
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, VOCABULARY, STREAM_CLASS, CLASSES);
    for (int64_t i = 0; i < 10; i++) {
        add_example(dataset, i, 2 + i % 2, 1);
    }
    struct batch batch;
    const int64_t examples[] = {8, 1, 4, 9, 0, 3}, expected[] = {1, 9, 3, 8, 4, 0};
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    ck_assert_int_eq(pack(dataset, examples, 6, &plan, &batch), RONDO_OK);
    ck_assert_mem_eq(batch.example, expected, sizeof expected);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(without_targets_every_output_is_wanted) {
    const struct architecture layout = layouts[_i];
    struct batch_plan plan = plan_of(layout);
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, VOCABULARY, STREAM_CLASS, CLASSES);
    add_example(dataset, 0, layout.input_every_step ? 3 : 1, 0);
    add_example(dataset, 1, layout.input_every_step ? 5 : 1, 0);
    struct batch batch;
    const int64_t both[] = {0, 1};
    if (!layout.input_every_step && layout.output_every_step) { /* 1:N: nothing gives the number of steps */
        ck_assert_int_eq(example_steps(dataset, 0, &plan), 0);
        ck_assert_int_eq(dataset_fits(dataset, &plan, 0, "data", &errors), RONDO_INVALID);
        ck_assert_int_eq(batch_pack(dataset, both, 2, &plan, 0, arena, &batch, &errors), RONDO_INTERNAL);
        errors_free(&errors);
        plan.steps = 5;
    }
    ck_assert_int_eq(dataset_fits(dataset, &plan, 0, "data", &errors), RONDO_OK);
    ck_assert_int_eq(batch_pack(dataset, both, 2, &plan, 0, arena, &batch, &errors), RONDO_OK);
    ck_assert_ptr_null(batch.targets.data);
    ck_assert_ptr_null(batch.scored.data);
    ck_assert_int_eq(batch.n_scored, layout.output_every_step ? batch.time.total : 2);
    ck_assert_int_eq(batch.time.steps, layout.input_every_step || layout.output_every_step ? 5 : 1);
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    int layout; /* index in layouts */
    int64_t inputs, targets;
    int with_targets;
    const char *expected; /* NULL: the example fits */
} fits[] = {
    {0, 1, 1, 1, NULL},
    {0, 2, 1, 1,
     "valid: example 2 has 2 inputs, expected one, since the architecture takes input only at the first step"},
    {0, 1, 2, 1,
     "valid: example 2 has 1 step and 2 targets, expected one target, since the architecture gives one output"},
    {1, 5, 1, 1, NULL},
    {1, 5, 0, 1, "valid: example 2 has 5 steps and 0 targets, expected one target"},
    {1, 5, 0, 0, NULL},
    {1, 5, 5, 1, "expected one target"},
    {2, 1, 4, 1, NULL},
    {2, 1, 0, 1, "valid: example 2 has no targets, and with the architecture 1:N their number is the number of steps"},
    {2, 1, 0, 0, "valid: example 2 has no targets, and with the architecture 1:N their number is the number of steps"},
    {2, 1, 1, 0, NULL},
    {2, 2, 2, 1, "has 2 inputs, expected one"},
    {2, 2, 2, 0, "has 2 inputs, expected one"},
    {3, 4, 4, 1, NULL},
    {3, 4, 3, 1,
     "has 4 steps and 3 targets, expected a target for each step, since the architecture gives an "
     "output at every step"},
    {3, 4, 0, 0, NULL},
};

START_TEST(examples_that_do_not_fit_the_layout_are_told) {
    const struct batch_plan plan = plan_of(layouts[fits[_i].layout]);
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, VOCABULARY, STREAM_CLASS, CLASSES);
    add_example(dataset, 0, 1, 1); /* fits every layout */
    add_example(dataset, 1, fits[_i].inputs, fits[_i].targets);
    const rondo_status status = dataset_fits(dataset, &plan, fits[_i].with_targets, "valid", &errors);
    ck_assert_int_eq(status, fits[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    ck_assert_int_eq(errors.count, fits[_i].expected != NULL);
    if (fits[_i].expected != NULL) {
        ck_assert_msg(strstr(errors_text(&errors, 0), fits[_i].expected) != NULL, "%s", errors_text(&errors, 0));
    }
    dataset_destroy(dataset);
}
END_TEST

/* ---- order ---- */

static const struct {
    int64_t count, size;
} orders[] = {{1, 1}, {1, 32}, {10, 3}, {100, 1}, {2000, 8}, {2003, 8}, {500, 16}, {64, 100}, {0, 4}};

/* The order of an epoch of batches of `size` examples. */
static void order_epoch(const struct dataset *dataset, int64_t size, const struct batch_plan *plan,
                        const struct rng_stream *stream, int64_t *order) {
    struct epoch epoch;
    const struct batch_size batch = {.examples = size};
    ck_assert_int_eq(epoch_make(&epoch, dataset, plan, batch, stream, &errors), RONDO_OK);
    ck_assert_int_eq(epoch.batches, (dataset->count + size - 1) / size);
    for (int64_t k = 0; k < epoch.batches; k++) {
        ck_assert_int_eq(epoch.begin[k], k * size);
    }
    ck_assert_int_eq(epoch.begin[epoch.batches], dataset->count);
    memcpy(order, epoch.examples, (size_t)dataset->count * sizeof *order);
    epoch_free(&epoch);
}

static void check_permutation(const int64_t *order, int64_t count) {
    char *seen = calloc((size_t)count + 1, 1);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(order[i] >= 0 && order[i] < count && !seen[order[i]]);
        seen[order[i]] = 1;
    }
    free(seen);
}

START_TEST(every_example_is_visited_once) {
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    const int64_t count = orders[_i].count;
    struct dataset *dataset = make(STREAM_CLASS, STREAM_CLASS, plan.architecture, count, 30);
    int64_t *order = calloc(2 * (size_t)count + 1, sizeof *order), *again = order + count;
    const struct rng_stream stream = rng_stream(1, "order");
    order_epoch(dataset, orders[_i].size, &plan, &stream, order);
    check_permutation(order, count);
    order_epoch(dataset, orders[_i].size, &plan, &stream, again);
    ck_assert_mem_eq(order, again, (size_t)count * sizeof *order);
    const struct rng_stream other = rng_substream(stream, 1);
    order_epoch(dataset, orders[_i].size, &plan, &other, again);
    check_permutation(again, count);
    ck_assert_int_eq(count < 10 || memcmp(order, again, (size_t)count * sizeof *order) != 0, 1);
    free(order);
    dataset_destroy(dataset);
}
END_TEST

/* The order of an epoch affects the results of every training, so it must not change unless this is declared. */
START_TEST(order_of_an_epoch_is_pinned) {
    static const int64_t lengths[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
    static const int64_t expected[] = {8, 10, 0, 9, 6, 3, 5, 7, 4, 2, 1};
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, 5, STREAM_CLASS, 2);
    const int32_t tokens[9] = {0}, target = 1;
    for (int i = 0; i < 11; i++) {
        ck_assert_int_eq(dataset_fixture_add(dataset, tokens, lengths[i], &target, 1, &errors), RONDO_OK);
    }
    const struct rng_stream stream = rng_substream(rng_stream(7, "shuffle"), 2);
    int64_t order[11];
    order_epoch(dataset, 2, &plan, &stream, order);
    ck_assert_mem_eq(order, expected, sizeof order);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(evaluation_goes_by_length_then_index) {
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    const int64_t count = orders[_i].count;
    struct dataset *dataset = make(STREAM_CLASS, STREAM_CLASS, plan.architecture, count, 30);
    int64_t *order = calloc((size_t)count + 1, sizeof *order);
    order_epoch(dataset, orders[_i].size, &plan, NULL, order);
    check_permutation(order, count);
    for (int64_t i = 1; i < count; i++) {
        const int64_t before = example_steps(dataset, order[i - 1], &plan);
        const int64_t here = example_steps(dataset, order[i], &plan);
        ck_assert(before > here || (before == here && order[i - 1] < order[i]));
    }
    free(order);
    dataset_destroy(dataset);
}
END_TEST

/* Padding that batches of `size` would need, as a share of all cells: what sorting by length is for. */
static double padding(const struct dataset *dataset, const struct batch_plan *plan, const int64_t *order,
                      int64_t size) {
    int64_t real = 0, cells = 0;
    for (int64_t begin = 0; begin < dataset->count; begin += size) {
        int64_t longest = 0, rows = 0;
        for (; rows < size && begin + rows < dataset->count; rows++) {
            const int64_t steps = example_steps(dataset, order[begin + rows], plan);
            longest = steps > longest ? steps : longest;
            real += steps;
        }
        cells += rows * longest;
    }
    return 1 - (double)real / (double)cells;
}

START_TEST(batch_mates_are_of_similar_length) {
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    enum { COUNT = 2000, SIZE = 16 };
    struct dataset *dataset = make(STREAM_CLASS, STREAM_CLASS, plan.architecture, COUNT, 60);
    int64_t order[COUNT], unsorted[COUNT];
    const struct rng_stream stream = rng_stream(5, "order");
    order_epoch(dataset, SIZE, &plan, &stream, order);
    for (int64_t i = 0; i < COUNT; i++) {
        unsorted[i] = i;
    }
    ck_assert_double_lt(padding(dataset, &plan, order, SIZE), 0.05);
    ck_assert_double_gt(padding(dataset, &plan, unsorted, SIZE), 0.35);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(batches_come_in_no_order_of_length) {
    const struct batch_plan plan = plan_of((struct architecture){1, 0});
    enum { COUNT = 2000, SIZE = 16 };
    struct dataset *dataset = make(STREAM_CLASS, STREAM_CLASS, plan.architecture, COUNT, 60);
    int64_t order[COUNT], falls = 0;
    const struct rng_stream stream = rng_stream(5, "order");
    order_epoch(dataset, SIZE, &plan, &stream, order);
    for (int64_t k = 1; k < COUNT / SIZE; k++) {
        falls += example_steps(dataset, order[k * SIZE], &plan) < example_steps(dataset, order[(k - 1) * SIZE], &plan);
    }
    ck_assert_int_gt(falls, 40); /* of 124: about half in random order, nearly all or none when sorted */
    ck_assert_int_lt(falls, 84);
    dataset_destroy(dataset);
}
END_TEST

/* ---- dataset ---- */

START_TEST(ids_out_of_range_are_a_bug_and_not_stored) {
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, 5, STREAM_CLASS, 2);
    const int32_t good[] = {0, 4}, high[] = {1, 5}, low[] = {-1, 0};
    ck_assert_int_eq(dataset_fixture_add(dataset, high, 2, good, 1, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(dataset_fixture_add(dataset, low, 2, good, 1, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(dataset_fixture_add(dataset, good, 2, good + 1, 1, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(dataset_fixture_add(dataset, good, 0, good, 1, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(dataset->count, 0);
    ck_assert_int_eq(dataset_fixture_add(dataset, good, 2, good, 1, &errors), RONDO_OK);
    ck_assert_int_eq(dataset->count, 1);
    dataset_destroy(dataset);
    dataset_destroy(NULL);
}
END_TEST

START_TEST(bugs_of_the_caller_are_refused) {
    const struct batch_plan aligned = plan_of((struct architecture){1, 1});
    const struct batch_plan of_ids = {.architecture = {1, 1}, .dtype = RONDO_I32};
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, VOCABULARY, STREAM_CLASS, CLASSES);
    add_example(dataset, 0, 3, 3);
    add_example(dataset, 1, 3, 0);
    add_example(dataset, 2, 3, 2);
    struct batch batch;
    struct epoch epoch;
    ck_assert_int_eq(pack(dataset, (int64_t[]){0}, 0, &aligned, &batch), RONDO_INTERNAL);
    ck_assert_int_eq(pack(dataset, (int64_t[]){3}, 1, &aligned, &batch), RONDO_INTERNAL);
    ck_assert_int_eq(pack(dataset, (int64_t[]){0}, 1, &of_ids, &batch), RONDO_INTERNAL);
    ck_assert_int_eq(pack(dataset, (int64_t[]){0, 1}, 2, &aligned, &batch), RONDO_INTERNAL);
    ck_assert_int_eq(pack(dataset, (int64_t[]){2}, 1, &aligned, &batch), RONDO_INTERNAL);
    ck_assert_int_eq(epoch_make(&epoch, dataset, &aligned, (struct batch_size){0, 0}, NULL, &errors), RONDO_INTERNAL);
    epoch_free(&epoch);
    ck_assert_int_eq(epoch_make(&epoch, dataset, &aligned, (struct batch_size){2, 2}, NULL, &errors), RONDO_INTERNAL);
    epoch_free(&epoch);
    dataset_destroy(dataset);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("batch");
    TCase *cases = tcase_create("batch");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, packed_values_are_those_of_the_padded_layout, 0, 32);
    tcase_add_test(cases, the_example_of_the_header_is_packed_so);
    tcase_add_test(cases, equal_lengths_keep_the_order_they_were_given_in);
    tcase_add_loop_test(cases, without_targets_every_output_is_wanted, 0, ROWS(layouts));
    tcase_add_loop_test(cases, examples_that_do_not_fit_the_layout_are_told, 0, ROWS(fits));
    tcase_add_loop_test(cases, every_example_is_visited_once, 0, ROWS(orders));
    tcase_add_test(cases, order_of_an_epoch_is_pinned);
    tcase_add_loop_test(cases, evaluation_goes_by_length_then_index, 0, ROWS(orders));
    tcase_add_test(cases, batch_mates_are_of_similar_length);
    tcase_add_test(cases, batches_come_in_no_order_of_length);
    tcase_add_test(cases, ids_out_of_range_are_a_bug_and_not_stored);
    tcase_add_test(cases, bugs_of_the_caller_are_refused);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
