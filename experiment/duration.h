/* experiment/duration.h: a length of training, `{steps: 200}` or `{epochs: 0.5}`. A step is an update.
 *
 * Both units are numbers of updates, so that a run does not depend on the speed of the machine.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_DURATION_H
#define RONDO_EXPERIMENT_DURATION_H

#include "experiment/plugin_section.h"

/* The first member of the struct of a section that is a duration, whose table has the rows DURATION_ROWS. */
struct duration {
    int64_t steps; /* one of them is 0 */
    double epochs;
};
#define DURATION_ROWS(default_epochs, help)                                                                            \
    RONDO_OPTION_INT(struct duration, steps, "0", 0, 1e12, help " in updates; in place of `epochs`"),                  \
        RONDO_OPTION_REAL(struct duration, epochs, default_epochs, 0, 1e6,                                             \
                          help " in passes over the training data; in place of `steps`")

/* Reads a section with the rows above; `path` is its name in messages. Exactly one unit must be given. Adds the defaults
 * of the other options to the section. 0 with errors. */
int duration_read(const struct plugin_reader *reader, struct yaml_node *section, const rondo_option *table,
                  void *options, size_t size, const char *path);

/* The length in updates. */
double duration_updates(const struct duration *duration, int64_t updates_per_epoch);
/* 1 if update number `step`, from 1, is the first that is at least a multiple of `every` updates; 0 if `every` is 0. */
int duration_reaches(double every, int64_t step);

#endif
