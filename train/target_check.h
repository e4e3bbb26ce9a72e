/* train/target_check.h: are the targets of a dataset such as the loss can use?
 *
 * A loss refuses a bad target when it meets it, which may be an hour into a run. Before that all targets are shown to
 * it once, with outputs that are made up; no model is run.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TARGET_CHECK_H
#define RONDO_TRAIN_TARGET_CHECK_H

#include "data/dataset.h"
#include "train/heads.h"

/* RONDO_INVALID, with the first example that is refused, whatever the outputs. `what` is the file, for the text. */
rondo_status target_check(const struct heads *heads, const struct session *session, const struct dataset *dataset,
                          const char *what, struct errors *errors);

#endif
