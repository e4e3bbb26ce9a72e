/* model/layer.h: what a model consists of. An embedding (model/embedding_layer.h), a cell over time (model/cell_layer.h),
 * a pool (model/pool_layer.h) and a head (model/head_layer.h) are layers behind this one interface.
 *
 *     struct layer *layer = cell_layer_create(&settings, RONDO_F32, input, registry, errors);
 *     … make values of layer_shape(layer)->parameters …
 *     rondo_value outputs = layer_record(layer, tape, &call);
 *
 * One step with held states is layer_record on a time axis of one step: there is no second function for it.
 *
 * A new kind of layer is a struct that begins with a struct layer, allocated by layer_new, and a struct layer_class.
 * Dropout of the outputs and the residual connection are added around `record` for every kind (layer_set_around).
 *
 * Threads: created on one thread; then layer_record may run on several threads concurrently, each with its own tape.
 */
#ifndef RONDO_MODEL_LAYER_H
#define RONDO_MODEL_LAYER_H

#include "core/tape.h"
#include "core/time_axis.h"
#include "lang/initialiser.h"
#include "model/row_table.h"

struct layer;

/* A tensor that training changes. */
struct layer_parameter {
    const char *name;   /* within the layer: "W_i", "backward.h.initial" */
    rondo_tensor shape; /* data NULL */
    struct initialiser initialiser;
    int64_t zero_row; /* this row of a matrix, counted from 1, begins at zero instead; 0: none */
    /* 1: a table of rows that are only selected by ids, so that a pass needs only those that occur (layer_call.rows). */
    int by_rows;
    int is_lazy; /* with by_rows: the user lets an optimizer with memory update only the rows that occurred */
};

/* A value that a layer hands from step to step for each row. */
struct layer_state {
    const char *name;   /* within the layer: "h", "forward.c" */
    rondo_tensor shape; /* [rows, …] with RONDO_ANY_ROWS as first dimension; data NULL */
};

/* Set at creation, constant afterwards. */
struct layer_shape {
    int64_t input; /* width of the input; 0: an embedding, which reads streams */
    int64_t width; /* of the output */
    /* Number of columns at the end of the output that are computed backward in time, so that they have seen the whole
     * row at step 0 and not at its last step. 0, or `width`, or half of it. */
    int64_t backward;
    int reads_memory; /* 1: layer_call.memory must be given */
    int is_causal; /* 1: the output of a step depends only on this and earlier steps. Only such layers carry states */
    int looks_back; /* 1: it depends on the inputs of earlier steps, which no state hands on: step by step the layer would not
                       see them, so it carries no states either */
    const struct layer_parameter *parameters;
    const struct layer_state *states;
    int32_t n_parameters, n_states;
};

/* What layer_record leaves of a cell that is probed (model/probe.h), for each direction: its inputs with the zeros that were
 * added to its states, packed [total, input + zeros], and, with `values`, its outputs with those of the probe, [total, columns]. Both are in the order in
 * which the direction reads: backward, position 0 is the last step of a row. */
struct layer_probe {
    int values;           /* set by the caller */
    int32_t n_directions; /* 0: the layer is not a cell that is probed */
    struct {
        rondo_value inputs, columns;
    } directions[2];
};

/* The outputs of the encoder, which cells and blocks read by the name `memory`: sequence-major, sequence r belongs to row r of
 * the batch. Several rows may read the same sequence. `rows` and its arrays are borrowed until the tape is reset. */
struct layer_memory {
    rondo_value values; /* [elements, width] */
    const rondo_rows *rows;
};

