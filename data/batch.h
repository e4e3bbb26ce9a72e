/* data/batch.h: examples of similar length, packed for a recurrence over time.
 *
 * Packed means: no padding. The rows of a batch are sorted by length, longest first; at step t the first alive[t] rows
 * still run, so alive never grows. All step values stand one after the other in time-major order:
 *
 *     lengths 3, 2, 1:     step 0: rows 0 1 2 | step 1: rows 0 1 | step 2: row 0        total = 6
 *     alive = 3, 2, 1      begin = 0, 3, 5, 6
 *
 * A shorter sequence stops computing, and no padding exists that could change a result.
 *
 * Which steps take input and which have a target follows the architecture (model/architecture.h): with input at the
 * first step alone, `inputs` holds the rows of step 0 only; with a target at the last step alone, `targets` holds one
 * for each row.
 */
#ifndef RONDO_DATA_BATCH_H
#define RONDO_DATA_BATCH_H

#include "core/rng.h"
#include "data/dataset.h"

/* All arrays belong to the arena that the batch was made from. */
struct batch {
    int64_t rows;           /* >= 1 */
    int64_t steps;          /* of the longest row; >= 1 */
    int64_t total;          /* real steps of all rows: the sum of lengths */
    const int64_t *example; /* [rows] index in the dataset */
    const int64_t *lengths; /* [rows], never growing */
    const int64_t *alive;   /* [steps] rows that are at least step + 1 long */
    const int64_t *begin;   /* [steps + 1] first packed position of each step */
    rondo_tensor inputs;  /* tokens i32 [n], or numbers [n, input_size]; n = total, or rows with input at first only */
    rondo_tensor targets; /* classes i32 [n], or numbers [n, target_size]; n = total with a target at every step, else
                             rows; data NULL where the dataset has none */
};

/* Which steps of a sequence take input and which have a target. */
struct batch_layout {
    int input_every_step;  /* 0: the first alone */
    int target_every_step; /* 0: one for the sequence */
};

/* The number of steps of an example: of its inputs where every step takes one, else of its targets where every step has
 * one, else 1. */
int64_t example_steps(const struct dataset *dataset, int64_t example, struct batch_layout layout);

/* RONDO_INVALID where an example of the dataset does not fit the layout: not as many targets as steps (aligned), not
 * exactly one target for a sequence, more than one input where only the first step takes one. `what` names the data in
 * the text. Without targets (prediction) only inputs are checked. */
rondo_status batch_layout_check(const struct dataset *dataset, struct batch_layout layout, int with_targets,
                                const char *what, struct errors *errors);

/* Packs `count` >= 1 examples of the dataset into `batch`; numbers get `dtype` (RONDO_F32 or RONDO_F64). Memory from
 * `arena`. The order of `examples` decides between equal lengths. */
rondo_status batch_pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                        struct batch_layout layout, int32_t dtype, struct arena *arena, struct batch *batch,
                        struct errors *errors);

/* The order in which an epoch visits the examples: order[0 .. count) is a permutation, batch k is the slice
 * [k * size, (k + 1) * size). Examples are shuffled, then sorted by length within pools of 32 batches, and whole
 * batches are shuffled again: batch mates are of similar length, and every epoch is different. `stream` decides all of
 * it; NULL gives the order for evaluation: by length, longest first, ties by index. The last batch may be smaller.
 * `order` has dataset->count entries, and is written. */
rondo_status batch_order(const struct dataset *dataset, int64_t size, struct batch_layout layout,
                         const struct rng_stream *stream, int64_t *order, struct errors *errors);

#endif
