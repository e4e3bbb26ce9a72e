/* model/packed.h: operations on values that are packed along time (core/time_axis.h), recorded on the tape.
 *
 * Each returns a failed value after an error of the tape.
 */
#ifndef RONDO_MODEL_PACKED_H
#define RONDO_MODEL_PACKED_H

#include "core/tape.h"
#include "model/architecture.h"

/* Reverses each row within its own length: step t of a row with n steps becomes step n - 1 - t. [total, …] -> [total,
 * …]; applied twice, it gives the original value. */
rondo_value packed_reverse(struct tape *tape, const struct time_axis *time, rondo_value value);

/* [rows, …] -> [total, …]: the first step of every row gets its row, all later ones zeros. */
rondo_value packed_from_first(struct tape *tape, const struct time_axis *time, rondo_value first);

/* The value at the first step of each row: [total, …] -> [rows, …]; a view. */
rondo_value packed_first(struct tape *tape, const struct time_axis *time, rondo_value value);

/* The value of each row after the whole row has been read, [total, width] -> [rows, width]: that at its last step. Of the
 * last `backward` columns, which are computed backward in time (struct layer_shape), it is that at step 0. */
rondo_value packed_last(struct tape *tape, const struct time_axis *time, rondo_value value, int64_t width,
                        int64_t backward);

/* The mean ("mean"), sum or maximum ("max") over the steps of each row: [total, …] -> [rows, …]. */
rondo_value packed_reduce(struct tape *tape, const struct time_axis *time, rondo_value value, const char *reduce);

#endif
