/* model/pool_layer.h: a kind of layer: one output per row from those of all its steps, [total, width] -> [rows, width].
 *
 * Steps that a row does not have are not seen: mean and max are over its own steps.
 */
#ifndef RONDO_MODEL_POOL_LAYER_H
#define RONDO_MODEL_POOL_LAYER_H

#include "model/layer.h"

/* `last` is the output after the whole row has been read: of columns that are computed backward in time, the one at step 0.
 * `first` is the output at step 0 of all columns. */
enum pooling { POOL_LAST = 0, POOL_FIRST = 1, POOL_MEAN = 2, POOL_MAX = 3 };

/* `below` is the shape of the layer whose outputs are pooled. NULL with errors. */
struct layer *pool_layer_create(enum pooling pooling, const struct layer_shape *below, struct errors *errors);

#endif
