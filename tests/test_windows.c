/* data/windows.h, data/parts.h and views of data/dataset.h: how sequences and files are divided, without a copy. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/rng.h"
#include "data/parts.h"
#include "data/windows.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

enum { SYMBOLS = 100000 };

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

/* Sequences of these lengths, 0 ends the list. Element t of the sequences, one after the other, is t in the stream "input"
 * and t + 1 in the stream "target"; "weight" of sequence i is i. */
static struct dataset *make(const int64_t *lengths) {
    struct dataset *dataset = dataset_create(&errors);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_ptr_nonnull(dataset_stream(dataset, "input", STREAM_CLASS, STORE_I32, SYMBOLS, &errors));
    ck_assert_ptr_nonnull(dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, SYMBOLS, &errors));
    ck_assert_ptr_nonnull(dataset_stream(dataset, "weight", STREAM_REAL, STORE_F32, 1, &errors));
    int32_t next = 0;
    for (int64_t i = 0; lengths[i] > 0; i++) {
        int32_t *numbers = arena_calloc(arena, (size_t)lengths[i] + 1, sizeof *numbers);
        ck_assert_ptr_nonnull(numbers);
        for (int64_t t = 0; t <= lengths[i]; t++) {
            numbers[t] = next + (int32_t)t;
        }
        next += (int32_t)lengths[i];
        const float weight = (float)i;
        const struct stream_part parts[] = {{numbers, lengths[i]}, {numbers + 1, lengths[i]}, {&weight, 1}};
        ck_assert_int_eq(dataset_add(dataset, parts, &errors), RONDO_OK);
    }
    return dataset;
}

static int32_t first_of(const struct dataset *dataset, const char *stream, int64_t example) {
    const struct stream *found = dataset_find(dataset, stream);
    return stream_id(found, found->begin[example]);
}

static int64_t length_of(const struct dataset *dataset, int64_t example) {
    return dataset_find(dataset, "input")->length[example];
}

/* "0-2 3-5+ 6+; 7-8": the elements of each window, "+" if it continues the window before it, ";" after each update. */
static const char *show(const struct dataset *windows) {
    const char *text = "";
    for (int64_t i = 0, update = 1; i < windows->count; i++) {
        const int32_t first = first_of(windows, "input", i);
        const int64_t length = length_of(windows, i);
        const char *last = length == 1 ? "" : arena_printf(arena, "-%d", first + (int)length - 1);
        const int is_next = windows->update_begin != NULL && i == windows->update_begin[update];
        update += is_next;
        text = arena_printf(arena, "%s%s%d%s%s", text,
                            i == 0    ? ""
                            : is_next ? "; "
                                      : " ",
                            first, last, windows->continues[i] ? "+" : "");
    }
    return text;
}

/* ---- windows ---- */

static const struct {
    int64_t lengths[6]; /* ended by 0 */
    int64_t window, lanes;
    const char *expected;
} cuts[] = {
    {{7}, 3, 0, "0-2 3-5+ 6+"},
    {{6}, 3, 0, "0-2 3-5+"},
    {{2, 4}, 3, 0, "0-1 2-4 5+"},
    {{3}, 1, 0, "0 1+ 2+"},
    {{2, 3}, 9, 0, "0-1 2-4"},
    {{8}, 2, 1, "0-1; 2-3+; 4-5+; 6-7+"},
    {{8}, 2, 2, "0-1 4-5; 2-3+ 6-7+"},
    {{9}, 2, 2, "0-1 4-5; 2-3+ 6-7+; 8+"},   /* the last lane has the remainder */
    {{3, 5}, 2, 2, "0-1 4-5; 2+ 6-7+; 3"},   /* no window crosses the border of a sequence */
    {{2, 2, 2}, 3, 1, "0-1; 2-3; 4-5"},      /* each sequence begins with new states */
    {{5, 1, 2}, 2, 2, "0-1 4; 2-3+ 5; 6-7"}, /* a lane of several sequences */
    {{3}, 2, 5, "0 1 2"},                    /* more lanes than steps */
    {{1}, 4, 3, "0"},
    {{100}, 40, 2, "0-39 50-89; 40-49+ 90-99+"}, /* a lane is no multiple of the window */
};

