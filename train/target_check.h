/* train/target_check.h: checks that a loss can use the targets of a dataset, before training.
 *
 * A loss refuses a bad target when it meets it, which may be an hour into a run. So numbers are passed to the loss once,
 * some examples at a time, with invented outputs, and so are lists with the steps that they belong to; no model is run, and
 * memory does not grow with the number of examples. Classes are not passed: dataset_add has already checked them.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TARGET_CHECK_H
#define RONDO_TRAIN_TARGET_CHECK_H

#include "data/batch.h"
#include "train/heads.h"

/* RONDO_INVALID, with the first example that the loss refuses for several outputs. `what` names the file in messages. */
rondo_status target_check(const struct heads *heads, const struct session *session, const struct dataset *dataset,
                          const struct batch_plan *plan, const char *what, struct errors *errors);

#endif
