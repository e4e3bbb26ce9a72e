/* experiment/metrics_section.h: the section `metrics` of an experiment: figures that are reported in addition to the loss.
 *
 *     metrics: [accuracy, {plugin: f1, average: macro}, "top_k:k=3", {plugin: perplexity, without: [<unk>]}]
 *
 * An entry is a mapping, or a text: the name of the plug-in and, after a colon, options (NAME:KEY=VALUE,…), as in
 * `rondo eval --metric`.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_METRICS_SECTION_H
#define RONDO_EXPERIMENT_METRICS_SECTION_H

#include "experiment/plugin_section.h"

/* The largest number of metrics of an experiment. */
#define METRICS_MOST 16

/* A class that a metric leaves out. */
struct metric_class {
    const char *label; /* as the experiment gives it */
    struct location where;
    int64_t id; /* -1 until the labels of the data are known (train/class_numbers.h) */
};

/* One metric plug-in with its options. */
struct metric_entry {
    const rondo_metric_plugin *metric;
    struct plugin_section plugin;
    struct metric_class *without; /* [n_without] targets of these classes count as rows of weight 0 */
    int32_t n_without;
    /* As it is printed: the name of the plug-in and, if options differ from their defaults, these: "f1:average=micro",
     * "perplexity:without=<unk>". Unique in the section. */
    const char *name;
};

struct metrics_section {
    const struct metric_entry *entries; /* [count] */
    int32_t count;
};

/* Reads `metrics` of `root`, if it is there, after adding `more` (texts of --metric; NULL-terminated; NULL: none) to it.
 * A metric of `more` that the experiment has already is left out. Errors are added to the reader's list. */
void metrics_section_read(const struct plugin_reader *reader, struct yaml_node *root, const char *const *more,
                          struct metrics_section *read);

#endif
