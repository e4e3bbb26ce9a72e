#include "compare/comparison_statistics.h"

#include <math.h>
#include <string.h>

static const struct paired_statistics no_pairs = {.difference = NAN,
                                                  .interval = {NAN, NAN},
                                                  .improvement = NAN,
                                                  .improvement_interval = {NAN, NAN},
                                                  .p = NAN,
                                                  .p_corrected = NAN};

int compared_run_is_scored(const struct compared_run *run) {
    return run->state == COMPARED_SCORED && isfinite(run->score);
}

/* Of one comparison while it is computed. */
struct statistics_run {
    const struct comparison *comparison;
    struct comparison_statistics *result;
    struct arena *arena;
    double *numbers, *others; /* [n_seeds] scratch */
};

/* ---- a variant ---- */

static void count_states(const struct comparison *comparison, const struct compared_variant *variant,
                         struct variant_statistics *result) {
    for (int32_t s = 0; s < comparison->n_seeds; s++) {
        const struct compared_run *run = &variant->runs[s];
        result->n_scored += compared_run_is_scored(run);
        result->n_undefined += run->state == COMPARED_SCORED && !compared_run_is_scored(run);
        result->n_failed += run->state == COMPARED_FAILED;
        result->n_open += run->state != COMPARED_SCORED && run->state != COMPARED_FAILED;
    }
}

/* The scores that count, ascending. */
static int32_t ascending_scores(const struct comparison *comparison, int32_t variant, double *scores) {
    int32_t count = 0;
    for (int32_t s = 0; s < comparison->n_seeds; s++) {
        const struct compared_run *run = &comparison->variants[variant].runs[s];
        if (compared_run_is_scored(run)) {
            scores[count++] = run->score;
        }
    }
    statistics_sort(scores, count);
    return count;
}

/* The median over the trained runs of the number at `offset` of struct compared_run. *n_known: runs that have it, *n_finite: in which it
 * is finite. */
static double median_of(const struct statistics_run *run, int32_t variant, size_t offset, int32_t *n_known,
                        int32_t *n_finite) {
    int32_t count = 0;
    *n_finite = 0;
    for (int32_t s = 0; s < run->comparison->n_seeds; s++) {
        const struct compared_run *of = &run->comparison->variants[variant].runs[s];
        double number;
        memcpy(&number, (const char *)of + offset, sizeof number);
        if (!isnan(number) && (of->state == COMPARED_SCORED || of->state == COMPARED_FINISHED)) {
            run->numbers[count++] = number;
            *n_finite += isfinite(number) != 0;
        }
    }
    statistics_sort(run->numbers, count);
    *n_known = count;
    return statistics_median(run->numbers, count);
}

static void summarize(const struct statistics_run *run, int32_t variant) {
    struct variant_statistics *result = &run->result->variants[variant];
    *result = (struct variant_statistics){.to_best = no_pairs, .to_baseline = no_pairs};
    int32_t known, finite;
    result->seconds_per_epoch =
        median_of(run, variant, offsetof(struct compared_run, seconds_per_epoch), &known, &finite);
    result->peak_memory = median_of(run, variant, offsetof(struct compared_run, peak_memory), &known, &finite);
    result->seconds_to_target =
        median_of(run, variant, offsetof(struct compared_run, seconds_to_target), &known, &finite);
    result->steps_to_target = median_of(run, variant, offsetof(struct compared_run, steps_to_target),
                                        &result->n_measured, &result->n_reached);
    count_states(run->comparison, &run->comparison->variants[variant], result);
    const int32_t count = ascending_scores(run->comparison, variant, run->numbers);
    const double *scores = run->numbers;
    const int high = run->comparison->higher_is_better;
    result->mean = statistics_mean(scores, count);
    result->deviation = statistics_deviation(scores, count);
    result->median = statistics_median(scores, count);
    result->interquartile_mean = statistics_interquartile_mean(scores, count);
    result->best = count == 0 ? NAN : scores[high ? count - 1 : 0];
    result->worst = count == 0 ? NAN : scores[high ? 0 : count - 1];
    result->mean_interval = statistics_mean_interval(scores, count, run->arena);
    result->interquartile_mean_interval = statistics_interquartile_mean_interval(scores, count, run->arena);
    run->result->n_scored += result->n_scored;
    run->result->n_undefined += result->n_undefined;
    run->result->n_failed += result->n_failed;
    run->result->n_open += result->n_open;
}

/* ---- ranking ---- */

/* The runs of a variant that have a score may be those that were lucky: its mean says less than that of a complete one. */
static int has_failed_runs(const struct variant_statistics *variant) {
    return variant->n_failed > 0 || variant->n_undefined > 0;
}

static int is_before(const struct statistics_run *run, int32_t a, int32_t b) {
    const struct variant_statistics *left = &run->result->variants[a], *right = &run->result->variants[b];
    const double x = left->mean, y = right->mean;
    if (isnan(x) || isnan(y)) {
        return !isnan(x) && isnan(y);
    }
    if (has_failed_runs(left) != has_failed_runs(right)) {
        return has_failed_runs(right);
    }
    return run->comparison->higher_is_better ? x > y : x < y;
}

/* By insertion, which keeps the order of equal ones. */
static void rank(const struct statistics_run *run) {
    int32_t *ranking = run->result->ranking;
    for (int32_t v = 0; v < run->comparison->n_variants; v++) {
        int32_t place = v;
        for (; place > 0 && is_before(run, v, ranking[place - 1]); place--) {
            ranking[place] = ranking[place - 1];
        }
        ranking[place] = v;
    }
}

