/* model/apply.h: the ops that a model records around its cells, with their options as arguments. Options given as text
 * would be printed and parsed again at every step.
 *
 * Each returns a failed value after an error of the tape. Threads: as the tape.
 */
#ifndef RONDO_MODEL_APPLY_H
#define RONDO_MODEL_APPLY_H

#include "core/tape.h"

/* Elements begin .. end - 1 along an axis: a view of a contiguous part. */
rondo_value apply_slice(struct tape *tape, rondo_value value, int32_t axis, int64_t begin, int64_t end);
/* `count` values one after another along an axis. */
rondo_value apply_concat(struct tape *tape, int32_t axis, const rondo_value *values, int32_t count);
/* Dropout of elements; the value itself if `rate` is 0. */
rondo_value apply_dropout(struct tape *tape, rondo_value value, double rate);
/* Rows of `table` [n, …] by i32 indices [k]: [k, …]. */
rondo_value apply_gather(struct tape *tape, rondo_value table, const rondo_tensor *indices);
/* The same by indices that are a value of the tape. */
rondo_value apply_gather_by(struct tape *tape, rondo_value table, rondo_value indices);
/* Columns of `matrix` [m, n] by i32 indices [k]: [m, k]. */
rondo_value apply_gather_columns(struct tape *tape, rondo_value matrix, const rondo_tensor *indices);
/* Elements of `a` where `condition` is not 0, elements of `b` elsewhere; all three are broadcast. */
rondo_value apply_where(struct tape *tape, rondo_value condition, rondo_value a, rondo_value b);
/* A matrix [m, n] as [n, m]. */
rondo_value apply_transpose(struct tape *tape, rondo_value matrix);
/* Row s of the result, of `count`, is the "sum", "mean" or "max" of the rows of `value` whose i32 index is s. */
rondo_value apply_segment(struct tape *tape, rondo_value value, const rondo_tensor *indices, const char *reduce,
                          int64_t count);
/* a + b, a * b and the matrix product. */
rondo_value apply_add(struct tape *tape, rondo_value a, rondo_value b);
rondo_value apply_multiply(struct tape *tape, rondo_value a, rondo_value b);
rondo_value apply_matmul(struct tape *tape, rondo_value a, rondo_value b);
/* The product of `a` [m, k] and the transpose of `b` [n, k], which is not copied: [m, n]. */
rondo_value apply_matmul_transposed(struct tape *tape, rondo_value a, rondo_value b);
/* The sum of all elements. */
rondo_value apply_sum(struct tape *tape, rondo_value value);

#endif
