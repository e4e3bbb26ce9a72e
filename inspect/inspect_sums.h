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
    const struct cell_probe *probe;
    int64_t *reaching;            /* [steps] examples whose anchor is at least that far from the first step it reads */
    double *norms;                /* [n_states, steps] sums of norms at each distance */
    struct unit_sums *units;      /* [all columns of states] */
    struct gate_unit_sums *gates; /* [all columns of gates] */
};

struct inspect_sums {
    int64_t steps;           /* of the longest example */
    double *input_norms;     /* [steps] */
    int64_t *input_reaching; /* [steps] */
    int64_t positions;       /* rows times steps of which there are values */
    struct layer_sums *layers;
    int32_t n_layers; /* directions are layers */
};

/* Zeros for a model. RONDO_NO_MEMORY with an error. */
rondo_status inspect_sums_open(struct inspect_sums *sums, const struct model *model, int64_t steps, struct arena *arena,
                               struct errors *errors);
/* Adds one shard, after its backward pass. */
rondo_status inspect_sums_shard(struct inspect_sums *sums, const struct model *model, struct tape *tape,
                                const struct time_axis *time, const struct model_probe *probe);
/* Adds `more` to `sums`, which is of the same model and steps. */
void inspect_sums_add(struct inspect_sums *sums, const struct inspect_sums *more);

/* Where a value of a gate is near its limits: below `low` or above `high`. */
struct gate_bounds {
    double low, high;
};
struct gate_bounds inspect_gate_bounds(const struct probe_gate *gate);

#endif
