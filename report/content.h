/* report/content.h: what a report shows: a comparison, and the files of its runs.
 *
 * Runs that are given without a comparison become one: a variant is a group of runs that differ only in their seed.
 *
 * Ownership: everything is in the arena that made it. Threads: main thread.
 */
#ifndef RONDO_REPORT_CONTENT_H
#define RONDO_REPORT_CONTENT_H

#include "compare/sentences.h"
#include "report/run_files.h"
#include "report/run_log.h"

/* The files of a run. */
struct report_run {
    const char *folder;  /* as a command names it */
    const char *problem; /* what cannot be read, on one line; NULL: nothing */
    int is_read;         /* 0: it has no folder; the rest is zero */
    int is_locked;       /* a process trains in it now */
    struct report_files files;
    struct report_log log;
};

struct report_variant {
    struct report_run *runs;      /* [n_seeds] those of the comparison's variant */
    struct report_run *sample;    /* the first of them that has an experiment; NULL: none */
    struct report_run *inspected; /* the first that has been inspected; NULL: none */
};

struct report_content {
    const struct comparison *comparison;
    struct comparison_statistics statistics;
    struct score_format format; /* of scores */
    int is_grouped;             /* it was made from runs */
    struct report_variant *variants;
    /* Keys whose values are not the same in all variants, without the seed. */
    const char **differing; /* [n_differing] */
    int32_t n_differing;
    int32_t n_runs; /* that have a folder */
};

/* Reads the sources (report/report.h). `warnings` gets a text for each run with a problem. */
rondo_status report_content_read(const char *const *sources, int32_t n_sources, struct report_content *content,
                                 struct arena *arena, struct errors *warnings, struct errors *errors);

/* Decimals of scores for report/html_table.h. */
int report_decimals(const struct report_content *content);

/* Reads the files of one run. Only RONDO_NO_MEMORY is an error. */
rondo_status report_run_read(const char *folder, struct report_run *run, struct arena *arena, struct errors *errors);

/* Runs as a comparison: report/grouping.c. `runs` are in the order of the command. *grouped gets the runs of each variant by its
 * seeds. */
rondo_status report_group_runs(struct report_run *runs, int32_t n_runs, struct comparison *comparison,
                               struct report_variant **grouped, struct arena *arena, struct errors *errors);

/* Keys in which the variants differ: report/differences.c. */
rondo_status report_find_differing(struct report_content *content, struct arena *arena, struct errors *errors);

#endif
