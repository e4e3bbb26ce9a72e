/* model/wrap.h: wrappers that change one step of a cell, any cell, as transformations of its program.
 *
 * Each makes a new cell of the same name and leaves the old one alone; free both with cell_destroy. NULL with errors:
 * a mistake of the user (the cell has nothing that the wrapper works on) is told at `where`.
 *
 * Used one upon the other in the order in which they stand here. Rates are in (0, 1); random ops do nothing outside
 * training. model/layer.h has the wrappers that are no transformations of a step: projection, residual, direction,
 * learnt initial states, weight drop.
 *
 * Threads: one.
 */
#ifndef RONDO_MODEL_WRAP_H
#define RONDO_MODEL_WRAP_H

#include "lang/cell.h"

/* Layer norm on the pre-activations: Ba, Kiros & Hinton 2016, section 3.1.
 *
 *     x @ W + h @ U + b   becomes   layer_norm(x @ W + h @ U, W.gain, b)
 *
 * for every largest sum that holds a product by weights, new states and the output aside; a product that stands alone
 * is such a sum, unless it is the left side of another product. What is the same for every row, such as b, stays
 * outside: the first vector is the bias of the norm, so that its initial value keeps its meaning; a sum without one
 * gets W.bias, from zeros. Gains start from ones. */
struct cell *wrap_layer_norm(const struct cell *cell, struct location where, struct registry *registry,
                             struct errors *errors);

/* Recurrent dropout: Semeniuta, Severyn & Barth 2016. Of every candidate, new content on its way into a state, a share
 * `rate` is dropped at every step; what the states hold already stays. Cells say `candidate:` in their file. */
struct cell *wrap_recurrent_dropout(const struct cell *cell, double rate, struct location where,
                                    struct registry *registry, struct errors *errors);

/* Cell clip: Sak, Senior & Beaufays 2014. The new value of every state but the output is kept within [-limit, limit],
 * for all that reads it; of a cell whose only state is the output, that state. */
struct cell *wrap_clip(const struct cell *cell, double limit, struct registry *registry, struct errors *errors);

/* Zoneout: Krueger et al. 2017. An element keeps its old value with probability `rate`, of the state that is the output
 * with `output_rate`; a rate of 0 leaves a state alone, and so does a clock (cell_clocks). Outside training the expectation:
 *
 *     s' = s + (1 - rate) dropout(new - s, rate)
 *
 * Other equations of the step read the new value as it was (the paper's equation 4 computes h from the new c). */
struct cell *wrap_zoneout(const struct cell *cell, double rate, double output_rate, struct registry *registry,
                          struct errors *errors);

/* Variational dropout: Gal & Ghahramani 2016. What stands on the left of a product by weights (x, a state, or a value
 * such as r * h) is multiplied by a mask that is the same at every step, one for each such value. Masks are further
 * states, n_masks of them, that keep what they start from: dropout of ones, drawn once a row (model/layer.h does). */
struct cell *wrap_variational_dropout(const struct cell *cell, struct location where, struct registry *registry,
                                      struct errors *errors);

/* The number of the state that is the output; -1: none is. */
int32_t wrap_output_state(const struct cell *cell);

/* For weight drop (Merity et al. 2018): writes 1 for each parameter that is a recurrent weight, a matrix that the right
 * side of a product is made of whose left side depends on a state, else 0. `is_recurrent` has n_parameters entries.
 * Returns how many there are; -1 where memory is short. */
int32_t wrap_recurrent_weights(const struct cell *cell, unsigned char *is_recurrent);

#endif
