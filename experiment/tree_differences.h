/* experiment/tree_differences.h: the keys whose values differ between two trees of resolved experiments.
 *
 * Values are compared, not their text: 0.10 is 0.1, and quotes do not matter. Lists of different lengths differ as a whole. If the plug-in
 * or the reader of a section differs, its options are not compared.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_EXPERIMENT_TREE_DIFFERENCES_H
#define RONDO_EXPERIMENT_TREE_DIFFERENCES_H

#include "io/yaml.h"

struct tree_visitor {
    /* 1: the key `path` ("model.layers.0.cell") is not compared, and neither is what is below it. May be NULL. A value that is not there is
     * NULL, here and below. */
    int (*skips)(void *arg, const char *path, const struct yaml_node *left, const struct yaml_node *right);
    /* A key that differs. `where` is the place of `right` or, if it is not there, of the mapping around it. */
    void (*differs)(void *arg, const char *path, const struct yaml_node *left, const struct yaml_node *right,
                    struct location where);
    void *arg;
};

/* Visits each key that differs, in the order of `right`, then those that only `left` has. Paths are in `arena`. */
rondo_status tree_differences(const struct yaml_node *left, const struct yaml_node *right,
                              const struct tree_visitor *visitor, struct arena *arena, struct errors *errors);

/* 1 if the value is a number as YAML has them, *number. */
int tree_number(const struct yaml_node *node, double *number);

#endif
