/* experiment/schedule_section.h: the section `schedule` of an experiment: length and pace of the training.
 *
 *     schedule:
 *       epochs: 8
 *       batch: 32
 *       warmup: {steps: 200}
 *       validate: {epochs: 1}
 *       learning_rate: {plugin: cosine}
 *       early_stopping: {metric: valid.loss, patience: 3}
 *       checkpoint: {every: {epochs: 1, minutes: 10}, keep: 2}
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_SCHEDULE_SECTION_H
#define RONDO_EXPERIMENT_SCHEDULE_SECTION_H

#include "data/epoch.h"
#include "experiment/duration.h"

/* `schedule.on_nonfinite`: what an update leads to whose loss or gradient is not finite. */
enum nonfinite_mode {
    NONFINITE_STOP,    /* the training stops */
    NONFINITE_SKIP,    /* the update is left out */
    NONFINITE_ROLLBACK /* the training goes back to a checkpoint, with a lower learning rate */
};

/* Keys of `schedule:` that are plain options. */
struct schedule_options {
    int64_t epochs;
    int64_t accumulate; /* batches per update */
    double clip_norm;   /* largest L2 norm of the gradient of all parameters; 0: no limit */
    int64_t seed;
    int32_t on_nonfinite;    /* enum nonfinite_mode */
    int64_t nonfinite_limit; /* most updates of a run that are left out, or times that it goes back */
    double rollback_factor;  /* on the learning rate, each time that it goes back; in (0, 1) */
    int32_t tensorboard;     /* an event file of TensorBoard is written (store/event_file.h) */
    int32_t diagnostics;     /* 1: validations report the size of an update of each parameter (train/diagnostics.h) */
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

/* `schedule.early_stopping`. The weights that a run keeps are those of the best validation by the first metric. */
struct stopping_options {
    int64_t patience; /* stop after this many validations without a better one; 0: never */
    double min_delta; /* smallest difference that counts as better */
};

/* `schedule.checkpoint.every`: a checkpoint is due as soon as one of these has passed since the last one; 0: this one never is.
 * `epochs` and `steps` count from the start of the training. */
struct checkpoint_every {
    int64_t steps; /* updates */
    double epochs; /* if they are short: no more than one checkpoint per second */
    double minutes;
};

/* `schedule.checkpoint`. In addition, one is written at the end of the training, and when it is interrupted. */
struct checkpoint_options {
    int64_t keep; /* of the newest, >= 1 */
};

/* The largest number of metrics that early stopping observes. */
#define STOPPING_MOST 8
struct stopping_metric {
    const char *name; /* "valid.loss", "valid.accuracy", … */
    struct location where;
};

struct schedule_section {
    struct schedule_options options;
    struct batch_size batch;
    struct location batch_where;
    struct warmup_options warmup;
    struct validate_options validate;
    struct location warmup_where;
    struct plugin_section learning_rate; /* descriptor NULL: constant */
    struct checkpoint_every checkpoint_every;
    struct checkpoint_options checkpoint;
    struct stopping_options stopping;
    struct stopping_metric stopping_metrics[STOPPING_MOST];
    int32_t n_stopping_metrics; /* 0: without validation data */
};

/* The option tables and keys, for `rondo list` too. */
extern const rondo_option schedule_table[], warmup_table[], validate_table[], stopping_table[];
extern const rondo_option checkpoint_table[], checkpoint_every_table[];
extern const struct experiment_key schedule_keys[], stopping_keys[];

/* Reads the section. `has_valid`: the experiment gives validation data. `trains` 0: for evaluation and prediction,
 * which need only the size of a batch: the plug-in is not loaded. */
void schedule_section_read(const struct plugin_reader *reader, struct yaml_node *section, int has_valid, int trains,
                           struct schedule_section *read);

#endif
