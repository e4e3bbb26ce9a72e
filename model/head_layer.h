/* model/head_layer.h: a kind of layer: the linear head, from the hidden values of a row to the outputs that the loss reads.
 *
 *     output = hidden @ W + b          [n, width] -> [n, output size]
 *
 * Parameters: "W" [width, output size] and "b" [output size]. A tied head has only b: its W is the transposed table of an
 * embedding (Press & Wolf 2017; Inan et al. 2017).
 *
 * layer_call.inputs: [1] the hidden values; [2] with the table [symbols, width] if the head is tied. The head uses the first
 * `output size` rows of the table: further symbols, such as the start symbol, are never an output. layer_call.time is not
 * read.
 */
#ifndef RONDO_MODEL_HEAD_LAYER_H
#define RONDO_MODEL_HEAD_LAYER_H

#include "model/layer.h"

/* NULL with errors. */
struct layer *head_layer_create(int64_t width, int64_t output_size, int is_tied, int32_t dtype, struct errors *errors);

struct head_output {
    rondo_value weight, bias;
};
/* Some of the outputs. */
struct head_chosen {
    const rondo_tensor *outputs; /* i32 [n]: their numbers */
    const rondo_tensor *rows;    /* i32 [n]: for a tied head, those of their rows in layer_call.inputs[1] */
};
/* The values that the head multiplies by and adds, for losses that compute the outputs themselves
 * (RONDO_LOSS_BEFORE_OUTPUT): [width, output size] and [output size]; for a tied head the weight is a transposed copy of the
 * table, recorded by this call. With `chosen`, copies of those of the chosen outputs: [n, width] and [n]; nothing of the
 * size of the whole weight is copied. `layer` must be of this kind. */
struct head_output head_output(const struct layer *layer, struct tape *tape, const struct layer_call *call,
                               const struct head_chosen *chosen);

#endif