/* ---- against a reference ---- */

/* score - score of the reference of the seeds that both have, ascending. */
static int32_t ascending_differences(const struct statistics_run *run, int32_t variant, int32_t reference,
                                     struct paired_statistics *paired) {
    const struct compared_run *ours = run->comparison->variants[variant].runs;
    const struct compared_run *theirs = run->comparison->variants[reference].runs;
    int32_t count = 0;
    for (int32_t s = 0; s < run->comparison->n_seeds; s++) {
        if (compared_run_is_scored(&ours[s]) && compared_run_is_scored(&theirs[s])) {
            const double difference = ours[s].score - theirs[s].score;
            run->numbers[count++] = difference;
            paired->n_better += run->comparison->higher_is_better ? difference > 0 : difference < 0;
            paired->n_worse += run->comparison->higher_is_better ? difference < 0 : difference > 0;
        }
    }
    statistics_sort(run->numbers, count);
    return count;
}

static struct paired_statistics compare_with(const struct statistics_run *run, int32_t variant, int32_t reference) {
    struct paired_statistics paired = no_pairs;
    paired.n_pairs = ascending_differences(run, variant, reference, &paired);
    if (paired.n_pairs == 0) {
        return paired;
    }
    paired.difference = statistics_mean(run->numbers, paired.n_pairs);
    paired.interval = statistics_mean_interval(run->numbers, paired.n_pairs, run->arena);
    paired.p = statistics_sign_flip(run->numbers, paired.n_pairs);
    const int32_t n = ascending_scores(run->comparison, variant, run->numbers);
    const int32_t m = ascending_scores(run->comparison, reference, run->others);
    const int high = run->comparison->higher_is_better;
    const double *x = high ? run->numbers : run->others, *y = high ? run->others : run->numbers;
    paired.improvement = statistics_improvement(x, high ? n : m, y, high ? m : n);
    paired.improvement_interval = statistics_improvement_interval(x, high ? n : m, y, high ? m : n, run->arena);
    return paired;
}

/* Fills the paired statistics at `offset` of each variant. */
static struct tests_statistics test_all(const struct statistics_run *run, int32_t reference, size_t offset) {
    const int32_t n_variants = run->comparison->n_variants;
    struct tests_statistics tests = {.reference = reference};
    if (reference < 0) {
        return tests;
    }
    const struct arena_mark mark = arena_mark(run->arena);
    struct paired_statistics **compared = arena_calloc(run->arena, (size_t)n_variants, sizeof *compared);
    double *p = arena_calloc(run->arena, (size_t)n_variants, sizeof *p);
    double *corrected = arena_calloc(run->arena, (size_t)n_variants, sizeof *corrected);
    for (int32_t v = 0; v < n_variants && !arena_failed(run->arena); v++) {
        struct paired_statistics *paired =
            (struct paired_statistics *)(void *)((char *)&run->result->variants[v] + offset);
        *paired = v == reference ? no_pairs : compare_with(run, v, reference);
        if (paired->n_pairs > 0) {
            compared[tests.comparisons++] = paired;
        }
    }
    if (!arena_failed(run->arena) && tests.comparisons > 0) {
        tests.pairs_needed = statistics_pairs_needed(tests.comparisons);
        for (int32_t i = 0; i < tests.comparisons; i++) {
            const int is_tested = compared[i]->n_pairs >= tests.pairs_needed;
            tests.n_tested += is_tested;
            p[i] = is_tested ? compared[i]->p : 1;
        }
        statistics_holm(p, tests.comparisons, corrected);
        for (int32_t i = 0; i < tests.comparisons; i++) {
            const int is_tested = compared[i]->n_pairs >= tests.pairs_needed;
            compared[i]->p = is_tested ? p[i] : NAN;
            compared[i]->p_corrected = is_tested ? corrected[i] : NAN;
        }
    }
    arena_release(run->arena, mark);
    return tests;
}

static int32_t find_baseline(const struct statistics_run *run) {
    const char *name = run->comparison->baseline;
    for (int32_t v = 0; v < run->comparison->n_variants && name != NULL; v++) {
        if (strcmp(run->comparison->variants[v].name, name) == 0 && run->result->variants[v].n_scored > 0) {
            return v;
        }
    }
    return -1;
}

rondo_status comparison_statistics_compute(const struct comparison *comparison,
                                           struct comparison_statistics *statistics, struct arena *arena,
                                           struct errors *errors) {
    const size_t n_variants = (size_t)comparison->n_variants, n_seeds = (size_t)comparison->n_seeds;
    *statistics =
        (struct comparison_statistics){.variants = arena_calloc(arena, n_variants, sizeof *statistics->variants),
                                       .ranking = arena_calloc(arena, n_variants, sizeof *statistics->ranking)};
    const struct arena_mark mark = arena_mark(arena);
    const struct statistics_run run = {.comparison = comparison,
                                       .result = statistics,
                                       .arena = arena,
                                       .numbers = arena_calloc(arena, n_seeds, sizeof *run.numbers),
                                       .others = arena_calloc(arena, n_seeds, sizeof *run.others)};
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        summarize(&run, v);
    }
    rank(&run);
    const int32_t first = statistics->ranking[0];
    const int32_t best = statistics->variants[first].n_scored > 0 ? first : -1;
    statistics->best = test_all(&run, best, offsetof(struct variant_statistics, to_best));
    statistics->baseline = test_all(&run, find_baseline(&run), offsetof(struct variant_statistics, to_baseline));
    arena_release(arena, mark);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}
