/* kit/run_checks.h: all checks of one plug-in file: those of the file, then for each descriptor those of its options
 * and those of its kind. Each runs in its own child process (kit/child.h). */
#ifndef RONDO_KIT_RUN_CHECKS_H
#define RONDO_KIT_RUN_CHECKS_H

#include "experiment/session.h"
#include "kit/report.h"

struct check_settings {
    struct session *session; /* nothing is loaded yet: each child loads what it needs into its own copy */
    uint64_t seed;
    double seconds;          /* the time limit of one check */
    int32_t threads;         /* the number of threads of kit->parallel */
    const char *const *only; /* names of the checks to run (known_checks), ends with NULL; empty: all */
    /* Gets the lines that the plug-in logs, in the child processes: what it writes to standard output or standard error
     * there counts as printed by the plug-in. Zero: lines are dropped. */
    struct log_receiver log;
    /* A function that is called for each finding as soon as it is known; may be NULL. */
    void (*found)(void *arg, const struct report *report, int32_t index);
    void *arg;
};

/* Checks `file` and fills `report`, which report_create made. RONDO_OK also if checks failed; the report has their
 * results. RONDO_NOT_FOUND or RONDO_INVALID if nothing could be checked: `file` is not an ELF file, or no descriptor in
 * it has a check of `only`. */
rondo_status run_checks(const char *file, const struct check_settings *settings, struct report *report,
                        struct errors *errors);

#endif
