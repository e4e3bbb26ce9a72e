/* model/cell_layer.h: a cell with its wrappers, run over time in one direction or in both: a kind of layer.
 *
 *     struct cell_layer_settings settings = {.cell = definition, .hidden = 64, .direction = DIRECTION_BOTH};
 *     struct layer *layer = cell_layer_create(&settings, RONDO_F32, input, registry, errors);
 *
 * Wrappers apply to any cell. Those that change the step are transformations of its program (model/wrap.h). Those that act
 * once per pass are recorded on the tape before the recurrence; those that act on all outputs, after it (model/layer.h).
 *
 * Parameters, those of a direction together: the cell's in its order ("W_i"), then the initial states if they are learnt
 * ("h.initial"). With both directions the names begin with "forward." and "backward.".
 * States: the cell's in its order; with both directions, first those of the forward direction ("forward.h"), then those of
 * the backward direction.
 *
 * Scopes: masks and dropped weights draw in "SCOPE.masks", the recurrences in "SCOPE.forward" and "SCOPE.backward".
 */
#ifndef RONDO_MODEL_CELL_LAYER_H
#define RONDO_MODEL_CELL_LAYER_H

#include "core/scan/scan.h"
#include "model/layer.h"
#include "model/probe.h"
#include "model/unroll.h"

/* The direction in which rows are read. Backward, each row begins at its own last step, whatever the lengths of the
 * other rows. */
enum direction { DIRECTION_FORWARD = 0, DIRECTION_BACKWARD = 1, DIRECTION_BOTH = 2 };

/* The engine that runs the recurrence: model/fused.h or model/unroll.h. */
enum engine { ENGINE_FUSED = 0, ENGINE_TAPE = 1 };

/* All members except `cell` and `hidden` may be zero, which means: not used. */
struct cell_layer_settings {
    const struct cell_definition *cell; /* must outlive the layer */
    const double *option_values;        /* [n_options] of the cell; NULL: the defaults */
    int64_t hidden;
    enum engine engine;
    int64_t memory;         /* width of the memory that the cell may read; 0: the model has no encoder */
    int64_t recompute;      /* steps of a window of the fused engine; 0: none (core/scan/scan.h) */
    int32_t passes_off;     /* passes of the fused engine to switch off: enum scan_pass (core/scan/graph.h), or-ed */
    scan_observer *observe; /* of the fused engine; NULL: none (core/scan/scan.h) */
    void *observe_arg;

    /* How the cell is run. */
    enum direction direction;    /* both: two recurrences with separate parameters and concatenated outputs */
    int32_t learn_initial_state; /* the states start from parameters instead of zeros */
    int32_t residual;            /* the input is added to the output, which must be as wide */
    double dropout;              /* of the layer's output, before the input is added; in [0, 1) */

    /* Changes of the cell (model/wrap.h). Rates are in [0, 1). */
    int64_t projection;    /* width of the output state, below `hidden`: h' = (…) @ projection.W; Sak et al. 2014 */
    int32_t layer_norm;    /* of the pre-activations */
    double clip;           /* every state but the output within [-clip, clip] */
    double zoneout;        /* of all states, except as zoneout_output says */
    double zoneout_output; /* of the state that is the output; negative: as zoneout */
    double recurrent_dropout;   /* of the candidates, at every step */
    double variational_dropout; /* of the left operands of products; one mask per row and pass */
    double weight_drop;         /* of recurrent weights, drawn once per pass; Merity et al. 2018 */

    int32_t probe; /* 1: the step gives the gradients of its states and the values of its gates (model/probe.h) */

    /* Where the user wrote a setting, for messages; the key is the name of the member. NULL: nowhere. */
    struct location (*place)(const void *place_arg, const char *key);
    const void *place_arg;
};

/* Compiles the cell and wraps it. `input` is the width of the inputs. NULL with errors: all mistakes that could be
 * found, each at its place. The settings need not outlive the call. */
struct layer *cell_layer_create(const struct cell_layer_settings *settings, int32_t dtype, int64_t input,
                                struct registry *registry, struct errors *errors);

/* 1 if the layer is of this kind. */
int layer_is_cell(const struct layer *layer);
/* The cell with its wrappers, that is, one step of either direction. Its first n_states / directions states are those of
 * the definition; masks come after them. `layer` must be of this kind. */
const struct cell *cell_layer_cell(const struct layer *layer);
/* What the columns of the probe are, if the settings ask for one. */
const struct cell_probe *cell_layer_probe(const struct layer *layer);
enum direction cell_layer_direction(const struct layer *layer);

#endif
