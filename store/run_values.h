/* store/run_values.h: the keys of an experiment as a sorted list of texts, so that many experiments can be compared.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_STORE_RUN_VALUES_H
#define RONDO_STORE_RUN_VALUES_H

#include "io/yaml.h"

/* A key with its value as YAML on one line: "model.layers.0.cell" "lstm", "data.quantiles" "[0.1, 0.9]". */
struct run_value {
    const char *key, *text;
};
struct run_values {
    const struct run_value *items; /* [count] sorted by key */
    int32_t count;
};

/* The values of a resolved experiment. A list of plain values is one value; of a list of mappings, its length ("metrics" "2") and each of
 * their keys ("metrics.0.plugin"). A cell or block that was copied into a run ("cells/gru.yaml") has its name. All in one piece of `arena`. Returns
 * RONDO_NO_MEMORY without an error, or RONDO_OK. */
rondo_status run_values_of_tree(const struct yaml_node *root, struct run_values *values, struct arena *arena);
/* Sorts a list in place. */
void run_values_sort(struct run_value *items, int32_t count);

/* The text of a key; NULL: it is not there. */
const char *run_values_get(const struct run_values *values, const char *key);

/* "runs/a-2" before "runs/a-10": digits are compared as numbers. Like strcmp. */
int run_compare_names(const char *left, const char *right);

#endif
