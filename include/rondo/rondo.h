/* rondo/rondo.h: the embedding API, which uses a trained run in another program.
 *
 *     char error[1024];
 *     rondo_run *run = rondo_run_open("runs/food-sentiment", 0, error, sizeof error);
 *     if (run == NULL) { … print error … }
 *     const char *texts[] = {"The food is good"};
 *     float probability[2];
 *     rondo_run_predict(run, texts, 1, probability, error, sizeof error);
 *     puts(rondo_run_label(run, probability[0] > probability[1] ? 0 : 1));
 *     rondo_run_close(run);
 *
 * Build with  pkg-config --cflags --libs rondo;  docs/embedding.md describes installations in other folders.
 *
 * Errors: a function that fails writes all reasons to `error`, one per line. The text is cut to `size` bytes and always
 * terminated. The function returns NULL, or a status other than 0 (see rondo/plugin.h). No function exits, aborts or
 * prints.
 * Ownership: a rondo_run belongs to the caller until rondo_run_close. Texts that it returns are valid until then.
 * Threads: a rondo_run may be used by one thread at a time; several rondo_runs may be used concurrently.
 */
#ifndef RONDO_RONDO_H
#define RONDO_RONDO_H

#include <stddef.h>
#include <stdint.h>

#include "rondo/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rondo_run rondo_run;

/* "0.1.0" */
RONDO_EXPORT const char *rondo_version(void);

/* Opens the folder of a run that has weights, even if its training has not finished. `threads` is the number of threads
 * to use; 0: one per processor. NULL on failure. */
RONDO_EXPORT rondo_run *rondo_run_open(const char *folder, int32_t threads, char *error, size_t size);
/* NULL is allowed. */
RONDO_EXPORT void rondo_run_close(rondo_run *run);

/* Levels of log lines. */
enum rondo_log_level {
    RONDO_LOG_DEBUG = 0, /* details, for finding out why something happens */
    RONDO_LOG_INFO = 1   /* events that a user may want to know about, and the lines of plugins */
};

/* A receiver of log lines: `level` is one of enum rondo_log_level; `origin` is the file of the plugin that the line comes
 * from, NULL for Rondo itself; `text` has no newline. Both are valid during the call. May be called on several threads at
 * the same time. */
typedef void (*rondo_log_function)(void *arg, int32_t level, const char *origin, const char *text);
/* Sets the receiver of the run's log lines; NULL: they are dropped, as at first. */
RONDO_EXPORT void rondo_run_set_log(rondo_run *run, rondo_log_function function, void *arg);

/* The number of values in one prediction: one per label; 1 if the target is a number; or the number that the loss
 * predicts (quantiles, an embedding). */
RONDO_EXPORT int64_t rondo_run_outputs(const rondo_run *run);
/* The text of label `index` in [0, rondo_run_outputs); NULL if `index` is outside this range, or if predictions are not
 * probabilities of labels. */
RONDO_EXPORT const char *rondo_run_label(const rondo_run *run, int64_t index);

/* Predicts `count` >= 0 texts (UTF-8, NUL-terminated). predictions[i * outputs + k] is the probability of label k for
 * text i, or the k-th number. The prediction of a text does not depend on the other texts. RONDO_INVALID if a text is
 * not UTF-8. */
RONDO_EXPORT rondo_status rondo_run_predict(rondo_run *run, const char *const *texts, int64_t count, float *predictions,
                                            char *error, size_t size);

#ifdef __cplusplus
}
#endif

#endif
