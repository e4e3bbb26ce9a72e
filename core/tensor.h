/* core/tensor.h: what every part knows about a rondo_tensor (rondo/plugin.h): sizes, shapes, broadcasting.
 *
 * Tensors are contiguous and row-major. They own nothing: their storage belongs to an arena or to the caller.
 * Threads: all functions are pure but for the memory behind their arguments.
 */
#ifndef RONDO_CORE_TENSOR_H
#define RONDO_CORE_TENSOR_H

#include "core/arena.h"

/* Bytes of one element: 4, 8, 4. 0 for an unknown dtype. */
size_t dtype_size(int32_t dtype);
/* "f32", "f64", "i32". */
const char *dtype_name(int32_t dtype);
/* Bytes of all elements. */
size_t tensor_bytes(const rondo_tensor *tensor);
/* The same for a shape that comes from outside: SIZE_MAX where a dimension is below 0 or the bytes cannot be counted.
 */
size_t tensor_checked_bytes(const rondo_tensor *tensor);
/* A tensor without data. `shape` has `ndim` entries. */
rondo_tensor tensor_of(int32_t dtype, int32_t ndim, const int64_t *shape);
/* The same for one and two dimensions, over `data` (may be NULL). */
rondo_tensor tensor_1d(int32_t dtype, int64_t n, void *data);
rondo_tensor tensor_2d(int32_t dtype, int64_t rows, int64_t columns, void *data);
/* 1 if the first dimension is RONDO_ANY_ROWS: a value of a program that has one row for each sequence of a batch. */
int tensor_has_any_rows(const rondo_tensor *tensor);
/* 1 where dtype and shape are equal. */
int tensor_same_shape(const rondo_tensor *a, const rondo_tensor *b);
/* Allocates zeroed storage for `tensor` from `arena`; RONDO_NO_MEMORY where it is short. */
rondo_status tensor_alloc(rondo_tensor *tensor, struct arena *arena, struct errors *errors);
/* Element `index` as a double, whatever the dtype; and back (rounded to the dtype). */
double tensor_get(const rondo_tensor *tensor, int64_t index);
void tensor_set(const rondo_tensor *tensor, int64_t index, double value);
/* Multiplies elements begin .. end of a float tensor by `factor`, computed in f64 and rounded to the dtype. */
void tensor_scale(const rondo_tensor *tensor, int64_t begin, int64_t end, double factor);
/* 1 where all elements of a float tensor are finite. */
int tensor_is_finite(const rondo_tensor *tensor);

/* Broadcasting as in NumPy: shapes are aligned at their last dimension, a missing one counts as 1, and a 1 stretches.
 * Writes the common shape of `a` and `b` to `out` (dtype of `a`); returns 0 where there is none. */
int tensor_broadcast(const rondo_tensor *a, const rondo_tensor *b, rondo_tensor *out);

/* "[3, 4]"; "[]" for a scalar. A dimension equal to RONDO_ANY_ROWS (rondo/plugin.h) reads "batch". */
#define SHAPE_TEXT 160
struct shape_text {
    char text[SHAPE_TEXT];
};
struct shape_text tensor_shape_text(const rondo_tensor *tensor);

#endif
