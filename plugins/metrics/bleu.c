/* plugins/metrics/bleu.c: BLEU of all texts together, on the scale 0 to 100.
 *
 *     BLEU = 100 b exp(1/4 sum_n log p_n),    p_n = sum_i w_i m_in / sum_i w_i c_in,    n = 1 .. 4
 *     b    = 1 if c > r, else exp(1 - r / c)
 *
 * c_in: the n-grams of generated text i; m_in: those that occur in its references, each at most as often as in one of
 * them; c: words of all generated texts; r: words of the references, of several of the one whose length is nearest (of
 * two equally near, the shorter); w: weights. Where an order has no match, p_n is 1 / (2^k sum_i w_i c_in), k counting the
 * orders without one. Source: Papineni, Roukos, Ward & Zhu, "BLEU: a method for automatic evaluation of machine translation",
 * ACL 2002. Words, and orders without a match, are those of sacreBLEU (Post, "A call for clarity in reporting BLEU scores",
 * WMT 2018), and so are the numbers.
 */
#include <math.h>

#include "ngrams.h"

enum { TOKENIZE_13A, TOKENIZE_NONE, TOKENIZE_CHAR };
static const char *const tokenizers[] = {"13a", "none", "char", NULL};

struct bleu {
    int32_t tokenize, lowercase;
};

static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct bleu, tokenize, "13a", tokenizers,
                        "words: 13a splits off punctuation as WMT does; none: blanks separate them; char: characters"),
    RONDO_OPTION_BOOL(struct bleu, lowercase, "false", "compare texts in lower case"), RONDO_OPTION_END};

enum { ORDERS = 4 };
enum { MATCHES, NGRAMS, WORDS, REFERENCE_WORDS, TEXTS };
static const rondo_accumulator accumulators[] = {
    [MATCHES] = {"matches", "n-grams of the texts that occur in references, for each order, times weights"},
    [NGRAMS] = {"ngrams", "n-grams of the texts, for each order, times weights"},
    [WORDS] = {"words", "words of the texts, times weights"},
    [REFERENCE_WORDS] = {"reference_words", "words of the nearest references, times weights"},
    [TEXTS] = {"texts", "weights of the texts"},
    {0}};

static rondo_status size(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *count) {
    (void)ctx;
    (void)call;
    *count = accumulator == MATCHES || accumulator == NGRAMS ? ORDERS : 1;
    return RONDO_OK;
}

/* ---- words of 13a: mteval-v13a.pl of NIST, which sacreBLEU repeats ---- */

/* Replaces `pattern` wherever it occurs, by something that is not longer. Returns the new number of characters. */
static int64_t replace(uint32_t *characters, int64_t count, const char *pattern, const char *by) {
    const int64_t length = (int64_t)strlen(pattern);
    int64_t to = 0;
    for (int64_t from = 0; from < count;) {
        int64_t same = 0;
        while (same < length && from + same < count && characters[from + same] == (unsigned char)pattern[same]) {
            same++;
        }
        if (same < length) {
            characters[to++] = characters[from++];
            continue;
        }
        for (const char *c = by; *c != '\0'; c++) {
            characters[to++] = (unsigned char)*c;
        }
        from += length;
    }
    return to;
}

static int is_digit(uint32_t c) {
    return c >= '0' && c <= '9';
}

/* ASCII punctuation but apostrophe, comma, dash and period. */
static int is_symbol(uint32_t c) {
    return (c > ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static int is_point(uint32_t c) {
    return c == '.' || c == ',';
}

static int is_point_after_other(uint32_t a, uint32_t b) {
    return !is_digit(a) && is_point(b);
}

static int is_point_before_other(uint32_t a, uint32_t b) {
    return is_point(a) && !is_digit(b);
}

static int is_dash_after_digit(uint32_t a, uint32_t b) {
    return is_digit(a) && b == '-';
}

/* Puts blanks around one of the two characters of each pair for which `is_split`: the second, or the first. A pair begins
 * after the one before, as with a regular expression. */
static int64_t split_pairs(const uint32_t *from, int64_t count, int (*is_split)(uint32_t, uint32_t), int second,
                           uint32_t *to) {
    int64_t end = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i + 1 == count || !is_split(from[i], from[i + 1])) {
            to[end++] = from[i];
            continue;
        }
        const uint32_t apart[2][4] = {{' ', from[i], ' ', from[i + 1]}, {from[i], ' ', from[i + 1], ' '}};
        memcpy(to + end, apart[second], sizeof apart[second]);
        end += 4;
        i++;
    }
    return end;
}

/* Room for the characters of 13a: a symbol becomes 3, a point or a dash at most 5, and there are 2 blanks around all. */
static int64_t room_of_13a(int64_t count) {
    return 5 * count + 2;
}

