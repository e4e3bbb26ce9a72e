/* model/model.h: inputs -> embedding -> layers of cells -> last, mean or max over the real steps -> linear head ->
 * outputs.
 *
 * Threads: created and initialised on one thread; then model_record may run on several threads concurrently, each with
 * its own tape.
 */
#ifndef RONDO_MODEL_MODEL_H
#define RONDO_MODEL_MODEL_H

#include "model/layer.h"

/* How the outputs of all real steps are combined if there is one output per sequence. */
enum pooling { POOL_LAST = 0, POOL_MEAN = 1, POOL_MAX = 2 };

struct model_settings {
    int32_t dtype;
    struct architecture architecture;
    int64_t vocabulary;       /* > 0: inputs are tokens in [0, vocabulary); 0: inputs are numbers */
    int64_t input_size;       /* numbers per step; used if vocabulary is 0 */
    int64_t embedding_size;   /* width of a token's vector; 0 if vocabulary is 0 */
    double embedding_dropout; /* of the elements of the embedded inputs, in [0, 1) */
    double word_dropout;      /* share of tokens replaced by token 0, the unknown word, in training; in [0, 1) */
    const struct layer_settings *layers;
    int32_t n_layers; /* >= 1 */
    enum pooling pooling;
    int64_t output_size; /* of the head; from the loss */
};

/* One tensor that training changes. */
struct model_parameter {
    const char *name; /* "embedding.W", "layers.0.U_f", "head.b" */
    rondo_tensor value;
    struct initialiser initialiser;
};

struct model;

/* Compiles the cells and describes the parameters: names, shapes and initialisers. Their values have no memory
 * (value.data is NULL) until model_allocate, so that a model of any width can be looked at. NULL with errors. The cell
 * definitions must outlive the model; the rest of the settings need not. */
struct model *model_create(const struct model_settings *settings, struct registry *registry, struct errors *errors);
void model_destroy(struct model *model);

int32_t model_parameter_count(const struct model *model);
const struct model_parameter *model_parameters(const struct model *model);
/* Number of trained numbers. */
int64_t model_size(const struct model *model);
/* Gives every parameter its memory, filled with zeros; does nothing if they have it. Before training, and before weights
 * are loaded. */
rondo_status model_allocate(struct model *model, struct errors *errors);
/* Allocates all parameters and fills each from the random stream of its name under `seed`. Orthogonal matrices of some
 * thousand columns take seconds: `interrupt` (NULL: none) is checked meanwhile, and RONDO_INTERRUPTED is returned. */
rondo_status model_initialise(struct model *model, uint64_t seed, const struct interrupt *interrupt,
                              struct errors *errors);

/* A layer, from 0. */
const struct layer *model_layer(const struct model *model, int32_t layer);

/* Floating-point operations of the forward pass for one row at one step, without the head: 2 m k n for a product, one
 * for each element of any other op. */
int64_t model_step_flops(const struct model *model);

/* A forward pass. */
struct model_call {
    const struct time_axis *time;
    const rondo_tensor *inputs;    /* tokens i32 [n] or numbers [n, input_size]; n = total or rows (model/layer.h) */
    const rondo_value *parameters; /* [model_parameter_count], from tape_parameter (training) or tape_constant */
    int training;
    struct rng_stream stream; /* of the random words of this pass (dropout); used in training */
    int stepwise;      /* 1: use the engine tape in all layers, in order to find the op that a number comes from */
    int before_output; /* 1: leave out the linear head; the result is the input of the head */
};

/* Records the pass. Returns [rows, output_size], or [total, output_size] with an output at every step; a failed value
 * after an error. */
rondo_value model_record(const struct model *model, struct tape *tape, const struct model_call *call);
/* The parameters of the linear head: [width, output_size] and [output_size]. */
struct model_output {
    int32_t weight, bias;
};
struct model_output model_output(const struct model *model);

#endif
