/* train/gradient.h: the gradient of one parameter: dense, or by rows.
 *
 * The gradient of an embedding is zero in all rows whose symbols did not occur. By rows, it consists only of the others:
 *
 *     dL/d table[ids[k], :] = values[k, :]        all other rows are zero
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_TRAIN_GRADIENT_H
#define RONDO_TRAIN_GRADIENT_H

#include "core/tensor.h"

struct gradient {
    rondo_tensor values; /* dense: in the shape of the parameter; by rows: [count, size] */
    int by_rows;
    const int32_t *ids; /* by rows: [count], ascending, each id once */
    int64_t count;      /* by rows: the number of rows; may be 0 */
};

/* Number of the first row whose id is at least `id`, in [0, count]. The gradient is by rows. */
int64_t gradient_find(const struct gradient *gradient, int64_t id);
/* Writes elements begin .. end of the gradient of the whole parameter, counted over its rows, to `to`: those of rows that
 * are not listed are zero. */
void gradient_expand(const struct gradient *gradient, int64_t begin, int64_t end, void *to);

/* Adds elements begin .. end of all parts, in a fixed tree over their numbers:
 *
 *     ((g0 + g1) + (g2 + g3)) + ((g4 + g5) + …)
 *
 * The tree depends only on the number of parts, so any number of threads gives the same bits, and so does adding up
 * subtrees in different processes. The sum is then in parts[0]; the data of the other parts is overwritten with partial
 * sums. A part whose data is NULL counts as zeros: parts[0] then gets the data of another part. */
void gradient_add_parts(rondo_tensor *parts, int64_t n_parts, int64_t begin, int64_t end);

#endif
