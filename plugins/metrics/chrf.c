/* plugins/metrics/chrf.c: chrF of all texts together, on the scale 0 to 100: F score of character n-grams.
 *
 *     chrF = 100 (1 + beta^2) P R / (beta^2 P + R)
 *     P = mean_n sum_i w_i m_in / sum_i w_i g_in,    R = mean_n sum_i w_i m_in / sum_i w_i r_in
 *
 * g_in, r_in: the n-grams of generated text i and of its reference, of several of the one with the best F score for that
 * text; m_in: those in both; n: the orders 1 .. 6 of characters without blanks and, with word_order 2 (chrF++), 1 and 2 of
 * words, from which one punctuation mark at an end is split off; w: weights. The means are over the orders that occur on
 * both sides. n-grams of a text whose reference has none of that order do not count. Sources: Popovic, "chrF: character
 * n-gram F-score for automatic MT evaluation", WMT 2015, and "chrF++: words helping character n-grams", WMT 2017. The numbers
 * are those of sacreBLEU (Post, WMT 2018).
 */
#include <math.h>

#include "ngrams.h"

struct chrf {
    double beta;
    int64_t word_order;
    int32_t lowercase;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct chrf, beta, "2", 0.01, 100, "how many times as important recall is as precision"),
    RONDO_OPTION_INT(struct chrf, word_order, "0", 0, 4, "orders of word n-grams; 2 is chrF++"),
    RONDO_OPTION_BOOL(struct chrf, lowercase, "false", "compare texts in lower case"), RONDO_OPTION_END};

enum { CHARACTER_ORDERS = 6, MOST_ORDERS = CHARACTER_ORDERS + 4 };
enum { MATCHES, GENERATED, REFERENCE, TEXTS };
static const rondo_accumulator accumulators[] = {
    [MATCHES] = {"matches", "n-grams in both the text and its reference, for each order, times weights"},
    [GENERATED] = {"generated", "n-grams of the texts, for each order, times weights"},
    [REFERENCE] = {"reference", "n-grams of the references, for each order, times weights"},
    [TEXTS] = {"texts", "weights of the texts"},
    {0}};

static int64_t orders_of(const rondo_metric_call *call) {
    return CHARACTER_ORDERS + ((const struct chrf *)call->options)->word_order;
}

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *count) {
    (void)ctx;
    *count = accumulator == TEXTS ? 1 : orders_of(call);
    return RONDO_OK;
}

/* ---- reading ---- */

static int64_t read_characters(struct text_group *group, const char *text, int64_t end, const void *data) {
    const int64_t count = text_characters(text, ((const struct chrf *)data)->lowercase, group->characters);
    for (int64_t i = 0; i < count; i++) {
        group->units[end] = (int32_t)group->characters[i] + 1;
        end += !is_blank(group->characters[i]);
    }
    return end;
}

static int is_punctuation(uint32_t c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* The words between blanks. One punctuation mark is split off: the last character, or else the first. */
static int64_t read_words(struct text_group *group, const char *text, int64_t end, const void *data) {
    const uint32_t *characters = group->characters;
    const int64_t count = text_characters(text, ((const struct chrf *)data)->lowercase, group->characters);
    for (int64_t first = 0, next = 0; first < count; first = next) {
        while (next < count && is_blank(characters[next]) == is_blank(characters[first])) {
            next++;
        }
        if (is_blank(characters[first])) {
            continue;
        }
        const int64_t length = next - first;
        const int64_t head = length == 1                            ? 1
                             : is_punctuation(characters[next - 1]) ? length - 1
                             : is_punctuation(characters[first])    ? 1
                                                                    : length;
        end = add_words_of(group, characters + first, head, end);
        end = add_words_of(group, characters + first + head, length - head, end);
    }
    return end;
}

/* ---- measuring ---- */

/* n-grams of one order in a text and one reference, or in all. */
struct counts {
    double matches, generated, reference;
};

/* 0 to 1 */
static double f_score(const struct counts *counts /* [orders] */, int64_t orders, double beta) {
    double precision = 0, recall = 0, both = 0;
    for (int64_t n = 0; n < orders; n++) {
        if (counts[n].generated > 0 && counts[n].reference > 0) {
            precision += counts[n].matches / counts[n].generated;
            recall += counts[n].matches / counts[n].reference;
            both++;
        }
    }
    if (!(precision + recall > 0)) {
        return 0;
    }
    precision /= both;
    recall /= both;
    return (1 + beta * beta) * precision * recall / (beta * beta * precision + recall);
}

/* Counts the orders 1 .. n_orders of the texts that have been read, for each reference from counts[0] on. */
static void count_orders(struct ngrams *ngrams, int64_t n_orders,
                         struct counts *counts /* [references][MOST_ORDERS] */) {
    ngrams_begin(ngrams);
    for (int64_t n = 0; n < n_orders; n++) {
        ngrams_raise(ngrams);
        for (int64_t t = 1; t < ngrams->group->n_texts; t++) {
            const int64_t reference = ngrams_count(ngrams, t);
            counts[(t - 1) * MOST_ORDERS + n] =
                (struct counts){.matches = (double)ngrams_matches(ngrams, t),
                                .generated = reference > 0 ? (double)ngrams_count(ngrams, 0) : 0,
                                .reference = (double)reference};
        }
    }
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const struct chrf *chrf = call->options;
    struct text_group group;
    struct ngrams ngrams;
    rondo_status status = text_group_create(ctx, call, &group);
    status = status == RONDO_OK ? ngrams_create(ctx, &group, &ngrams) : status;
    struct counts *counts = ctx->host->alloc(ctx, (size_t)group.most_texts * MOST_ORDERS * sizeof *counts);
    if (status != RONDO_OK || counts == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t i = 0; i < call->n_texts; i++) {
        text_group_read(&group, call, i, read_characters, chrf);
        count_orders(&ngrams, CHARACTER_ORDERS, counts);
        if (chrf->word_order > 0) {
            text_group_read(&group, call, i, read_words, chrf);
            count_orders(&ngrams, chrf->word_order, counts + CHARACTER_ORDERS);
        }
        const struct counts *best = counts;
        for (int64_t r = 1; r < group.n_texts - 1; r++) {
            const struct counts *own = counts + r * MOST_ORDERS;
            best = f_score(own, orders_of(call), chrf->beta) > f_score(best, orders_of(call), chrf->beta) ? own : best;
        }
        const double weight = rondo_weight(call, i);
        for (int64_t n = 0; n < orders_of(call); n++) {
            call->accumulators[MATCHES][n] += weight * best[n].matches;
            call->accumulators[GENERATED][n] += weight * best[n].generated;
            call->accumulators[REFERENCE][n] += weight * best[n].reference;
        }
        call->accumulators[TEXTS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    double *const *sums = call->accumulators;
    struct counts counts[MOST_ORDERS];
    for (int64_t n = 0; n < orders_of(call); n++) {
        counts[n] = (struct counts){sums[MATCHES][n], sums[GENERATED][n], sums[REFERENCE][n]};
    }
    const double beta = ((const struct chrf *)call->options)->beta;
    *value = sums[TEXTS][0] > 0 ? 100 * f_score(counts, orders_of(call), beta) : (double)NAN;
    return RONDO_OK;
}

static const rondo_metric_plugin chrf = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "chrf",
             .summary = "chrF of all generated texts, 0 to 100, as sacreBLEU computes it (Popovic 2015; Post 2018)",
             .options = options,
             .options_size = sizeof(struct chrf)},
    .flags = RONDO_METRIC_TEXTS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .size = size,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("chrf", "1.0", "MIT", &chrf.base);
