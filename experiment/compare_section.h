/* experiment/compare_section.h: the section `compare` of an experiment: what varies, over which seeds.
 *
 *     compare:
 *       model.layers.0.cell: [rnn_tanh, lstm, ./mine.yaml]   any key of the experiment: a list of values (of any kind)
 *       optimizer.lr: {from: 1e-4, to: 1e-2, log: true, count: 3}    or a range
 *       variants:                                 settings that vary together, in place of, or crossed with, such keys
 *         - {name: wide, model.layers.0.hidden: 128, optimizer.lr: 0.001}
 *       sample: 20                     this many of the grid, or of points in ranges without count; without it, the full grid
 *       sampling: sobol                or random
 *       sampling_seed: 1
 *       seeds: 8                       the seeds 1 to 8 (default), or a list of them
 *       equal: parameters              or flops: `hidden` of the compared layers is chosen so
 *       budget: 100000                 default: that of the first variant
 *       baseline: lstm                 the variant that the others are compared with
 *       metric: accuracy               default: the metric that selects the weights (schedule.early_stopping.metric)
 *       target: 0.9                    score on the validation part, for the steps and seconds until it is reached
 *       tune:
 *         optimizer.lr: {from: 1e-4, to: 1e-2, log: true}
 *         trials: 12                   per variant
 *         seeds: 1                     seeds of each trial
 *         halving: 3                   one of three trials goes on at each rung; without it, all are trained to the end
 *
 * A key of `compare` with a dot, or the name of a top-level section, is a key of the experiment; all others are in the table
 * of keys (experiment/experiment.c). The grid has the first key as its slowest, as the rows of the table are read.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_COMPARE_SECTION_H
#define RONDO_EXPERIMENT_COMPARE_SECTION_H

#include "experiment/keys.h"
#include "io/yaml.h"

#define COMPARE_MOST_RUNS 10000 /* more ask for --yes */
#define COMPARE_SEEDS     8     /* without the key `seeds`: the seeds 1 to 8 */
#define COMPARE_WIDTH     "64"  /* of the layers of a whole list of layers that varies, before `equal` chooses it */

/* A value that replaces that of the experiment, as --set does. */
struct compare_setting {
    const char *key;               /* "model.layers.0.cell" */
    const struct yaml_node *value; /* with its place in the file */
};

struct compare_variant {
    const char *name;   /* as tables show it: "lstm", "lstm, lr 0.001"; unique */
    const char *folder; /* as part of a path, unique: "lstm", "lstm-lr-0.001" */
    const struct compare_setting *settings;
    int32_t n_settings;
};

enum compare_equal { COMPARE_AS_GIVEN, COMPARE_EQUAL_PARAMETERS, COMPARE_EQUAL_FLOPS };

struct compare_section {
    int is_given;                           /* 0: the experiment has no such section */
    struct location where;                  /* of the section */
    const struct compare_variant *variants; /* [n_variants], >= 1 */
    int32_t n_variants;
    const int64_t *seeds; /* [n_seeds], >= 1, all different */
    int32_t n_seeds;
    enum compare_equal equal;
    struct location equal_where;
    int64_t budget;     /* 0: of the first variant */
    const char *metric; /* NULL: the one that selects the weights */
    struct location metric_where;
    int32_t baseline; /* number of the variant; -1: none */
    double target;    /* NaN: none */
    /* Tuning. The settings of trial t are the same for all variants. */
    int32_t trials;                               /* 0: no tuning */
    const struct compare_variant *trial_settings; /* [trials]; name "trial 1", folder "trial-01" */
    int32_t tune_seeds;                           /* >= 1: the first so many of `seeds` */
    int32_t halving;                              /* 0: none; else >= 2 */
    /* Of `equal`: "model.layers.0", … those in which a key varies; "model.layers" alone: all layers, of which variants may
     * have different numbers. NULL-terminated, never NULL. */
    const char *const *layers;
    int64_t n_runs; /* variants × seeds, and the runs of tuning */
};

/* 1 if the value of a setting is a number, which is put in *value. */
int compare_value_number(const struct yaml_node *node, double *value);

/* The option tables and keys, for `rondo list` too. The last is that of a range. */
extern const rondo_option compare_table[], compare_tune_table[], compare_range_table[];
extern const struct experiment_key compare_keys[];
/* 1 if a comparison can vary a top-level key: not `name`, for example. */
int compare_may_vary(const char *top);

/* Takes the section `compare` out of the tree of an experiment, and reads it. The experiment that remains is the one that the
 * settings are applied to. Memory from `arena`. */
rondo_status compare_section_take(struct yaml_node *root, struct compare_section *section, struct arena *arena,
                                  struct errors *errors);

#endif
