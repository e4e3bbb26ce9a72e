/* experiment/metrics_section.h: the section `metrics` of an experiment: figures that are reported in addition to the loss.
 *
 *     metrics: [accuracy, {plugin: f1, average: macro}, "top_k:k=3"]
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

/* One metric plug-in with its options. */
struct metric_entry {
    const rondo_metric_plugin *metric;
    struct plugin_section plugin;
    /* As it is printed: the name of the plug-in and, if options differ from their defaults, these: "f1:average=micro".
     * Unique in the section. */
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
