#include "compare/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "core/rng.h"

static const struct statistics_interval no_interval = {NAN, NAN};

static int compare_numbers(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void statistics_sort(double *numbers, int32_t count) {
    qsort(numbers, (size_t)count, sizeof *numbers, compare_numbers);
}

/* ---- location and spread ---- */

double statistics_mean(const double *numbers, int32_t count) {
    double sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += numbers[i] - numbers[0];
    }
    return count == 0 ? NAN : numbers[0] + sum / count;
}

double statistics_deviation(const double *numbers, int32_t count) {
    const double mean = statistics_mean(numbers, count);
    double sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (numbers[i] - mean) * (numbers[i] - mean);
    }
    return count < 2 ? NAN : sqrt(sum / (count - 1));
}

double statistics_median(const double *ascending, int32_t count) {
    if (count == 0) {
        return NAN;
    }
    const double low = ascending[(count - 1) / 2], high = ascending[count / 2];
    return low == high ? low : low / 2 + high / 2; /* also of two infinities */
}

double statistics_interquartile_mean(const double *ascending, int32_t count) {
    const int32_t cut = count / 4;
    return statistics_mean(ascending + cut, count - 2 * cut);
}

/* ---- bootstrap ---- */

/* Resample number `resample` of `count` numbers: their indices. */
static void draw(struct rng_stream stream, int64_t resample, int32_t count, uint32_t *words) {
    rng_words(stream, (uint64_t)(resample * count), count, words);
    for (int32_t i = 0; i < count; i++) {
        words[i] =
            (uint32_t)(((uint64_t)words[i] * (uint64_t)count) >> 32); /* uniform but for a bias of count / 2^32 */
    }
}

/* The ascending numbers' percentile p in 0 .. 1: linear between the two nearest ranks. */
static double percentile(const double *ascending, int32_t count, double p) {
    const double place = p * (count - 1);
    const int32_t rank = (int32_t)place;
    const double above = ascending[rank + 1 < count ? rank + 1 : rank];
    return ascending[rank] + (place - rank) * (above - ascending[rank]);
}

/* Sorts the statistics of the resamples. */
static struct statistics_interval percentile_interval(double *resampled) {
    statistics_sort(resampled, STATISTICS_RESAMPLES);
    return (struct statistics_interval){percentile(resampled, STATISTICS_RESAMPLES, STATISTICS_LEVEL / 2),
                                        percentile(resampled, STATISTICS_RESAMPLES, 1 - STATISTICS_LEVEL / 2)};
}

static double *ascending_copy(const double *numbers, int32_t count, struct arena *arena) {
    double *copy = arena_calloc(arena, (size_t)count, sizeof *copy);
    for (int32_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = numbers[i];
    }
    if (copy != NULL) {
        statistics_sort(copy, count);
    }
    return copy;
}

/* The interval of a statistic of ascending numbers. */
static struct statistics_interval bootstrap_interval(const double *numbers, int32_t count,
                                                     double (*statistic)(const double *, int32_t),
                                                     struct arena *arena) {
    if (count < STATISTICS_LEAST_INTERVAL) {
        return no_interval;
    }
    struct statistics_interval interval = no_interval;
    const struct arena_mark mark = arena_mark(arena);
    const double *ascending = ascending_copy(numbers, count, arena);
    double *sample = arena_calloc(arena, (size_t)count, sizeof *sample);
    double *resampled = arena_calloc(arena, STATISTICS_RESAMPLES, sizeof *resampled);
    uint32_t *words = arena_calloc(arena, (size_t)count, sizeof *words);
    int32_t *times = arena_calloc(arena, (size_t)count, sizeof *times);
    if (!arena_failed(arena)) {
        const struct rng_stream stream = rng_stream(0, "statistics.bootstrap");
        for (int32_t r = 0; r < STATISTICS_RESAMPLES; r++) {
            draw(stream, r, count, words);
            for (int32_t i = 0; i < count; i++) {
                times[words[i]]++;
            }
            for (int32_t i = 0, filled = 0; i < count; i++) { /* the sample is ascending, too */
                for (; times[i] > 0; times[i]--) {
                    sample[filled++] = ascending[i];
                }
            }
            resampled[r] = statistic(sample, count);
        }
        interval = percentile_interval(resampled);
    }
    arena_release(arena, mark);
    return interval;
}

struct statistics_interval statistics_mean_interval(const double *numbers, int32_t count, struct arena *arena) {
    return bootstrap_interval(numbers, count, statistics_mean, arena);
}

struct statistics_interval statistics_interquartile_mean_interval(const double *numbers, int32_t count,
                                                                  struct arena *arena) {
    return bootstrap_interval(numbers, count, statistics_interquartile_mean, arena);
}

/* ---- probability of improvement ---- */

/* 2, 1 or 0 halves of a win. */
static int32_t win_halves(double x, double y) {
    return (x > y) + (x >= y);
}

