/* train/class_numbers.h: what an experiment says about classes by their labels: options with a number for each class
 * (RONDO_CLASS_REALS of rondo/plugin.h), written by label or as `balanced`, and classes that a metric leaves out.
 *
 * An experiment is read before its data, which have the labels. Until then such an option has no numbers, and its value
 * is in the tree of the experiment. Afterwards both have the numbers, in the order of the labels: the resolved
 * experiment of a run needs no counts of its training data.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_CLASS_NUMBERS_H
#define RONDO_TRAIN_CLASS_NUMBERS_H

#include "core/arena.h"
#include "experiment/metrics_section.h"
#include "io/yaml.h"

/* What the data say about the classes of the targets. */
struct class_facts {
    int64_t count;                                   /* of classes; 0: targets are not classes */
    const char *(*name)(const void *arg, int64_t k); /* NULL for a class without a label, which has its number as one */
    const void *arg;
    /* [count] targets of each class in the training data; called only if an option is `balanced`. NULL: not known. */
    const int64_t *(*rows)(const void *arg, int64_t count);
    const char *make_classes; /* the option of `data:` that makes targets classes, for messages; NULL: none */
};

/* Fills in the options of `table` that `section` gives by label or as `balanced`, in the struct `options` and in the
 * section. RONDO_INVALID at an unknown label, and at a list whose length is not the number of classes. */
rondo_status class_numbers_resolve(const struct class_facts *facts, struct yaml_node *section,
                                   const rondo_option *table, void *options, struct arena *arena,
                                   struct errors *errors);

/* Finds the classes that a metric leaves out (metric_class.id). RONDO_INVALID at an unknown label, and if none is left. */
rondo_status class_numbers_without(const struct class_facts *facts, const struct metric_entry *metric,
                                   struct arena *arena, struct errors *errors);

#endif
