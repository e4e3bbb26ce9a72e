/* data/batch.h and data/epoch.h: the stream "source", which has a time axis and an order of rows of its own. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "data/epoch.h"

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

enum { LONGEST = 64, SYMBOLS = 1000 };

/* Streams "source" and "target"; the source is of numbers, two for each element, if `size` is 2. */
static void add_streams(int64_t size) {
    ck_assert_ptr_nonnull(size > 1 ? dataset_stream(dataset, "source", STREAM_REAL, STORE_F32, size, &errors)
                                   : dataset_stream(dataset, "source", STREAM_CLASS, STORE_I32, SYMBOLS, &errors));
    ck_assert_ptr_nonnull(dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, SYMBOLS, &errors));
}

/* An example of ids: its number times 10, plus that of the element. */
static void add_example(int64_t source, int64_t target) {
    int32_t ids[LONGEST];
    float numbers[2 * LONGEST];
    for (int t = 0; t < LONGEST; t++) {
        ids[t] = (int32_t)(10 * dataset->count + t) % SYMBOLS;
        numbers[2 * t] = (float)ids[t];
        numbers[2 * t + 1] = -0.5F;
    }
    const int is_real = dataset->streams[0].kind == STREAM_REAL;
    const struct stream_part parts[] = {{is_real ? (const void *)numbers : (const void *)ids, source}, {ids, target}};
    ck_assert_msg(dataset_add(dataset, parts, &errors) == RONDO_OK, "%s", errors_text(&errors, 0));
}

/* "10 20 -0.5": the numbers of a tensor. */
static const char *show(const rondo_tensor *tensor) {
    const char *text = "";
    for (int64_t i = 0; tensor->data != NULL && i < rondo_count(tensor); i++) {
        text = arena_printf(arena, "%s%s%g", text, i == 0 ? "" : " ", tensor_get(tensor, i));
    }
    return text;
}

static const char *show_integers(const int64_t *integers, int64_t count) {
    const char *text = "";
    for (int64_t i = 0; i < count; i++) {
        text = arena_printf(arena, "%s%s%lld", text, i == 0 ? "" : " ", (long long)integers[i]);
    }
    return text;
}

static const struct batch_plan plan = {.architecture = {1, 1}, .dtype = RONDO_F32, .feedback = 1};

/* ---- packing ---- */

/* Examples 0, 1, 2 with these lengths of source and target. */
static const struct {
    int64_t source[3], target[3];
    const char *examples; /* of the rows of the batch */
    const char *row;      /* of them, in the axis of the source */
    const char *lengths, *input;
} packs[] = {
    {{1, 2, 3}, {3, 2, 1}, "0 1 2", "2 1 0", "3 2 1", "20 10 0 21 11 22"}, /* opposite orders */
    {{3, 2, 1}, {3, 2, 1}, "0 1 2", "0 1 2", "3 2 1", "0 10 20 1 11 2"},   /* equal orders */
    {{2, 2, 2}, {1, 2, 3}, "2 1 0", "0 1 2", "2 2 2", "20 10 0 21 11 1"},  /* equal sources keep the order of rows */
    {{1, 3, 1}, {2, 2, 2}, "0 1 2", "1 0 2", "3 1 1", "10 0 20 11 12"},
};

START_TEST(a_source_is_packed_by_its_own_lengths) {
    const int64_t examples[] = {0, 1, 2};
    add_streams(1);
    for (int i = 0; i < 3; i++) {
        add_example(packs[_i].source[i], packs[_i].target[i]);
    }
    ck_assert_int_eq(dataset_fits(dataset, &plan, 1, "data", &errors), RONDO_OK);
    for (int with_targets = 0; with_targets < 2; with_targets++) {
        struct batch batch;
        ck_assert_int_eq(batch_pack(dataset, examples, 3, &plan, with_targets, arena, &batch, &errors), RONDO_OK);
        ck_assert_int_eq(batch.source.time.rows, 3);
        ck_assert_str_eq(show_integers(batch.example, 3), packs[_i].examples);
        ck_assert_str_eq(show_integers(batch.source.row, 3), packs[_i].row);
        ck_assert_str_eq(show_integers(batch.source.time.lengths, 3), packs[_i].lengths);
        ck_assert_str_eq(show(&batch.source.input), packs[_i].input);
        ck_assert_int_eq(batch.source.input.dtype, RONDO_I32);
        ck_assert_int_eq(batch.n_inputs, 1); /* `previous`: the source is no input of the driving axis */
    }
}
END_TEST

