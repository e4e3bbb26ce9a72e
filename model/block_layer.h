/* model/block_layer.h: a block, which is equations for whole sequences, without states: a kind of layer.
 *
 *     struct block_layer_settings settings = {.block = definition, .hidden = 256, .memory = 256};
 *     struct layer *layer = block_layer_create(&settings, RONDO_F32, input, registry, errors);
 *
 * The equations are those of a cell without states. `x` are all steps of all rows, and every op but those that look along
 * sequences acts on each step alone. `memory` is what the block looks at:
 *
 *     over memory    the outputs of the encoder. Each step looks at the source of its row, and at no other step
 *     over self      the input of the block, another name of x: each step looks at the steps of its row
 *
 * Sequence-major order, which ops that look along sequences need, is made by one gather, and taken back by another one.
 *
 * Parameters: those of the equations, in order of first use. A block has no states. It is causal unless its equations look
 * ahead (program_reach): over memory always, over itself if they look along sequences only with options such as causal=true.
 *
 * Scopes: its equations draw in "SCOPE.block".
 */
#ifndef RONDO_MODEL_BLOCK_LAYER_H
#define RONDO_MODEL_BLOCK_LAYER_H

#include "lang/cell.h"
#include "model/layer.h"

enum block_over { BLOCK_OVER_MEMORY = 0, BLOCK_OVER_SELF = 1 };

struct block_layer_settings {
    const struct cell_definition *block; /* without states (lang/cell_file.h); must outlive the layer */
    const double *option_values;         /* [n_options] of the block; NULL: the defaults */
    int64_t hidden;                      /* the width `hidden` of the equations; 0: as wide as the input */
    int64_t memory;                      /* width of the memory, for a block over it; 0: there is none */
    enum block_over over;
    int32_t residual; /* as in struct layer_around */
    double dropout;
    struct location where; /* for messages: the place of the layer, and of `residual`; zero: nowhere */
    struct location residual_where;
};

/* What the equations of a block are for, where no experiment says it: the memory if they compile over it and read it, otherwise
 * itself if they compile over that, otherwise the memory. Of the settings, dtype, widths and option_values are used. */
enum block_over block_over_of(const struct cell_definition *block, const struct cell_settings *settings,
                              struct registry *registry);
/* Compiles the equations. `input` is the width of the inputs. NULL with errors: RONDO_INVALID for mistakes in the equations, and
 * for a block over a memory that does not exist, or that it does not read. The settings need not outlive the call. */
struct layer *block_layer_create(const struct block_layer_settings *settings, int32_t dtype, int64_t input,
                                 struct registry *registry, struct errors *errors);
/* The name of its equations, "attention". `layer` must be of this kind. */
const char *block_layer_name(const struct layer *layer);

#endif
