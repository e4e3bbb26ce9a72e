/* model/pool_layer.h: a kind of layer: one output per row from those of all its steps, [total, width] -> [rows, width].
 *
 * Steps that a row does not have are not seen: mean, max and attention are over its own steps. With `attention`, the steps are
 * weighted by a query that is learned (Yang et al. 2016, equation 6, without its hidden layer):
 *
 *     y = sum_t p_t h_t       p_t = e^s_t / sum_t e^s_t       s_t = query . h_t / sqrt(width)
 *
 * Parameters: "query" [width] of attention, which begins at zeros: at first the mean.
 */
#ifndef RONDO_MODEL_POOL_LAYER_H
#define RONDO_MODEL_POOL_LAYER_H

#include "core/registry.h"
#include "model/layer.h"

/* `last` is the output after the whole row has been read: of columns that are computed backward in time, the one at step 0.
 * `first` is the output at step 0 of all columns. */
enum pooling { POOL_LAST = 0, POOL_FIRST = 1, POOL_MEAN = 2, POOL_MAX = 3, POOL_ATTENTION = 4 };

/* `below` is the shape of the layer whose outputs are pooled. NULL with errors. */
struct layer *pool_layer_create(enum pooling pooling, const struct layer_shape *below, int32_t dtype,
                                struct registry *registry, struct errors *errors);

#endif
