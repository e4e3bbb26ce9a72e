/* cli/check_compare.h: `rondo check` of an experiment with a section `compare`. */
#ifndef RONDO_CLI_CHECK_COMPARE_H
#define RONDO_CLI_CHECK_COMPARE_H

#include "cli/json_builder.h"
#include "train/task.h"

/* What the section asks for. */
struct checked_comparison {
    int32_t variants, seeds, trials; /* variants 0: the experiment has no such section */
    int64_t runs;
    int is_equal;      /* widths are chosen */
    const char *first; /* name of the first variant */
};

/* The task of an experiment with all its data. If it has a section `compare`, all variants are checked, and the task is that of the
 * first one, as it is given: `equal` has not chosen its widths. Everything else is in `arena`, which must outlive the task. NULL with
 * errors. */
struct task *check_open(const char *file, const char *const *assignments, struct session *session,
                        struct checked_comparison *comparison, struct arena *arena, struct errors *errors);

/* "comparison: 3 variants with 8 seeds each, 24 runs", to standard output; nothing without a section. */
void checked_comparison_print(const struct checked_comparison *comparison);
/* The same as JSON, of an experiment with such a section. */
json_t *checked_comparison_json(const struct checked_comparison *comparison);

#endif
