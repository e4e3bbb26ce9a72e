#include "train/choose.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/kernel.h"

/* ---- logarithms ---- */

/* log x of a normal number > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), log x = e log 2 + log(1 + f), f = m - 1, with the
 * polynomial of Cephes' logf. Without a call and a branch, so that compilers generate vector code. */
KERNEL_INLINE float logarithm(float x) {
    const float least = x < FLT_MIN ? FLT_MIN : x;
    uint32_t bits;
    memcpy(&bits, &least, sizeof bits);
    const uint32_t shifted = bits - 0x3f3504f3; /* the bits of sqrt(1/2) */
    const int32_t exponent = (int32_t)shifted >> 23;
    const uint32_t mantissa = (shifted & 0x007fffff) + 0x3f3504f3;
    float m;
    memcpy(&m, &mantissa, sizeof m);
    const float f = m - 1.0f, e = (float)exponent, square = f * f;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    return (p * f * square + e * -2.12194440e-4f - 0.5f * square) + f + e * 0.693359375f;
}

KERNEL_CLONES static void fill_logarithms(const float *probabilities, int64_t size, float *log_probabilities) {
    KERNEL_LOOP
    for (int64_t k = 0; k < size; k++) {
        log_probabilities[k] = logarithm(probabilities[k]);
    }
}

void choose_logarithms(const float *probabilities, int64_t size, float *log_probabilities) {
    fill_logarithms(probabilities, size, log_probabilities);
}

/* ---- repeats ---- */

static void penalise(float *log_probabilities, const struct choose_history *history, float factor) {
    for (int64_t i = 0; i < history->count; i++) {
        unsigned char *seen = &history->seen[history->ids[i]];
        if (!*seen) {
            log_probabilities[history->ids[i]] *= factor;
            *seen = 1;
        }
    }
    for (int64_t i = 0; i < history->count; i++) {
        history->seen[history->ids[i]] = 0;
    }
}

/* Forbids what followed the last n - 1 symbols wherever they occur in the history. */
static void forbid_sequences(float *log_probabilities, const struct choose_history *history, int64_t n) {
    if (history->count < n) {
        return;
    }
    const size_t bytes = sizeof *history->ids * (size_t)(n - 1);
    const int32_t *last = history->ids + history->count - (n - 1);
    for (int64_t end = n - 1; end < history->count; end++) {
        if (memcmp(history->ids + end - (n - 1), last, bytes) == 0) {
            log_probabilities[history->ids[end]] = -INFINITY;
        }
    }
}

void choose_without_repeats(float *log_probabilities, const struct generate_settings *settings,
                            const struct choose_history *history) {
    if (settings->repetition > 1) {
        penalise(log_probabilities, history, (float)settings->repetition);
    }
    if (settings->no_repeat > 0) {
        forbid_sequences(log_probabilities, history, settings->no_repeat);
    }
}

/* ---- drawing ---- */

/* 1 if symbol a comes before symbol b. */
static inline int is_before(const float *weights, int32_t a, int32_t b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
}

