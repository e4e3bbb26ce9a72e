/* inspect/inspect_sums.h: what is added up while shards are inspected. Private to inspect/.
 *
 * Each number of a shard has sums of its own, which are added at the end in the order of these numbers, so that results do not
 * depend on threads.
 */
#ifndef RONDO_INSPECT_INSPECT_SUMS_H
#define RONDO_INSPECT_INSPECT_SUMS_H

#include "train/network.h"

/* Of the values of one unit of a state, and of their squares. */
struct unit_sums {
    double sum, square;
};

/* How often a unit of a gate was near a limit. */
struct gate_unit_sums {
    int64_t below, above;
};

/* A layer in one direction. */
struct layer_sums {
    int32_t index, d; /* of the layer (inspect/chain.h), and of the direction */
    const struct cell_probe *probe;
    int64_t steps;                /* of the longest example or source */
    int64_t positions;            /* rows times steps of which there are values */
    int64_t *reaching;            /* [steps] examples whose anchor is at least that far from the first step it reads */
    double *norms;                /* [n_states, steps] sums of norms at each distance */
    struct unit_sums *units;      /* [all columns of states] */
    struct gate_unit_sums *gates; /* [all columns of gates] */
};

/* What the first layer reads, or that of the encoder. */
struct input_sums {
    int64_t steps;
    double *norms;     /* [steps] */
    int64_t *reaching; /* [steps] */
};

struct inspect_sums {
    struct input_sums input, source; /* source.steps 0: there is no encoder */
    struct layer_sums *layers;       /* in the order of inspect/chain.h */
    int32_t n_layers;                /* directions are layers; a block is none */
};

/* Zeros for a model. steps, source_steps: of the longest example, and of the longest source. RONDO_NO_MEMORY with an error. */
rondo_status inspect_sums_open(struct inspect_sums *sums, const struct model *model, int64_t steps,
                               int64_t source_steps, struct arena *arena, struct errors *errors);
/* Adds one shard, after its backward pass. */
rondo_status inspect_sums_shard(struct inspect_sums *sums, const struct model *model, struct tape *tape,
                                const struct batch *batch, const struct model_probe *probe);
/* Adds `more` to `sums`, which is of the same model and steps. */
void inspect_sums_add(struct inspect_sums *sums, const struct inspect_sums *more);

/* Where a value of a gate is near its limits: below `low` or above `high`. */
struct gate_bounds {
    double low, high;
};
struct gate_bounds inspect_gate_bounds(const struct probe_gate *gate);

#endif
