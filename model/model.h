/* model/model.h: two chains, of which the first is optional.
 *
 *     encoder    source -> embedding -> layers = the memory, which any layer of the decoder may read -> bridge
 *     decoder    streams -> embedding -> layers, which begin in the states that the bridge gives -> pool, if there is one
 *                output per row -> scored rows -> head -> outputs
 *
 * The encoder runs over a time axis of its own, whose rows have an order of their own. Two gathers on the tape bring its
 * results into the order of the decoder's rows: that of its outputs to the memory, which is sequence-major, and that of the
 * values that the bridge uses. Nothing else knows of the other order.
 *
 * A parameter is found by its name (model_find): "embedding.W", "encoder.0.U_f", "bridge.layers.0.h.W", "layers.0.U_f",
 * "head.b". The headers of the layers list the names within a layer.
 *
 * Threads: created and initialised on one thread; then model_record may run on several threads concurrently, each with
 * its own tape.
 */
#ifndef RONDO_MODEL_MODEL_H
#define RONDO_MODEL_MODEL_H

#include "model/block_layer.h"
#include "model/bridge.h"
#include "model/cell_layer.h"
#include "model/embedding_layer.h"
#include "model/pool_layer.h"
#include "model/states.h"

struct model_settings {
    int32_t dtype;
    struct architecture architecture; /* input_every_step is not read: each input has its own */
    const struct model_input *inputs; /* model/embedding_layer.h */
    int32_t n_inputs;                 /* >= 1, without the source */
    /* The encoder; n_encoder 0: there is none, and the others are not read. */
    const struct model_input *source_input; /* share: a number among `inputs`; every_step and is_source are not read */
    const struct cell_layer_settings *encoder;
    const struct block_layer_settings *const *encoder_blocks; /* as `blocks` */
    int32_t n_encoder;
    enum bridging bridge;                     /* model/bridge.h */
    struct location bridge_where;             /* for messages; zero: nowhere */
    const struct cell_layer_settings *layers; /* `memory` is set by the model */
    /* [n_layers] not NULL: the layer is this block instead of a cell, and its entry of `layers` is not read. NULL: all are cells. */
    const struct block_layer_settings *const *blocks;
    int32_t n_layers;     /* >= 1 */
    enum pooling pooling; /* used if there is one output per row */
    int64_t output_size;  /* of the head; from the loss */
    int tie;              /* 1: the head uses the transposed table of input `tied` instead of a matrix of its own */
    int32_t tied;         /* number of an input of symbols */
    struct location tied_where; /* for messages; zero: nowhere */
    int chooses_outputs;        /* 1: every pass in training has model_call.chosen, so that no gradient has all rows */
};

/* One tensor that training changes. */
struct model_parameter {
    const char *name; /* "embedding.W", "layers.0.U_f", "head.b" */
    rondo_tensor value;
    struct initialiser initialiser;
    int64_t zero_row; /* as in struct layer_parameter */
    int by_rows; /* the same; 0 for the table of a tied head, whose gradient has all rows, unless chooses_outputs */
    int is_lazy;
};

struct model;

/* Compiles the cells and describes the parameters: names, shapes and initialisers. Their values have no memory
 * (value.data is NULL) until model_allocate, so that a model of any width can be described. NULL with errors. The cell
 * definitions must outlive the model; the rest of the settings need not. */
struct model *model_create(const struct model_settings *settings, struct registry *registry, struct errors *errors);
void model_destroy(struct model *model);

/* Parameters in the order of the forward pass: embedding, encoder, bridge, layers, head. */
int32_t model_parameter_count(const struct model *model);
const struct model_parameter *model_parameters(const struct model *model);
/* The number of the parameter `name`; -1: there is none. */
int32_t model_find(const struct model *model, const char *name);
/* The number of layers of the settings, and layer number `index` (model/cell_layer.h or model/block_layer.h). */
int32_t model_layer_count(const struct model *model);
const struct layer *model_layer(const struct model *model, int32_t index);
/* The same of the encoder. */
int32_t model_encoder_count(const struct model *model);
const struct layer *model_encoder_layer(const struct model *model, int32_t index);
/* Number of trained numbers. */
int64_t model_size(const struct model *model);
/* Gives every parameter its memory, filled with zeros; does nothing if they have it. Before training, and before weights
 * are loaded. */
rondo_status model_allocate(struct model *model, struct errors *errors);
/* Allocates all parameters and fills each from the random stream of its name under `seed`. Orthogonal matrices of some
 * thousand columns take seconds: `interrupt` (NULL: none) is checked meanwhile, and RONDO_INTERRUPTED is returned. */
rondo_status model_initialise(struct model *model, uint64_t seed, const struct interrupt *interrupt,
                              struct errors *errors);

/* The parameters as "model.NAME". model_load allocates them. */
void model_save(const struct model *model, struct archive *archive);
rondo_status model_load(struct model *model, struct archive *archive, struct errors *errors);

/* Floating-point operations of the forward pass of the layers for one row at one step, without embedding, pool and head:
 * 2 m k n for a product, one for each element of any other op. */
int64_t model_step_flops(const struct model *model);
/* The same of the encoder, for one row at one step of the source; 0: there is none. What a layer computes from the memory alone
 * is counted among its own steps. */
int64_t model_encoder_flops(const struct model *model);

/* RONDO_INVALID at `where`, naming the setting `key` that needs it, if an output depends on later steps, or on inputs of earlier
 * ones that no state hands on: states of such a model cannot be carried. */
rondo_status model_check_causal(const struct model *model, const char *key, struct location where,
                                struct errors *errors);
