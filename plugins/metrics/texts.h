/* plugins/metrics/texts.h: texts as numbers, for metrics that compare what a model generates with what is right. The texts
 * of an example are a group: number 0 is the generated one, the others are the references. A metric reads a group as
 * characters or as words; equal ones have equal numbers, within the group. Each plug-in gets its own copy.
 *
 *     struct text_group group;
 *     rondo_status status = text_group_create(ctx, call, &group);
 *     for (int64_t i = 0; status == RONDO_OK && i < call->n_texts; i++) {
 *         text_group_read(&group, call, i, add_words, NULL);
 *         … the words of text t: group.units[group.begin[t]] up to, and without, group.units[group.begin[t + 1]]
 *     }
 *
 * Characters are Unicode code points, and blanks those of Python's str.split, as in the published implementations.
 */
#ifndef RONDO_PLUGINS_TEXTS_H
#define RONDO_PLUGINS_TEXTS_H

#include <string.h>

#include "lower_case.h"
#include "rondo/plugin.h"

/* ---- pairs of numbers ---- */

/* Numbers different pairs 1, 2, 3, … in the order in which they come. A sequence is numbered by extending its beginning:
 * word = pair(pair(pair(0, a), b), c), so words and n-grams are numbered without a copy or a comparison of texts. */
struct pair_numbers {
    uint64_t *keys;   /* [mask + 1], open addressing; 0: free */
    int32_t *numbers; /* [mask + 1] */
    uint64_t mask;
    int32_t count;
};

/* The capacity for `count` pairs: a power of two, at most half of which is used. */
static inline uint64_t pair_capacity(int64_t count) {
    uint64_t capacity = 16;
    while (capacity < 2 * (uint64_t)count) {
        capacity *= 2;
    }
    return capacity;
}

/* Forgets all pairs. There is room for `count`, which is at most what the memory was allocated for. */
static inline void pair_clear(struct pair_numbers *pairs, int64_t count) {
    pairs->mask = pair_capacity(count) - 1;
    pairs->count = 0;
    memset(pairs->keys, 0, (size_t)(pairs->mask + 1) * sizeof *pairs->keys);
}

/* first >= 0, second >= 1 */
static inline int32_t pair_number(struct pair_numbers *pairs, int32_t first, int32_t second) {
    const uint64_t key = (uint64_t)(uint32_t)first << 32 | (uint32_t)second;
    uint64_t place = (key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & pairs->mask;
    while (pairs->keys[place] != key && pairs->keys[place] != 0) {
        place = (place + 1) & pairs->mask;
    }
    if (pairs->keys[place] == 0) {
        pairs->keys[place] = key;
        pairs->numbers[place] = ++pairs->count;
    }
    return pairs->numbers[place];
}

/* ---- characters ---- */

/* The next character of UTF-8; `text` moves past it. A byte that is not UTF-8 is a character, U+DC00 plus the byte. */
static inline uint32_t text_character(const unsigned char **text) {
    const unsigned char *at = *text;
    const int length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 4;
    uint32_t character = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if (at[0] < 0xc2 || at[0] > 0xf4 || (at[i] & 0xc0) != 0x80) {
            *text = at + 1;
            return 0xdc00u + at[0];
        }
        character = character << 6 | (at[i] & 0x3fu);
    }
    *text = at + length;
    return character;
}

