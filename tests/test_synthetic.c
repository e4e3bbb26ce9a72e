/* data/readers/synthetic.c: each task has the targets that its definition says, parts and examples do not depend on each
 * other, and options that a task does not use are refused. */
#define _XOPEN_SOURCE 700 /* M_PI */
#include <math.h>
#include <string.h>

#include "tests/reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static struct dataset *make(const char *options, enum part_name part) {
    reader_fixture_make(&fixture, "synthetic", options);
    ck_assert_int_eq(reader_fixture_learn(&fixture, NULL, 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, NULL, part, 1);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    return dataset;
}

/* ---- the definition of each task, checked for one example ---- */

struct task_case {
    const char *options;
    int64_t length, gap, symbols;
    void (*check)(const struct task_case *own, const struct stream *input, const struct stream *target,
                  int64_t example);
};

static void check_adding(const struct task_case *own, const struct stream *input, const struct stream *target,
                         int64_t example) {
    const int64_t begin = input->begin[example];
    double sum = 0;
    int marks[2] = {0, 0};
    for (int64_t t = 0; t < own->length; t++) {
        const double number = (double)stream_number(input, begin + t, 0);
        const double mark = (double)stream_number(input, begin + t, 1);
        ck_assert(number >= 0 && number < 1 && (mark == 0 || mark == 1));
        sum += mark * number;
        marks[t >= own->length / 2] += mark == 1;
    }
    ck_assert_int_eq(marks[0], 1);
    ck_assert_int_eq(marks[1], 1);
    ck_assert_double_eq_tol(sum, (double)stream_number(target, target->begin[example], 0), 1e-6);
}

static void check_copy(const struct task_case *own, const struct stream *input, const struct stream *target,
                       int64_t example) {
    const int64_t recite = own->length + own->gap;
    for (int64_t t = 0; t < recite + own->length; t++) {
        const int32_t id = stream_id(input, input->begin[example] + t);
        const int32_t expected = stream_id(target, target->begin[example] + t);
        if (t < own->length) {
            ck_assert(id < own->symbols);
            ck_assert_int_eq(stream_id(target, target->begin[example] + recite + t), id);
        } else {
            ck_assert_int_eq(id, own->symbols + (t == recite - 1));
        }
        ck_assert_int_eq(expected == STREAM_NO_TARGET, t < recite);
    }
}

static void check_recall(const struct task_case *own, const struct stream *input, const struct stream *target,
                         int64_t example) {
    ck_assert_int_eq(stream_id(input, input->begin[example]), stream_id(target, target->begin[example]));
    for (int64_t t = 1; t <= own->gap; t++) {
        const int32_t id = stream_id(input, input->begin[example] + t);
        ck_assert(id >= own->symbols && id < 2 * own->symbols);
    }
}

static void check_parity(const struct task_case *own, const struct stream *input, const struct stream *target,
                         int64_t example) {
    int32_t ones = 0;
    for (int64_t t = 0; t < own->length; t++) {
        ones += stream_id(input, input->begin[example] + t);
        if (target->length[example] > 1 || t == own->length - 1) {
            const int64_t at = target->length[example] > 1 ? t : 0;
            ck_assert_int_eq(stream_id(target, target->begin[example] + at), ones % 2);
        }
    }
}

static void check_echo(const struct task_case *own, const struct stream *input, const struct stream *target,
                       int64_t example) {
    for (int64_t t = 0; t < own->length; t++) {
        const int32_t expected =
            t < own->gap ? STREAM_NO_TARGET : stream_id(input, input->begin[example] + t - own->gap);
        ck_assert_int_eq(stream_id(target, target->begin[example] + t), expected);
    }
}

static void check_sine(const struct task_case *own, const struct stream *input, const struct stream *target,
                       int64_t example) {
    const int64_t begin = input->begin[example];
    const double place = (double)stream_number(input, begin, 0), cosine = (double)stream_number(input, begin, 1),
                 sine = (double)stream_number(input, begin, 2);
    ck_assert(place >= -1 && place <= 1);
    ck_assert_double_eq_tol(cosine * cosine + sine * sine, 1, 1e-6);
    const double frequency = 1.0 / 32 + (place + 1) / 2 * (1.0 / 8 - 1.0 / 32), phase = atan2(sine, cosine);
    for (int64_t t = 0; t < own->length; t++) {
        const double expected = sin(2 * M_PI * frequency * (double)t + phase);
        ck_assert_double_eq_tol((double)stream_number(target, target->begin[example] + t, 0), expected, 1e-4);
    }
}

