/* tests/test_choose.c: the choice of a symbol from a row of log-probabilities (train/choose.h), against naive references. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "train/choose.h"

enum { MOST = 300 };

/* A distribution over `size` symbols, with equal probabilities among them. */
static void fill_row(uint64_t seed, int64_t size, float *log_probabilities) {
    const struct rng_stream stream = rng_stream(seed, "row");
    double total = 0, p[MOST];
    for (int64_t k = 0; k < size; k++) {
        p[k] = exp(floor(6 * rng_uniform(stream, (uint64_t)k))); /* few values, so that many are equal */
        total += p[k];
    }
    for (int64_t k = 0; k < size; k++) {
        log_probabilities[k] = (float)log(p[k] / total);
    }
}

static struct generate_settings plain(void) {
    return (struct generate_settings){
        .beams = 1, .samples = 1, .n_best = 1, .max_length = 10, .temperature = 1, .top_p = 1, .repetition = 1};
}

/* ---- logarithms ---- */

START_TEST(logarithms_are_those_of_the_library) {
    const struct rng_stream stream = rng_stream(1, "logarithms");
    for (uint64_t i = 0; i < 20000; i++) {
        const float p = (float)exp(-87 * rng_uniform(stream, i));
        float found;
        choose_logarithms(&p, 1, &found);
        const double expected = log((double)p);
        ck_assert_msg(fabs((double)found - expected) <= 2e-7 * fmax(1, -expected), "log %.9g is %.9g, expected %.9g",
                      (double)p, (double)found, expected);
    }
}
END_TEST

START_TEST(the_logarithm_of_nothing_is_that_of_the_least_number) {
    const float p[] = {1, 0, FLT_MIN, FLT_MIN / 4};
    float found[4];
    choose_logarithms(p, 4, found);
    ck_assert_double_eq((double)found[0], 0);
    ck_assert_double_eq_tol((double)found[1], log((double)FLT_MIN), 1e-4);
    ck_assert(memcmp(&found[1], &found[2], sizeof(float)) == 0 && memcmp(&found[1], &found[3], sizeof(float)) == 0);
}
END_TEST

/* ---- repeats ---- */

static const struct {
    const char *history; /* letters from 'a' */
    double repetition;
    int64_t no_repeat;
    const char *forbidden, *penalised; /* letters */
} repeats[] = {
    {"abcab", 1, 0, "", ""},  {"abcab", 1, 3, "c", ""},  {"abcab", 1, 1, "abc", ""},
    {"abcab", 1, 2, "c", ""}, {"aaa", 1, 2, "a", ""},    {"abcdxabcyabc", 1, 4, "dy", ""},
    {"abcab", 1, 6, "", ""},  {"", 1, 1, "", ""},        {"abcab", 1.5, 0, "", "abc"},
    {"", 1.5, 2, "", ""},     {"dadad", 2, 3, "a", "d"}, {"a", 1, 1, "a", ""},
};

START_TEST(repeats_are_penalised_or_forbidden) {
    enum { SIZE = 26 };
    struct generate_settings settings = plain();
    settings.repetition = repeats[_i].repetition;
    settings.no_repeat = repeats[_i].no_repeat;
    int32_t ids[MOST];
    unsigned char seen[SIZE] = {0};
    const struct choose_history history = {ids, (int64_t)strlen(repeats[_i].history), seen};
    float before[SIZE], after[SIZE];
    fill_row(3, SIZE, before);
    memcpy(after, before, sizeof after);
    for (int64_t i = 0; i < history.count; i++) {
        ids[i] = repeats[_i].history[i] - 'a';
    }
    choose_without_repeats(after, &settings, &history);
    for (int k = 0; k < SIZE; k++) {
        const int is_forbidden = strchr(repeats[_i].forbidden, 'a' + k) != NULL;
        const int is_penalised = strchr(repeats[_i].penalised, 'a' + k) != NULL;
        const float expected = is_forbidden   ? -INFINITY
                               : is_penalised ? before[k] * (float)repeats[_i].repetition
                                              : before[k];
        ck_assert_msg(after[k] == expected, "'%s': '%c' is %g, expected %g", repeats[_i].history, 'a' + k,
                      (double)after[k], (double)expected);
        ck_assert_int_eq(seen[k], 0);
    }
}
END_TEST

