/* model/layer.h: a cell with its wrappers, run over time in one direction or in both.
 *
 *     struct layer_settings settings = {.cell = definition, .hidden = 64, .direction = DIRECTION_BOTH};
 *     struct layer *layer = layer_create(&settings, RONDO_F32, input, registry, errors);
 *     … make values of layer_parameters(layer) …
 *     rondo_value outputs = layer_record(layer, tape, &call, final_states);
 *
 * Wrappers apply to any cell. Those that change the step are transformations of its program (model/wrap.h). Those that
 * act once per pass, or on all outputs, are recorded on the tape before or after the recurrence.
 *
 * Threads: created on one thread; then layer_record may run on several threads concurrently, each with its own tape.
 */
#ifndef RONDO_MODEL_LAYER_H
#define RONDO_MODEL_LAYER_H

#include "core/scan/scan.h"
#include "model/unroll.h"

/* The direction in which rows are read. Backward, each row begins at its own last step, whatever the lengths of the
 * other rows. */
enum direction { DIRECTION_FORWARD = 0, DIRECTION_BACKWARD = 1, DIRECTION_BOTH = 2 };

/* The engine that runs the recurrence: model/fused.h or model/unroll.h. */
enum engine { ENGINE_FUSED = 0, ENGINE_TAPE = 1 };

/* All members except `cell` and `hidden` may be zero, which means: not used. */
struct layer_settings {
    const struct cell_definition *cell; /* must outlive the layer */
    const double *option_values;        /* [n_options] of the cell; NULL: the defaults */
    int64_t hidden;
    enum engine engine;
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

    /* Where the user wrote a setting, for messages; the key is the name of the member. NULL: nowhere. */
    struct location (*place)(const void *place_arg, const char *key);
    const void *place_arg;
};

struct layer;

/* Compiles the cell and wraps it. `input` is the width of the inputs. NULL with errors: all mistakes that could be
 * found, each at its place. The settings need not outlive the call. */
struct layer *layer_create(const struct layer_settings *settings, int32_t dtype, int64_t input,
                           struct registry *registry, struct errors *errors);
void layer_destroy(struct layer *layer);

/* The cell with its wrappers, that is, one step of either direction. Its first layer_state_count / directions
 * states are those of the definition. */
const struct cell *layer_cell(const struct layer *layer);
/* Width of the outputs: that of the cell, or twice that with both directions. */
int64_t layer_output_width(const struct layer *layer);

/* Parameters, those of a direction together: the cell's in its order ("W_i"), then the initial states if they are
 * learnt ("h.initial"). With both directions the names begin with "forward." and "backward.". */
int32_t layer_parameter_count(const struct layer *layer);
const struct cell_parameter *layer_parameters(const struct layer *layer);

/* States: the cell's in its order; with both directions, first those of the forward direction, then those of the
 * backward direction. */
int32_t layer_state_count(const struct layer *layer);
/* Its shape, [batch, …] with RONDO_ANY_ROWS as first dimension. */
rondo_tensor layer_state(const struct layer *layer, int32_t state);

/* Floating-point operations of the forward pass for one row at one step: 2 m k n for a product, one for each element of
 * any other op. */
int64_t layer_step_flops(const struct layer *layer);

/* One pass. Everything is borrowed for the call. */
struct layer_call {
    const struct time_axis *time;
    int input_every_step;
    rondo_value inputs;            /* packed [total, input]; [rows, input] if only the first step has an input */
    const rondo_value *parameters; /* [layer_parameter_count] */
    /* [layer_state_count], each [rows, …]; NULL, or an id of -1: the learnt initial state, or zeros */
    const rondo_value *initial_states;
    const char *scope;        /* "layers.0": for messages, and the origin of random words */
    struct rng_stream stream; /* of this pass */
    int stepwise; /* 1: use the engine tape whatever the settings, so that the tape shows every op of every step */
};

/* Records the pass and returns the outputs of all real steps, packed [total, layer_output_width]; a failed value after
 * an error of the tape. Rates act only in training (tape_set_training).
 *
 * final_states (NULL: not needed) gets [layer_state_count] values [rows, …]: the state of each row after its last step,
 * which for the backward direction is its first step in time. To carry states into the next window of the same rows,
 * pass them as initial states: unchanged, if the gradient should flow through them; as tape_constant of their tensors,
 * if it should stop (as copies, if the tape is reset in between).
 *
 * Scopes: masks and dropped weights draw in "SCOPE.masks", the recurrences in "SCOPE.forward" and "SCOPE.backward",
 * dropout of the output in SCOPE, which is the scope of the tape afterwards. */
rondo_value layer_record(const struct layer *layer, struct tape *tape, const struct layer_call *call,
                         rondo_value *final_states);

/* The outputs of the layer when it has read the whole row: from the outputs [total, width], those at the last step for
 * the forward direction and those at the first step for the backward direction. [rows, width]. */
rondo_value layer_last(const struct layer *layer, struct tape *tape, const struct time_axis *time, rondo_value outputs);

#endif