/* Puts blanks around what 13a makes words of. Returns a pointer to the characters in `scratch`, [2][room_of_13a(count)]. */
static const uint32_t *split_13a(uint32_t *characters, int64_t *count, uint32_t *scratch, int64_t room) {
    uint32_t *a = scratch, *b = scratch + room;
    int64_t n = *count, end = 0;
    while (n > 0 && is_blank(characters[n - 1])) {
        n--;
    }
    n = replace(characters, n, "<skipped>", "");
    n = replace(characters, n, "-\n", "");
    n = replace(characters, n, "\n", " ");
    n = replace(characters, n, "&quot;", "\"");
    n = replace(characters, n, "&amp;", "&");
    n = replace(characters, n, "&lt;", "<");
    n = replace(characters, n, "&gt;", ">");
    a[end++] = ' ';
    for (int64_t i = 0; i < n; i++) {
        const int is_apart = is_symbol(characters[i]);
        a[end] = ' ';
        end += is_apart;
        a[end++] = characters[i];
        a[end] = ' ';
        end += is_apart;
    }
    a[end++] = ' ';
    end = split_pairs(a, end, is_point_after_other, 1, b);
    end = split_pairs(b, end, is_point_before_other, 0, a);
    *count = split_pairs(a, end, is_dash_after_digit, 1, b);
    return b;
}

/* ---- measuring ---- */

struct reading {
    const struct bleu *options;
    uint32_t *scratch; /* [2][room] */
    int64_t room;
};

static int64_t read_words(struct text_group *group, const char *text, int64_t end, const void *data) {
    const struct reading *reading = data;
    int64_t count = text_characters(text, reading->options->lowercase, group->characters);
    if (reading->options->tokenize == TOKENIZE_13A) {
        const uint32_t *apart = split_13a(group->characters, &count, reading->scratch, reading->room);
        return add_words_of(group, apart, count, end);
    }
    if (reading->options->tokenize == TOKENIZE_NONE) {
        return add_words_of(group, group->characters, count, end);
    }
    for (int64_t i = 0; i < count; i++) {
        group->units[end] = (int32_t)group->characters[i] + 1;
        end += !is_blank(group->characters[i]);
    }
    return end;
}

/* The length of the reference whose length is nearest to that of the generated text. */
static int64_t nearest_length(const struct text_group *group) {
    int64_t nearest = -1, smallest = 0;
    for (int64_t t = 1; t < group->n_texts; t++) {
        const int64_t length = group->begin[t + 1] - group->begin[t];
        const int64_t difference = length > group->begin[1] ? length - group->begin[1] : group->begin[1] - length;
        if (nearest < 0 || difference < smallest || (difference == smallest && length < nearest)) {
            nearest = length;
            smallest = difference;
        }
    }
    return nearest;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    struct text_group group;
    struct ngrams ngrams;
    rondo_status status = text_group_create(ctx, call, &group);
    status = status == RONDO_OK ? ngrams_create(ctx, &group, &ngrams) : status;
    struct reading reading = {.options = call->options, .room = room_of_13a(group.most_characters)};
    reading.scratch = ctx->host->alloc(ctx, 2 * (size_t)reading.room * sizeof *reading.scratch);
    if (status != RONDO_OK || reading.scratch == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t i = 0; i < call->n_texts; i++) {
        const double weight = rondo_weight(call, i);
        text_group_read(&group, call, i, read_words, &reading);
        ngrams_begin(&ngrams);
        for (int n = 0; n < ORDERS; n++) {
            ngrams_raise(&ngrams);
            call->accumulators[MATCHES][n] += weight * (double)ngrams_matches(&ngrams, 0);
            call->accumulators[NGRAMS][n] += weight * (double)ngrams_count(&ngrams, 0);
        }
        call->accumulators[WORDS][0] += weight * (double)group.begin[1];
        call->accumulators[REFERENCE_WORDS][0] += weight * (double)nearest_length(&group);
        call->accumulators[TEXTS][0] += weight;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    double *const *sums = call->accumulators;
    double logs = 0, smoothing = 1;
    int has_matches = 0, has_ngrams = 1;
    for (int n = 0; n < ORDERS; n++) {
        has_matches |= sums[MATCHES][n] > 0;
        has_ngrams &= sums[NGRAMS][n] > 0;
        smoothing *= sums[MATCHES][n] > 0 ? 1 : 2;
        logs += log((sums[MATCHES][n] > 0 ? sums[MATCHES][n] : 1 / smoothing) / sums[NGRAMS][n]);
    }
    const double words = sums[WORDS][0], reference = sums[REFERENCE_WORDS][0];
    const double brevity = words < reference ? exp(1 - reference / words) : 1;
    *value = !(sums[TEXTS][0] > 0) ? (double)NAN : has_matches && has_ngrams ? 100 * brevity * exp(logs / ORDERS) : 0;
    return RONDO_OK;
}

static const rondo_metric_plugin bleu = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "bleu",
             .summary =
                 "BLEU of all generated texts, 0 to 100, as sacreBLEU computes it (Papineni et al. 2002; Post 2018)",
             .options = options,
             .options_size = sizeof(struct bleu)},
    .flags = RONDO_METRIC_TEXTS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .size = size,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("bleu", "1.0", "MIT", &bleu.base);
