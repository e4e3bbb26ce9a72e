/* compare/run_result.h: what the folder of a run says about it, and the two files that a comparison adds to it:
 *
 *     test.json             in the folder: {"part": "test", "data": …, "scores": {"loss": …, "accuracy": …}}; the data are the
 *                           fingerprints of the files of the test part (io/fingerprint.h)
 *     FOLDER.failed.json    beside it, since a run that fails early has no folder: {"reason": …, "final_for": …}; what it is final
 *                           for is the identity of the run, null if it may be tried again
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_RUN_RESULT_H
#define RONDO_COMPARE_RUN_RESULT_H

#include "compare/comparison.h"

/* What is read, and how it is scored. */
struct run_result_settings {
    const char *folder; /* of the run */
    const char *metric; /* the score */
    int higher_is_better;
    const char *part;   /* "valid", "test" */
    double target;      /* NaN: none */
    int64_t last_epoch; /* later validations are not looked at; 0: all are */
};

/* Fills all of `run` but seed and folder. A log that is cut short is read as far as it goes. Texts in `arena`. RONDO_OK also if
 * there is no run; otherwise out of memory. */
rondo_status run_result_read(const struct run_result_settings *settings, struct compared_run *run, struct arena *arena,
                             struct errors *errors);

/* Only the state, without reading all of the logs: for callers that ask about every run.
 * Uses `arena`. */
enum compared_state run_result_state(const char *folder, struct arena *arena);

/* 1 if the run has failed for good: it would fail again, since what it is made from (`identity`; NULL: anything) is still the same. *reason, if not NULL, gets its failure, also if it may be tried again;
 * NULL: it has not failed. */
int run_result_is_failed(const char *folder, const char *identity, const char **reason, struct arena *arena);
/* Records a failure; replaces an earlier one. `identity` NULL: the run may be tried again. */
rondo_status run_result_fail(const char *folder, const char *reason, const char *identity, struct errors *errors);
/* Removes the record before the run is tried again. */
void run_result_forget_failure(const char *folder);

/* test.json of a run. */
rondo_status run_result_write_scores(const char *folder, const char *part, const char *data, struct json_t *scores,
                                     struct errors *errors);
/* The fingerprints of the data that the run was scored on, from `arena`; NULL: it was not. */
const char *run_result_scored_on(const char *folder, struct arena *arena);

#endif