START_TEST(windows_are_cut_so) {
    struct dataset *dataset = make(cuts[_i].lengths);
    struct dataset *windows = windows_cut(dataset, cuts[_i].window, cuts[_i].lanes, &errors);
    ck_assert_ptr_nonnull(windows);
    ck_assert_str_eq(show(windows), cuts[_i].expected);
    dataset_destroy(windows);
    dataset_destroy(dataset);
}
END_TEST

/* Sequences of random lengths; their number of elements in *total. */
static struct dataset *make_random(uint64_t index, int64_t *total) {
    const struct rng_stream stream = rng_substream(rng_stream(1, "windows"), index);
    int64_t lengths[12] = {0};
    const int64_t count = 1 + (int64_t)rng_below(stream, 0, 11);
    *total = 0;
    for (int64_t i = 0; i < count; i++) {
        lengths[i] = 1 + (int64_t)rng_below(stream, 1 + (uint64_t)i, i % 3 == 0 ? 90 : 6);
        *total += lengths[i];
    }
    return make(lengths);
}

static const struct {
    int64_t window, lanes;
} sizes[] = {{1, 0}, {5, 0}, {200, 0}, {1, 1}, {3, 4}, {7, 3}, {5, 8}, {64, 2}, {2, 500}};

/* Every element is in exactly one window, with its own target and the weight of its sequence. */
static void check_elements(const struct dataset *dataset, const struct dataset *windows, int64_t total, int64_t most) {
    const struct stream *sequences = dataset_find(dataset, "input"), *weights = dataset_find(windows, "weight");
    char *seen = calloc((size_t)total, 1);
    for (int64_t i = 0; i < windows->count; i++) {
        const int32_t first = first_of(windows, "input", i);
        const int64_t length = length_of(windows, i);
        ck_assert(length >= 1 && length <= most);
        ck_assert_int_eq(first_of(windows, "target", i), first + 1);
        ck_assert_int_eq(dataset_find(windows, "target")->length[i], length);
        for (int64_t t = 0; t < length; t++) {
            ck_assert_int_eq(seen[first + t], 0);
            seen[first + t] = 1;
        }
        ck_assert_int_eq(weights->length[i], 1);
        const int64_t sequence = (int64_t)stream_number(weights, weights->begin[i], 0);
        ck_assert_int_ge(first, sequences->begin[sequence]);
        ck_assert_int_le(first + length, sequences->begin[sequence] + sequences->length[sequence]);
        const int begins = first == sequences->begin[sequence];
        ck_assert(!begins || !windows->continues[i]);
        ck_assert(windows->lane != NULL || windows->continues[i] == !begins);
    }
    ck_assert_ptr_null(memchr(seen, 0, (size_t)total));
    free(seen);
}

/* An update has at most one window of a lane, and a window that continues follows the one before it in its lane. */
static void check_lanes(const struct dataset *windows, int64_t total) {
    int64_t *end = calloc((size_t)windows->lanes, sizeof *end), *steps = calloc((size_t)windows->lanes, sizeof *steps);
    ck_assert_int_eq(windows->update_begin[0], 0);
    ck_assert_int_eq(windows->update_begin[windows->updates], windows->count);
    for (int64_t update = 0; update < windows->updates; update++) {
        ck_assert_int_gt(windows->update_begin[update + 1], windows->update_begin[update]);
        for (int64_t i = windows->update_begin[update], last = -1; i < windows->update_begin[update + 1]; i++) {
            const int64_t lane = windows->lane[i], length = length_of(windows, i);
            ck_assert(lane > last && lane < windows->lanes);
            last = lane;
            ck_assert(update == 0 || steps[lane] > 0); /* a lane has no gaps */
            ck_assert(steps[lane] == 0 || first_of(windows, "input", i) == end[lane]);
            ck_assert(steps[lane] > 0 || !windows->continues[i]);
            end[lane] = first_of(windows, "input", i) + length;
            steps[lane] += length;
        }
    }
    for (int64_t lane = 0; lane < windows->lanes; lane++) { /* equal, but for one step of rounding */
        ck_assert_int_ge(steps[lane], total / windows->lanes);
        ck_assert_int_le(steps[lane], total / windows->lanes + 1);
    }
    free(end);
    free(steps);
}