/* RONDO_INVALID at `where`, the place of 'model.feedback', if an output depends on later steps: a model that reads the target of
 * the step before would read the targets that it is to predict. */
rondo_status model_check_feedback(const struct model *model, struct location where, struct errors *errors);
/* 1 if the model can write sequences: it reads its own output of the step before, gives an output at every step, and no output
 * depends on later steps. Else *why_not, valid as long as the model, is the end of a message: "layers.1 reads backward in time". */
int model_generates(const struct model *model, const char **why_not);
/* 1 if a layer attends to the outputs of the encoder. */
int model_reads_memory(const struct model *model);
/* The states of all layers for `rows` rows, all zero, with the names "layers.0.h"; NULL with errors, also if the
 * model is not causal. Free with states_destroy; they may outlive the model. */
struct states *model_states_create(const struct model *model, int64_t rows, struct errors *errors);

/* A pass that is looked into (model/probe.h). The gradient of the loss enters the outputs of the last layer only at one step of
 * each row, so that its distance from there is known; all other outputs count as constants. Columns that are computed
 * backward in time get it at step 0. */
struct model_probe {
    const int64_t *anchor; /* [rows] the step; -1: at none */
    int values;            /* 1: the values of states and gates are wanted as well (layer_probe.values) */
    /* Set by model_record. The input of the first layer, packed [total, width], or [rows, width] if only the first step has
     * one; and that of the encoder, in the order of its own time axis; id -1: there is no encoder. */
    rondo_value input, source;
    struct layer_probe *layers; /* [n_encoder + n_layers], those of the encoder first; of the tape */
};

/* What the encoder reads. */
struct model_source {
    const struct time_axis *time; /* of the source; as many rows as the batch */
    const rondo_tensor *input;    /* i32 [total] of symbols, or numbers [total, size] */
    const int64_t *row;           /* [rows] row of the batch -> row of this axis; NULL: the same */
};

/* A forward pass. Everything is borrowed for the call. */
struct model_call {
    const struct time_axis *time;
    const rondo_tensor
        *inputs; /* [n_inputs] i32 [n] of symbols, or numbers [n, size]; n = time->total, or time->rows if
                                      only the first step has a value */
    const rondo_value *parameters; /* [model_parameter_count], from tape_parameter (training) or tape_constant */
    /* [model_parameter_count]: the rows of tables (model_parameter.by_rows) that the pass reads are added to these, and
     * they are the parameter on the tape. NULL, or an entry of NULL: the whole table is, as a value of `parameters`. */
    struct row_table *const *rows;
    /* i32 [n_scored]: the outputs that are wanted, in this order, each by its packed position, or by its row if there is
     * one output per row. The head is applied only to these. NULL: all. */
    const rondo_tensor *scored;

    /* States before the first step, taken from row lane[r] of `carried`; rows with starts[r] != 0 begin anew, from the
     * learnt start or zeros. The others continue: of them, inputs that have a value only at the first step are not used.
     * starts NULL: all begin anew, and `carried` is not read. lane NULL: row r. `kept` (NULL: not
     * wanted) gets the states after the last step of each row, and may be `carried`; a pass that is to be repeated with
     * the same results needs two. */
    const struct states *carried;
    struct states *kept;
    const int64_t *lane;         /* [rows] */
    const unsigned char *starts; /* [rows] */

    /* A model with an encoder needs one of them: what the encoder reads in this pass, and rows that begin anew then begin in the
     * states of the bridge; or what it has left before (model_encode). In that case, unless there is no bridge, the states
     * before the first step of all rows are those of `carried`, and `starts` says only which rows are at their first step. */
    const struct model_source *source;
    const struct layer_memory *memory;

    /* 1: the tape will be run again (core/tape.h), to continue the rows. The inputs and the first rows of `carried` are then on the
     * tape as they are, and marked: the caller writes the next ones in place. lane and kept are NULL, and the result has the
     * states after the last step. */
    int reruns;

    int training;
    struct rng_stream stream; /* of the random words of this pass; used in training */
    int stepwise; /* 1: use the engine tape in all layers, in order to find the op that a number comes from */
    struct model_probe *probe; /* with cell_layer_settings.probe; NULL: none. The model's parameters are constants */
    int before_output;         /* 1: leave out the head, for a loss that computes the outputs itself */
    /* With before_output, i32 [n_chosen]: the outputs that the loss computes. NULL: all. */
    const rondo_tensor *chosen;
};

/* Values on the tape. */
struct model_result {
    rondo_value hidden;  /* [n, width] what the head reads; n: n_scored, or rows, or the total */
    rondo_value outputs; /* [n, output_size]; id -1 with before_output */
    /* With before_output: of the head, [width, output_size] and [output_size], or, of the chosen outputs, [n_chosen, width]
     * and [n_chosen]; else id -1. */
    rondo_value weight, bias;
    struct layer_memory memory; /* with an encoder: what the layers have read; else the id is -1 */
    const rondo_value *final;   /* with model_call.reruns: [states_count], for states_take; else NULL */
};
/* Records the pass. After an error, which is on the tape, its status; the values are then failed ones. */
rondo_status model_record(const struct model *model, struct tape *tape, const struct model_call *call,
                          struct model_result *result);

/* The encoder alone, once for many passes of the decoder: records call->source, of which `memory` gets the outputs, valid until
 * the tape is reset. The rows of `initial` that call->lane lists (NULL: the first ones) get the states before the first step;
 * without a bridge they are left as they are. Of the call, only parameters, source, lane, stream and stepwise are read. It is
 * never training. Errors as of model_record. */
rondo_status model_encode(const struct model *model, struct tape *tape, const struct model_call *call,
                          struct layer_memory *memory, struct states *initial);

#endif
