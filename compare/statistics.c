#include "compare/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    if (count == 0) {
        return NAN;
    }
    /* Pairs from both ends, so that reversed and negated numbers are added in the same order. */
    const double center = numbers[0] / 2 + numbers[count - 1] / 2;
    double sum = count % 2 == 1 ? numbers[count / 2] - center : 0;
    for (int32_t i = 0; i < count / 2; i++) {
        sum += (numbers[i] - center) + (numbers[count - 1 - i] - center);
    }
    return center + sum / count;
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

/* P(|T| <= sqrt(degrees) tan(angle)) of Student's T (M. Abramowitz, I. A. Stegun, "Handbook of mathematical functions", 1964,
 * 26.7.3 and 26.7.4), with s = sin(angle), c = cos(angle):
 *
 *     odd:  2/pi (angle + s (c + 2/3 c^3 + (2 4)/(3 5) c^5 + ... up to c^(degrees - 2)))
 *     even: s (1 + 1/2 c^2 + (1 3)/(2 4) c^4 + ... up to c^(degrees - 2)) */
static double student_probability(double angle, int32_t degrees) {
    const int32_t odd = degrees % 2;
    const double c = cos(angle);
    double term = odd ? c : 1, sum = 0;
    for (int32_t power = odd; power <= degrees - 2; power += 2) {
        sum += term;
        term *= c * c * (power + 1) / (power + 2);
    }
    return odd ? 2 / acos(-1) * (angle + sin(angle) * sum) : sin(angle) * sum;
}

double statistics_student_quantile(int32_t degrees) {
    double low = 0, high = acos(0);
    for (int32_t i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        *(student_probability(middle, degrees) < 1 - STATISTICS_LEVEL ? &low : &high) = middle;
    }
    return sqrt(degrees) * tan(low);
}

double statistics_tail(int32_t count) {
    return erfc(sqrt(count / (count - 1.0)) * statistics_student_quantile(count - 1) / sqrt(2)) / 2;
}

/* The value of a statistic in `weight` resamples: integers, whose sum is below 2^53. */
struct weighted_value {
    double value, weight;
};

static int compare_values(const void *a, const void *b) {
    return compare_numbers(&((const struct weighted_value *)a)->value, &((const struct weighted_value *)b)->value);
}

/* The value at `place` in 0 .. sum of the weights - 1, counted from `values` on in direction `step`: linear between the two nearest
 * ranks. From the other end of negated values it is exactly the negative. */
static double value_at(const struct weighted_value *values, int32_t step, double place) {
    const double rank = floor(place);
    double below = 0; /* resamples before *values */
    for (; below + values->weight <= rank; values += step) {
        below += values->weight;
    }
    const double value = values->value;
    const double next = place == rank || rank + 1 < below + values->weight ? value : values[step].value;
    return value + (place - rank) * (next - value);
}

