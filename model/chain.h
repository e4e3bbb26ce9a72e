/* model/chain.h: the inside of a model, for model.c, which builds it, and model_pass.c, which records it.
 *
 * The layers are listed in the order of the forward pass:
 *
 *     embedding | encoder.0 … | bridge, if there is an encoder | layers.0 … | pool, if there is one output per row | head
 */
#ifndef RONDO_MODEL_CHAIN_H
#define RONDO_MODEL_CHAIN_H

#include "model/model.h"

/* A layer of the chain, with its place among the parameters of the model, and among the states of the encoder or the decoder. */
struct model_link {
    struct layer *layer;
    const char *scope; /* "layers.0" */
    int32_t first_parameter, first_state;
};

struct model {
    struct arena *arena;
    struct model_settings settings; /* inputs, source_input, and encoder and layers with their blocks, are NULL */
    struct model_link *chain;       /* [n_links] */
    int32_t n_links;
    int32_t bridge;           /* its number in the chain; -1: there is no encoder */
    int32_t first_layer;      /* that of layers.0 */
    int32_t input_every_step; /* of the first layer */
    int32_t table;            /* the parameter that is the weight of a tied head; -1: the head is not tied */
    struct model_parameter *parameters;
    int32_t n_parameters;
    struct layer_state *states, *encoder_states; /* of all layers, "layers.0.h" and "encoder.0.h" */
    int32_t n_states, n_encoder_states;
    const char *why_not; /* it cannot generate; NULL: it can */
};

#endif