START_TEST(every_element_is_in_one_window) {
    for (uint64_t k = 0; k < 20; k++) {
        int64_t total;
        struct dataset *dataset = make_random(k, &total);
        struct dataset *windows = windows_cut(dataset, sizes[_i].window, sizes[_i].lanes, &errors);
        ck_assert_ptr_nonnull(windows);
        check_elements(dataset, windows, total, sizes[_i].window);
        ck_assert_int_eq(windows->lanes, sizes[_i].lanes);
        if (sizes[_i].lanes > 0) {
            check_lanes(windows, total);
        } else {
            ck_assert_ptr_null(windows->lane);
        }
        dataset_destroy(windows);
        dataset_destroy(dataset);
    }
}
END_TEST

START_TEST(the_longest_sequence_is_known) {
    struct dataset *dataset = make((const int64_t[]){3, 8, 2, 0}), *empty = make((const int64_t[]){0});
    ck_assert_int_eq(windows_longest(dataset), 8);
    ck_assert_int_eq(windows_longest(empty), 0);
    dataset_destroy(dataset);
    dataset_destroy(empty);
}
END_TEST

START_TEST(streams_that_are_not_aligned_are_a_bug) {
    struct dataset *dataset = make((const int64_t[]){4, 4, 0});
    ck_assert_int_eq(windows_unaligned(dataset), -1);
    dataset_find(dataset, "target")->length[1] = 3;
    ck_assert_int_eq(windows_unaligned(dataset), 1);
    ck_assert_ptr_null(windows_cut(dataset, 2, 0, &errors));
    ck_assert_int_eq(errors.status, RONDO_INTERNAL);
    dataset_destroy(dataset);
}
END_TEST

/* ---- views ---- */

START_TEST(views_share_elements_and_may_outlive_their_dataset) {
    struct dataset *dataset = make((const int64_t[]){3, 2, 4, 0});
    struct dataset *windows = windows_cut(dataset, 2, 2, &errors);
    struct dataset *view = dataset_view(windows, (const int64_t[]){3, 1}, 2, &errors);
    ck_assert_ptr_nonnull(view);
    ck_assert_ptr_eq(dataset_find(view, "input")->data, dataset_find(dataset, "input")->data);
    const int32_t first[] = {first_of(windows, "input", 3), first_of(windows, "input", 1)};
    const int continues[] = {windows->continues[3], windows->continues[1]};
    dataset_destroy(dataset);
    dataset_destroy(windows);
    ck_assert_int_eq(view->count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(first_of(view, "input", i), first[i]);
        ck_assert_int_eq(first_of(view, "target", i), first[i] + 1);
        ck_assert_int_eq(view->continues[i], continues[i]);
    }
    ck_assert_ptr_null(view->lane); /* windows stay windows, without lanes */
    dataset_destroy(view);
}
END_TEST