static const struct task_case tasks[] = {
    {"task=adding", 50, 0, 0, check_adding},
    {"task=adding length=2", 2, 0, 0, check_adding},
    {"task=adding length=7", 7, 0, 0, check_adding},
    {"task=copy", 10, 50, 8, check_copy},
    {"task=copy length=3 gap=1 symbols=2", 3, 1, 2, check_copy},
    {"task=recall", 0, 50, 8, check_recall},
    {"task=recall gap=3 symbols=5", 0, 3, 5, check_recall},
    {"task=parity", 50, 0, 2, check_parity},
    {"task=parity length=9 running=true", 9, 0, 2, check_parity},
    {"task=delayed_echo", 50, 5, 8, check_echo},
    {"task=delayed_echo length=4 gap=3 symbols=3", 4, 3, 3, check_echo},
    {"task=sine", 50, 0, 0, check_sine},
    {"task=sine length=1", 1, 0, 0, check_sine},
};

START_TEST(examples_are_those_of_the_task) {
    const struct task_case *own = &tasks[_i];
    struct dataset *dataset = make(arena_printf(fixture.arena, "%s test=40", own->options), PART_TEST);
    ck_assert_int_eq(dataset->count, 40);
    for (int64_t i = 0; i < dataset->count; i++) {
        own->check(own, dataset_find(dataset, "input"), dataset_find(dataset, "target"), i);
    }
    dataset_destroy(dataset);
}
END_TEST

/* Elements of an example, and the sizes of both streams. */
static const struct {
    const char *options;
    int64_t inputs, targets, input_size, target_size;
} shapes[] = {
    {"task=adding", 50, 1, 2, 1},
    {"task=copy", 70, 70, 10, 8},
    {"task=recall", 51, 1, 16, 8},
    {"task=parity", 50, 1, 2, 2},
    {"task=parity running=true", 50, 50, 2, 2},
    {"task=delayed_echo", 50, 50, 8, 8},
    {"task=sine", 1, 50, 3, 1},
};

START_TEST(streams_have_the_lengths_and_sizes_of_the_architecture) {
    struct dataset *dataset = make(shapes[_i].options, PART_TRAIN);
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    ck_assert_int_eq(dataset->count, 10000);
    ck_assert_int_eq(input->length[7], shapes[_i].inputs);
    ck_assert_int_eq(target->length[7], shapes[_i].targets);
    ck_assert_int_eq(input->size, shapes[_i].input_size);
    ck_assert_int_eq(target->size, shapes[_i].target_size);
    dataset_destroy(dataset);
}
END_TEST

static const char *first(const char *options, enum part_name part, int64_t example) {
    struct dataset *dataset = make(options, part);
    const char *text = reader_fixture_show(&fixture, dataset, "input", example, 0);
    dataset_destroy(dataset);
    return text;
}

START_TEST(an_example_depends_on_its_seed_part_and_number_only) {
    const char *base = arena_printf(fixture.arena, "%s train=5", tasks[_i].options);
    const char *more = arena_printf(fixture.arena, "%s train=50 valid=3", tasks[_i].options);
    const char *again = arena_printf(fixture.arena, "%s train=5 data_seed=2", tasks[_i].options);
    ck_assert_str_eq(first(base, PART_TRAIN, 3), first(more, PART_TRAIN, 3));
    /* Short ones may be equal by chance; that all five are is not likely. */
    int equal_parts = 0, equal_seeds = 0, equal_examples = 0;
    for (int64_t i = 0; i < 5; i++) {
        equal_parts += strcmp(first(base, PART_TRAIN, i), first(base, PART_VALID, i)) == 0;
        equal_seeds += strcmp(first(base, PART_TRAIN, i), first(again, PART_TRAIN, i)) == 0;
        equal_examples += strcmp(first(base, PART_TRAIN, i), first(base, PART_TRAIN, (i + 1) % 5)) == 0;
    }
    ck_assert_int_lt(equal_parts, 5);
    ck_assert_int_lt(equal_seeds, 5);
    ck_assert_int_lt(equal_examples, 5);
}
END_TEST

START_TEST(targets_of_sine_have_the_noise_that_is_asked_for) {
    struct dataset *plain = make("task=sine train=400", PART_TRAIN);
    struct dataset *noisy = make("task=sine train=400 noise=0.5", PART_TRAIN);
    const struct stream *exact = dataset_find(plain, "target"), *target = dataset_find(noisy, "target");
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < exact->elements; i++) {
        const double noise = (double)stream_number(target, i, 0) - (double)stream_number(exact, i, 0);
        sum += noise;
        squares += noise * noise;
    }
    const double n = (double)exact->elements; /* 20,000: a mean within 5 standard errors */
    ck_assert_double_eq_tol(sum / n, 0, 5 * 0.5 / sqrt(n));
    ck_assert_double_eq_tol(squares / n, 0.25, 5 * 0.25 * sqrt(2 / n));
    dataset_destroy(plain);
    dataset_destroy(noisy);
}
END_TEST

