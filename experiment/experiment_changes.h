/* experiment/experiment_changes.h: which keys of a resolved experiment differ from those that a run was trained with.
 *
 * Values are compared as experiment/tree_differences.h says. Not compared here are the contents of files,
 * of which a run has fingerprints (store/provenance.h): data files, cells and plug-ins. A resume may change these keys
 * freely, since they change nothing that was computed already:
 *
 *     schedule.epochs                        to more
 *     schedule.checkpoint, and what is in it; schedule.tensorboard
 *     schedule.on_nonfinite, schedule.nonfinite_limit, schedule.rollback_factor
 *     schedule.early_stopping.patience
 *     data.test                              unless it is a part of the training file
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_EXPERIMENT_EXPERIMENT_CHANGES_H
#define RONDO_EXPERIMENT_EXPERIMENT_CHANGES_H

#include "io/yaml.h"

enum changes_of {
    CHANGES_OF_RESUME, /* as above: what a training that goes on must not change */
    CHANGES_OF_RESULT /* only schedule.checkpoint and schedule.tensorboard are free: all else may change the result of a whole training */
};

/* Adds a text to `changes` for each key that differs, at its place in `now`, with both values. */
rondo_status experiment_changes(const struct yaml_node *was, const struct yaml_node *now, enum changes_of of,
                                struct errors *changes, struct errors *errors);

#endif
