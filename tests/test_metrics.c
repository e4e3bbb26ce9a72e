/* tests/test_metrics.c: the metrics that Rondo ships, against scikit-learn and by hand.
 *
 * golden/make_metrics.py writes the numbers of scikit-learn, or of the equation where it has no such metric.
 */
#include <math.h>
#include <string.h>

#include "plugin_fixture.h"
#include "tests/suite.h"

enum { MOST_ACCUMULATORS = 8 };

/* Rows with their targets, in a dtype; and those of them that a call measures. */
struct rows {
    int32_t kind;
    int64_t size, width, count; /* of a target, of a prediction, rows */
    rondo_tensor predictions, targets, weights, naive;
};

static rondo_tensor tensor(int32_t dtype, int32_t ndim, int64_t rows, int64_t columns, const double *values) {
    const rondo_tensor made = fixture_tensor(dtype, ndim, rows, columns);
    fixture_fill(&made, values);
    return made;
}

/* `count` rows from `first` on, as a view. */
static rondo_tensor part_of(const rondo_tensor *whole, int64_t first, int64_t count) {
    rondo_tensor part = *whole;
    if (part.data != NULL) {
        const size_t row = (size_t)rondo_count(whole) / (size_t)whole->shape[0] * dtype_size(whole->dtype);
        part.shape[0] = count;
        part.data = (char *)whole->data + (size_t)first * row;
    }
    return part;
}

/* ---- a metric at work ---- */

struct measured {
    const rondo_metric_plugin *metric;
    rondo_metric_call call;
    double *sums[MOST_ACCUMULATORS];
    int64_t sizes[MOST_ACCUMULATORS];
};

static struct measured open_metric(const char *name, const char *options, const struct rows *rows) {
    struct measured m = {.metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, name)};
    m.call = (rondo_metric_call){.struct_size = sizeof m.call,
                                 .target_kind = rows->kind,
                                 .options = fixture_options(&m.metric->base, options),
                                 .target_size = rows->size,
                                 .prediction_size = rows->width};
    struct host_call host = fixture_host(name);
    ck_assert((m.metric->targets & RONDO_ACCEPTS(rows->kind)) != 0);
    if (m.metric->check != NULL) {
        ck_assert_msg(m.metric->check(&host.base, &m.call) == RONDO_OK, "%s", fixture_first_error());
    }
    for (int32_t a = 0; m.metric->accumulators[a].name != NULL; a++) {
        m.sizes[a] = 1;
        if (m.metric->size != NULL) {
            ck_assert_int_eq(m.metric->size(&host.base, &m.call, a, &m.sizes[a]), RONDO_OK);
        }
        m.sums[a] = arena_calloc(fixture.arena, (size_t)m.sizes[a], sizeof(double));
    }
    return m;
}

static void measure(struct measured *m, const struct rows *rows, const rondo_sequences *sequences, int has_weights) {
    struct host_call host = fixture_host(m->metric->base.name);
    m->call.accumulators = m->sums;
    m->call.predictions = &rows->predictions;
    m->call.targets = &rows->targets;
    m->call.sequences = sequences;
    m->call.weights = has_weights ? &rows->weights : NULL;
    m->call.naive = rows->naive.data == NULL ? NULL : &rows->naive;
    const rondo_status status = host_result(&host, m->metric->measure(&host.base, &m->call));
    ck_assert_msg(status == RONDO_OK, "%s", fixture_first_error());
}

/* Parts of 7 rows, each with its own accumulators, which are then added. */
static void measure_in_parts(struct measured *m, const char *options, const struct rows *rows, int has_weights) {
    for (int64_t first = 0; first < rows->count; first += 7) {
        struct rows part = *rows;
        part.count = rows->count - first < 7 ? rows->count - first : 7;
        part.predictions = part_of(&rows->predictions, first, part.count);
        part.targets = part_of(&rows->targets, first, part.count);
        part.weights = part_of(&rows->weights, first, part.count);
        part.naive = part_of(&rows->naive, first, part.count);
        struct measured own = open_metric(m->metric->base.name, options, rows);
        measure(&own, &part, NULL, has_weights);
        for (int32_t a = 0; m->metric->accumulators[a].name != NULL; a++) {
            for (int64_t i = 0; i < m->sizes[a]; i++) {
                m->sums[a][i] += own.sums[a][i];
            }
        }
    }
}

