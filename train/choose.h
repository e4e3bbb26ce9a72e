/* train/choose.h: the choice of the next symbol: functions of a row of log-probabilities, without a model.
 *
 * The order is that of most toolkits: what the text has already (repetition, no_repeat) and what is forbidden first, then the
 * temperature, then top_k, top_p and min_p. Of symbols that are equally probable, the one with the lower id comes first. A
 * symbol that cannot be chosen has the log-probability -INFINITY.
 *
 * Threads: pure functions of their arguments.
 */
#ifndef RONDO_TRAIN_CHOOSE_H
#define RONDO_TRAIN_CHOOSE_H

#include "core/rng.h"
#include "experiment/generate_section.h"

/* log_probabilities[k] = log probabilities[k], with an error below 2e-7 max(1, -log p); of 0, and of what is below the
 * normal numbers, the logarithm of the smallest of them, -87.3, so that every sum of scores is finite. The two may be the same
 * array. */
void choose_logarithms(const float *probabilities, int64_t size, float *log_probabilities);

/* The symbols that a text has already, in order; with the prompt, if that is part of the same text. */
struct choose_history {
    const int32_t *ids; /* [count] */
    int64_t count;
    unsigned char *seen; /* [size] scratch memory for repetition: zeros, also afterwards */
};

/* settings->repetition (Keskar et al. 2019, section 4.1, for log-probabilities, which are never positive): log p of each symbol
 * that occurs in the history is multiplied by it. settings->no_repeat = n: a symbol that would end a sequence of n symbols that
 * occurs in the history already (Paulus et al. 2018, section 2.5) cannot be chosen. */
void choose_without_repeats(float *log_probabilities, const struct generate_settings *settings,
                            const struct choose_history *history);

/* What is left of a distribution for drawing: with T the temperature > 0, w_k = p_k^(1 / T), then in this order
 *
 *     top_k   the k symbols with the largest w
 *     top_p   of these, the shortest list in falling order of w with at least that share of their sum (Holtzman et al. 2020)
 *     min_p   of these, those with w of at least min_p times the largest
 *
 * The most probable symbol is always left; a temperature that is too small to divide by leaves only this one, or those that are equal
 * to it. Writes weights[k], the largest being 1, and 0 for what is left out. `order` is scratch
 * memory for [size] ids. Returns 0 if no symbol can be chosen; else 1. */
int choose_weights(const float *log_probabilities, int64_t size, const struct generate_settings *settings,
                   int32_t *order, float *weights);

/* The symbol at which the sum of the weights first exceeds uniform * total; `uniform` in [0, 1). */
int64_t choose_draw(const float *weights, int64_t size, double uniform);

/* The most probable symbol; -1: none can be chosen. */
int64_t choose_best(const float *log_probabilities, int64_t size);

/* The continuation of a hypothesis by one symbol. */
struct choose_candidate {
    double score;   /* of the hypothesis and the symbol */
    int64_t origin; /* number of the hypothesis */
    int32_t id;
};

/* The best `wanted` continuations of `count` hypotheses, best first; equal ones by origin, then by id. log_probabilities
 * [count, size], of rows `stride` apart; scores [count]. Continuations with -INFINITY are none. Writes up to `wanted` candidates,
 * and returns their number. */
int64_t choose_candidates(const float *log_probabilities, int64_t size, int64_t stride, const double *scores,
                          int64_t count, int64_t wanted, struct choose_candidate *candidates);

/* What hypotheses are compared by (Wu et al. 2016, equation 14): score / ((5 + length) / 6)^power. `length` counts all symbols of
 * the score, with the end. */
double choose_normalised(double score, int64_t length, double power);

#endif
