/* kit/report.h: the results of `rondo plugin check` for one file, as lines of text and as JSON. */
#ifndef RONDO_KIT_REPORT_H
#define RONDO_KIT_REPORT_H

#include "kit/check.h"

/* The result of one check. */
struct finding {
    int32_t kind;      /* kind of the descriptor; FINDING_FILE: the file itself */
    const char *name;  /* name of the descriptor; "" for the file */
    const char *check; /* name of the check, and of its section in docs/plugin-abi.md */
    enum verdict verdict;
    const char *reason; /* "": none */
    double seconds;
};
#define FINDING_FILE (-1)

struct report {
    const char *file;
    const char *error; /* why the file could not be checked; NULL: it was checked */
    struct arena *arena;
    struct finding *findings; /* in the order of the checks */
    int32_t count, capacity;
    int32_t counts[VERDICT_SKIPPED + 1]; /* the number of findings with each verdict */
    double seconds;
};

/* An empty report; all its memory comes from `arena`. */
struct report report_create(const char *file, struct arena *arena);
/* Adds a finding. Its texts are borrowed, and must live as long as the report. */
rondo_status report_add(struct report *report, const struct finding *finding, struct errors *errors);

/* The line of finding `index`; if it is the first finding of a descriptor, after a line with the descriptor's name.
 * From the report's arena; NULL if memory is short. */
const char *report_line(const struct report *report, int32_t index);
/* The last line: "adam.so: 31 passed, 1 warning, 0 FAILED, 2 skipped, 1.2 s". */
const char *report_last_line(const struct report *report);

/* {"file", "error", "passed", "warnings", "failed", "skipped", "seconds", "checks": [{"kind", "name", "check",
 * "verdict", "reason", "doc", "seconds"}]}; "error" is null, or the reason why the file could not be checked; "kind" is
 * "file" for the file itself; "verdict" is "passed", "warning", "failed" or "skipped"; "doc" is the section on the
 * check. NULL if memory is short. */
struct json_t;
struct json_t *report_json(const struct report *report);

#endif
