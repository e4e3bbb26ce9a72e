/* train/row_sum.h: adds the gradients of row tables by the ids of their rows.
 *
 * The rows of an id are added in the tree of gradient_add_parts over the numbers of the tables. A table without the id adds
 * nothing, which gives the same bits as adding zeros: the results are those of dense gradients. (A gradient that begins at
 * +0 and is only added to is never -0.)
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_ROW_SUM_H
#define RONDO_TRAIN_ROW_SUM_H

#include "core/parallel.h"
#include "model/row_table.h"
#include "train/gradient.h"

/* The largest number of tables. */
#define ROW_SUM_MOST 16

/* The memory of a sum, which is reused. Zeroed: none so far. */
struct row_sum {
    struct arena *arena;
};

/* Writes scale * (the sum over the tables) to *result, in the memory of `sum`. The gradients of the tables are
 * overwritten with partial sums. Tables have the same width and dtype; n_tables >= 1. */
rondo_status row_sum_make(struct row_sum *sum, struct row_table *const *tables, int64_t n_tables, double scale,
                          const struct parallel *parallel, struct gradient *result, struct errors *errors);
void row_sum_free(struct row_sum *sum);

#endif