START_TEST(a_source_of_numbers_has_all_of_each_element) {
    const int64_t examples[] = {0, 1};
    struct batch batch;
    add_streams(2);
    add_example(1, 2);
    add_example(2, 1);
    ck_assert_int_eq(batch_pack(dataset, examples, 2, &plan, 1, arena, &batch, &errors), RONDO_OK);
    ck_assert_int_eq(batch.source.input.shape[1], 2);
    ck_assert_str_eq(show(&batch.source.input), "10 -0.5 0 -0.5 11 -0.5");
}
END_TEST

START_TEST(the_input_of_an_encoder_is_described) {
    struct batch_input input;
    ck_assert_int_eq(batch_source_input(dataset, &input), 0);
    add_streams(1 + _i);
    dataset->streams[0].unknown = 7;
    ck_assert_int_eq(batch_source_input(dataset, &input), 1);
    ck_assert_str_eq(input.name, "source");
    ck_assert_int_eq(input.symbols, _i == 0 ? SYMBOLS : 0);
    ck_assert_int_eq(input.size, _i == 0 ? 0 : 2);
    ck_assert_int_eq(input.every_step, 1);
    ck_assert_int_eq(input.unknown, 7);
    struct batch_input inputs[BATCH_MOST_INPUTS];
    ck_assert_int_eq(batch_inputs(dataset, &plan, inputs), 1);
    ck_assert_str_eq(inputs[0].name, "previous");
}
END_TEST

START_TEST(a_batch_without_sources_has_no_axis_of_them) {
    const int32_t target[] = {1, 2};
    struct batch batch;
    ck_assert_ptr_nonnull(dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, SYMBOLS, &errors));
    ck_assert_int_eq(dataset_add(dataset, (const struct stream_part[]){{target, 2}}, &errors), RONDO_OK);
    ck_assert_int_eq(batch_pack(dataset, (const int64_t[]){0}, 1, &plan, 1, arena, &batch, &errors), RONDO_OK);
    ck_assert_int_eq(batch.source.time.rows, 0);
    ck_assert_ptr_null(batch.source.row);
    ck_assert_ptr_null(batch.source.input.data);
    ck_assert_int_eq(example_source_steps(dataset, 0), 0);
}
END_TEST