/* ---- drawing ---- */

static const struct {
    int64_t size;
    double temperature;
    int64_t top_k;
    double top_p, min_p;
} filters[] = {
    {30, 1, 0, 1, 0},     {30, 0.5, 0, 1, 0},     {30, 2, 0, 1, 0},         {30, 1, 7, 1, 0},
    {30, 1, 1, 1, 0},     {30, 1, 40, 1, 0},      {30, 1, 0, 0.5, 0},       {30, 1, 0, 1e-9, 0},
    {30, 0.7, 9, 0.6, 0}, {30, 1, 0, 1, 0.3},     {30, 1.5, 0, 1, 0.99},    {30, 0.8, 12, 0.9, 0.2},
    {2, 1, 1, 0.5, 0.5},  {300, 1, 0, 0.9, 0.01}, {300, 0.6, 100, 0.95, 0},
};

/* A symbol of the naive reference. */
struct sorted {
    double w;
    int k;
};

static int heaviest_first(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    return a->w != b->w ? (a->w < b->w) - (a->w > b->w) : a->k - b->k;
}

/* The definition, step by step. */
static void naive_weights(const float *log_p, int64_t size, const struct generate_settings *settings, double *weights) {
    struct sorted sorted[MOST] = {{0}};
    float highest = log_p[0];
    for (int k = 0; k < size; k++) {
        highest = fmaxf(highest, log_p[k]);
        weights[k] = 0;
    }
    for (int k = 0; k < size; k++) { /* in f32, as the sums of top_p decide between neighbours */
        sorted[k] = (struct sorted){(double)expf((log_p[k] - highest) * (1 / (float)settings->temperature)), k};
    }
    qsort(sorted, (size_t)size, sizeof *sorted, heaviest_first);
    int64_t left = settings->top_k > 0 && settings->top_k < size ? settings->top_k : size;
    double total = 0, sum = 0;
    for (int64_t i = 0; i < left; i++) {
        total += sorted[i].w;
    }
    for (int64_t i = 0; i < left; i++) {
        if ((i == 0 || sum < settings->top_p * total) && sorted[i].w >= settings->min_p) {
            weights[sorted[i].k] = sorted[i].w;
        }
        sum += sorted[i].w;
    }
}

START_TEST(filters_leave_what_their_definition_leaves) {
    struct generate_settings settings = plain();
    settings.temperature = filters[_i].temperature;
    settings.top_k = filters[_i].top_k;
    settings.top_p = filters[_i].top_p;
    settings.min_p = filters[_i].min_p;
    for (uint64_t seed = 0; seed < 50; seed++) {
        float row[MOST], weights[MOST];
        double expected[MOST];
        int32_t order[MOST];
        fill_row(seed, filters[_i].size, row);
        ck_assert_int_eq(choose_weights(row, filters[_i].size, &settings, order, weights), 1);
        naive_weights(row, filters[_i].size, &settings, expected);
        for (int64_t k = 0; k < filters[_i].size; k++) {
            ck_assert_msg((double)weights[k] == expected[k], "row %d: symbol %d has %.8g, expected %.8g", (int)seed,
                          (int)k, (double)weights[k], expected[k]);
        }
    }
}
END_TEST

START_TEST(nothing_is_drawn_if_all_is_forbidden) {
    const float row[] = {-INFINITY, -INFINITY};
    float weights[2];
    int32_t order[2];
    const struct generate_settings settings = plain();
    ck_assert_int_eq(choose_weights(row, 2, &settings, order, weights), 0);
    ck_assert_int_eq(choose_best(row, 2), -1);
    struct choose_candidate candidates[2];
    const double scores[] = {0};
    ck_assert_int_eq(choose_candidates(row, 2, 2, scores, 1, 2, candidates), 0);
}
END_TEST

