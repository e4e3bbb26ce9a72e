/* inspect/inspect.h: measurements of a trained network on real examples, which show why it learns or does not.
 *
 * One forward and backward pass over a sample of examples, with the cells probed (model/probe.h), gives for every layer of any
 * cell:
 *
 *   gradient   the norm of dL/ds_t for each state s, against the distance from the loss, in steps. L is the loss of one
 *              example. The gradient enters the outputs of the last layer at one step only, the anchor: with one output per row
 *              its last step; with an output at every step the last one that has a target. Distance d is the state d steps
 *              before the anchor. If it falls by a factor per step, it vanishes (Hochreiter 1991; Bengio, Simard & Frasconi
 *              1994; Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks").
 *   memory     the same for the inputs of the first layer: how far back an input still changes the loss.
 *   source     the same for what the encoder reads, and `gradient` of its layers. Their distances are those from the last step of
 *              the source that a layer reads, where a bridge takes its states. What reads the memory gives a gradient to all steps.
 *   gates      the share of the values of each gate that is near its limits (Karpathy, Johnson & Fei-Fei 2015, "Visualizing
 *              and understanding recurrent networks").
 *   dead       units of a state that do not vary over the sample.
 *   matrices   the spectral radius of the matrices that multiply a state.
 *   updates    the size of an update of each parameter against the parameter, over the training, if the run has recorded it
 *              (train/diagnostics.h).
 *
 * Blocks have no states: they are listed, and what is below them is measured through them.
 *
 * A layer that reads backward in time gets the gradient at step 0, and its distances count from there. With directions of
 * both kinds above a layer, a distance has no meaning, and its curve is missing.
 *
 * inspect.json in the folder of a run is a JSON object:
 *
 *     {"format": 1,
 *      "data": {"part": "test", "examples": 400, "of": 1000, "steps": 40}     the sample; steps of the longest
 *      "loss": 0.41,                                                          mean over the sample
 *      "gradient_from": "the last step",                                      the anchor, in words
 *      "memory": {"curve": CURVE, "reach": 31, "reach_share": 0.01, "most": 12, "most_share": 0.9},
 *      "source": {"curve": CURVE},                                            only with an encoder; and data.source_steps
 *      "blocks": [{"name": "layers.1", "block": "attention"}],                only with blocks
 *      "layers": [{"name": "layers.0", "cell": "lstm", "direction": "forward",
 *                  "states": [{"name": "h", "width": 64, "curve": CURVE, "dead": 0, "saturated": 0}],
 *                  "gates": [{"name": "f", "op": "sigmoid", "low": 0, "high": 1, "below": 0.02, "above": 0.4}],
 *                  "matrices": [{"name": "U_f", "rows": 64, "columns": 64, "radius": [1.02]}]}],
 *      "updates": {"step": [120, 240], "ratio": {"layers.0.U_f": [0.003, 0.002]}}      only with schedule.diagnostics
 *      "findings": ["…"]}
 *     CURVE: {"distance": [0, 1, …], "norm": […], "examples": […], "half_life": 7.1, "factor": 0.907, "fit": 0.98,
 *             "fitted": [0, 39]}, or {"missing": "why"}
 *
 * norm is the mean over the examples that reach that far, whose number is in `examples`. half_life is null if the norm does not
 * fall. A curve of more than INSPECT_MOST_POINTS distances has only so many, evenly spaced.
 *
 * Threads: main thread; uses several inside. Results have the same bits for any number of threads.
 */
#ifndef RONDO_INSPECT_INSPECT_H
#define RONDO_INSPECT_INSPECT_H

#include "train/task.h"

#define INSPECT_FILE        "inspect.json"
#define INSPECT_MOST_POINTS 512
/* A unit is dead if its standard deviation over the sample is below this share of the largest one of its state, or 1e-6 of
 * its own size. */
#define INSPECT_DEAD 1e-3
/* The values of states and gates are those of about this number of examples, if more are inspected. */
#define INSPECT_VALUES 100
/* reach: the largest common distance at which the mean norm is at least this share of the largest one. */
#define INSPECT_REACH_SHARE 0.01
/* most: the smallest distance within which this share of the sum of all norms is. */
#define INSPECT_MOST_SHARE 0.9