START_TEST(an_empty_source_is_refused) {
    add_streams(1);
    add_example(3, 2);
    add_example(2, 2);
    dataset->streams[0].length[1] = 0;
    ck_assert_int_eq(dataset_fits(dataset, &plan, 1, "pairs.tsv", &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "pairs.tsv: example 2 has an empty source, expected at least one step");
}
END_TEST

/* ---- batches of similar lengths ---- */

enum { LEAST = 5, MOST = 40, COUNT = 8192 };

/* Lengths LEAST to MOST; `relation` 0: independent of each other; 1: the target is about as long as the source, as in
 * translation; 2: equal. */
static void add_lengths(int relation) {
    const struct rng_stream stream = rng_stream(11, "lengths");
    add_streams(1);
    for (uint64_t i = 0; i < COUNT; i++) {
        const int64_t source = LEAST + (int64_t)rng_below(stream, 2 * i, MOST - LEAST + 1);
        const int64_t other = LEAST + (int64_t)rng_below(stream, 2 * i + 1, MOST - LEAST + 1);
        const int64_t near = source + (other - source) / 4;
        add_example(source, relation == 0 ? other : relation == 1 ? near : source);
    }
}

/* Steps of the longest source and target of each batch, for all its examples, per step that is there: the work if each step of a
 * batch cost as much as one of all its rows. Equal lengths have 1. */
static double cost(const struct epoch *epoch) {
    int64_t paid = 0, real = 0;
    for (int64_t k = 0; k < epoch->batches; k++) {
        int64_t source = 0, target = 0;
        for (int64_t i = epoch->begin[k]; i < epoch->begin[k + 1]; i++) {
            const int64_t s = example_source_steps(dataset, epoch->examples[i]);
            const int64_t t = example_steps(dataset, epoch->examples[i], &plan);
            source = s > source ? s : source;
            target = t > target ? t : target;
            real += s + t;
        }
        paid += (source + target) * (epoch->begin[k + 1] - epoch->begin[k]);
    }
    return (double)paid / (double)real;
}

static const struct {
    int relation;
    struct batch_size size;
    double most;
} mates[] = {
    {0, {.examples = 64}, 1.15}, {1, {.examples = 64}, 1.08}, {2, {.examples = 64}, 1.03},
    {0, {.steps = 2880}, 1.15},  {1, {.steps = 2880}, 1.08},  {2, {.steps = 2880}, 1.03},
};

START_TEST(batch_mates_are_of_similar_length_in_source_and_target) {
    struct epoch epoch;
    const struct rng_stream stream = rng_stream(3, "order");
    add_lengths(mates[_i].relation);
    for (int is_training = 0; is_training < 2; is_training++) {
        ck_assert_int_eq(epoch_make(&epoch, dataset, &plan, mates[_i].size, is_training ? &stream : NULL, &errors),
                         RONDO_OK);
        ck_assert_double_lt(cost(&epoch), mates[_i].most);
        epoch_free(&epoch);
    }
}
END_TEST

START_TEST(every_pair_is_visited_once_in_batches_of_their_size) {
    static const struct batch_size sizes[] = {{.examples = 64}, {.examples = 1}, {.examples = 5000}, {.examples = 9000},
                                              {.steps = 1},     {.steps = 500},  {.steps = 1000000}};
    const struct batch_size size = sizes[_i];
    struct epoch epochs[3];
    const struct rng_stream one = rng_stream(1, "order"), two = rng_stream(2, "order");
    const struct rng_stream *streams[] = {&one, &two, NULL};
    add_lengths(0);
    for (int e = 0; e < 3; e++) {
        const struct epoch *epoch = &epochs[e];
        char *seen = calloc(COUNT, 1);
        ck_assert_int_eq(epoch_make(&epochs[e], dataset, &plan, size, streams[e], &errors), RONDO_OK);
        ck_assert_int_eq(epoch->begin[epoch->batches], COUNT);
        for (int64_t k = 0; k < epoch->batches; k++) {
            int64_t steps = 0;
            for (int64_t i = epoch->begin[k]; i < epoch->begin[k + 1]; i++) {
                steps += example_source_steps(dataset, epoch->examples[i]) +
                         example_steps(dataset, epoch->examples[i], &plan);
                ck_assert(!seen[epoch->examples[i]]);
                seen[epoch->examples[i]] = 1;
            }
            const int64_t count = epoch->begin[k + 1] - epoch->begin[k];
            ck_assert(size.examples == 0 || k == epoch->batches - 1 || count == size.examples);
            ck_assert(size.steps == 0 || steps <= size.steps || count == 1); /* those of the sources are counted */
        }
        ck_assert_ptr_null(memchr(seen, 0, COUNT));
        ck_assert_int_eq(epoch->batches, epochs[0].batches); /* schedules know the number of updates in advance */
        free(seen);
    }
    ck_assert_mem_ne(epochs[0].examples, epochs[1].examples, COUNT * sizeof(int64_t));
    for (int e = 0; e < 3; e++) {
        epoch_free(&epochs[e]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sources");
    TCase *cases = tcase_create("sources");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_source_is_packed_by_its_own_lengths, 0, ROWS(packs));
    tcase_add_test(cases, a_source_of_numbers_has_all_of_each_element);
    tcase_add_loop_test(cases, the_input_of_an_encoder_is_described, 0, 2);
    tcase_add_test(cases, a_batch_without_sources_has_no_axis_of_them);
    tcase_add_test(cases, an_empty_source_is_refused);
    tcase_add_loop_test(cases, batch_mates_are_of_similar_length_in_source_and_target, 0, ROWS(mates));
    tcase_add_loop_test(cases, every_pair_is_visited_once_in_batches_of_their_size, 0, 7);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
