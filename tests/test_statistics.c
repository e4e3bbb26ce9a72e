/* tests/test_statistics.c: statistics of scores over seeds: against SciPy (golden/make_statistics.py), their properties, and applied
 * to a comparison. */
#include "compare/statistics.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/comparison_statistics.h"
#include "tests/plugin_fixture.h"
#include "tests/suite.h"

enum { MOST = 40, CASES = 15, TAILS = 33, FLIP_CASES = 2, HOLM_CASES = 8 };

static struct arena *arena;
static struct errors errors;

static void open_test(void) {
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static void assert_near(const char *what, double found, double expected) {
    ck_assert_msg((isnan(found) && isnan(expected)) || fabs(found - expected) <= 1e-12 * fmax(1, fabs(expected)),
                  "%s: %.17g instead of %.17g", what, found, expected);
}

static void assert_same(const char *what, double found, double expected) {
    ck_assert_msg(found == expected || (isnan(found) && isnan(expected)), "%s: %.17g instead of %.17g", what, found,
                  expected);
}

static void assert_same_interval(const char *what, struct statistics_interval found,
                                 struct statistics_interval expected) {
    assert_same(what, found.low, expected.low);
    assert_same(what, found.high, expected.high);
}

/* ---- golden ---- */

/* Scores of a golden case. */
struct golden_scores {
    int32_t n, m;
    double x[MOST], y[MOST], differences[MOST]; /* differences only if n == m */
};

/* Each end of an interval lies between two limits: close ones where all resamples count, else with room for random ones. */
static void assert_inside(const char *what, struct statistics_interval found, const double *limits) {
    ck_assert_msg(limits[0] <= found.low && found.low <= limits[1] && limits[2] <= found.high &&
                      found.high <= limits[3],
                  "%s: [%.17g, %.17g] instead of %.17g .. %.17g to %.17g .. %.17g", what, found.low, found.high,
                  limits[0], limits[1], limits[2], limits[3]);
}

static void check_line(const char *what, const char *word, const struct golden_scores *scores, const double *numbers) {
    double ascending[MOST];
    memcpy(ascending, scores->x, sizeof ascending);
    statistics_sort(ascending, scores->n);
    if (strcmp(word, "summary") == 0) {
        assert_near(what, statistics_mean(scores->x, scores->n), numbers[0]);
        assert_near(what, statistics_deviation(scores->x, scores->n), numbers[1]);
        assert_near(what, statistics_median(ascending, scores->n), numbers[2]);
        assert_near(what, statistics_interquartile_mean(ascending, scores->n), numbers[3]);
    } else if (strcmp(word, "improvement") == 0) {
        assert_near(what, statistics_improvement(scores->x, scores->n, scores->y, scores->m), numbers[0]);
    } else if (strcmp(word, "sign_flip") == 0) {
        assert_near(what, statistics_sign_flip(scores->differences, scores->n), numbers[0]);
    } else if (strcmp(word, "mean_interval") == 0) {
        assert_inside(what, statistics_mean_interval(scores->x, scores->n, arena), numbers);
    } else if (strcmp(word, "iqm_interval") == 0) {
        assert_inside(what, statistics_interquartile_mean_interval(scores->x, scores->n, arena), numbers);
    } else if (strcmp(word, "difference_interval") == 0) {
        assert_inside(what, statistics_mean_interval(scores->differences, scores->n, arena), numbers);
    } else {
        ck_assert_str_eq(word, "improvement_interval");
        assert_inside(what, statistics_improvement_interval(scores->x, scores->n, scores->y, scores->m, arena),
                      numbers);
    }
}

/* The next line must be `word` with `count` numbers. */
static void read_line(struct golden *golden, const char *word, int32_t count, double *numbers) {
    const char *found = golden_next(golden);
    ck_assert_msg(found != NULL && strcmp(found, word) == 0 && golden->count == count && count <= MOST,
                  "expected a line '%s' with %d numbers", word, count);
    memcpy(numbers, golden->numbers, (size_t)count * sizeof *numbers);
}

START_TEST(statistics_agree_with_scipy) {
    struct golden golden = golden_open("statistics.txt");
    struct golden_scores scores = {0};
    char name[64] = "", what[128];
    double p[MOST], corrected[MOST], expected[MOST], band[2];
    int cases = 0, tails = 0, flips = 0, holms = 0;
    for (const char *word; (word = golden_next(&golden)) != NULL;) {
        snprintf(what, sizeof what, "%s: %s", name, word);
        if (strcmp(word, "case") == 0) {
            ck_assert_int_eq(sscanf(golden.rest, "%63s %d %d", name, &scores.n, &scores.m), 3);
            read_line(&golden, "x", scores.n, scores.x);
            read_line(&golden, "y", scores.m, scores.y);
            for (int32_t i = 0; i < scores.n && i < scores.m; i++) {
                scores.differences[i] = scores.x[i] - scores.y[i];
            }
            cases++;
        } else if (strcmp(word, "tail") == 0) { /* count, quantile of Student's t, tail probability */
            const int32_t count = (int32_t)golden.numbers[0];
            const double quantile = statistics_student_quantile(count - 1), tail = statistics_tail(count);
            assert_near("Student's t", quantile / golden.numbers[1], 1);
            ck_assert_msg(fabs(tail / golden.numbers[2] - 1) < 1e-9, "tail of %d: %.17g", count, tail);
            tails++;
        } else if (strcmp(word, "flips") == 0) {
            ck_assert_int_eq(sscanf(golden.rest, "%63s %d", name, &scores.n), 2);
            read_line(&golden, "differences", scores.n, p);
            read_line(&golden, "band", 2, band);
            const double found = statistics_sign_flip(p, scores.n);
            ck_assert_msg(band[0] <= found && found <= band[1], "%g is not in %g .. %g", found, band[0], band[1]);
            flips++;
        } else if (strcmp(word, "holm") == 0) {
            int count = 0;
            ck_assert_int_eq(sscanf(golden.rest, "%d", &count), 1);
            read_line(&golden, "p", count, p);
            statistics_holm(p, count, corrected);
            read_line(&golden, "corrected", count, expected);
            for (int i = 0; i < count; i++) {
                assert_near("Holm", corrected[i], expected[i]);
            }
            holms++;
        } else {
            ck_assert_int_gt(golden.count, 0);
            check_line(what, word, &scores, golden.numbers);
        }
    }
    ck_assert_int_eq(cases, CASES);
    ck_assert_int_eq(tails, TAILS);
    ck_assert_int_eq(flips, FLIP_CASES);
    ck_assert_int_eq(holms, HOLM_CASES);
    golden_close(&golden);
}
END_TEST

/* ---- properties ---- */

static const double eight[] = {0.912, 0.897, 0.905, 0.921, 0.889, 0.915, 0.902, 0.897};
static const double others[] = {0.898, 0.895, 0.907, 0.901, 0.88, 0.897, 0.9, 0.891};

START_TEST(few_numbers_have_no_interval) {
    for (int32_t n = 0; n < STATISTICS_LEAST_INTERVAL; n++) {
        ck_assert(isnan(statistics_mean_interval(eight, n, arena).low));
        ck_assert(isnan(statistics_interquartile_mean_interval(eight, n, arena).high));
        ck_assert(isnan(statistics_improvement_interval(eight, n, others, 8, arena).low));
        ck_assert(isnan(statistics_improvement_interval(others, 8, eight, n, arena).high));
    }
    ck_assert(isnan(statistics_mean(eight, 0)) && isnan(statistics_median(eight, 0)));
    ck_assert(isnan(statistics_deviation(eight, 1)) && isnan(statistics_interquartile_mean(eight, 0)));
    ck_assert(isnan(statistics_improvement(eight, 0, others, 8)) && isnan(statistics_sign_flip(eight, 0)));
}
END_TEST

START_TEST(equal_numbers_have_no_spread) {
    const double equal[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, zero[MOST] = {0};
    assert_same("mean", statistics_mean(equal, 7), 0.1);
    assert_same("deviation", statistics_deviation(equal, 7), 0);
    assert_same_interval("interval", statistics_mean_interval(equal, 7, arena), (struct statistics_interval){0.1, 0.1});
    assert_same("improvement", statistics_improvement(equal, 7, equal, 5), 0.5);
    assert_same("p of equal numbers", statistics_sign_flip(zero, 8), 1);
    assert_same("p of many equal numbers", statistics_sign_flip(zero, MOST), 1);
}
END_TEST

START_TEST(an_interval_moves_and_grows_with_the_numbers) {
    double scaled[8], shifted[8];
    const struct statistics_interval interval = statistics_mean_interval(eight, 8, arena);
    for (int i = 0; i < 8; i++) {
        scaled[i] = 4 * eight[i]; /* exactly */
        shifted[i] = 10 + eight[i];
    }
    ck_assert(interval.low < statistics_mean(eight, 8) && statistics_mean(eight, 8) < interval.high);
    assert_same_interval("scaled", statistics_mean_interval(scaled, 8, arena),
                         (struct statistics_interval){4 * interval.low, 4 * interval.high});
    const struct statistics_interval of_shifted = statistics_mean_interval(shifted, 8, arena);
    assert_near("shifted", of_shifted.low, 10 + interval.low);
    assert_near("shifted", of_shifted.high, 10 + interval.high);
}
END_TEST

START_TEST(the_order_of_seeds_does_not_matter) {
    double turned[8];
    for (int i = 0; i < 8; i++) {
        turned[i] = eight[(3 * i + 2) % 8];
    }
    assert_same_interval("mean", statistics_mean_interval(turned, 8, arena), statistics_mean_interval(eight, 8, arena));
    assert_same_interval("IQM", statistics_interquartile_mean_interval(turned, 8, arena),
                         statistics_interquartile_mean_interval(eight, 8, arena));
    assert_same_interval("improvement", statistics_improvement_interval(turned, 8, others, 8, arena),
                         statistics_improvement_interval(eight, 8, others, 8, arena));
    assert_same("p", statistics_sign_flip(turned, 8), statistics_sign_flip(eight, 8));
}
END_TEST

/* Numbers of pairs: all resamples and random ones, all sign flips and random ones. */
static const int32_t swapped_pairs[] = {5, 8, 9, 20, 21, 40};

/* To the last bit: a table shows a difference from both sides. */
START_TEST(a_swap_of_variants_mirrors_the_result) {
    const int32_t n = swapped_pairs[_i];
    double x[MOST], y[MOST], forth[MOST], back[MOST];
    for (int32_t i = 0; i < n; i++) {
        x[i] = 0.9 + 0.01 * sin(7.0 * i);
        y[i] = 0.89 + 0.013 * cos(11.0 * i * i);
        forth[i] = x[i] - y[i];
        back[i] = y[i] - x[i];
    }
    for (int is_sorted = 0; is_sorted < 2; is_sorted++) {
        const struct statistics_interval interval = statistics_mean_interval(forth, n, arena);
        ck_assert(interval.low < interval.high);
        assert_same("mean", statistics_mean(back, n), -statistics_mean(forth, n));
        assert_same_interval("difference", statistics_mean_interval(back, n, arena),
                             (struct statistics_interval){-interval.high, -interval.low});
        statistics_sort(forth, n);
        statistics_sort(back, n);
    }
    assert_same("p", statistics_sign_flip(forth, n), statistics_sign_flip(back, n));
    for (int32_t m = 5; m <= n; m += n > 5 ? n - 5 : 1) { /* also of unequal lengths */
        const struct statistics_interval wins = statistics_improvement_interval(x, n, y, m, arena),
                                         losses = statistics_improvement_interval(y, m, x, n, arena);
        assert_near("improvement", statistics_improvement(x, n, y, m), 1 - statistics_improvement(y, m, x, n));
        assert_near("low", wins.low, 1 - losses.high);
        assert_near("high", wins.high, 1 - losses.low);
    }
}
END_TEST

/* 0.82 - 0.8 is a little less than 0.02, and 0.8 - 0.81 a little less than -0.01: sums of them that would be equal are not. */
START_TEST(rounded_differences_tie) {
    const double differences[] = {0.81 - 0.83, 0.83 - 0.84, 0.82 - 0.8, 0.8 - 0.81}, exact[] = {-2, -1, 2, -1};
    assert_same("p", statistics_sign_flip(differences, 4), statistics_sign_flip(exact, 4));
}
END_TEST

/* The p-value at which 2 / 2^n times the number of comparisons falls below 0.05. */
static const struct {
    int32_t comparisons, pairs;
} needs[] = {{1, 6}, {2, 7}, {3, 7}, {4, 8}, {6, 8}, {7, 9}, {100, 12}};

START_TEST(significance_takes_a_number_of_pairs) {
    const int32_t pairs = needs[_i].pairs, comparisons = needs[_i].comparisons;
    ck_assert_int_eq(statistics_pairs_needed(comparisons), pairs);
    double same[MOST], p[128], corrected[128];
    for (int32_t i = 0; i < MOST; i++) {
        same[i] = 1;
    }
    for (int32_t n = pairs - 1; n <= pairs; n++) {
        for (int32_t i = 0; i < comparisons; i++) {
            p[i] = statistics_sign_flip(same, n);
        }
        statistics_holm(p, comparisons, corrected);
        ck_assert_int_eq(corrected[0] <= STATISTICS_LEVEL, n == pairs);
    }
}
END_TEST

START_TEST(holm_keeps_the_order_and_never_lowers) {
    const double p[] = {0.3, 0.001, 0.2, 0.001, 0.04, 0.9, 0.0399999};
    double corrected[7];
    statistics_holm(p, 7, corrected);
    for (int i = 0; i < 7; i++) {
        ck_assert(corrected[i] >= p[i] && corrected[i] <= 1);
        for (int j = 0; j < 7; j++) {
            ck_assert(p[i] > p[j] || corrected[i] <= corrected[j]);
        }
    }
}
END_TEST

/* ---- a comparison ---- */

enum { SEEDS = 8, VARIANTS = 4 };

static struct compared_run runs[VARIANTS][SEEDS];
static struct compared_variant variants[VARIANTS];
static const char *const names[] = {"lstm", "gru", "mgu", "broken"};

/* lstm and gru have scores of all seeds, mgu of some, broken of none. */
static struct comparison sample(void) {
    static const int64_t seeds[SEEDS] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int v = 0; v < VARIANTS; v++) {
        for (int s = 0; s < SEEDS; s++) {
            runs[v][s] = (struct compared_run){.seed = seeds[s],
                                               .state = v == 3 ? COMPARED_FAILED : COMPARED_SCORED,
                                               .reason = v == 3 ? "killed" : NULL,
                                               .score = v == 0   ? others[s]
                                                        : v == 1 ? eight[s]
                                                        : v == 2 ? 0.5
                                                                 : NAN,
                                               .seconds_per_epoch = v == 3 ? NAN : 1 + s,
                                               .peak_memory = s == 0 ? NAN : 100,
                                               .steps_to_target = s < 5 ? INFINITY : 10,
                                               .seconds_to_target = NAN};
        }
        variants[v] = (struct compared_variant){.name = names[v], .folder = names[v], .runs = runs[v]};
    }
    runs[2][0].score = NAN;
    runs[2][1].state = COMPARED_RUNNING;
    runs[2][2].state = COMPARED_FINISHED;
    runs[2][3].state = COMPARED_FAILED;
    return (struct comparison){.name = "cells",
                               .metric = "accuracy",
                               .higher_is_better = 1,
                               .part = "test",
                               .target = NAN,
                               .baseline = "lstm",
                               .seeds = seeds,
                               .n_seeds = SEEDS,
                               .variants = variants,
                               .n_variants = VARIANTS};
}

static struct comparison_statistics computed(const struct comparison *comparison) {
    struct comparison_statistics statistics;
    ck_assert_int_eq(comparison_statistics_compute(comparison, &statistics, arena, &errors), RONDO_OK);
    return statistics;
}

START_TEST(every_run_is_counted_as_what_it_is) {
    const struct comparison comparison = sample();
    const struct comparison_statistics statistics = computed(&comparison);
    const struct variant_statistics *mgu = &statistics.variants[2];
    ck_assert_int_eq(mgu->n_scored, 4);
    ck_assert_int_eq(mgu->n_undefined, 1);
    ck_assert_int_eq(mgu->n_failed, 1);
    ck_assert_int_eq(mgu->n_open, 2);
    ck_assert_int_eq(statistics.n_scored, 20);
    ck_assert_int_eq(statistics.n_failed, 9);
    ck_assert_int_eq(statistics.n_undefined + statistics.n_open, 3);
    ck_assert_int_eq(statistics.variants[3].n_scored, 0);
    ck_assert(isnan(statistics.variants[3].mean) && isnan(statistics.variants[3].to_best.difference));
    ck_assert_int_eq(mgu->to_best.n_pairs, 4); /* the seeds that both have */
    ck_assert_int_eq(mgu->to_best.n_worse, 4);
    ck_assert_int_eq(statistics.variants[3].to_best.n_pairs, 0);
}
END_TEST

START_TEST(measured_numbers_are_medians_of_what_is_known) {
    const struct comparison comparison = sample();
    const struct comparison_statistics statistics = computed(&comparison);
    assert_same("seconds per epoch", statistics.variants[0].seconds_per_epoch, 4.5);
    assert_same("memory", statistics.variants[0].peak_memory, 100);
    assert_same("steps to target", statistics.variants[0].steps_to_target, INFINITY);
    assert_same("seconds to target", statistics.variants[0].seconds_to_target, NAN);
    ck_assert_int_eq(statistics.variants[0].n_measured, 8);
    ck_assert_int_eq(statistics.variants[0].n_reached, 3);
}
END_TEST

START_TEST(variants_are_ranked_and_compared_with_two_references) {
    const struct comparison comparison = sample();
    const struct comparison_statistics statistics = computed(&comparison);
    static const int32_t ranking[] = {1, 0, 2, 3};
    for (int i = 0; i < VARIANTS; i++) {
        ck_assert_int_eq(statistics.ranking[i], ranking[i]);
    }
    ck_assert_int_eq(statistics.best.reference, 1);
    ck_assert_int_eq(statistics.baseline.reference, 0);
    ck_assert_int_eq(statistics.best.comparisons, 2); /* not with the variant without scores */
    ck_assert_int_eq(statistics.best.pairs_needed, 7);
    ck_assert_int_eq(statistics.best.n_tested, 1); /* mgu has 4 pairs */
    const struct paired_statistics *lstm = &statistics.variants[0].to_best, *gru = &statistics.variants[1].to_baseline;
    double differences[SEEDS];
    for (int s = 0; s < SEEDS; s++) {
        differences[s] = eight[s] - others[s];
    }
    assert_near("difference", gru->difference, statistics_mean(differences, SEEDS));
    assert_same("difference", lstm->difference, -gru->difference);
    assert_same_interval("mirrored", lstm->interval,
                         (struct statistics_interval){-gru->interval.high, -gru->interval.low});
    assert_near("p", gru->p, statistics_sign_flip(differences, SEEDS));
    assert_near("corrected p", gru->p_corrected, 2 * gru->p);
    assert_near("improvement", gru->improvement, statistics_improvement(eight, SEEDS, others, SEEDS));
    ck_assert_int_eq(gru->n_better, 7);
    ck_assert_int_eq(gru->n_worse, 1);
    ck_assert(gru->interval.low < gru->difference && gru->difference < gru->interval.high);
    ck_assert(isnan(statistics.variants[2].to_best.p) && isnan(statistics.variants[2].to_best.p_corrected));
    ck_assert(isnan(statistics.variants[1].to_best.difference)); /* the best with itself */
}
END_TEST

START_TEST(a_lower_score_may_be_better) {
    struct comparison comparison = sample();
    for (int s = 0; s < SEEDS; s++) {
        runs[0][s].score *= -1;
        runs[1][s].score *= -1;
        runs[2][s].score *= -1;
    }
    const struct comparison_statistics high = computed(&comparison);
    comparison.higher_is_better = 0;
    const struct comparison_statistics low = computed(&comparison);
    ck_assert(high.variants[2].mean > high.variants[0].mean);
    ck_assert_int_eq(high.ranking[0], 0); /* runs of mgu have failed, so it follows those without failures */
    ck_assert_int_eq(high.ranking[2], 2);
    ck_assert_int_eq(low.ranking[0], 1);
    const struct variant_statistics *gru = &low.variants[1];
    assert_same("best", gru->best, -0.921);
    assert_same("worst", gru->worst, -0.889);
    ck_assert(gru->to_baseline.difference < 0);
    ck_assert_int_eq(gru->to_baseline.n_better, 7);
    assert_same("improvement", gru->to_baseline.improvement, statistics_improvement(eight, SEEDS, others, SEEDS));
}
END_TEST

START_TEST(equal_means_keep_their_order) {
    const struct comparison comparison = sample();
    for (int s = 0; s < SEEDS; s++) {
        runs[3][s] = runs[1][(s + 1) % SEEDS]; /* gru's scores with other seeds */
        runs[3][s].seed = runs[1][s].seed;
    }
    const struct comparison_statistics statistics = computed(&comparison);
    assert_same("mean", statistics.variants[3].mean, statistics.variants[1].mean);
    ck_assert_int_eq(statistics.ranking[0], 1);
    ck_assert_int_eq(statistics.ranking[1], 3);
    assert_same("improvement", statistics.variants[3].to_best.improvement, 0.5);
}
END_TEST

START_TEST(a_comparison_without_scores_has_no_best) {
    struct comparison comparison = sample();
    comparison.variants = variants + 3;
    comparison.n_variants = 1;
    const struct comparison_statistics statistics = computed(&comparison);
    ck_assert_int_eq(statistics.best.reference, -1);
    ck_assert_int_eq(statistics.baseline.reference, -1);
    ck_assert_int_eq(statistics.best.comparisons, 0);
    comparison.variants = variants; /* one alone is compared with nothing */
    const struct comparison_statistics one = computed(&comparison);
    ck_assert_int_eq(one.best.reference, 0);
    ck_assert_int_eq(one.best.comparisons + one.baseline.comparisons, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("statistics");
    TCase *golden = add_case(suite, "golden", 60, open_test, close_test);
    tcase_add_test(golden, statistics_agree_with_scipy);
    TCase *properties = add_case(suite, "properties", 60, open_test, close_test);
    tcase_add_test(properties, few_numbers_have_no_interval);
    tcase_add_test(properties, equal_numbers_have_no_spread);
    tcase_add_test(properties, an_interval_moves_and_grows_with_the_numbers);
    tcase_add_test(properties, the_order_of_seeds_does_not_matter);
    tcase_add_loop_test(properties, a_swap_of_variants_mirrors_the_result, 0, ROWS(swapped_pairs));
    tcase_add_test(properties, rounded_differences_tie);
    tcase_add_loop_test(properties, significance_takes_a_number_of_pairs, 0, ROWS(needs));
    tcase_add_test(properties, holm_keeps_the_order_and_never_lowers);
    TCase *comparison = add_case(suite, "comparison", 60, open_test, close_test);
    tcase_add_test(comparison, every_run_is_counted_as_what_it_is);
    tcase_add_test(comparison, measured_numbers_are_medians_of_what_is_known);
    tcase_add_test(comparison, variants_are_ranked_and_compared_with_two_references);
    tcase_add_test(comparison, a_lower_score_may_be_better);
    tcase_add_test(comparison, equal_means_keep_their_order);
    tcase_add_test(comparison, a_comparison_without_scores_has_no_best);
    return run_suite(suite);
}
