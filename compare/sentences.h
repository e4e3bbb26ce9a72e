/* compare/sentences.h: what a comparison says, in plain English: for its table, the report and the terminal.
 *
 * Texts are plain, without line breaks, in the arena; NULL if there is not enough memory (arena_failed). Names of variants and reasons
 * of failures are as in the comparison: a caller escapes them as its form needs it.
 */
#ifndef RONDO_COMPARE_SENTENCES_H
#define RONDO_COMPARE_SENTENCES_H

#include "compare/comparison_statistics.h"

/* How numbers of the size of the scores are printed: enough decimals for two digits of the smallest standard deviation. */
struct score_format {
    int32_t decimals;
    int32_t is_scientific; /* very small or large scores: "1.234e-05" */
};
struct score_format score_format_of(const struct comparison *comparison,
                                    const struct comparison_statistics *statistics);
/* "0.9051", "-0.0120"; `with_sign`: "+0.0120". "-": NaN. "never": infinite. */
const char *score_text(struct score_format format, double value, int with_sign, struct arena *arena);
/* "[0.8984, 0.9118]"; "" if there is none. */
const char *score_interval_text(struct score_format format, struct statistics_interval interval, struct arena *arena);

/* What was compared: "accuracy on the test part (higher is better) of 5 variants, each trained with 8 seeds; …". */
const char *comparison_subject(const struct comparison *comparison, const struct comparison_statistics *statistics,
                               struct arena *arena);
/* Why the table is not final; NULL if it is. */
const char *comparison_not_final(const struct comparison *comparison, const struct comparison_statistics *statistics,
                                 struct arena *arena);

/* Sentences of the result: the best variant, then the baseline, then what the number of seeds does not allow to say, then runs that
 * were left out. At most COMPARISON_SENTENCES; returns the number. */
enum { COMPARISON_SENTENCES = 8 };
int32_t comparison_result(const struct comparison *comparison, const struct comparison_statistics *statistics,
                          const char **sentences, struct arena *arena);

#endif
