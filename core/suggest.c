#include "core/suggest.h"

#include <stdio.h>
#include <string.h>

/* Names are short. Longer text is not a misspelt name and gets no suggestion. */
#define NAME_MAX_LENGTH 64

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance, the variant that edits no substring twice (optimal string alignment):
 *   d[i][j] = min(d[i-1][j] + 1, d[i][j-1] + 1, d[i-1][j-1] + (a_i != b_j),
 *                 d[i-2][j-2] + 1 if a_i = b_{j-1} and a_{i-1} = b_j)
 * Only the last three rows are kept. */
static int distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    int rows[3][NAME_MAX_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i - 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            const char from = lower(a[i - 1]);
            const char to = lower(b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (from != to));
            if (i > 1 && j > 1 && from == lower(b[j - 2]) && lower(a[i - 2]) == to) {
                row[j] = smaller(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

/* 1 if `part`, of at least four letters, is what lies in `whole` between two of its ends, '_' and '.'. */
static int is_part(const char *part, size_t part_length, const char *whole, size_t whole_length) {
    for (size_t begin = 0; part_length >= 4 && begin + part_length <= whole_length; begin++) {
        const char before = begin == 0 ? '_' : whole[begin - 1], after = whole[begin + part_length];
        size_t same = 0;
        while (same < part_length && lower(whole[begin + same]) == lower(part[same])) {
            same++;
        }
        if (same == part_length && (before == '_' || before == '.') &&
            (after == '_' || after == '.' || after == '\0')) {
            return 1;
        }
    }
    return 0;
}

void suggest(struct suggestion *best, const char *word, const char *candidate) {
    const size_t word_length = strlen(word);
    const size_t candidate_length = strlen(candidate);
    if (word_length > NAME_MAX_LENGTH || candidate_length > NAME_MAX_LENGTH) {
        return;
    }
    const int found = distance(word, word_length, candidate, candidate_length);
    /* Without this, every one-letter name would be near every other. */
    const int shares_a_letter = found < (int)(word_length > candidate_length ? word_length : candidate_length);
    const int is_near = shares_a_letter && found <= (int)(word_length + 2) / 3;
    const int is_related = is_part(word, word_length, candidate, candidate_length) ||
                           is_part(candidate, candidate_length, word, word_length);
    const int own = is_near ? found : found + NAME_MAX_LENGTH; /* any near name comes before the related ones */
    if ((is_near || is_related) && (best->name == NULL || own < best->distance)) {
        *best = (struct suggestion){.name = candidate, .distance = own};
    } else if (!is_near && is_related && own == best->distance && strcmp(best->name, candidate) != 0) {
        best->other = best->other == NULL ? candidate : best->other;
    }
}

struct suggestion_text suggestion_text(const struct suggestion *best) {
    struct suggestion_text result = {""};
    if (best->name != NULL) {
        snprintf(result.text, sizeof result.text, " (did you mean '%s'%s%s%s?)", best->name,
                 best->other == NULL ? "" : " or '", best->other == NULL ? "" : best->other,
                 best->other == NULL ? "" : "'");
    }
    return result;
}
