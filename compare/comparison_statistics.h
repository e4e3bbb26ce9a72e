/* compare/comparison_statistics.h: what the scores of a comparison say: a summary of each variant, its difference to the best
 * variant and to the baseline, and which differences are significant. compare/statistics.h has the definitions and their sources.
 *
 * Counted are runs whose score is final and finite (COMPARED_SCORED). All others are counted by what they are, and a difference uses the
 * seeds that both variants have.
 *
 * How to read them. The intervals and the probability of improvement are the result; a p-value only says whether chance alone would
 * explain a difference. Differences are in units of the score: where a lower score is better, a negative difference is an improvement.
 * Against the baseline, which was chosen before the scores were known, tests are as stated. The best variant was chosen by the same
 * scores, so its lead is a little too large: with several variants of equal quality, one always leads.
 *
 * Holm's correction covers the comparisons of a table: all variants against the best are one, all against the baseline another.
 * A variant that has too few pairs for a significant result counts in the correction, and has no p-value.
 *
 * Ownership: all in the arena. Threads: any, on different objects.
 */
#ifndef RONDO_COMPARE_COMPARISON_STATISTICS_H
#define RONDO_COMPARE_COMPARISON_STATISTICS_H

#include "compare/comparison.h"
#include "compare/statistics.h"

/* A variant against a reference: the best variant or the baseline. All NaN and 0 for the reference itself, and without common
 * seeds. */
struct paired_statistics {
    int32_t n_pairs;                     /* seeds that both have a score of */
    int32_t n_better, n_worse;           /* of them, where the variant is better than the reference, or worse */
    double difference;                   /* mean over the pairs of score - score of the reference */
    struct statistics_interval interval; /* of the difference, over pairs */
    double improvement;                  /* probability that a run of the variant is better than one of the reference */
    struct statistics_interval improvement_interval;
    double p;           /* two-sided, by sign flips, not corrected; NaN: too few pairs to be significant */
    double p_corrected; /* by Holm; NaN as `p` */
};

struct variant_statistics {
    int32_t n_scored;    /* seeds with a final score */
    int32_t n_undefined; /* scored, but the score is NaN or infinite: not counted in n_scored */
    int32_t n_failed;
    int32_t n_open; /* missing, running, or not scored yet */
    /* Of the scores; NaN without one. */
    double mean, deviation, median, interquartile_mean, best, worst;
    struct statistics_interval mean_interval, interquartile_mean_interval;
    /* Medians over the trained runs in which they are known; NaN: in none. Infinite: half of the runs or more never reach the target. */
    double seconds_per_epoch, peak_memory, steps_to_target, seconds_to_target;
    int32_t n_measured; /* runs with known steps to the target */
    int32_t n_reached;  /* of them, those that reach it */
    struct paired_statistics to_best, to_baseline;
};

/* The tests against one reference. */
struct tests_statistics {
    int32_t reference;   /* index of the variant; -1: there is none */
    int32_t comparisons; /* variants that have a seed in common with it */
    int32_t
        pairs_needed; /* the smallest number of pairs that can be significant after the correction; 0 without comparisons */
    int32_t n_tested; /* comparisons with that many pairs, which have a p-value */
};

struct comparison_statistics {
    struct variant_statistics *variants; /* [n_variants] in the order of the comparison */
    int32_t *ranking;                    /* [n_variants] indices from best to worst mean, equal ones in the order of the
                                          * comparison; variants of which runs have failed follow those without failures, and
                                          * those without a score are last */
    struct tests_statistics best;        /* against the first of the ranking */
    struct tests_statistics baseline;    /* against comparison->baseline, if it has a score */
    int32_t n_scored, n_undefined, n_failed, n_open; /* of all runs */
};

/* RONDO_NO_MEMORY is the only failure. */
rondo_status comparison_statistics_compute(const struct comparison *comparison,
                                           struct comparison_statistics *statistics, struct arena *arena,
                                           struct errors *errors);

/* 1 if the run has a score that counts. */
int compared_run_is_scored(const struct compared_run *run);

#endif
