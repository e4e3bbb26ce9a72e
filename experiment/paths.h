/* experiment/paths.h: paths of an experiment, which its resolved form records.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_PATHS_H
#define RONDO_EXPERIMENT_PATHS_H

#include "io/yaml.h"

/* 1 if the resolved experiment can record the path. It is YAML, so a path that is not UTF-8 could be written but not be
 * read back: 0, with an error. */
int check_path(const char *path, struct location where, struct errors *errors);

/* The absolute path of a node's text, which is relative to the node's folder. Replaces the text, so that the resolved
 * experiment works from any folder. From `arena`; NULL with an error. */
const char *resolve_path(struct yaml_node *node, struct arena *arena, struct errors *errors);

#endif
