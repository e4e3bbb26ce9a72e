/* model/bridge.h: a kind of layer: from what an encoder has read to the states before the decoder's first step.
 *
 *     none      the layers begin as without an encoder: from zeros, or from what they have learned
 *     last      s = the last state of the encoder's layer and state of the same name                    (Sutskever et al. 2014)
 *     mean      s = (1/n) sum over the n steps of the source of  m_t
 *     learnt    s = tanh(c @ W + b)                                                                   (Bahdanau et al. 2015, A.2.2)
 *
 * for every state s of every layer of the decoder. m are the outputs of the encoder's last layer, [width] for each step, and c
 * is m after the whole source has been read: at its last step, and of columns that are computed backward in time at its first
 * one. Bahdanau et al. have no b, and their c has only the columns that are computed backward.
 *
 * last: layers with states correspond from the end: the last one of the encoder gives the states of the last one of the decoder. If the
 * encoder's layer reads in both directions and the decoder's in one, both states are put beside each other, [forward, backward].
 *
 * Parameters, with `learnt`: "layers.0.h.W" [width, numbers of the state] and "layers.0.h.b", for each state of the decoder.
 */
#ifndef RONDO_MODEL_BRIDGE_H
#define RONDO_MODEL_BRIDGE_H

#include "model/layer.h"

enum bridging { BRIDGE_NONE = 0, BRIDGE_LAST = 1, BRIDGE_MEAN = 2, BRIDGE_LEARNT = 3 };

/* The layers at one end of a bridge. */
struct bridge_end {
    const struct layer_shape *outputs; /* of the last layer */
    const struct layer **layers;       /* [n_layers] those that have states */
    int32_t n_layers;
    const struct layer_state *states; /* of all layers, with the layer in the name: "encoder.0.forward.h" */
    int32_t n_states;
};

/* RONDO_INVALID at `where`, as NULL with errors, if states have no counterpart or do not fit, with what would. The states are
 * borrowed, the rest is copied. */
struct layer *bridge_create(enum bridging kind, const struct bridge_end *encoder, const struct bridge_end *decoder,
                            int32_t dtype, struct location where, struct errors *errors);

/* What the encoder leaves, in the order of its own time axis. */
struct bridge_source {
    const struct time_axis *time;
    rondo_value outputs;       /* packed [total, width] of the last layer */
    const rondo_value *states; /* [n_states of the encoder] [rows, …] after the whole source; read with `last` */
    const rondo_tensor *row;   /* i32 [rows] row of the decoder -> row of the encoder */
};
/* 1 if bridge_source.states are read. */
int bridge_reads_states(const struct layer *layer);
/* Gives initial[s], [rows, …] in the order of the decoder's rows, for each state of the decoder. Failed values after an error of
 * the tape. `layer` must be of this kind; call->time and call->inputs are not read. */
void bridge_record(const struct layer *layer, struct tape *tape, const struct layer_call *call,
                   const struct bridge_source *source, rondo_value *initial);

#endif
