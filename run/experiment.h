/* run/experiment.h: one YAML file to everything that it names, checked.
 *
 * All keys are known from option tables. An unknown, mistyped, out-of-range or unused key is an error at its place, and
 * all mistakes are told in one go. The data is not read yet: run/task.h does.
 *
 * Threads: main thread.
 */
#ifndef RONDO_RUN_EXPERIMENT_H
#define RONDO_RUN_EXPERIMENT_H

#include "data/text.h"
#include "rnn/model.h"
#include "run/layers.h"

/* The version of the format: the value of the key `rondo`. */
#define EXPERIMENT_VERSION 1

/* A file that the experiment names; text NULL: not given. */
struct experiment_path {
    const char *text; /* absolute */
    struct location where;
};

/* Keys of `schedule:` that are plain options. */
struct schedule_options {
    int64_t epochs;
    int64_t batch;    /* examples an update */
    double clip_norm; /* largest L2 norm of the gradient of all parameters; 0: no limit */
    int64_t seed;
};

/* `schedule.early_stopping`. The weights that a run keeps are those of the best epoch by `metric`. */
struct stopping_options {
    const char *metric; /* "valid.loss", "valid.accuracy", … */
    int64_t patience;   /* stop after this many epochs without a better one; 0: never */
    double min_delta;   /* what counts as better */
};

/* Keys of `model:` that are plain options. */
struct model_options {
    int32_t pool; /* enum pooling */
};
/* `model.embedding`. */
struct embedding_options {
    int64_t size;
    double dropout;
    double word_dropout;
};

struct experiment {
    struct arena *arena;
    struct yaml_node *root; /* resolved: with every default */
    const char *file, *name;
    struct architecture architecture;
    struct text_options text;
    struct text_column text_column, label_column;
    struct experiment_path train, valid, test;
    struct embedding_options embedding;
    struct model_options model;
    struct experiment_layers layers;
    const rondo_loss *loss;
    const void *loss_options;
    struct location loss_where;
    const rondo_optimizer *optimizer;
    const void *optimizer_options;
    struct schedule_options schedule;
    struct stopping_options stopping;
    struct location stopping_where; /* of the metric */
};

/* Loads `file` with the assignments of --set (NULL-terminated; NULL: none) laid over it. NULL with errors. Plug-ins
 * that it names are loaded into the session, which must outlive it. Free with experiment_destroy. */
struct experiment *experiment_load(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors);
/* The same for evaluation and prediction, which need no optimizer: it is not loaded, and `optimizer` is NULL. */
struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  struct session *session, struct errors *errors);
void experiment_destroy(struct experiment *experiment);

/* The sections, for `rondo list` and documentation: name ("schedule"), what stands in it beside its table, the table
 * (may be NULL). NULL name past the last. */
struct experiment_section {
    const char *name, *summary;
    const rondo_option *table;
};
struct experiment_section experiment_section(int32_t index);

#endif