static inline int is_blank(uint32_t c) {
    return (c >= 0x9 && c <= 0xd) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* A letter next to which a capital sigma may end a word: Greek or ASCII. */
static inline int is_beside_sigma(uint32_t c) {
    return (c >= 0x386 && c <= 0x3ff && c != 0x387) || (c >= 0x1f00 && c <= 0x1fff) || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z');
}

/* The characters of `text`, at most one for each byte; returns their number. Two of them have a lower case that is no
 * single character: I with a dot above is two, and a sigma at the end of a word is another one. */
static inline int64_t text_characters(const char *text, int32_t has_lower_case, uint32_t *characters) {
    enum { CAPITAL_SIGMA = 0x3a3, SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2, DOTTED_I = 0x130, DOT_ABOVE = 0x307 };
    const unsigned char *at = (const unsigned char *)text;
    int64_t count = 0;
    while (*at != '\0') {
        const uint32_t character = text_character(&at);
        const int is_special = character == CAPITAL_SIGMA || character == DOTTED_I;
        characters[count++] = has_lower_case && !is_special ? lower_case(character) : character;
        if (has_lower_case && character == DOTTED_I) { /* of two bytes */
            characters[count - 1] = 'i';
            characters[count++] = DOT_ABOVE;
        }
    }
    for (int64_t i = 0; has_lower_case && i < count; i++) {
        if (characters[i] == CAPITAL_SIGMA) {
            const int is_final =
                i > 0 && is_beside_sigma(characters[i - 1]) && (i + 1 == count || !is_beside_sigma(characters[i + 1]));
            characters[i] = is_final ? FINAL_SIGMA : SIGMA;
        }
    }
    return count;
}

/* ---- groups ---- */

struct text_group {
    int64_t n_texts;
    int64_t *begin;            /* [n_texts + 1] */
    int32_t *units;            /* [begin[n_texts]] each >= 1 */
    struct pair_numbers pairs; /* free once the texts are read */
    int64_t most_units;        /* in a group */
    int64_t most_characters;   /* in a text */
    int64_t most_texts;
    uint32_t *characters; /* [most_characters] */
};

/* Appends the units of a text to the group, of which `end` is the end so far; returns the new end. */
typedef int64_t text_reader(struct text_group *group, const char *text, int64_t end, const void *options);

/* The texts of example i: 0 is the generated one. */
static inline const char *text_of(const rondo_metric_call *call, int64_t i, int64_t text) {
    return text == 0 ? call->generated[i] : call->references[call->reference_begin[i] + text - 1];
}

static inline int64_t texts_of(const rondo_metric_call *call, int64_t i) {
    return 1 + call->reference_begin[i + 1] - call->reference_begin[i];
}

/* Allocates a group for the largest example of the call. */
static inline rondo_status text_group_create(rondo_context *ctx, const rondo_metric_call *call,
                                             struct text_group *group) {
    *group = (struct text_group){.most_texts = 1};
    for (int64_t i = 0; i < call->n_texts; i++) {
        int64_t bytes = 0;
        for (int64_t t = 0; t < texts_of(call, i); t++) {
            const int64_t length = (int64_t)strlen(text_of(call, i, t));
            group->most_characters = length > group->most_characters ? length : group->most_characters;
            bytes += length;
        }
        group->most_units = bytes > group->most_units ? bytes : group->most_units;
        group->most_texts = texts_of(call, i) > group->most_texts ? texts_of(call, i) : group->most_texts;
    }
    const size_t capacity = (size_t)pair_capacity(group->most_units);
    group->begin = ctx->host->alloc(ctx, (size_t)(group->most_texts + 1) * sizeof *group->begin);
    group->units = ctx->host->alloc(ctx, (size_t)(group->most_units + 1) * sizeof *group->units);
    group->characters = ctx->host->alloc(ctx, (size_t)(group->most_characters + 1) * sizeof *group->characters);
    group->pairs.keys = ctx->host->alloc(ctx, capacity * sizeof *group->pairs.keys);
    group->pairs.numbers = ctx->host->alloc(ctx, capacity * sizeof *group->pairs.numbers);
    return group->begin == NULL || group->units == NULL || group->characters == NULL || group->pairs.keys == NULL ||
                   group->pairs.numbers == NULL
               ? RONDO_NO_MEMORY
               : RONDO_OK;
}

/* Reads the texts of example i. */
static inline void text_group_read(struct text_group *group, const rondo_metric_call *call, int64_t i,
                                   text_reader *reader, const void *options) {
    int64_t bytes = 0;
    group->n_texts = texts_of(call, i);
    for (int64_t t = 0; t < group->n_texts; t++) {
        bytes += (int64_t)strlen(text_of(call, i, t));
    }
    pair_clear(&group->pairs, bytes);
    group->begin[0] = 0;
    for (int64_t t = 0; t < group->n_texts; t++) {
        group->begin[t + 1] = reader(group, text_of(call, i, t), group->begin[t], options);
    }
}

/* Appends the words of `count` characters, which blanks separate. */
static inline int64_t add_words_of(struct text_group *group, const uint32_t *characters, int64_t count, int64_t end) {
    int32_t word = 0;
    for (int64_t i = 0; i <= count; i++) {
        if (i < count && !is_blank(characters[i])) {
            word = pair_number(&group->pairs, word, (int32_t)characters[i] + 1);
        } else if (word != 0) {
            group->units[end++] = word;
            word = 0;
        }
    }
    return end;
}

/* Readers. Words are separated by blanks; characters include them. */
static inline int64_t add_words(struct text_group *group, const char *text, int64_t end, const void *options) {
    (void)options;
    return add_words_of(group, group->characters, text_characters(text, 0, group->characters), end);
}

static inline int64_t add_characters(struct text_group *group, const char *text, int64_t end, const void *options) {
    (void)options;
    const int64_t count = text_characters(text, 0, group->characters);
    for (int64_t i = 0; i < count; i++) {
        group->units[end++] = (int32_t)group->characters[i] + 1;
    }
    return end;
}

#endif
