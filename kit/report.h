/* kit/report.h: what `rondo plugin check` found in one file, as lines for a reader and as JSON for a program. */
#ifndef RONDO_KIT_REPORT_H
#define RONDO_KIT_REPORT_H

#include "kit/check.h"

/* The result of one check. */
struct finding {
    int32_t kind;      /* of the descriptor; FINDING_FILE: the file itself */
    const char *name;  /* of the descriptor; "" of the file */
    const char *check; /* its section in docs/plugin-abi.md */
    enum verdict verdict;
    const char *reason; /* "": none */
    double seconds;
};
#define FINDING_FILE (-1)

struct report {
    const char *file;
    const char *error; /* why it could not be checked; NULL: it was */
    struct arena *arena;
    struct finding *findings; /* in the order of the checks */
    int32_t count, capacity;
    int32_t counts[VERDICT_SKIPPED + 1]; /* of each verdict */
    double seconds;
};

/* An empty report; all its memory comes from `arena`. */
struct report report_create(const char *file, struct arena *arena);
/* Adds a finding; its texts are borrowed for as long as the report. */
rondo_status report_add(struct report *report, const struct finding *finding, struct errors *errors);

/* The line of finding `index`, after the line of its descriptor where it is the first of one. From the report's
 * arena; NULL if memory is short. */
const char *report_line(const struct report *report, int32_t index);
/* The last line: "adam.so: 31 passed, 1 warning, 0 FAILED, 2 skipped, 1.2 s". */
const char *report_last_line(const struct report *report);

/* {"file", "error", "passed", "warnings", "failed", "skipped", "seconds", "checks": [{"kind", "name", "check",
 * "verdict", "reason", "doc", "seconds"}]}; "error" is null or what kept the file from being checked, "kind" of the
 * file itself is "file", a verdict "passed", "warning", "failed" or "skipped", "doc" the section on the check. NULL
 * if memory is short. */
struct json_t;
struct json_t *report_json(const struct report *report);

#endif