static double value_of(struct measured *m) {
    struct host_call host = fixture_host(m->metric->base.name);
    double value = 0;
    m->call.accumulators = m->sums;
    ck_assert_int_eq(host_result(&host, m->metric->finish(&host.base, &m->call, &value)), RONDO_OK);
    return value;
}

/* ---- against scikit-learn ---- */

enum { GOLDEN_CASES = 106 };

static struct rows read_rows(struct golden *golden, int32_t dtype) {
    struct rows rows = {0};
    char kind[16];
    int size = 0, count = 0;
    ck_assert_int_eq(sscanf(golden->rest, "%15s %d %d", kind, &size, &count), 3);
    rows.kind = strcmp(kind, "class") == 0 ? RONDO_TARGET_CLASS : RONDO_TARGET_REAL;
    rows.size = rows.width = size;
    rows.count = count;
    const int64_t numbers = rows.count * rows.size;
    rows.predictions = tensor(dtype, 2, count, size, golden_numbers(golden, "predictions", numbers));
    if (rows.kind == RONDO_TARGET_CLASS) {
        rows.targets = tensor(RONDO_I32, 1, count, 0, golden_numbers(golden, "targets", count));
    } else {
        rows.targets = tensor(dtype, 2, count, size, golden_numbers(golden, "targets", numbers));
    }
    rows.weights = tensor(dtype, 1, count, 0, golden_numbers(golden, "weights", count));
    if (rows.kind == RONDO_TARGET_REAL) {
        rows.naive = tensor(dtype, 2, count, size, golden_numbers(golden, "naive", numbers));
    }
    return rows;
}

static void compare_table(struct golden *golden, struct measured *m, const char *title) {
    struct host_call host = fixture_host(m->metric->base.name);
    rondo_metric_table table = {.struct_size = sizeof table};
    m->call.accumulators = m->sums;
    ck_assert_int_eq(host_result(&host, m->metric->table(&host.base, &m->call, &table)), RONDO_OK);
    const double *size = golden_numbers(golden, "size", 2);
    ck_assert_int_eq(table.rows, (int64_t)size[0]);
    ck_assert_int_eq(table.columns, (int64_t)size[1]);
    const double *expected = golden_numbers(golden, "table", table.rows * table.columns);
    for (int64_t i = 0; i < table.rows * table.columns; i++) {
        ck_assert_msg(isnan(expected[i]) == isnan(table.values[i]), "%s: number %d of the table is %g, expected %g",
                      title, (int)i, table.values[i], expected[i]);
        if (!isnan(expected[i])) {
            fixture_near(table.values[i], expected[i], 1e-12, title, i);
        }
    }
}

/* The inputs are exact in f32, and sums are in f64, so both types come equally near. */
START_TEST(values_are_those_of_scikit_learn) {
    struct golden golden = golden_open("metrics.txt");
    struct rows rows = {0};
    int cases = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
        if (strcmp(word, "data") == 0) {
            rows = read_rows(&golden, fixture_precisions[_i].dtype);
            continue;
        }
        ck_assert_str_eq(word, "case");
        char name[64], options[128], title[256];
        int has_weights = 0;
        ck_assert_int_eq(sscanf(golden.rest, "%63s %d %127[^\n]", name, &has_weights, options), 3);
        ck_assert_int_lt(snprintf(title, sizeof title, "%s %s", name, options), sizeof title);
        struct measured whole = open_metric(name, options, &rows), parts = open_metric(name, options, &rows);
        measure(&whole, &rows, NULL, has_weights);
        measure_in_parts(&parts, options, &rows, has_weights);
        if (whole.metric->finish != NULL) {
            const double *expected = golden_numbers(&golden, "value", 1);
            fixture_near(value_of(&whole), expected[0], 1e-12, title, 0);
            fixture_near(value_of(&parts), expected[0], 1e-12, title, 1);
        }
        if (whole.metric->table != NULL) {
            compare_table(&golden, &parts, title);
        }
        cases++;
    }
    ck_assert_int_eq(cases, GOLDEN_CASES);
    golden_close(&golden);
}
END_TEST

/* ---- by hand ---- */

