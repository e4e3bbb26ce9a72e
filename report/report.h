/* report/report.h: the report of a comparison or of runs: one HTML file that needs no other file and no network.
 *
 * A source is the folder of a comparison (compare/comparison.h) or of a run (train/run_record.h). Runs that differ only in
 * their seed are one variant; its name is that of the keys in which the variants differ. A run that failed, is damaged, was
 * written by another version or is trained at this moment is shown as such, with what can be read of it.
 *
 * Threads: main thread.
 */
#ifndef RONDO_REPORT_REPORT_H
#define RONDO_REPORT_REPORT_H

#include "core/arena.h"

#define REPORT_FILE "report.html"

struct report_settings {
    const char *const *sources; /* [n_sources] one folder of a comparison, or any number of folders of runs */
    int32_t n_sources;          /* >= 1 */
    const char *file; /* NULL: report.html in the folder of the comparison, or else in the working directory */
};

struct report_result {
    const char *file; /* that was written */
    int64_t bytes;
    int32_t n_variants, n_runs;
};

/* Writes the report, completely or not at all. `warnings` gets a text for each run that cannot be shown completely. The texts of
 * `result` are in `arena`. RONDO_NOT_FOUND if a source is neither a comparison nor a run. */
rondo_status report_write(const struct report_settings *settings, struct report_result *result, struct arena *arena,
                          struct errors *warnings, struct errors *errors);

#endif
