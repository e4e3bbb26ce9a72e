/* compare/statistics.h: the statistics of scores over seeds, as pure functions of arrays. compare/comparison_statistics.h applies
 * them to a comparison.
 *
 * Numbers are finite doubles, one per seed. Random words come from core/rng.h with a fixed seed: the same numbers give the same bits
 * each time. Numbers in ascending order give results that do not depend on the order of the seeds; of others, the last bits of sums
 * and the random sign flips do. Negated numbers, in ascending order again, give the mirrored result to the last bit.
 *
 * What an interval means. The seeds of a comparison differ in initial values, order of the examples and dropout. A 95 % bootstrap
 * interval says how much a mean would vary if the comparison were repeated with other seeds. It says nothing about other data: all
 * runs have the same training and test examples.
 *
 * Intervals are expanded percentile intervals (Hesterberg 2015): percentiles of few numbers are too narrow, as a bootstrap has no factor
 * n / (n - 1) and no Student's t, so of n numbers they are taken further out, at the tail probability
 *
 *     Phi(-sqrt(n / (n - 1)) t(1 - level / 2, n - 1))
 *
 * on either side instead of level / 2. Of 100 such intervals of the mean
 *
 *     of numbers             3   4   5   6   8  10  20
 *     normal scores         75  87  92  93  94  95  95
 *     exponential scores    70  82  88  88  90  91  93
 *
 * contain the true mean (skewed scores are covered less). `python tests/golden/make_statistics.py | grep Coverage` simulates it. With 3
 * or 4 numbers any percentile interval is at most the range from the worst to the best score, which is far from 95 % and which tables
 * show anyway: with fewer than STATISTICS_LEAST_INTERVAL there is no interval.
 *
 * Sources: R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville, M. G. Bellemare, "Deep reinforcement learning at the edge of the
 * statistical precipice", NeurIPS 2021, and its library rliable; T. C. Hesterberg, "What teachers should
 * know about the bootstrap: resampling in the undergraduate statistics curriculum", The American Statistician 69(4), 2015 (expanded
 * percentile intervals); R. A. Fisher, "The design of experiments", 1935, section 21 (sign flips); S. Holm, "A simple
 * sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
 *
 * Memory: functions with an arena take scratch memory from it and give it back. If there is not enough, the arena is in the failed
 * state and the result is not defined. Threads: any, with different arenas.
 */
#ifndef RONDO_COMPARE_STATISTICS_H
#define RONDO_COMPARE_STATISTICS_H

#include "core/arena.h"

enum {
    STATISTICS_MOST_ENUMERATED = 8, /* numbers whose resamples are all tried: 6435 multisets */
    STATISTICS_RESAMPLES = 10000,   /* random ones of a bootstrap of more; even */
    STATISTICS_FLIPS = 100000,      /* random sign flips, where there are too many to try all */
    STATISTICS_MOST_EXACT = 20,     /* pairs whose sign flips are all tried: 2^20 */
    STATISTICS_LEAST_INTERVAL = 5,  /* numbers of an interval */
};
#define STATISTICS_LEVEL 0.05 /* of significance; 1 - level is the probability of an interval */

/* NaN: there is none. */
struct statistics_interval {
    double low, high;
};

/* Into ascending order. */
void statistics_sort(double *numbers, int32_t count);

/* c + sum (x_i - c) / n with c = (x_0 + x_(n - 1)) / 2, which is exact for equal numbers, and the exact negative for negated numbers, also
 * in reverse order. NaN if there are none. */
double statistics_mean(const double *numbers, int32_t count);
/* sqrt(sum (x_i - mean)^2 / (n - 1)). NaN for fewer than 2. */
double statistics_deviation(const double *numbers, int32_t count);
/* Of numbers in ascending order; infinite ones are allowed. The mean of the two in the middle of an even count. NaN if there are
 * none. */
double statistics_median(const double *ascending, int32_t count);
/* Interquartile mean: the mean of what is left after floor(n / 4) numbers were removed at each end, as in rliable
 * (scipy.stats.trim_mean with proportiontocut 0.25). `ascending` as above. */
double statistics_interquartile_mean(const double *ascending, int32_t count);

/* The quantile of Student's t for 1 - STATISTICS_LEVEL / 2, to about 12 digits. degrees >= 1: of freedom. */
double statistics_student_quantile(int32_t degrees);
/* The tail probability at each end of an interval of count >= 2 numbers, as above. */
double statistics_tail(int32_t count);

/* 95 % intervals: the percentiles, interpolated linearly between ranks, of the statistic in resamples of the numbers with replacement.
 * Up to STATISTICS_MOST_ENUMERATED numbers all n^n resamples count, so that there is no Monte Carlo error. Of negated numbers the interval
 * of the mean is exactly mirrored: A against B says the same as B against A. */
struct statistics_interval statistics_mean_interval(const double *numbers, int32_t count, struct arena *arena);
struct statistics_interval statistics_interquartile_mean_interval(const double *numbers, int32_t count,
                                                                  struct arena *arena);

/* The probability of improvement P(X > Y) of Agarwal et al. 2021, section 4.3: the mean over all n * m pairs (i, j) of 1 if x_i > y_j,
 * 1/2 if they are equal, else 0, which is the statistic U of Mann and Whitney divided by n * m. It is over all pairs, as published, also
 * where x_i and y_i share a seed: it answers "does a run of X beat a run of Y", while the paired difference answers "by how much
 * if all else is equal". NaN if one of them is empty. */
double statistics_improvement(const double *x, int32_t n, const double *y, int32_t m);
/* Its 95 % interval: x and y are resampled independently of each other, as in rliable; the tail probability is that of min(n, m)
 * numbers, the smaller group being the less certain one. All resamples count if neither has more than STATISTICS_MOST_ENUMERATED. */
struct statistics_interval statistics_improvement_interval(const double *x, int32_t n, const double *y, int32_t m,
                                                           struct arena *arena);

/* Two-sided p-value of a mean difference of pairs, by sign flips: under the null hypothesis that the members of a pair are
 * exchangeable, each difference could as well have had the other sign.
 *
 *     p = the share of all 2^n choices of signs s_i with |sum s_i d_i| >= |sum d_i|
 *
 * exactly up to STATISTICS_MOST_EXACT pairs. For more, (1 + k) / (1 + STATISTICS_FLIPS), where k of STATISTICS_FLIPS random choices are that far
 * from 0 (B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", 2010). Sums that differ by less than 1e-10 of
 * sum |d_i| are equal. NaN if there are no pairs. */
double statistics_sign_flip(const double *differences, int32_t count);
/* The smallest number of pairs with which one of `comparisons` >= 1 tests by sign flips can be significant at STATISTICS_LEVEL after Holm's
 * correction: the smallest p-value of n pairs is 2 / 2^n, and the smallest of m is multiplied by m. 1: 6 pairs, 4: 8 pairs. */
int32_t statistics_pairs_needed(int32_t comparisons);

/* Holm's correction: with p in ascending order, corrected_i = max over j <= i of min(1, (m - j) p_j), j from 0. In the order given. */
void statistics_holm(const double *p, int32_t count, double *corrected);

#endif
