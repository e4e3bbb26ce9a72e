/* compare/statistics.h: the statistics of scores over seeds, as pure functions of arrays. compare/comparison_statistics.h applies
 * them to a comparison.
 *
 * Numbers are finite doubles, one per seed. Random words come from core/rng.h with a fixed seed: the same numbers give the same bits
 * each time. Numbers in ascending order give results that do not depend on the order of the seeds; of others, the last bits of sums
 * and the random sign flips do.
 *
 * What an interval means. The seeds of a comparison differ in initial values, order of the examples and dropout. A 95 % bootstrap
 * interval says how much a mean would vary if the comparison were repeated with other seeds. It says nothing about other data: all
 * runs have the same training and test examples. Percentile intervals of few numbers are too short: of 100 such intervals of normal
 * scores, about 84 (5 seeds), 89 (8 seeds) or 92 (20 seeds) contain the true mean instead of 95, as tests/golden/make_statistics.py
 * simulates. With fewer than 3 seeds there is no interval.
 *
 * Sources: R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville, M. G. Bellemare, "Deep reinforcement learning at the edge of the
 * statistical precipice", NeurIPS 2021, and its library rliable; B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993,
 * chapter 13 (percentile intervals); R. A. Fisher, "The design of experiments", 1935, section 21 (sign flips); S. Holm, "A simple
 * sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
 *
 * Memory: functions with an arena take scratch memory from it and give it back. If there is not enough, the arena is in the failed
 * state and the result is not defined. Threads: any, with different arenas.
 */
#ifndef RONDO_COMPARE_STATISTICS_H
#define RONDO_COMPARE_STATISTICS_H

#include "core/arena.h"

enum {
    STATISTICS_RESAMPLES = 10000,  /* of a bootstrap */
    STATISTICS_FLIPS = 100000,     /* random sign flips, where there are too many to try all */
    STATISTICS_MOST_EXACT = 20,    /* pairs whose sign flips are all tried: 2^20 */
    STATISTICS_LEAST_INTERVAL = 3, /* numbers of an interval */
};
#define STATISTICS_LEVEL 0.05 /* of significance; 1 - level is the probability of an interval */

/* NaN: there is none. */
struct statistics_interval {
    double low, high;
};

/* Into ascending order. */
void statistics_sort(double *numbers, int32_t count);

/* x_0 + sum (x_i - x_0) / n, which is exact for equal numbers. NaN if there are none. */
double statistics_mean(const double *numbers, int32_t count);
/* sqrt(sum (x_i - mean)^2 / (n - 1)). NaN for fewer than 2. */
double statistics_deviation(const double *numbers, int32_t count);
/* Of numbers in ascending order; infinite ones are allowed. The mean of the two in the middle of an even count. NaN if there are
 * none. */
double statistics_median(const double *ascending, int32_t count);
/* Interquartile mean: the mean of what is left after floor(n / 4) numbers were removed at each end, as in rliable
 * (scipy.stats.trim_mean with proportiontocut 0.25). `ascending` as above. */
double statistics_interquartile_mean(const double *ascending, int32_t count);

/* 95 % intervals by the percentile bootstrap: the 2.5th and the 97.5th percentile, interpolated linearly, of the statistic in
 * STATISTICS_RESAMPLES resamples of the numbers with replacement. */
struct statistics_interval statistics_mean_interval(const double *numbers, int32_t count, struct arena *arena);
struct statistics_interval statistics_interquartile_mean_interval(const double *numbers, int32_t count,
                                                                  struct arena *arena);

/* The probability of improvement P(X > Y) of Agarwal et al. 2021, section 4.3: the mean over all n * m pairs (i, j) of 1 if x_i > y_j,
 * 1/2 if they are equal, else 0, which is the statistic U of Mann and Whitney divided by n * m. It is over all pairs, as published, also
 * where x_i and y_i share a seed: it answers "does a run of X beat a run of Y", while the paired difference answers "by how much
 * if all else is equal". NaN if one of them is empty. */
double statistics_improvement(const double *x, int32_t n, const double *y, int32_t m);
/* Its 95 % interval: x and y are resampled independently of each other, as in rliable. */
struct statistics_interval statistics_improvement_interval(const double *x, int32_t n, const double *y, int32_t m,
                                                           struct arena *arena);

/* Two-sided p-value of a mean difference of pairs, by sign flips: under the null hypothesis that the members of a pair are
 * exchangeable, each difference could as well have had the other sign.
 *
 *     p = the share of all 2^n choices of signs s_i with |sum s_i d_i| >= |sum d_i|
 *
 * exactly up to STATISTICS_MOST_EXACT pairs. For more, (1 + k) / (1 + STATISTICS_FLIPS), where k of so many random choices are that far
 * from 0 (B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", 2010). Sums that differ by less than 1e-10 of
 * sum |d_i| are equal. NaN if there are no pairs. */
double statistics_sign_flip(const double *differences, int32_t count);
/* The smallest number of pairs with which one of `comparisons` >= 1 tests by sign flips can be significant at STATISTICS_LEVEL after Holm's
 * correction: the smallest p-value of n pairs is 2 / 2^n, and the smallest of m is multiplied by m. 1: 6 pairs, 4: 8 pairs. */
int32_t statistics_pairs_needed(int32_t comparisons);

/* Holm's correction: with p in ascending order, corrected_i = max over j <= i of min(1, (m - j) p_j), j from 0. In the order given. */
void statistics_holm(const double *p, int32_t count, double *corrected);

#endif