/* Sorts the values. `numbers`: of a resample. */
static struct statistics_interval percentile_interval(struct weighted_value *values, int32_t count, int32_t numbers) {
    double resamples = 0;
    qsort(values, (size_t)count, sizeof *values, compare_values);
    for (int32_t i = 0; i < count; i++) {
        resamples += values[i].weight;
    }
    const double place = statistics_tail(numbers) * (resamples - 1);
    return (struct statistics_interval){value_at(values, 1, place), value_at(values + count - 1, -1, place)};
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

/* All resamples of `count` numbers as ascending indices: from all 0 to all count - 1. 0: these were the last. */
static int next_multiset(int32_t *indices, int32_t count) {
    int32_t place = count - 1;
    while (place >= 0 && indices[place] == count - 1) {
        place--;
    }
    const int32_t next = place < 0 ? 0 : indices[place] + 1;
    for (int32_t i = place < 0 ? 0 : place; i < count; i++) {
        indices[i] = next;
    }
    return place >= 0;
}

/* How many of the count^count ordered resamples have these indices: count! / (times_0! times_1! ...). */
static double arrangements(const int32_t *indices, int32_t count) {
    double result = 1;
    for (int32_t i = 0, times = 0; i < count; i++) {
        times = i > 0 && indices[i] == indices[i - 1] ? times + 1 : 1;
        result = result * (i + 1) / times; /* an integer each time */
    }
    return result;
}

static int32_t count_multisets(int32_t count) { /* (2 count - 1) over count */
    double result = 1;
    for (int32_t i = 1; i <= count; i++) {
        result = result * (count - 1 + i) / i;
    }
    return (int32_t)result;
}

/* `count` random indices below `limit`, number `resample` of the stream. */
static void draw(struct rng_stream stream, int64_t resample, int32_t count, int32_t limit, uint32_t *words) {
    rng_words(stream, (uint64_t)(resample * count), count, words);
    for (int32_t i = 0; i < count; i++) {
        words[i] = (uint32_t)(((uint64_t)words[i] * (uint64_t)limit) >> 32); /* a bias of limit / 2^32 */
    }
}

/* Of a random resample of ascending numbers, also ascending. Resamples 2 k and 2 k + 1 mirror each other (index i becomes count - 1 - i),
 * so that the resamples of negated numbers are exactly the negated resamples. */
static void draw_sample(const double *ascending, int32_t count, int32_t resample, double *sample, uint32_t *words,
                        int32_t *times) {
    draw(rng_stream(0, "statistics.bootstrap"), resample / 2, count, count, words);
    for (int32_t i = 0; i < count; i++) {
        times[resample % 2 == 0 ? (int32_t)words[i] : count - 1 - (int32_t)words[i]]++;
    }
    for (int32_t i = 0, filled = 0; i < count; i++) {
        for (; times[i] > 0; times[i]--) {
            sample[filled++] = ascending[i];
        }
    }
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
    const int is_exact = count <= STATISTICS_MOST_ENUMERATED;
    const int32_t resamples = is_exact ? count_multisets(count) : STATISTICS_RESAMPLES;
    const double *ascending = ascending_copy(numbers, count, arena);
    double *sample = arena_calloc(arena, (size_t)count, sizeof *sample);
    struct weighted_value *values = arena_calloc(arena, (size_t)resamples, sizeof *values);
    uint32_t *words = arena_calloc(arena, (size_t)count, sizeof *words);
    int32_t *indices = arena_calloc(arena, (size_t)count, sizeof *indices);
    if (!arena_failed(arena)) {
        for (int32_t r = 0; r < resamples; r++) {
            double weight = 1;
            if (is_exact) {
                weight = arrangements(indices, count);
                for (int32_t i = 0; i < count; i++) {
                    sample[i] = ascending[indices[i]];
                }
                next_multiset(indices, count);
            } else {
                draw_sample(ascending, count, r, sample, words, indices);
            }
            values[r] = (struct weighted_value){statistic(sample, count), weight};
        }
        interval = percentile_interval(values, resamples, count);
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

/* Of states (a numbers of x drawn, b of y, h halves of wins), before[a][b][h] is the number of ways to draw them from the values up to
 * here. Adds to `after` those with the next value, which n_equal of x and m_equal of y have: A more of the n - a positions left in the
 * resample of x in C(n - a, A) n_equal^A ways, B of y likewise. They win against the b lower ones, and are half a win among themselves. */
static void draw_value(const double *before, double *after, int32_t n, int32_t n_equal, int32_t m, int32_t m_equal) {
    const int32_t halves = 2 * n * m + 1;
    for (int32_t a = 0; a <= n; a++) {
        for (int32_t b = 0; b <= m; b++) {
            double x_ways = 1;
            for (int32_t x = 0; x <= (n_equal > 0 ? n - a : 0); x++) {
                double ways = x_ways;
                for (int32_t y = 0; y <= (m_equal > 0 ? m - b : 0); y++) {
                    const double *from = before + (a * (m + 1) + b) * halves;
                    double *to = after + ((a + x) * (m + 1) + b + y) * halves + 2 * x * b + x * y;
                    for (int32_t h = 0; h <= 2 * a * b; h++) {
                        to[h] += ways * from[h];
                    }
                    ways = ways * (m - b - y) * m_equal / (y + 1);
                }
                x_ways = x_ways * (n - a - x) * n_equal / (x + 1);
            }
        }
    }
}

/* Sets values[h].weight to the number of all resamples of ascending x and y with h halves of wins: integers of at most n^n m^m.
 * states: [2][n + 1][m + 1][2 n m + 1], all 0. */
static void count_all_wins(const double *x, int32_t n, const double *y, int32_t m, struct weighted_value *values,
                           double *states) {
    const int32_t halves = 2 * n * m + 1, count = (n + 1) * (m + 1) * halves;
    double *before = states, *after = states + count;
    before[0] = 1;
    for (int32_t i = 0, j = 0; i < n || j < m;) {
        const double value = i < n && (j == m || x[i] < y[j]) ? x[i] : y[j];
        int32_t n_equal = 0, m_equal = 0;
        for (; i < n && x[i] == value; i++) {
            n_equal++;
        }
        for (; j < m && y[j] == value; j++) {
            m_equal++;
        }
        memset(after, 0, (size_t)count * sizeof *after);
        draw_value(before, after, n, n_equal, m, m_equal);
        double *swapped = before;
        before = after;
        after = swapped;
    }
    for (int32_t h = 0; h < halves; h++) {
        values[h].weight = before[count - halves + h]; /* of the state (n, m) */
    }
}

/* As above, of STATISTICS_RESAMPLES random resamples. Both sides draw from both streams in turn, so that a swap of x and y mirrors the result.
 * words: [2][max(n, m)]. */
static void count_random_wins(const double *x, int32_t n, const double *y, int32_t m, struct weighted_value *values,
                              uint32_t *words) {
    const int32_t length = n > m ? n : m;
    const struct rng_stream streams[] = {rng_stream(0, "statistics.bootstrap.first"),
                                         rng_stream(0, "statistics.bootstrap.second")};
    for (int32_t r = 0; r < STATISTICS_RESAMPLES; r++) {
        int32_t halves = 0;
        draw(streams[r % 2], r / 2, length, n, words);
        draw(streams[1 - r % 2], r / 2, length, m, words + length);
        for (int32_t i = 0; i < n; i++) {
            for (int32_t j = 0; j < m; j++) {
                halves += win_halves(x[words[i]], y[words[length + j]]);
            }
        }
        values[halves].weight += 1;
    }
}

struct statistics_interval statistics_improvement_interval(const double *x, int32_t n, const double *y, int32_t m,
                                                           struct arena *arena) {
    const int32_t least = n < m ? n : m, length = n > m ? n : m, most = 2 * n * m;
    if (least < STATISTICS_LEAST_INTERVAL) {
        return no_interval;
    }
    struct statistics_interval interval = no_interval;
    const struct arena_mark mark = arena_mark(arena);
    const double *xs = ascending_copy(x, n, arena), *ys = ascending_copy(y, m, arena);
    struct weighted_value *values = arena_calloc(arena, (size_t)most + 1, sizeof *values);
    const int is_exact = length <= STATISTICS_MOST_ENUMERATED;
    const size_t n_states = is_exact ? (size_t)((n + 1) * (m + 1) * (most + 1)) : 1;
    double *states = arena_calloc(arena, 2 * n_states, sizeof *states);
    uint32_t *words = arena_calloc(arena, 2 * (size_t)length, sizeof *words);
    if (!arena_failed(arena)) {
        if (is_exact) {
            count_all_wins(xs, n, ys, m, values, states);
        } else {
            count_random_wins(xs, n, ys, m, values, words);
        }
        int32_t count = 0; /* of values that occur */
        for (int32_t h = 0; h <= most; h++) {
            if (values[h].weight > 0) {
                values[count++] = (struct weighted_value){(double)h / most, values[h].weight};
            }
        }
        interval = percentile_interval(values, count, least);
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

/* The differences are at first, first + step, ... */
static int64_t count_far_at_random(const double *first, int32_t step, int32_t count, double limit) {
    const struct rng_stream stream = rng_stream(0, "statistics.flips");
    const int32_t words_per_flip = (count + 31) / 32;
    int64_t far = 0;
    for (int64_t f = 0; f < STATISTICS_FLIPS; f++) {
        double flipped = 0;
        for (int32_t i = 0; i < count; i += 32) {
            uint32_t word;
            rng_words(stream, (uint64_t)(f * words_per_flip + i / 32), 1, &word);
            for (int32_t j = i; j < count && j < i + 32; j++) {
                const double difference = first[(ptrdiff_t)j * step];
                flipped += (word >> (j - i)) & 1 ? -difference : difference;
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
        /* Negated numbers are in the other order when ascending; both get the same flips. */
        const int64_t far = sum < 0 ? count_far_at_random(differences + count - 1, -1, count, limit)
                                    : count_far_at_random(differences, 1, count, limit);
        return (1.0 + (double)far) / (1.0 + STATISTICS_FLIPS);
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