START_TEST(a_dataset_whose_elements_are_shared_is_not_changed) {
    struct dataset *dataset = make((const int64_t[]){3, 2, 0});
    struct dataset *view = dataset_view(dataset, (const int64_t[]){1}, 1, &errors);
    const int32_t one = 1;
    const float weight = 1;
    const struct stream_part parts[] = {{&one, 1}, {&one, 1}, {&weight, 1}};
    ck_assert_int_eq(dataset_add(dataset, parts, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(dataset_add(view, parts, &errors), RONDO_INTERNAL);
    dataset_destroy(view);
    ck_assert_int_eq(dataset->count, 2);
    ck_assert_int_eq(dataset_add(dataset, parts, &errors), RONDO_OK);
    ck_assert_int_eq(dataset->count, 3);
    dataset_destroy(dataset);
}
END_TEST

/* ---- parts ---- */

static const struct {
    struct parts parts;
    int64_t count;
    const char *expected; /* part of each example: t, v, e (test) */
} lasts[] = {
    {{{.rule = PART_NONE}, {.rule = PART_NONE}}, 4, "tttt"},
    {{{.rule = PART_LAST, .value = 0.25}, {.rule = PART_NONE}}, 8, "ttttttvv"},
    {{{.rule = PART_NONE}, {.rule = PART_LAST, .value = 0.25}}, 8, "ttttttee"},
    {{{.rule = PART_LAST, .value = 0.25}, {.rule = PART_LAST, .value = 0.25}},
     8,
     "ttttvvee"}, /* shares are of what remains: 6 * 0.25, rounded */
    {{{.rule = PART_LAST, .value = 0.01}, {.rule = PART_LAST, .value = 0.01}}, 5, "tttve"}, /* at least one */
    {{{.rule = PART_LAST, .value = 0.99}, {.rule = PART_NONE}}, 5, "tvvvv"},                /* never all */
    {{{.rule = PART_LAST, .value = 0.5}, {.rule = PART_LAST, .value = 0.5}}, 1, "t"},
};

static char letter_of(enum part_name part) {
    return part == PART_TRAIN ? 't' : part == PART_VALID ? 'v' : 'e';
}

START_TEST(last_examples_are_a_part) {
    for (int64_t i = 0; i < lasts[_i].count; i++) {
        ck_assert_int_eq(letter_of(part_of(&lasts[_i].parts, i, lasts[_i].count)), lasts[_i].expected[i]);
    }
    /* The same of one long sequence. */
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        int64_t begin, end;
        part_range(&lasts[_i].parts, (enum part_name)part, lasts[_i].count, &begin, &end);
        for (int64_t i = 0; i < lasts[_i].count; i++) {
            ck_assert_int_eq(i >= begin && i < end, lasts[_i].expected[i] == letter_of((enum part_name)part));
        }
    }
}
END_TEST

static const struct parts shares[] = {
    {{.rule = PART_SHARE, .value = 0.1}, {.rule = PART_NONE}},
    {{.rule = PART_SHARE, .value = 0.3}, {.rule = PART_SHARE, .value = 0.2}},
    {{.rule = PART_SHARE, .value = 0.1}, {.rule = PART_LAST, .value = 0.25}},
    {{.rule = PART_LAST, .value = 0.1}, {.rule = PART_SHARE, .value = 0.5}},
};

/* The number of each part is near its share; an example keeps its part whatever follows it. */
START_TEST(random_parts_have_about_their_share) {
    enum { COUNT = 20000 };
    const struct parts *parts = &shares[_i];
    double counts[3] = {0};
    for (int64_t i = 0; i < COUNT; i++) {
        const enum part_name part = part_of(parts, i, COUNT);
        ck_assert_int_eq(part, part_of(parts, i, COUNT));
        const int by_chance = parts->valid.rule == PART_SHARE && parts->test.rule != PART_LAST;
        ck_assert(!by_chance || part == part_of(parts, i, i + 1));
        counts[part]++;
    }
    /* Of the last ones, the random choice of the test takes its share as well. */
    const double test = parts->test.value, valid = parts->valid.value * (1 - test);
    ck_assert_double_eq_tol(counts[PART_TEST] / COUNT, test, 0.02);
    ck_assert_double_eq_tol(counts[PART_VALID] / COUNT, valid, 0.02);
}
END_TEST

START_TEST(part_views_are_disjoint_and_complete) {
    struct dataset *dataset = make((const int64_t[]){1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 0});
    const int64_t count = dataset->count;
    char seen[SYMBOLS] = {0};
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        const struct parts parts = {{.rule = PART_LAST, .value = 0.2}, {.rule = PART_LAST, .value = 0.3}};
        struct dataset *view = part_view(dataset, &parts, (enum part_name)part, "x", &errors);
        ck_assert_ptr_nonnull(view);
        for (int64_t i = 0; i < view->count; i++) {
            const int32_t first = first_of(view, "input", i);
            ck_assert_int_eq(seen[first]++, 0);
        }
        dataset_destroy(view);
    }
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(seen[first_of(dataset, "input", i)], 1);
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(one_long_sequence_is_divided_along_its_steps) {
    struct dataset *dataset = make((const int64_t[]){20, 0});
    const struct parts parts = {{.rule = PART_LAST, .value = 0.2}, {.rule = PART_LAST, .value = 0.1}};
    static const int64_t first[] = {0, 14, 18}, length[] = {14, 4, 2};
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        struct dataset *view = part_view(dataset, &parts, (enum part_name)part, "x", &errors);
        ck_assert_ptr_nonnull(view);
        ck_assert_int_eq(view->count, 1);
        ck_assert_int_eq(first_of(view, "input", 0), first[part]);
        ck_assert_int_eq(first_of(view, "target", 0), first[part] + 1);
        ck_assert_int_eq(length_of(view, 0), length[part]);
        ck_assert_int_eq(dataset_find(view, "weight")->length[0], 1);
        dataset_destroy(view);
    }
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    int64_t lengths[4];
    struct parts parts;
    enum part_name part;
    const char *expected;
} empties[] = {
    {{1},
     {{.rule = PART_LAST, .value = 0.5}, {.rule = PART_NONE}},
     PART_VALID,
     "x: a sequence of 1 steps leaves none for the validation part"},
    {{9},
     {{.rule = PART_SHARE, .value = 0.5}, {.rule = PART_NONE}},
     PART_VALID,
     "x: one sequence has no parts chosen at random, expected {last: SHARE}"},
    {{1, 1},
     {{.rule = PART_SHARE, .value = 0.0001}, {.rule = PART_NONE}},
     PART_VALID,
     "x: 2 examples leave none for the validation part"},
    {{1, 1},
     {{.rule = PART_LAST, .value = 0.5}, {.rule = PART_LAST, .value = 0.5}},
     PART_VALID,
     "x: 2 examples leave none for the validation part"},
};