static const struct {
    const char *name, *options;
    int32_t kind;
    int64_t size, rows;
    double predictions[6], targets[6], value;
} by_hand[] = {
    /* of equal probabilities the first class counts */
    {"accuracy", "-", RONDO_TARGET_CLASS, 2, 2, {0.5, 0.5, 0.5, 0.5}, {0, 1}, 0.5},
    {"top_k", "k=1", RONDO_TARGET_CLASS, 3, 2, {0.4, 0.2, 0.4, 0.4, 0.2, 0.4}, {0, 2}, 0.5},
    {"top_k", "k=2", RONDO_TARGET_CLASS, 3, 2, {0.4, 0.2, 0.4, 0.4, 0.2, 0.4}, {1, 2}, 0.5},
    /* a probability of 0 counts as the smallest that is not */
    {"bits_per_symbol", "-", RONDO_TARGET_CLASS, 2, 1, {1, 0}, {1}, 1022},
    {"perplexity", "-", RONDO_TARGET_CLASS, 4, 1, {0.25, 0.25, 0.25, 0.25}, {3}, 4},
    {"smape", "-", RONDO_TARGET_REAL, 1, 3, {0, 1, 2}, {0, 0, -2}, 400.0 / 3},
    /* no rows */
    {"accuracy", "-", RONDO_TARGET_CLASS, 2, 0, {0}, {0}, NAN},
    {"f1", "-", RONDO_TARGET_CLASS, 2, 0, {0}, {0}, NAN},
    {"r2", "-", RONDO_TARGET_REAL, 2, 0, {0}, {0}, NAN},
};

START_TEST(value_is_that_of_the_equation) {
    const int is_class = by_hand[_i].kind == RONDO_TARGET_CLASS;
    const int64_t count = by_hand[_i].rows, size = by_hand[_i].size;
    struct rows rows = {.kind = by_hand[_i].kind, .size = size, .width = size, .count = count};
    rows.predictions = tensor(RONDO_F64, 2, count, size, by_hand[_i].predictions);
    rows.targets = is_class ? tensor(RONDO_I32, 1, count, 0, by_hand[_i].targets)
                            : tensor(RONDO_F64, 2, count, size, by_hand[_i].targets);
    struct measured m = open_metric(by_hand[_i].name, by_hand[_i].options, &rows);
    measure(&m, &rows, NULL, 0);
    if (isnan(by_hand[_i].value)) {
        ck_assert_msg(isnan(value_of(&m)), "%s: %g", by_hand[_i].name, value_of(&m));
    } else {
        fixture_near(value_of(&m), by_hand[_i].value, 1e-12, by_hand[_i].name, _i);
    }
}
END_TEST

/* ---- lists ---- */

/* The best path of one sequence, a letter per step ('-' is the blank, where there is one), its target, and the number of
 * errors. */
static const struct {
    const char *path, *target;
    int has_blank, errors;
} lists[] = {
    {"aab", "ab", 1, 0},         {"a-ab", "aab", 1, 0}, {"aaab", "aab", 1, 1}, {"----", "ab", 1, 2},
    {"abc", "", 1, 3},           {"-", "", 1, 0},       {"abcd", "bcd", 1, 1}, {"ab", "ba", 1, 2},
    {"a-b-c", "axc", 1, 1},      {"aab", "ab", 0, 1},   {"aab", "aab", 0, 0},  {"bbbb", "aaaa", 0, 4},
    {"kitten", "sitting", 0, 3},
};

