/* ops/row_math.h: products and weighted sums of rows of numbers, and softmax of a row, for the kernels of attention.
 *
 * Every result is a sum in an order that depends only on its own terms, so it has the same bits whatever is computed with it,
 * and however many rows are computed together.
 *
 * Threads: any.
 */
#ifndef RONDO_OPS_ROW_MATH_H
#define RONDO_OPS_ROW_MATH_H

#include <stdint.h>

/* Rows for softmax have room for a multiple of ROW_PADDING numbers. */
enum { ROW_PADDING = 16 };
static inline int64_t row_padded(int64_t n) {
    return (n + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
}

#define ROW_MATH_DECLARED(T, suffix)                                                                                              \
    /* out[x, y] = a_x . b_y, n numbers each, for `rows` rows of a and `columns` rows of b: a_x begins at a + x * a_stride, b_y \
     * at b + y * b_stride, and row x of the result at out + x * out_stride. */ \
    void row_products_##suffix(const T *a, int64_t a_stride, int64_t rows, const T *b, int64_t b_stride,                          \
                               int64_t columns, int64_t n, T *out, int64_t out_stride);                                           \
    /* y += sum_t c_t x_t, in the order of t: c_t is at c + t * c_stride, and x_t, n numbers, at x + t * x_stride. */             \
    void row_add_##suffix(T *y, const T *c, int64_t c_stride, const T *x, int64_t x_stride, int64_t terms, int64_t n);            \
    /* p_j = e^(scale p_j - m) / sum of these over j < n, with m = max_j scale p_j. Overwrites the padding after the row. */      \
    void row_softmax_##suffix(T *p, int64_t n, T scale);

ROW_MATH_DECLARED(float, f32)
ROW_MATH_DECLARED(double, f64)

#endif
