/* experiment/schedule_section.h: the section `schedule` of an experiment: length and pace of the training.
 *
 *     schedule:
 *       epochs: 8
 *       warmup: {length: 200, unit: steps}
 *       learning_rate: {plugin: cosine}
 *       early_stopping: {metric: valid.loss, patience: 3}
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_SCHEDULE_SECTION_H
#define RONDO_EXPERIMENT_SCHEDULE_SECTION_H

#include "experiment/plugin_section.h"

/* Keys of `schedule:` that are plain options. */
struct schedule_options {
    int64_t epochs;
    int64_t batch;    /* examples per update */
    double clip_norm; /* largest L2 norm of the gradient of all parameters; 0: no limit */
    int64_t seed;
};

/* `schedule.warmup`. */
enum warmup_unit { WARMUP_STEPS = 0, WARMUP_EPOCHS = 1 };
struct warmup_options {
    double length; /* in units; 0: no warm-up */
    int32_t unit;  /* enum warmup_unit */
    double from;   /* factor before the first update of the ramp */
};

/* `schedule.early_stopping`. The weights that a run keeps are those of the best epoch by the first metric. */
struct stopping_options {
    int64_t patience; /* stop after this many epochs without a better one; 0: never */
    double min_delta; /* smallest difference that counts as better */
};

/* The largest number of metrics that early stopping observes. */
#define STOPPING_MOST 8
struct stopping_metric {
    const char *name; /* "valid.loss", "valid.accuracy", … */
    struct location where;
};

struct schedule_section {
    struct schedule_options options;
    struct warmup_options warmup;
    struct location warmup_where;
    struct plugin_section learning_rate; /* descriptor NULL: constant */
    struct stopping_options stopping;
    struct stopping_metric stopping_metrics[STOPPING_MOST];
    int32_t n_stopping_metrics; /* 0: without validation data */
};

/* The option tables, for `rondo list` too. */
extern const rondo_option schedule_table[], warmup_table[], stopping_table[];
extern const struct experiment_key stopping_keys[];

/* Reads the section. `has_valid`: the experiment gives validation data. `trains` 0: for evaluation and prediction,
 * which need no schedule; its plug-in is not loaded. */
void schedule_section_read(const struct plugin_reader *reader, struct yaml_node *section, int has_valid, int trains,
                           struct schedule_section *read);

#endif
