/* tests/test_text_metrics.c: the metrics that compare texts, against sacreBLEU and by hand.
 *
 * golden/make_text_metrics.py writes the numbers of sacreBLEU, or of the equation where it has no such metric.
 */
#include <math.h>
#include <string.h>

#include "plugin_fixture.h"
#include "tests/suite.h"
#include "train/metrics.h"

enum { MOST_TEXTS = 64, MOST_REFERENCES = 128, MOST_ACCUMULATORS = 8, MOST_SUMS = 16 };

struct texts {
    int64_t count;
    const char *generated[MOST_TEXTS], *references[MOST_REFERENCES];
    int64_t reference_begin[MOST_TEXTS + 1];
    rondo_tensor weights; /* without data: none */
};

static void add_generated(struct texts *texts, const char *text) {
    ck_assert_int_lt(texts->count, MOST_TEXTS);
    texts->generated[texts->count++] = text;
    texts->reference_begin[texts->count] = texts->reference_begin[texts->count - 1];
}

static void add_reference(struct texts *texts, const char *text) {
    ck_assert_int_lt(texts->reference_begin[texts->count], MOST_REFERENCES);
    texts->references[texts->reference_begin[texts->count]++] = text;
}

/* Texts begin .. end - 1 as a part, as the host would pass it. */
static struct texts part_of(const struct texts *whole, int64_t begin, int64_t end) {
    struct texts part = *whole;
    part.count = end - begin;
    memmove(part.generated, whole->generated + begin, (size_t)part.count * sizeof part.generated[0]);
    memmove(part.reference_begin, whole->reference_begin + begin,
            (size_t)(part.count + 1) * sizeof part.reference_begin[0]);
    if (whole->weights.data != NULL) {
        part.weights.data = (float *)whole->weights.data + begin;
        part.weights.shape[0] = part.count;
    }
    return part;
}

/* ---- a metric at work ---- */

struct measured {
    const rondo_metric_plugin *metric;
    rondo_metric_call call;
    double *sums[MOST_ACCUMULATORS];
};

static struct measured open_metric(const char *name, const char *options) {
    struct measured m = {.metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, name)};
    m.call = (rondo_metric_call){.struct_size = sizeof m.call,
                                 .target_kind = RONDO_TARGET_CLASS,
                                 .options = fixture_options(&m.metric->base, options),
                                 .target_size = 9,
                                 .prediction_size = 9};
    ck_assert_msg(m.call.options != NULL || m.metric->base.options == NULL, "%s", fixture_first_error());
    ck_assert((m.metric->flags & RONDO_METRIC_TEXTS) != 0);
    for (int32_t a = 0; m.metric->accumulators[a].name != NULL; a++) {
        m.sums[a] = arena_calloc(fixture.arena, MOST_SUMS, sizeof(double));
    }
    return m;
}

static void measure(struct measured *m, const struct texts *texts) {
    struct host_call host = fixture_host(m->metric->base.name);
    m->call.accumulators = m->sums;
    m->call.n_texts = texts->count;
    m->call.generated = texts->generated;
    m->call.references = texts->references;
    m->call.reference_begin = texts->reference_begin;
    m->call.weights = texts->weights.data == NULL ? NULL : &texts->weights;
    const rondo_status status = host_result(&host, m->metric->measure(&host.base, &m->call));
    ck_assert_msg(status == RONDO_OK, "%s", fixture_first_error());
}