double statistics_improvement(const double *x, int32_t n, const double *y, int32_t m) {
    int64_t halves = 0;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < m; j++) {
            halves += win_halves(x[i], y[j]);
        }
    }
    return n == 0 || m == 0 ? NAN : (double)halves / (2.0 * n * m);
}

struct statistics_interval statistics_improvement_interval(const double *x, int32_t n, const double *y, int32_t m,
                                                           struct arena *arena) {
    if (n < STATISTICS_LEAST_INTERVAL || m < STATISTICS_LEAST_INTERVAL) {
        return no_interval;
    }
    struct statistics_interval interval = no_interval;
    const struct arena_mark mark = arena_mark(arena);
    const double *xs = ascending_copy(x, n, arena), *ys = ascending_copy(y, m, arena);
    double *resampled = arena_calloc(arena, STATISTICS_RESAMPLES, sizeof *resampled);
    uint32_t *x_words = arena_calloc(arena, (size_t)n, sizeof *x_words);
    uint32_t *y_words = arena_calloc(arena, (size_t)m, sizeof *y_words);
    if (!arena_failed(arena)) {
        const struct rng_stream x_stream = rng_stream(0, "statistics.bootstrap.first");
        const struct rng_stream y_stream = rng_stream(0, "statistics.bootstrap.second");
        for (int32_t r = 0; r < STATISTICS_RESAMPLES; r++) {
            int64_t halves = 0;
            draw(x_stream, r, n, x_words);
            draw(y_stream, r, m, y_words);
            for (int32_t i = 0; i < n; i++) {
                for (int32_t j = 0; j < m; j++) {
                    halves += win_halves(xs[x_words[i]], ys[y_words[j]]);
                }
            }
            resampled[r] = (double)halves / (2.0 * n * m);
        }
        interval = percentile_interval(resampled);
    }
    arena_release(arena, mark);
    return interval;
}

/* ---- sign flips ---- */

/* Of the 2^count choices of signs of `differences`, those that bring a sum to at least `limit` or at most -limit. */
static int64_t count_far(const double *differences, int32_t count, double sum, double limit) {
    int64_t far = 0;
    for (int64_t signs = 0; signs < (int64_t)1 << count; signs++) {
        double flipped = sum;
        for (int32_t i = 0; i < count; i++) {
            flipped += (signs >> i) & 1 ? -differences[i] : differences[i];
        }
        far += fabs(flipped) >= limit;
    }
    return far;
}

static int64_t count_far_at_random(const double *differences, int32_t count, double limit) {
    const struct rng_stream stream = rng_stream(0, "statistics.flips");
    const int32_t words_per_flip = (count + 31) / 32;
    int64_t far = 0;
    for (int64_t f = 0; f < STATISTICS_FLIPS; f++) {
        double flipped = 0;
        for (int32_t i = 0; i < count; i += 32) {
            uint32_t word;
            rng_words(stream, (uint64_t)(f * words_per_flip + i / 32), 1, &word);
            for (int32_t j = i; j < count && j < i + 32; j++) {
                flipped += (word >> (j - i)) & 1 ? -differences[j] : differences[j];
            }
        }
        far += fabs(flipped) >= limit;
    }
    return far;
}

double statistics_sign_flip(const double *differences, int32_t count) {
    double sum = 0, size = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += differences[i];
        size += fabs(differences[i]);
    }
    /* Differences of scores such as 0.81 - 0.79 are rounded, and accuracies of few examples often tie: two sums that are equal
     * must count as equal. */
    const double limit = fabs(sum) - 1e-10 * size;
    if (count == 0) {
        return NAN;
    }
    if (count > STATISTICS_MOST_EXACT) {
        return (1.0 + (double)count_far_at_random(differences, count, limit)) / (1.0 + STATISTICS_FLIPS);
    }
    /* The other sign of the first difference mirrors all sums. */
    return (double)count_far(differences + 1, count - 1, differences[0], limit) / (double)((int64_t)1 << (count - 1));
}

int32_t statistics_pairs_needed(int32_t comparisons) {
    int32_t pairs = 1;
    while (ldexp(2.0 * comparisons, -pairs) > STATISTICS_LEVEL) {
        pairs++;
    }
    return pairs;
}

/* ---- Holm ---- */

void statistics_holm(const double *p, int32_t count, double *corrected) {
    for (int32_t i = 0; i < count; i++) {
        int32_t before = 0; /* in ascending order, equal ones in the order given */
        for (int32_t j = 0; j < count; j++) {
            before += p[j] < p[i] || (j < i && p[j] == p[i]);
        }
        corrected[i] = fmin(1, (count - before) * p[i]);
    }
    for (int32_t i = 0; i < count; i++) {
        for (int32_t j = 0; j < count; j++) { /* whether corrected[j] is a maximum already makes no difference */
            corrected[i] = p[j] <= p[i] ? fmax(corrected[i], corrected[j]) : corrected[i];
        }
    }
}