/* A norm against the distance. */
struct inspect_curve {
    const char *missing;     /* why there is none: a phrase; NULL: there is one */
    int64_t count;           /* distances 0 .. count - 1 */
    const double *norm;      /* [count] */
    const int64_t *examples; /* [count] that reach as far: never more than before */
    int64_t
        common; /* distances 0 .. common - 1 are reached by at least a tenth of the examples: findings are of these */
    /* The straight line through log2(norm) against the distance by least squares, over the distances 0 .. fitted: the common ones
     * up to the first whose norm is below 1e-6 of the largest. */
    int64_t fitted;
    double factor;    /* of the norm per step: 2 to the slope. NaN: less than 3 distances */
    double half_life; /* steps: -1 / slope; infinite if the norm does not fall; NaN as above */
    double fit;       /* coefficient of determination; 1: exactly exponential */
};

struct inspect_state {
    const char *name;
    int64_t width;
    struct inspect_curve curve;
    int64_t dead;      /* units */
    int64_t saturated; /* of these: units whose mean is above 0.9 or below -0.9 */
};

struct inspect_gate {
    const char *name, *op;
    double low, high;    /* limits */
    double below, above; /* shares of values. From 0 to 1: below 0.1, above 0.9. From -1 to 1: below -0.9, above 0.9.
                            Other limits: within a tenth of the range of a limit */
    double shut, open;   /* shares of units that are so in more than 99 % of their values */
};

struct inspect_matrix {
    const char *name;
    int64_t rows, columns;
    int32_t n_radii; /* columns / rows: of each square block; 0: the matrix is not made of square blocks */
    const double *radii;
};

/* A layer in one direction. */
struct inspect_layer {
    const char *name; /* "encoder.0", "layers.0", "layers.1.backward" */
    const char *cell; /* its name */
    int is_encoder;
    int is_backward; /* reads backward in time */
    const struct inspect_state *states;
    const struct inspect_gate *gates;
    const struct inspect_matrix *matrices;
    int32_t n_states, n_gates, n_matrices;
};

/* A layer that is not inspected. */
struct inspect_block {
    const char *name, *block; /* "layers.1", "attention" */
};

/* The last update before each validation, against the parameter (train/diagnostics.h). */
struct inspect_update {
    const char *name; /* of the parameter */
    double *ratio;    /* [n_updates]; NaN: not defined */
};

/* All in an arena. */
struct inspection {
    const char *part;          /* "test", or a file */
    int64_t examples, of;      /* inspected, of all */
    int64_t steps;             /* of the longest inspected */
    int64_t source_steps;      /* of the longest source of these; 0: there is no encoder */
    double loss;               /* mean */
    const char *gradient_from; /* "the last step" */
    struct inspect_curve input;
    int64_t reach, most;                /* -1: the curve is missing */
    struct inspect_curve source;        /* with an encoder */
    const struct inspect_layer *layers; /* those of the encoder first */
    int32_t n_layers;
    const struct inspect_block *blocks;
    int32_t n_blocks;
    const struct inspect_update *updates; /* [n_parameters] */
    const int64_t *update_steps;          /* [n_updates] */
    int64_t n_updates;                    /* 0: trained without schedule.diagnostics */
    int32_t n_parameters;
    const char *const *findings; /* [n_findings] sentences for a person */
    int32_t n_findings;
};

struct inspect_settings {
    const struct dataset *dataset;
    const char *part;   /* borrowed */
    int64_t examples;   /* at most: evenly spaced over the dataset */
    const char *folder; /* of the run, for the sizes of its updates; NULL: they are not wanted */
};

/* Inspects the network of a task that was opened in a session with `probe`. All results are in `arena`. */
rondo_status inspect_task(const struct task *task, const struct inspect_settings *settings, struct arena *arena,
                          struct inspection *inspection, struct errors *errors);

/* The JSON object above; NULL: out of memory. The caller owns it. */
struct json_t *inspect_json(const struct inspection *inspection);

#endif
