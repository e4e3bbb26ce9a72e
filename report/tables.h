/* report/tables.h: the parts of the page that are text and tables, as HTML that needs no script.
 *
 * Failures are in the markup. Threads: main thread.
 */
#ifndef RONDO_REPORT_TABLES_H
#define RONDO_REPORT_TABLES_H

#include "report/content.h"
#include "report/markup.h"

/* What is compared, and what the result is, in the sentences of compare/sentences.h. */
void report_add_summary(struct markup *markup, const struct report_content *content, struct arena *arena);
/* Runs that failed, go on, or cannot be read completely. Nothing if there are none. */
void report_add_problems(struct markup *markup, const struct report_content *content);
/* report/score_tables.c. A row per variant, from the best to the worst: scores, sizes, times. */
void report_add_variants(struct markup *markup, const struct report_content *content);
/* Differences of the scores to the best variant and to the baseline. Nothing if there is one variant. */
void report_add_improvements(struct markup *markup, const struct report_content *content);
/* A row per run. */
void report_add_runs(struct markup *markup, const struct report_content *content);
/* report/differences.c. The keys whose values are not the same in all variants, with these. */
void report_add_differences(struct markup *markup, const struct report_content *content);
/* report/inspection_tables.c. What `rondo inspect` has found in one run of each variant: memory, states, gates, matrices, with places for
 * the charts. Nothing if no run was inspected. */
void report_add_inspections(struct markup *markup, const struct report_content *content, struct arena *arena);
/* The cells of each variant, as equations, with a place for the curve. */
void report_add_cells(struct markup *markup, const struct report_content *content);
/* Versions and machine, then data files and plug-ins. */
void report_add_environment(struct markup *markup, const struct report_content *content, struct arena *arena);
/* The commands that make the runs again. */
void report_add_commands(struct markup *markup, const struct report_content *content);

#endif