/* Pearson's statistic of 100,000 draws is below the 99.9 % quantile of its distribution: fixed words, so it never fails by
 * chance, and a draw that is off by one symbol or biased by 2 % does not pass. */
START_TEST(frequencies_are_the_probabilities) {
    enum { SIZE = 12, DRAWS = 100000 };
    const double p[SIZE] = {0.3, 0.2, 0.1, 0.1, 0.08, 0.07, 0.05, 0.04, 0.03, 0.02, 0.007, 0.003};
    const struct rng_stream stream = rng_stream(7, "draws");
    const struct generate_settings settings = plain();
    float row[SIZE], weights[SIZE];
    int32_t order[SIZE];
    int64_t count[SIZE] = {0};
    for (int k = 0; k < SIZE; k++) {
        row[k] = (float)log(p[k]);
    }
    ck_assert_int_eq(choose_weights(row, SIZE, &settings, order, weights), 1);
    for (uint64_t i = 0; i < DRAWS; i++) {
        count[choose_draw(weights, SIZE, rng_uniform(stream, i))]++;
    }
    double statistic = 0;
    for (int k = 0; k < SIZE; k++) {
        const double expected = p[k] * DRAWS, off = (double)count[k] - expected;
        statistic += off * off / expected;
    }
    ck_assert_msg(statistic < 31.26, "chi-square of 11 degrees is %g", statistic); /* R: qchisq(0.999, 11) */
}
END_TEST

static const struct {
    float weights[4];
    double uniform;
    int64_t expected;
} draws[] = {
    {{1, 1, 1, 1}, 0, 0},
    {{1, 1, 1, 1}, 0.25, 1},
    {{1, 1, 1, 1}, 0.2499999, 0},
    {{1, 1, 1, 1}, 0.9999999999999999, 3},
    {{0, 1, 0, 1}, 0, 1},
    {{0, 1, 0, 1}, 0.5, 3},
    {{0, 1, 0, 0}, 0.9999999999999999, 1},
    {{0.1F, 0.7F, 0, 0}, 0.9999999999999999, 1},
};

START_TEST(a_draw_never_gives_what_is_left_out) {
    ck_assert_int_eq(choose_draw(draws[_i].weights, 4, draws[_i].uniform), draws[_i].expected);
}
END_TEST

/* ---- the best ---- */

/* The smaller the temperature, the nearer is the draw to the most probable symbol, also where 1 / T is infinite. */
START_TEST(tiny_temperatures_draw_the_most_probable_symbol) {
    enum { SIZE = 20 };
    static const double temperatures[] = {1e-6, 1e-30, 1e-38, 1e-40, 1e-300, 5e-324};
    struct generate_settings settings = plain();
    settings.temperature = temperatures[_i];
    float log_p[SIZE], weights[SIZE];
    int32_t order[SIZE];
    fill_row(7, SIZE, log_p);
    log_p[3] = -INFINITY;
    log_p[5] = log_p[11] = -1e-3f;
    ck_assert(choose_weights(log_p, SIZE, &settings, order, weights));
    for (int k = 0; k < SIZE; k++) {
        ck_assert_msg(weights[k] == (k == 5 || k == 11 ? 1.0f : 0.0f), "%g: symbol %d has the weight %g",
                      settings.temperature, k, (double)weights[k]);
    }
}
END_TEST

START_TEST(equal_symbols_come_by_id) {
    const float row[] = {-3, -1, -1, -2, -1};
    struct choose_candidate found[4];
    const double scores[] = {-1, -1};
    const float both[] = {-3, -1, -1, -3, -1, -1};
    ck_assert_int_eq(choose_best(row, 5), 1);
    ck_assert_int_eq(choose_candidates(both, 3, 3, scores, 2, 4, found), 4);
    const int64_t origins[] = {0, 0, 1, 1};
    const int32_t ids[] = {1, 2, 1, 2};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(found[i].origin, origins[i]);
        ck_assert_int_eq(found[i].id, ids[i]);
    }
}
END_TEST