/* The range of lengths that `spread` gives, and where the further steps are. */
static const struct {
    const char *options;
    int64_t inputs, targets;   /* with no further step */
    int on_inputs, on_targets; /* the stream is longer by the further steps */
} spreads[] = {
    {"task=adding length=10", 10, 1, 1, 0},     {"task=copy length=3 gap=4", 10, 10, 1, 1},
    {"task=recall gap=5", 6, 1, 1, 0},          {"task=parity length=4", 4, 1, 1, 0},
    {"task=delayed_echo length=9", 9, 9, 1, 1}, {"task=sine length=9", 1, 9, 0, 1},
};

START_TEST(spread_lengthens_each_example_by_a_number_of_its_own) {
    struct dataset *dataset =
        make(arena_printf(fixture.arena, "%s spread=3 train=200", spreads[_i].options), PART_TRAIN);
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    int counts[4] = {0};
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t further =
            spreads[_i].on_inputs ? input->length[i] - spreads[_i].inputs : target->length[i] - spreads[_i].targets;
        ck_assert(further >= 0 && further <= 3);
        ck_assert_int_eq(input->length[i], spreads[_i].inputs + spreads[_i].on_inputs * further);
        ck_assert_int_eq(target->length[i], spreads[_i].targets + spreads[_i].on_targets * further);
        counts[further]++;
    }
    for (int k = 0; k < 4; k++) {
        ck_assert_int_gt(counts[k], 20);
    }
    dataset_destroy(dataset);
}
END_TEST

/* Chance is what a person expects: the symbols of `recall` are equally frequent. */
START_TEST(targets_of_recall_are_uniform) {
    struct dataset *dataset = make("task=recall symbols=4 gap=1 train=4000", PART_TRAIN);
    const struct stream *target = dataset_find(dataset, "target");
    int counts[4] = {0};
    for (int64_t i = 0; i < 4000; i++) {
        counts[stream_id(target, i)]++;
    }
    for (int k = 0; k < 4; k++) {
        ck_assert_double_eq_tol(counts[k], 1000, 5 * sqrt(4000 * 0.25 * 0.75));
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_part_may_have_no_examples) {
    struct dataset *dataset = make("task=parity valid=0", PART_VALID);
    ck_assert_int_eq(dataset->count, 0);
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    const char *options, *expected;
} refused[] = {
    {"task=adding gap=3", "'gap' is not used by the task 'adding'"},
    {"task=adding symbols=3", "'symbols' is not used by the task 'adding'"},
    {"task=recall length=3", "'length' is not used by the task 'recall'"},
    {"task=sine gap=3", "'gap' is not used by the task 'sine'"},
    {"task=copy running=true", "'running' is not used by the task 'copy'"},
    {"task=parity noise=0.1", "'noise' is not used by the task 'parity'"},
    {"task=parity symbols=3", "'symbols' is not used by the task 'parity'"},
    {"task=recall symbols=1", "'symbols' is 1, expected at least 2"},
    {"task=adding length=1", "'length' is 1, expected at least 2, one step for each number to add"},
    {"task=delayed_echo length=5", "'gap' is 5, expected less than 'length', 5: otherwise no step has a target"},
    {"task=delayed_echo gap=50", "'gap' is 50, expected less than 'length', 50: otherwise no step has a target"},
};

START_TEST(options_that_do_not_go_together_are_refused) {
    const char *found = reader_fixture_check(&fixture, "synthetic", refused[_i].options);
    ck_assert_msg(found != NULL, "'%s' was accepted", refused[_i].options);
    ck_assert_str_eq(found, refused[_i].expected);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("synthetic");
    TCase *cases = add_case(suite, "synthetic", 60, setup, teardown);
    tcase_add_loop_test(cases, examples_are_those_of_the_task, 0, ROWS(tasks));
    tcase_add_loop_test(cases, streams_have_the_lengths_and_sizes_of_the_architecture, 0, ROWS(shapes));
    tcase_add_loop_test(cases, an_example_depends_on_its_seed_part_and_number_only, 0, ROWS(tasks));
    tcase_add_test(cases, targets_of_sine_have_the_noise_that_is_asked_for);
    tcase_add_loop_test(cases, spread_lengthens_each_example_by_a_number_of_its_own, 0, ROWS(spreads));
    tcase_add_test(cases, targets_of_recall_are_uniform);
    tcase_add_test(cases, a_part_may_have_no_examples);
    tcase_add_loop_test(cases, options_that_do_not_go_together_are_refused, 0, ROWS(refused));
    return run_suite(suite);
}
