/* core/tensor.h: sizes, shapes and elements of a rondo_tensor (rondo/plugin.h), and broadcasting.
 *
 * Tensors are contiguous and row-major. They own nothing: their storage belongs to an arena or to the caller.
 * Threads: any; a function accesses only what its arguments point to.
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
/* The same for a shape that is not trusted: SIZE_MAX if a dimension is negative or the size overflows. */
size_t tensor_checked_bytes(const rondo_tensor *tensor);
/* A tensor without data. `shape` has `ndim` entries. */
rondo_tensor tensor_of(int32_t dtype, int32_t ndim, const int64_t *shape);
/* Tensors with one and two dimensions over `data`, which may be NULL. */
rondo_tensor tensor_1d(int32_t dtype, int64_t n, void *data);
rondo_tensor tensor_2d(int32_t dtype, int64_t rows, int64_t columns, void *data);
/* 1 if the first dimension is RONDO_ANY_ROWS: a value of a program that has one row for each sequence of a batch. */
int tensor_has_any_rows(const rondo_tensor *tensor);
/* 1 if dtype and shape are equal. */
int tensor_same_shape(const rondo_tensor *a, const rondo_tensor *b);
/* Allocates storage for `tensor`, all zero, from `arena`. RONDO_NO_MEMORY, with the shape in the error, if memory is short
 * or the size overflows. */
rondo_status tensor_alloc(rondo_tensor *tensor, struct arena *arena, struct errors *errors);
/* Element `index` as a double, for any dtype, and back (rounded to the dtype). Slow. */
double tensor_get(const rondo_tensor *tensor, int64_t index);
void tensor_set(const rondo_tensor *tensor, int64_t index, double value);
/* Sets elements first .. first + count - 1. */
void tensor_set_range(const rondo_tensor *tensor, int64_t first, int64_t count, const double *values);
/* Multiplies elements [begin, end) of a float tensor by `factor`, computed in f64 and rounded to the dtype. */
void tensor_scale(const rondo_tensor *tensor, int64_t begin, int64_t end, double factor);
/* 1 if all elements of a float tensor are finite; 1 for integers. */
int tensor_is_finite(const rondo_tensor *tensor);

/* Broadcasting as in NumPy: shapes are aligned at their last dimension, a missing dimension counts as 1, and a dimension
 * of 1 is repeated. Writes the common shape of `a` and `b` to `out` (dtype of `a`); 0 if there is none. */
int tensor_broadcast(const rondo_tensor *a, const rondo_tensor *b, rondo_tensor *out);

/* "[3, 4]"; "[]" for a scalar. A dimension of RONDO_ANY_ROWS is shown as "batch", one of
 * RONDO_ANY_MEMORY as "memory". */
#define SHAPE_TEXT 160
struct shape_text {
    char text[SHAPE_TEXT];
};
struct shape_text tensor_shape_text(const rondo_tensor *tensor);

#endif