START_TEST(empty_parts_are_refused) {
    struct dataset *dataset = make(empties[_i].lengths);
    ck_assert_ptr_null(part_view(dataset, &empties[_i].parts, empties[_i].part, "x", &errors));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), empties[_i].expected);
    dataset_destroy(dataset);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("windows");
    TCase *cases = tcase_create("windows");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, windows_are_cut_so, 0, ROWS(cuts));
    tcase_add_loop_test(cases, every_element_is_in_one_window, 0, ROWS(sizes));
    tcase_add_test(cases, the_longest_sequence_is_known);
    tcase_add_test(cases, streams_that_are_not_aligned_are_a_bug);
    tcase_add_test(cases, views_share_elements_and_may_outlive_their_dataset);
    tcase_add_test(cases, a_dataset_whose_elements_are_shared_is_not_changed);
    tcase_add_loop_test(cases, last_examples_are_a_part, 0, ROWS(lasts));
    tcase_add_loop_test(cases, random_parts_have_about_their_share, 0, ROWS(shares));
    tcase_add_test(cases, part_views_are_disjoint_and_complete);
    tcase_add_test(cases, one_long_sequence_is_divided_along_its_steps);
    tcase_add_loop_test(cases, empty_parts_are_refused, 0, ROWS(empties));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