START_TEST(error_rate_is_the_edit_distance_of_the_best_path) {
    const int64_t steps = (int64_t)strlen(lists[_i].path), labels = (int64_t)strlen(lists[_i].target);
    const int64_t letters = 26, width = letters + lists[_i].has_blank;
    struct rows rows = {.kind = RONDO_TARGET_LIST, .size = letters, .width = width, .count = steps};
    rows.predictions = fixture_tensor(RONDO_F32, 2, steps, width);
    rows.targets = fixture_tensor(RONDO_I32, 1, labels, 0);
    const double weight = 3;
    rows.weights = tensor(RONDO_F32, 1, 1, 0, &weight);
    int64_t begin[16];
    for (int64_t t = 0; t <= steps; t++) {
        begin[t] = t;
    }
    for (int64_t t = 0; t < steps; t++) {
        const int64_t letter = lists[_i].path[t] == '-' ? 0 : lists[_i].path[t] - 'a' + lists[_i].has_blank;
        tensor_set(&rows.predictions, t * width + letter, 1);
    }
    for (int64_t k = 0; k < labels; k++) {
        tensor_set(&rows.targets, k, lists[_i].target[k] - 'a');
    }
    const rondo_sequences sequences = {.struct_size = sizeof sequences,
                                       .count = 1,
                                       .steps = steps,
                                       .lengths = &steps,
                                       .begin = begin,
                                       .target_begin = (const int64_t[]){0, labels}};
    static const char *const averages[] = {"average=sequences", "average=labels"};
    for (int k = 0; k < 2; k++) {
        struct measured m = open_metric("label_error_rate", averages[k], &rows);
        measure(&m, &rows, &sequences, 1);
        if (labels > 0) {
            fixture_near(value_of(&m), (double)lists[_i].errors / (double)labels, 1e-12, lists[_i].path, k);
        } else if (k == 0) {
            fixture_near(value_of(&m), lists[_i].errors, 1e-12, lists[_i].path, k);
        }
    }
}
END_TEST

/* Two lists of weights 1 and 3, with 1 error of 2 labels and 1 of 1. */
START_TEST(averages_of_lists_weigh_lists_or_labels) {
    const double path[] = {0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1}; /* (4 rows, blank a b): a of list 0, a of list 1, … */
    struct rows rows = {.kind = RONDO_TARGET_LIST, .size = 2, .width = 3, .count = 4};
    rows.predictions = tensor(RONDO_F64, 2, 4, 3, path);
    rows.targets = tensor(RONDO_I32, 1, 3, 0, (const double[]){0, 1, 1});
    rows.weights = tensor(RONDO_F64, 1, 2, 0, (const double[]){1, 3});
    const rondo_sequences sequences = {.struct_size = sizeof sequences,
                                       .count = 2,
                                       .steps = 2,
                                       .lengths = (const int64_t[]){2, 2},
                                       .begin = (const int64_t[]){0, 2, 4},
                                       .target_begin = (const int64_t[]){0, 2, 3}};
    /* list 0: steps are rows 0 and 2, the path a a, the list a, the target a b: 1 error of 2 labels
     * list 1: rows 1 and 3, the path blank b, the list b, the target b: no error */
    struct measured m = open_metric("label_error_rate", "average=sequences", &rows);
    measure(&m, &rows, &sequences, 1);
    fixture_near(value_of(&m), (1 * 0.5 + 3 * 0.0) / 4, 1e-12, "sequences", 0);
    m = open_metric("label_error_rate", "average=labels", &rows);
    measure(&m, &rows, &sequences, 1);
    fixture_near(value_of(&m), 1.0 / (1 * 2 + 3 * 1), 1e-12, "labels", 0);
}
END_TEST

/* ---- refused ---- */

static const struct {
    const char *name, *options;
    int64_t size, width;
    const char *reason;
    int32_t kind;
} refused[] = {
    {"top_k", "k=5", 5, 5, "'k' is 5 of 5 classes", RONDO_TARGET_CLASS},
    {"confusion_matrix", "-", 1025, 1025, "there are 1025 classes, expected at most 1024", RONDO_TARGET_CLASS},
    {"label_error_rate", "-", 4, 6, "expected one for each of 4 labels, or one more for a blank", RONDO_TARGET_LIST},
};

START_TEST(what_does_not_fit_is_refused) {
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, refused[_i].name);
    const rondo_metric_call call = {.struct_size = sizeof call,
                                    .target_kind = refused[_i].kind,
                                    .options = fixture_options(&metric->base, refused[_i].options),
                                    .target_size = refused[_i].size,
                                    .prediction_size = refused[_i].width};
    struct host_call host = fixture_host(refused[_i].name);
    ck_assert_int_eq(metric->check(&host.base, &call), RONDO_INVALID);
    fixture_error(refused[_i].reason);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("metrics");
    TCase *cases = tcase_create("metrics");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, values_are_those_of_scikit_learn, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, value_is_that_of_the_equation, 0, ROWS(by_hand));
    tcase_add_loop_test(cases, error_rate_is_the_edit_distance_of_the_best_path, 0, ROWS(lists));
    tcase_add_test(cases, averages_of_lists_weigh_lists_or_labels);
    tcase_add_loop_test(cases, what_does_not_fit_is_refused, 0, ROWS(refused));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
