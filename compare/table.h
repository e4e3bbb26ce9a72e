/* compare/table.h: the table of a comparison, in the forms in which people need it.
 *
 *     for (int form = 0; form < COMPARISON_FORMS; form++) {
 *         const char *text;
 *         RONDO_TRY(comparison_table(&comparison, &statistics, form, 1, &text, arena, errors));
 *         … write it to comparison_table_file(form) of the comparison's folder
 *     }
 *
 * All forms have the same columns, from one description (compare/table_columns.h), rows from the best variant to the worst, a sentence
 * above that says what was compared, and one below that says what can be concluded. Variants and runs without a score are listed
 * with the reason. A comparison with runs that are still open gives a table that is marked as not final.
 *
 * The columns of measured time and memory are the last ones; without them, two makings of the same comparison give the same bytes.
 *
 * Ownership: texts are in the arena. Threads: any, on different objects.
 */
#ifndef RONDO_COMPARE_TABLE_H
#define RONDO_COMPARE_TABLE_H

#include "compare/comparison_statistics.h"

enum comparison_form {
    COMPARISON_TEXT,     /* for a terminal: several small tables, at most 100 columns wide */
    COMPARISON_MARKDOWN, /* pipe tables */
    COMPARISON_LATEX,    /* tabular with the rules of booktabs, to be \input in a document */
    COMPARISON_CSV,      /* a line per variant ; empty: not known, inf: never */
    COMPARISON_RUNS_CSV, /* a line per run */
    COMPARISON_JSON,     /* all of the above as one object; null: not known */
    COMPARISON_FORMS
};

/* The table. `with_measured`: with the columns of time and memory. RONDO_NO_MEMORY is the only failure. */
rondo_status comparison_table(const struct comparison *comparison, const struct comparison_statistics *statistics,
                              enum comparison_form form, int with_measured, const char **text, struct arena *arena,
                              struct errors *errors);
/* "table.txt", "table.md", "table.tex", "table.csv", "runs.csv", "table.json". */
const char *comparison_table_file(enum comparison_form form);

#endif
