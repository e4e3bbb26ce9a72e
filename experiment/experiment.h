/* experiment/experiment.h: reads the YAML file of an experiment, with everything that it names, and checks it.
 *
 * All keys are in one table (experiment/keys.h). An unknown, mistyped, out-of-range or unused key is an error at its
 * place, and all mistakes are reported together. The data is not read here: train/task.h does that.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_EXPERIMENT_H
#define RONDO_EXPERIMENT_EXPERIMENT_H

#include "experiment/compare_section.h"
#include "experiment/data_section.h"
#include "experiment/generate_section.h"
#include "experiment/keys.h"
#include "experiment/layers.h"
#include "experiment/loss_section.h"
#include "experiment/metrics_section.h"
#include "experiment/optimizer_section.h"
#include "experiment/schedule_section.h"
#include "model/model.h"

/* The version of the format: the value of the key `rondo`. */
#define EXPERIMENT_VERSION 1

/* Keys of `model:` that are plain options. */
struct model_options {
    int32_t pool;     /* enum pooling */
    int32_t feedback; /* the model reads the stream `previous` (data/batch.h) */
    int64_t steps;    /* of examples whose number of steps neither inputs nor targets give; 0: not given */
};

/* `model.bridge`, of a model with an encoder. */
struct bridge_option {
    enum bridging kind;
    struct location where; /* of the key, or of `model.encoder` */
};

/* `model.embedding`, and its part for one stream. */
struct embedding_options {
    int64_t size;
    double init_std;
    double dropout;
    double word_dropout;
    double rare_word_dropout;
    int32_t lazy;
    int32_t share;
    int is_given;          /* the experiment has this section; for a stream of numbers: a linear map to this width */
    struct location where; /* of the stream's own section; file NULL: it has none */
};

/* `model.head`. */
struct head_options {
    int32_t tie;           /* the head uses the vectors of the symbols that it predicts */
    struct location where; /* of `tie` */
};

struct experiment {
    struct arena *arena;
    struct yaml_node *root; /* resolved: with every default */
    const char *file, *name;
    struct architecture architecture;
    struct data_section data;
    struct embedding_options embedding, input_embedding, previous_embedding, source_embedding;
    struct model_options model;
    struct head_options head;
    struct experiment_layers layers; /* and those of the encoder */
    struct bridge_option bridge;
    struct loss_section loss;
    struct metrics_section metrics;
    struct generate_settings generate; /* defaults if model.feedback is false */
    struct optimizer_section optimizer;
    struct schedule_section schedule;
};

/* Loads `file` and applies the assignments of --set (NULL-terminated; NULL: none). NULL with errors. Plug-ins
 * that it names are loaded into the session, which must outlive it. Free with experiment_destroy. */
struct experiment *experiment_load(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors);
/* The same for evaluation and prediction, which need no optimizer and no schedule: these are not loaded, and a file
 * under `plugins:` that cannot be loaded is an error only if something that is needed is then missing. `metrics`: for an
 * evaluation, metrics in addition to those of the experiment (texts of --metric, NULL-terminated); NULL: for prediction,
 * which loads no metrics either. */
struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  const char *const *metrics, struct session *session,
                                                  struct errors *errors);
/* For a comparison: the experiment as a tree, with what it extends and the assignments, but not checked. A section `compare`
 * is part of it (compare_section_take), which the functions above refuse. From `arena`; NULL with errors. */
struct yaml_node *experiment_tree(const char *file, const char *const *assignments, struct arena *arena,
                                  struct errors *errors);
/* The experiment of such a tree, which is copied, after the settings have replaced its values. Else as experiment_load. The texts
 * of the tree and of the settings must outlive it. */
struct experiment *experiment_load_tree(const char *file, const struct yaml_node *tree,
                                        const struct compare_setting *settings, int32_t n_settings,
                                        struct session *session, struct errors *errors);
void experiment_destroy(struct experiment *experiment);

/* Section `index` of the table of all sections, each after the section that contains it; name NULL past the last. */
struct experiment_section experiment_section(int32_t index);

#endif
