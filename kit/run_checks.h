/* kit/run_checks.h: all checks of one plug-in file: those of the file, then for each descriptor those of its options
 * and those of its kind. Each runs in a child of its own (kit/child.h). */
#ifndef RONDO_KIT_RUN_CHECKS_H
#define RONDO_KIT_RUN_CHECKS_H

#include "experiment/session.h"
#include "kit/report.h"

struct check_settings {
    struct session *session; /* nothing was asked of it yet: children load what they need into their copies of it */
    uint64_t seed;
    double seconds;          /* that one check may take */
    int32_t threads;         /* that kit->parallel has */
    const char *const *only; /* the checks to run, as known_checks takes them; ends with NULL, and none is all */
    /* Told of each finding when it is there; NULL: nobody is. */
    void (*found)(void *arg, const struct report *report, int32_t index);
    void *arg;
};

/* Checks `file` and fills `report`, which report_create made. A plug-in that fails is RONDO_OK, the report tells; an
 * error is what keeps from checking: RONDO_NOT_FOUND or RONDO_INVALID where `file` is no ELF file, or nothing in it has
 * a check of `only`. */
rondo_status run_checks(const char *file, const struct check_settings *settings, struct report *report,
                        struct errors *errors);

#endif