/* One pass. Everything is borrowed for the call. */
struct layer_call {
    const struct time_axis *time;
    int input_every_step;
    const rondo_value *inputs; /* packed [total, input]; [rows, input] if only the first step has an input. Some kinds
                                  read several values; their headers list them */
    const rondo_value *parameters; /* [n_parameters] */
    /* [n_parameters]: tables that are on the tape as rows: the layer adds the rows that occur and binds the table, in
     * place of a value of `parameters`. NULL, or an entry of NULL: the value of `parameters` is the whole parameter. */
    struct row_table *const *rows;
    /* [n_states], each [rows, …]: the states before the first step. NULL, or an id of -1: the layer's own start, which
     * is learnt or zeros. */
    const rondo_value *initial;
    /* [rows] 1: the row begins anew: from the layer's own start despite `initial`; 0: it continues, and its first step in
     * this pass is not the first of its sequence. NULL: `initial` holds for all rows, and all are at their first step. */
    const unsigned char *starts;
    /* NULL: not needed; otherwise gets [n_states] values [rows, …]: the states of each row after its last step, which
     * backward in time is its first. */
    rondo_value *final;
    struct layer_probe *probe;         /* NULL: not wanted */
    const struct layer_memory *memory; /* NULL: the model has no encoder */
    const char *scope;                 /* "layers.0": for messages, and the source of random words */
    struct rng_stream stream;          /* of this pass */
    int stepwise; /* 1: use the engine tape whatever the settings, so that the tape contains every op of every step */
};

struct layer_class {
    const char *kind; /* "cell" */
    /* Frees what is not in the layer's arena; NULL: nothing. */
    void (*destroy)(struct layer *layer);
    /* Records the layer, without what is around it. Packed [total, width], unless the kind says otherwise. A failed value
     * after an error of the tape. Random ops draw in a scope below call->scope (layer_enter), or the layer takes no
     * dropout around it, which draws in call->scope itself. */
    rondo_value (*record)(const struct layer *layer, struct tape *tape, const struct layer_call *call);
    /* Floating-point operations of the forward pass for one row at one step: 2 m k n for a product, one for each element
     * of any other op. Of a layer that reads memory: for one element of it, two for each number that an op that looks along
     * sequences reads there. */
    int64_t (*flops)(const struct layer *layer);
};

/* What any kind of layer may have around it. */
struct layer_around {
    double dropout; /* of the output, before the input is added; in [0, 1) */
    int residual;   /* 1: the input is added to the output, which must have the same width */
};

/* For implementations of a kind; all others use the functions below. */
struct layer {
    const struct layer_class *class;
    struct arena *arena;
    struct layer_shape shape;
    struct layer_around around;
};

/* A zeroed struct of `size` bytes that begins with a struct layer, in an arena of its own; NULL with errors. */
void *layer_new(const struct layer_class *class, size_t size, struct errors *errors);
/* Sets what is around the layer, whose widths are known. RONDO_INVALID at `residual_where` if the input is not as wide as
 * the output. */
rondo_status layer_set_around(struct layer *layer, struct layer_around around, struct location residual_where,
                              struct errors *errors);
/* call->starts as a condition (apply_where) that is broadcast along values of this shape, [rows, …]: [rows, 1, …]. */
rondo_value layer_starts(struct tape *tape, const struct layer_call *call, rondo_tensor shape);
/* Begins the scope call->scope followed by `part`, such as ".forward" or "". */
void layer_enter(struct tape *tape, const struct layer_call *call, const char *part);

const struct layer_shape *layer_shape(const struct layer *layer);
int64_t layer_step_flops(const struct layer *layer);
/* Records the pass and returns the outputs; a failed value after an error of the tape. Rates act only in training
 * (tape_set_training). Dropout of the output draws in call->scope, which is the scope of the tape afterwards.
 *
 * To carry states into the next window of the same rows, pass the final states as initial ones: unchanged, if the gradient
 * should flow through them; as tape_constant of their tensors, if it should stop (as copies, if the tape is reset in
 * between). model/states.h does the latter for a whole model. */
rondo_value layer_record(const struct layer *layer, struct tape *tape, const struct layer_call *call);
/* `layer` may be NULL. */
void layer_destroy(struct layer *layer);

#endif
