/* core/suggest.h: the nearest known name to a misspelt one. */
#ifndef RONDO_CORE_SUGGEST_H
#define RONDO_CORE_SUGGEST_H

#include <stddef.h>

/* Best candidate so far. Zero-initialised is none. */
struct suggestion {
    const char *name; /* NULL: none was near enough; borrowed from the candidates */
    int distance;
};

/* Considers `candidate` as a correction of `word`: keeps it where its edit distance (Damerau-Levenshtein, adjacent
 * swaps count 1, letters that differ in case alone are equal) is smaller than that of the best so far and at most a
 * third of the word's length, rounded up, and leaves at least one letter in place. Text of more than 64 bytes gets no
 * suggestion. */
void suggest(struct suggestion *best, const char *word, const char *candidate);

/* " (did you mean 'x'?)", or "" without a suggestion; in a buffer of the caller. */
struct suggestion_text {
    char text[96];
};
struct suggestion_text suggestion_text(const struct suggestion *best);

#endif
