/* core/suggest.h: the known name that is nearest to a misspelt one.
 *
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_CORE_SUGGEST_H
#define RONDO_CORE_SUGGEST_H

#include <stddef.h>

/* The best candidate so far. Zero-initialised: none. */
struct suggestion {
    const char *name;  /* NULL: none was near enough; borrowed from the candidates */
    const char *other; /* one that is as much related as `name`; NULL: none */
    int distance;
};

/* Considers `candidate` as a correction of `word`. It becomes the best one if its edit distance (Damerau-Levenshtein: a
 * swap of neighbours counts 1, upper and lower case are equal) is smaller than that of the best so far, is at most a third
 * of the word's length, rounded up, and leaves at least one letter in place. If there is no such candidate, it is one of which
 * the word is a part between '_' or '.', or the other way around: the shortest that has the word "cross_entropy", or the longest
 * that "adam_optimizer" has. The part has at least four letters. Text of more than 64 bytes gets no suggestion. */
void suggest(struct suggestion *best, const char *word, const char *candidate);

/* " (did you mean 'x'?)", " (did you mean 'x' or 'y'?)", or "" without a suggestion. */
struct suggestion_text {
    char text[160];
};
struct suggestion_text suggestion_text(const struct suggestion *best);

#endif