static int best_first(const void *left, const void *right) {
    const struct choose_candidate *a = left, *b = right;
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    return a->origin != b->origin ? (a->origin > b->origin) - (a->origin < b->origin)
                                  : (a->id > b->id) - (a->id < b->id);
}

static const struct {
    int64_t count, size, stride, wanted;
} searches[] = {{1, 5, 5, 1}, {1, 5, 8, 2}, {5, 40, 40, 10}, {3, 2, 2, 10}, {4, 100, 128, 8}};

START_TEST(candidates_are_the_best_of_all) {
    enum { STRIDE = 128, BEAMS = 5 };
    static float rows[BEAMS * STRIDE];
    static struct choose_candidate all[BEAMS * STRIDE], found[BEAMS * STRIDE];
    const int64_t count = searches[_i].count, size = searches[_i].size, stride = searches[_i].stride;
    for (uint64_t seed = 0; seed < 40; seed++) {
        double scores[BEAMS];
        int64_t n = 0;
        for (int64_t origin = 0; origin < count; origin++) {
            scores[origin] = -floor(8 * rng_uniform(rng_stream(seed, "scores"), (uint64_t)origin)) / 2;
            fill_row(seed * 10 + (uint64_t)origin, size, rows + origin * stride);
            rows[origin * stride + (int64_t)(seed % (uint64_t)size)] = -INFINITY;
            for (int64_t k = 0; k < size; k++) {
                const float log_p = rows[origin * stride + k];
                if (log_p > -INFINITY) {
                    all[n++] = (struct choose_candidate){scores[origin] + (double)log_p, origin, (int32_t)k};
                }
            }
        }
        qsort(all, (size_t)n, sizeof *all, best_first);
        const int64_t expected = n < searches[_i].wanted ? n : searches[_i].wanted;
        ck_assert_int_eq(choose_candidates(rows, size, stride, scores, count, searches[_i].wanted, found), expected);
        for (int64_t i = 0; i < expected; i++) {
            ck_assert_int_eq(found[i].origin, all[i].origin);
            ck_assert_int_eq(found[i].id, all[i].id);
            ck_assert_double_eq(found[i].score, all[i].score);
        }
    }
}
END_TEST

/* By hand from equation 14 of Wu et al. 2016. */
START_TEST(scores_are_normalised_by_length) {
    ck_assert_double_eq(choose_normalised(-6, 7, 0), -6);
    ck_assert_double_eq_tol(choose_normalised(-6, 1, 0.6), -6, 1e-12);
    ck_assert_double_eq_tol(choose_normalised(-6, 7, 1), -3, 1e-12);
    ck_assert_double_eq_tol(choose_normalised(-6, 7, 0.5), -6 / sqrt(2), 1e-12);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("choose");
    TCase *test_case = add_case(suite, "choose", 60, NULL, NULL);
    tcase_add_test(test_case, logarithms_are_those_of_the_library);
    tcase_add_test(test_case, the_logarithm_of_nothing_is_that_of_the_least_number);
    tcase_add_loop_test(test_case, repeats_are_penalised_or_forbidden, 0, ROWS(repeats));
    tcase_add_loop_test(test_case, filters_leave_what_their_definition_leaves, 0, ROWS(filters));
    tcase_add_test(test_case, nothing_is_drawn_if_all_is_forbidden);
    tcase_add_test(test_case, frequencies_are_the_probabilities);
    tcase_add_loop_test(test_case, a_draw_never_gives_what_is_left_out, 0, ROWS(draws));
    tcase_add_test(test_case, equal_symbols_come_by_id);
    tcase_add_loop_test(test_case, tiny_temperatures_draw_the_most_probable_symbol, 0, 6);
    tcase_add_loop_test(test_case, candidates_are_the_best_of_all, 0, ROWS(searches));
    tcase_add_test(test_case, scores_are_normalised_by_length);
    return run_suite(suite);
}