/* Parts of `size` texts, the last one first, each with its own accumulators, which are then added. */
static void measure_in_parts(struct measured *m, const char *options, const struct texts *texts, int64_t size) {
    for (int64_t end = texts->count; end > 0; end = end < size ? 0 : end - size) {
        const struct texts part = part_of(texts, end < size ? 0 : end - size, end);
        struct measured own = open_metric(m->metric->base.name, options);
        measure(&own, &part);
        for (int32_t a = 0; m->metric->accumulators[a].name != NULL; a++) {
            for (int64_t i = 0; i < MOST_SUMS; i++) {
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

/* ---- against sacreBLEU ---- */

enum { GOLDEN_CASES = 328 };

/* The text between quotes, with its escapes resolved. */
static const char *unquoted(const char *quoted) {
    char *text = arena_alloc(fixture.arena, strlen(quoted) + 1), *end = text;
    ck_assert_ptr_nonnull(text);
    for (const char *c = quoted + 1; *c != '"'; c++) {
        *end++ = *c != '\\' ? *c : *++c == 'n' ? '\n' : *c == 'r' ? '\r' : *c == 't' ? '\t' : *c;
    }
    *end = '\0';
    return text;
}

START_TEST(values_are_those_of_sacrebleu) {
    struct golden golden = golden_open("text_metrics.txt");
    struct texts texts = {0};
    rondo_tensor weights = {0};
    int cases = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
        if (strcmp(word, "data") == 0) {
            texts = (struct texts){0};
            weights = fixture_tensor(RONDO_F32, 1, golden.count - 1, 0);
            fixture_fill(&weights, golden.numbers + 1);
            continue;
        }
        if (strcmp(word, "generated") == 0) {
            add_generated(&texts, unquoted(golden.rest));
            continue;
        }
        if (strcmp(word, "reference") == 0) {
            add_reference(&texts, unquoted(golden.rest));
            continue;
        }
        ck_assert_str_eq(word, "case");
        char name[64], options[128], title[256];
        int has_weights = 0;
        ck_assert_int_eq(sscanf(golden.rest, "%63s %d %127[^\n]", name, &has_weights, options), 3);
        ck_assert_int_lt(snprintf(title, sizeof title, "case %d: %s %s", cases, name, options), sizeof title);
        texts.weights = has_weights ? weights : (rondo_tensor){0};
        struct measured whole = open_metric(name, options), parts = open_metric(name, options);
        measure(&whole, &texts);
        measure_in_parts(&parts, options, &texts, 3);
        const double expected = golden_numbers(&golden, "value", 1)[0];
        fixture_near(value_of(&whole), expected, 1e-12, title, 0);
        fixture_near(value_of(&parts), expected, 1e-12, title, 1);
        cases++;
    }
    ck_assert_int_eq(cases, GOLDEN_CASES);
    golden_close(&golden);
}
END_TEST

/* ---- by hand ---- */

/* One text with up to three references. */
static const struct {
    const char *name, *options, *generated, *references[3];
    double value;
} by_hand[] = {
    {"word_error_rate", "-", "the cat sat", {"the cat sat down"}, 1.0 / 4},
    {"word_error_rate", "-", "  the\tcat  sat\n", {"the cat sat"}, 0},
    {"word_error_rate", "-", "K AA1 T", {"K AE1 T"}, 1.0 / 3},
    {"word_error_rate", "-", "", {"a b"}, 1},
    {"word_error_rate", "-", "a b c", {"d"}, 3},
    /* the nearest reference, and of equally near ones the longest, in any order */
    {"word_error_rate", "-", "a b", {"x y z", "a c", "a b c d"}, 1.0 / 2},
    {"word_error_rate", "-", "a b", {"a", "a b c"}, 1.0 / 3},
    {"word_error_rate", "-", "a b", {"a b c", "a"}, 1.0 / 3},
    {"word_error_rate", "-", "a", {""}, NAN},
    {"character_error_rate", "-", "kitten", {"sitting"}, 3.0 / 7},
    {"character_error_rate", "-", "Zürich 😀", {"Zurich 😀"}, 1.0 / 8},
    {"character_error_rate", "-", "a b", {"ab"}, 1.0 / 2},
    /* bytes that are no UTF-8 are characters */
    {"character_error_rate", "-", "a\xff\xc3", {"a\xff\xc4\xc3"}, 1.0 / 4},
    {"exact_match", "-", "a b", {"a  b"}, 0},
    {"exact_match", "-", "a b", {"a", "a b"}, 1},
    {"exact_match", "-", "", {""}, 1},
};

START_TEST(value_is_that_of_the_equation) {
    struct texts texts = {0};
    add_generated(&texts, by_hand[_i].generated);
    for (int r = 0; r < 3 && by_hand[_i].references[r] != NULL; r++) {
        add_reference(&texts, by_hand[_i].references[r]);
    }
    struct measured m = open_metric(by_hand[_i].name, by_hand[_i].options);
    measure(&m, &texts);
    if (isnan(by_hand[_i].value)) {
        ck_assert_msg(isnan(value_of(&m)), "%s: %g", by_hand[_i].name, value_of(&m));
    } else {
        fixture_near(value_of(&m), by_hand[_i].value, 1e-15, by_hand[_i].generated, _i);
    }
}
END_TEST

static const char *const all[] = {"bleu", "chrf", "exact_match", "word_error_rate", "character_error_rate"};

START_TEST(figure_of_no_texts_is_undefined) {
    const struct texts none = {0};
    struct measured m = open_metric(all[_i], "-");
    ck_assert(isnan(value_of(&m)));
    measure(&m, &none);
    ck_assert(isnan(value_of(&m)));
}
END_TEST

/* The memory of a call is for its largest text, wherever that comes. */
START_TEST(long_texts_are_measured_among_short_ones) {
    enum { LENGTH = 20000 };
    char *text = arena_alloc(fixture.arena, LENGTH + 1);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < LENGTH; i++) {
        text[i] = i % 3 == 2 ? ' ' : (char)('a' + i * 7 % 26);
    }
    text[LENGTH] = '\0';
    const int is_rate = strstr(all[_i], "rate") != NULL, is_share = strcmp(all[_i], "exact_match") == 0;
    struct texts texts = {0};
    const char *const generated[] = {"p.q.r,s", is_rate ? "z" : text, "x y z."};
    for (int i = 0; i < 3; i++) {
        add_generated(&texts, generated[i]);
        add_reference(&texts, i == 1 ? text : generated[i]);
    }
    struct measured m = open_metric(all[_i], "-");
    measure(&m, &texts);
    if (is_rate) {
        ck_assert_double_gt(value_of(&m), 0.9);
    } else {
        fixture_near(value_of(&m), is_share ? 1 : 100, 1e-12, all[_i], 0);
    }
}
END_TEST

/* ---- all metrics of a network ---- */

enum { SHARDS = 4 };

/* The network's side of metrics: a loss of 9 classes, and the metrics of a section. */
static struct metrics *open_metrics(struct heads *heads, const char *const *names, int32_t count) {
    struct metric_entry *entries = arena_calloc(fixture.arena, METRICS_MOST, sizeof *entries);
    struct loss_term *term = arena_calloc(fixture.arena, 1, sizeof *term);
    ck_assert(entries != NULL && term != NULL);
    const rondo_descriptor *loss = fixture_find(RONDO_KIND_LOSS, "softmax_cross_entropy");
    *term = (struct loss_term){(const rondo_loss *)loss, fixture_options(loss, "-"), 1, "loss.so", NULL, {0}, NULL};
    const struct loss_section section = {term, 1};
    ck_assert_int_eq(heads_open(heads, &section, RONDO_TARGET_CLASS, 9, NULL, fixture.arena, &fixture.errors),
                     RONDO_OK);
    for (int32_t i = 0; i < count; i++) {
        const rondo_descriptor *metric = fixture_find(RONDO_KIND_METRIC, names[i]);
        entries[i].metric = (const rondo_metric_plugin *)metric;
        entries[i].plugin.descriptor = metric;
        entries[i].plugin.options = fixture_options(metric, "-");
        entries[i].plugin.origin = "metric.so";
        entries[i].name = names[i];
    }
    const struct metrics_section listed = {entries, count};
    struct metrics *metrics = metrics_create(&listed, heads, 0, SHARDS, &fixture.errors);
    ck_assert_msg(metrics != NULL, "%s", fixture_first_error());
    return metrics;
}

/* The loss and its metrics come first. */
static double figure_of(const struct metrics *metrics, const struct scores *scores, const char *name) {
    for (int32_t m = 0; m < metrics_count(metrics); m++) {
        if (strcmp(metrics_name(metrics, m), name) == 0) {
            return metrics_value(metrics, scores, m);
        }
    }
    ck_abort_msg("there is no figure '%s'", name);
    return 0;
}

START_TEST(evaluation_has_the_figures_of_its_texts) {
    static const char *const names[] = {"word_error_rate", "exact_match"};
    struct texts texts = {0};
    add_generated(&texts, "a b c");
    add_reference(&texts, "a x c");
    add_generated(&texts, "d");
    add_reference(&texts, "e f");
    add_reference(&texts, "d");
    const struct metrics_texts given = {texts.count, texts.generated, texts.references, texts.reference_begin, NULL};
    struct heads heads;
    struct metrics *metrics = open_metrics(&heads, names, ROWS(names));
    ck_assert(metrics_compare_texts(metrics));
    for (int repeated = 0; repeated < 2; repeated++) { /* an evaluation begins anew */
        struct scores scores = {0};
        ck_assert_int_eq(metrics_begin(metrics, &fixture.errors), RONDO_OK);
        ck_assert_int_eq(metrics_measure_texts(metrics, &given, &fixture.errors), RONDO_OK);
        ck_assert_int_eq(metrics_end(metrics, &scores, &fixture.errors), RONDO_OK);
        fixture_near(figure_of(metrics, &scores, "word_error_rate"), 1.0 / 4, 1e-15, "word_error_rate", repeated);
        fixture_near(figure_of(metrics, &scores, "exact_match"), 1.0 / 2, 1e-15, "exact_match", repeated);
    }
    metrics_destroy(metrics);
}
END_TEST

/* Their figures are those of the predictions: nothing is generated for them. */
START_TEST(metrics_of_predictions_need_no_texts) {
    static const char *const names[] = {"accuracy"};
    struct heads heads;
    struct metrics *metrics = open_metrics(&heads, names, ROWS(names));
    ck_assert(!metrics_compare_texts(metrics));
    ck_assert_int_eq(metrics_refuse_texts(metrics, "it reads no symbols", &fixture.errors), RONDO_OK);
    metrics_destroy(metrics);
}
END_TEST

START_TEST(metrics_of_texts_are_refused_without_generation) {
    static const char *const names[] = {"accuracy", "bleu"};
    struct heads heads;
    struct metrics *metrics = open_metrics(&heads, names, ROWS(names));
    ck_assert_int_eq(metrics_refuse_texts(metrics, "it reads no symbols", &fixture.errors), RONDO_INVALID);
    fixture_error(
        "metric 'bleu' compares texts that the model generates with those of the data, and it reads no symbols");
    metrics_destroy(metrics);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("text_metrics");
    TCase *cases = tcase_create("text_metrics");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_test(cases, values_are_those_of_sacrebleu);
    tcase_add_loop_test(cases, value_is_that_of_the_equation, 0, ROWS(by_hand));
    tcase_add_loop_test(cases, figure_of_no_texts_is_undefined, 0, ROWS(all));
    tcase_add_loop_test(cases, long_texts_are_measured_among_short_ones, 0, ROWS(all));
    tcase_add_test(cases, evaluation_has_the_figures_of_its_texts);
    tcase_add_test(cases, metrics_of_predictions_need_no_texts);
    tcase_add_test(cases, metrics_of_texts_are_refused_without_generation);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
