/* experiment/schedule_section.h: the section `schedule` of an experiment: length and pace of the training.
 *
 *     schedule:
 *       epochs: 8
 *       batch: 32
 *       warmup: {steps: 200}
 *       validate: {epochs: 1}
 *       learning_rate: {plugin: cosine}
 *       early_stopping: {metric: valid.loss, patience: 3}
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_SCHEDULE_SECTION_H
#define RONDO_EXPERIMENT_SCHEDULE_SECTION_H

#include "data/epoch.h"
#include "experiment/duration.h"

/* Keys of `schedule:` that are plain options. */
struct schedule_options {
    int64_t epochs;
    int64_t accumulate; /* batches per update */
    double clip_norm;   /* largest L2 norm of the gradient of all parameters; 0: no limit */
    int64_t seed;
};

/* `schedule.warmup`. */
struct warmup_options {
    struct duration length; /* 0: no warm-up */
    double from;            /* factor before the first update of the ramp */
};

/* `schedule.validate`. */
struct validate_options {
    struct duration every; /* from one validation to the next */
};

/* `schedule.early_stopping`. The weights that a run keeps are those of the best validation by `metric`. */
struct stopping_options {
    const char *metric; /* "valid.loss", "valid.accuracy", …; NULL without validation data */
    int64_t patience;   /* stop after this many validations without a better one; 0: never */
    double min_delta;   /* smallest difference that counts as better */
};

struct schedule_section {
    struct schedule_options options;
    struct batch_size batch;
    struct location batch_where;
    struct warmup_options warmup;
    struct validate_options validate;
    struct location warmup_where;
    struct plugin_section learning_rate; /* descriptor NULL: constant */
    struct stopping_options stopping;
    struct location stopping_where; /* of the metric */
};

/* The option tables and keys, for `rondo list` too. */
extern const rondo_option schedule_table[], warmup_table[], validate_table[], stopping_table[];
extern const struct experiment_key schedule_keys[];

/* Reads the section. `has_valid`: the experiment gives validation data. `trains` 0: for evaluation and prediction,
 * which need only the size of
 * a batch: the plug-in is not loaded. */
void schedule_section_read(const struct plugin_reader *reader, struct yaml_node *section, int has_valid, int trains,
                           struct schedule_section *read);

#endif
