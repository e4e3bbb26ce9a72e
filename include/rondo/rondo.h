/* rondo/rondo.h: the embedding API: a trained run inside another program.
 *
 *     char error[1024];
 *     rondo_run *run = rondo_run_open("runs/food-sentiment", 0, error, sizeof error);
 *     if (run == NULL) { … error says why … }
 *     const char *texts[] = {"The food is good"};
 *     float probability[2];
 *     rondo_run_predict(run, texts, 1, probability, error, sizeof error);
 *     puts(rondo_run_label(run, probability[0] > probability[1] ? 0 : 1));
 *     rondo_run_close(run);
 *
 * Build with  pkg-config --cflags --libs rondo.
 *
 * Errors: a function that fails writes every reason to `error`, one a line, cut at `size` bytes and always terminated,
 * and returns NULL or a status that is not 0 (rondo/plugin.h lists them). Nothing exits, aborts or prints. Ownership: a
 * rondo_run belongs to the caller until rondo_run_close. Texts that it returns live as long as it. Threads: a rondo_run
 * belongs to one thread at a time; different ones may run at the same time.
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

/* Opens the folder of a run that has weights, finished or not. threads: how many to use, 0: one for each processor.
 * NULL on failure. */
RONDO_EXPORT rondo_run *rondo_run_open(const char *folder, int32_t threads, char *error, size_t size);
/* NULL is allowed. */
RONDO_EXPORT void rondo_run_close(rondo_run *run);

/* Numbers in one prediction: one for each label, 1 where the target is a number, or as many as the loss head predicts
 * (quantiles, an embedding). */
RONDO_EXPORT int64_t rondo_run_outputs(const rondo_run *run);
/* The text of label `index` in [0, rondo_run_outputs); NULL outside, and where predictions are no probabilities
 * of labels. */
RONDO_EXPORT const char *rondo_run_label(const rondo_run *run, int64_t index);

/* Predicts `count` >= 0 texts (UTF-8, NUL-terminated): predictions[i * outputs + k] is the probability of label k for
 * text i, or the number. The predictions of a text do not depend on the others. RONDO_INVALID where a text is no UTF-8.
 */
RONDO_EXPORT rondo_status rondo_run_predict(rondo_run *run, const char *const *texts, int64_t count, float *predictions,
                                            char *error, size_t size);

#ifdef __cplusplus
}
#endif

#endif
