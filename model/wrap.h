/* model/wrap.h: wrappers that change one step of a cell. Each is a transformation of the program, and works for any
 * cell.
 *
 * Each function makes a new cell of the same name and does not change the old one; free both with cell_destroy. Returns
 * NULL with errors. A mistake of the user (the cell has nothing that the wrapper can work on) is reported at `where`.
 *
 * If several are used, they are applied in the order of this file. Rates are in (0, 1); random ops do nothing outside
 * training. The wrappers that are not transformations of a step are in model/layer.h: projection, residual, direction,
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
 * for every largest sum that contains a product by weights, except new states and the output. A product outside of a
 * sum counts as a sum, unless it is the left side of another product. Terms that are the same for every row, such as b,
 * stay outside the norm. The first such vector becomes the bias of the norm, so its initial value keeps its meaning; a
 * sum without one gets W.bias, which starts from zeros. Gains start from ones. */
struct cell *wrap_layer_norm(const struct cell *cell, struct location where, struct registry *registry,
                             struct errors *errors);

/* Recurrent dropout: Semeniuta, Severyn & Barth 2016. A share `rate` of every candidate (new content for a state) is
 * dropped at every step; what the states already hold is kept. A cell file declares its candidates under
 * `candidate:`. */
struct cell *wrap_recurrent_dropout(const struct cell *cell, double rate, struct location where,
                                    struct registry *registry, struct errors *errors);

/* Cell clip: Sak, Senior & Beaufays 2014. The new value of every state but the output is kept within [-limit, limit],
 * for everything that reads it. If the output is the only state of the cell, this state is limited. */
struct cell *wrap_clip(const struct cell *cell, double limit, struct registry *registry, struct errors *errors);

/* Zoneout: Krueger et al. 2017. An element keeps its old value with probability `rate`, or `output_rate` for the state
 * that is the output; a rate of 0 does not change a state, and clocks (cell_clocks) are never
 * changed. Outside training, the expectation is used:
 *
 *     s' = s + (1 - rate) dropout(new - s, rate)
 *
 * Other equations of the step read the unchanged new value (the paper's equation 4 computes h from the new c). */
struct cell *wrap_zoneout(const struct cell *cell, double rate, double output_rate, struct registry *registry,
                          struct errors *errors);

/* Variational dropout: Gal & Ghahramani 2016. The left side of a product by weights (x, a state, or a value such as r *
 * h) is multiplied by a mask that is the same at every step; each such value has its own mask. Masks are n_masks
 * additional states that keep their initial value: dropout of ones, drawn once per row by model/layer.h. */
struct cell *wrap_variational_dropout(const struct cell *cell, struct location where, struct registry *registry,
                                      struct errors *errors);

/* The number of the state that is the output; -1: no state is. */
int32_t wrap_output_state(const struct cell *cell);

/* For weight drop (Merity et al. 2018): writes 1 for each parameter that is a recurrent weight, else 0. A recurrent
 * weight is a matrix in the right side of a product whose left side depends on a state. `is_recurrent` has n_parameters
 * entries. Returns the number of recurrent weights; -1 if there is not enough memory. */
int32_t wrap_recurrent_weights(const struct cell *cell, unsigned char *is_recurrent);

#endif