/* Restores the order of a heap, whose first symbol comes before all others, below place `at`. */
static void sift(const float *weights, int32_t *heap, int64_t count, int64_t at) {
    const int32_t moved = heap[at];
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_before(weights, heap[child + 1], heap[child]);
        if (!is_before(weights, heap[child], moved)) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Takes symbols from the heap in falling order, to places count - 1, count - 2, … of the same array, until `most` are taken or
 * their sum is at least `enough`. Returns their number. */
static int64_t take_largest(const float *weights, int32_t *heap, int64_t count, int64_t most, double enough) {
    int64_t taken = 0;
    for (double sum = 0; taken < most && taken < count && (taken == 0 || sum < enough); taken++) {
        const int32_t first = heap[0];
        const int64_t left = count - 1 - taken;
        heap[0] = heap[left];
        heap[left] = first;
        sift(weights, heap, left, 0);
        sum += (double)weights[first];
    }
    return taken;
}

/* Sets to 0 what top_k and top_p leave out. */
static void keep_largest(float *weights, int64_t size, const struct generate_settings *settings, int32_t *order) {
    double total = 0;
    for (int64_t k = 0; k < size; k++) {
        order[k] = (int32_t)k;
        total += (double)weights[k];
    }
    for (int64_t at = size / 2 - 1; at >= 0; at--) {
        sift(weights, order, size, at);
    }
    const int64_t most = settings->top_k > 0 && settings->top_k < size ? settings->top_k : size;
    int64_t kept = take_largest(weights, order, size, most, most < size ? INFINITY : settings->top_p * total);
    if (most < size && settings->top_p < 1) {
        total = 0;
        for (int64_t i = 0; i < kept; i++) {
            total += (double)weights[order[size - 1 - i]];
        }
        int64_t enough = 0;
        for (double sum = 0; enough < kept && (enough == 0 || sum < settings->top_p * total); enough++) {
            sum += (double)weights[order[size - 1 - enough]];
        }
        kept = enough;
    }
    for (int64_t i = kept; i < size; i++) {
        weights[order[size - 1 - i]] = 0;
    }
}

int choose_weights(const float *log_probabilities, int64_t size, const struct generate_settings *settings,
                   int32_t *order, float *weights) {
    const int64_t best = choose_best(log_probabilities, size);
    if (best < 0) {
        return 0;
    }
    /* 1 / T is finite, so that the most probable symbol, whose difference is 0, has the weight 1 however small T is. */
    const float highest = log_probabilities[best], factor = fminf(1 / (float)settings->temperature, FLT_MAX);
    for (int64_t k = 0; k < size; k++) {
        weights[k] = expf((log_probabilities[k] - highest) * factor);
    }
    if (settings->top_k > 0 || settings->top_p < 1) {
        keep_largest(weights, size, settings, order);
    }
    for (int64_t k = 0; k < size && settings->min_p > 0; k++) {
        weights[k] = (double)weights[k] < settings->min_p ? 0 : weights[k]; /* the largest is 1 */
    }
    return 1;
}

int64_t choose_draw(const float *weights, int64_t size, double uniform) {
    double total = 0, sum = 0;
    for (int64_t k = 0; k < size; k++) {
        total += (double)weights[k];
    }
    int64_t last = 0;
    for (int64_t k = 0; k < size; k++) {
        if (weights[k] > 0) {
            last = k; /* rounding may leave the sum below uniform * total */
            sum += (double)weights[k];
            if (sum > uniform * total) {
                break;
            }
        }
    }
    return last;
}

/* ---- the best ---- */

int64_t choose_best(const float *log_probabilities, int64_t size) {
    float highest = -INFINITY;
    int64_t best = -1;
    for (int64_t k = 0; k < size; k++) {
        if (log_probabilities[k] > highest) {
            highest = log_probabilities[k];
            best = k;
        }
    }
    return best;
}

enum { BLOCK = 64 };

/* The largest of BLOCK numbers. */
KERNEL_CLONES static float block_highest(const float *row) {
    float most[16];
    for (int l = 0; l < 16; l++) {
        most[l] = row[l];
    }
    for (int k = 16; k < BLOCK; k += 16) {
        for (int l = 0; l < 16; l++) {
            most[l] = row[k + l] > most[l] ? row[k + l] : most[l];
        }
    }
    float highest = most[0];
    for (int l = 1; l < 16; l++) {
        highest = most[l] > highest ? most[l] : highest;
    }
    return highest;
}

/* Adds the continuations of a hypothesis by symbols begin .. end to the `found` best. */
static int64_t add_candidates(const float *row, int64_t begin, int64_t end, double score, int64_t origin,
                              int64_t wanted, struct choose_candidate *candidates, int64_t found) {
    for (int64_t k = begin; k < end; k++) {
        const double sum = score + (double)row[k];
        if (!(sum > (found < wanted ? -INFINITY : candidates[wanted - 1].score))) {
            continue;
        }
        int64_t at = found < wanted ? found++ : wanted - 1;
        for (; at > 0 && candidates[at - 1].score < sum; at--) {
            candidates[at] = candidates[at - 1];
        }
        candidates[at] = (struct choose_candidate){sum, origin, (int32_t)k};
    }
    return found;
}

/* Most blocks of symbols have no candidate, which their largest log-probability shows. */
int64_t choose_candidates(const float *log_probabilities, int64_t size, int64_t stride, const double *scores,
                          int64_t count, int64_t wanted, struct choose_candidate *candidates) {
    int64_t found = 0;
    for (int64_t origin = 0; origin < count; origin++) {
        const float *row = log_probabilities + origin * stride;
        for (int64_t begin = 0; begin < size; begin += BLOCK) {
            const int64_t end = begin + BLOCK < size ? begin + BLOCK : size;
            const int may_skip = found == wanted && end == begin + BLOCK;
            if (!may_skip || scores[origin] + (double)block_highest(row + begin) > candidates[wanted - 1].score) {
                found = add_candidates(row, begin, end, scores[origin], origin, wanted, candidates, found);
            }
        }
    }
    return found;
}

double choose_normalised(double score, int64_t length, double power) {
    return score / pow((5 + (double)length) / 6, power);
}
