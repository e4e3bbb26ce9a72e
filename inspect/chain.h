/* inspect/chain.h: the layers of a model in the order of a pass: those of the encoder, and then the others. Private to inspect/.
 *
 * Threads: any.
 */
#ifndef RONDO_INSPECT_CHAIN_H
#define RONDO_INSPECT_CHAIN_H

#include "model/model.h"

/* The number of layers, and layer `index`. */
int32_t chain_count(const struct model *model);
const struct layer *chain_layer(const struct model *model, int32_t index);
/* 1 if the layer belongs to the encoder, and has the time axis of the source. */
int chain_is_encoder(const struct model *model, int32_t index);
/* "encoder.0" or "layers.0"; NULL: out of memory. */
const char *chain_name(const struct model *model, int32_t index, struct arena *arena);

/* The directions that layer `index` reads in: 0 for a block, 2 for direction: both; and whether direction `d` is backward in time. */
int32_t chain_directions(const struct model *model, int32_t index);
int chain_is_backward(const struct model *model, int32_t index, int32_t d);
/* 1 if layer `index` and those above it, up to the output of the encoder or the model, read only in this direction. The outputs of a
 * block have the order of its inputs, so that it counts as forward. */
int chain_reads_only(const struct model *model, int32_t index, int is_backward);

#endif
