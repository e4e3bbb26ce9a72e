/* data/batch.h: examples of similar length, packed for a recurrence over time.
 *
 * core/time_axis.h describes the packing. The architecture decides which steps take input and have targets: with input
 * only at the first step, `inputs` holds the rows of step 0; with output only at the last step, `targets` holds one per
 * row. */
#ifndef RONDO_DATA_BATCH_H
#define RONDO_DATA_BATCH_H

#include "core/rng.h"
#include "core/time_axis.h"
#include "data/dataset.h"

/* All arrays belong to the arena that the batch was made from. */
struct batch {
    struct time_axis time;  /* of the rows */
    const int64_t *example; /* [time.rows] index in the dataset */
    rondo_tensor inputs;  /* tokens i32 [n], or numbers [n, input_size]; n = total, or rows with input at first only */
    rondo_tensor targets; /* classes i32 [n], or numbers [n, target_size]; n = total with a target at every step, else
                             rows; data NULL if the dataset has none */
};

/* The number of steps of an example: of its inputs if every step takes one (N:1, N:N), of its targets for 1:N, and 1 for
 * 1:1. 0 for 1:N without targets: the number is not known. */
int64_t example_steps(const struct dataset *dataset, int64_t example, struct architecture architecture);

/* RONDO_INVALID if an example of the dataset does not fit the architecture: a number of targets that differs from the
 * number of steps (aligned), not exactly one target for a sequence, more than one input if only the first step takes
 * one, or no targets for 1:N, because their number is the number of steps. `what` names the data in the text. Without
 * targets (prediction), targets are not checked. */
rondo_status dataset_fits(const struct dataset *dataset, struct architecture architecture, int with_targets,
                          const char *what, struct errors *errors);

/* Packs `count` >= 1 examples of the dataset into `batch`; numbers get `dtype` (RONDO_F32 or RONDO_F64). Memory from
 * `arena`. The order of `examples` decides between equal lengths. */
rondo_status batch_pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                        struct architecture architecture, int32_t dtype, struct arena *arena, struct batch *batch,
                        struct errors *errors);

/* The order in which an epoch visits the examples: order[0 .. count) is a permutation, batch k is the slice
 * [k * size, (k + 1) * size). Examples are shuffled, then sorted by length within pools of 32 batches, and whole
 * batches are shuffled again: batch mates are of similar length, and every epoch is different. `stream` determines the
 * order; NULL gives the order for evaluation: by length, longest first, ties by index. The last batch may be smaller.
 * `order` has dataset->count entries, and is written. */
rondo_status batch_order(const struct dataset *dataset, int64_t size, struct architecture architecture,
                         const struct rng_stream *stream, int64_t *order, struct errors *errors);

#endif
