/* compare/sentences.h: what a comparison says, in plain English: for its tables, the report and the terminal.
 *
 * Texts are plain and without line breaks of their own, in the arena; NULL if there is not enough memory (arena_failed). Names of
 * variants and reasons of failures are as in the comparison: a caller escapes them as its form needs it.
 */
#ifndef RONDO_COMPARE_SENTENCES_H
#define RONDO_COMPARE_SENTENCES_H

#include "compare/comparison_statistics.h"

/* How scores are printed: with two digits of the smallest standard deviation, but at most 5 significant digits. */
struct score_format {
    int32_t decimals;
    int32_t is_scientific; /* very small or large scores: "1.234e-05" */
};
struct score_format score_format_of(const struct comparison *comparison,
                                    const struct comparison_statistics *statistics);
/* "0.9051"; `with_sign`: "+0.0120". NaN: "-", infinite: "never". */
const char *score_text(struct score_format format, double value, int with_sign, struct arena *arena);
/* "[0.8984, 0.9118]"; "" if there is none. */
const char *score_interval_text(struct score_format format, struct statistics_interval interval, struct arena *arena);

/* What was compared, one to three sentences: "5 variants were trained with 8 seeds each and compared by …". */
const char *comparison_subject(const struct comparison *comparison, struct arena *arena);
/* Why the table is not final; NULL if it is, or if memory is short. */
const char *comparison_not_final(const struct comparison *comparison, const struct comparison_statistics *statistics,
                                 struct arena *arena);

enum { COMPARISON_SENTENCES = 10 };
/* The result: the best variant, the baseline, what the number of seeds does not allow to say, runs that were left out, and
 * what makes the result less than certain: sizes that differ, trainings that ended too early. Returns the number of sentences, at most COMPARISON_SENTENCES. */
int32_t comparison_result(const struct comparison *comparison, const struct comparison_statistics *statistics,
                          const char **sentences, struct arena *arena);

/* "mgu, seed 3: killed by signal 9" for a run that failed or has no defined score; NULL for any other run. */
const char *comparison_failure(const struct comparison *comparison, int32_t variant, int32_t seed, struct arena *arena);

#endif
