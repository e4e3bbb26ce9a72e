#include "ops/row_math.h"

#include "ops/softmax_line.h"

/* ROW_LANES: partial sums of a product; lane l adds the elements l, l + ROW_LANES, and so on. The lanes are then added in
 * pairs, and the elements of an incomplete block after them. ROW_GROUP: products at a time, because a number that has been
 * loaded is then used more than once, and because one sum would wait for each addition. ROW_TILE: sums of a weighted sum that
 * stay in registers. */
enum { ROW_LANES = 16, ROW_GROUP = 4, ROW_TILE = 64 };

#define ROW_MATH_OF(T, suffix)                                                                                         \
    /* out[x, y] = a_x . b_y for `rows` rows of a and `columns` of b, constants whose product is 4 or 1. */            \
    KERNEL_INLINE void tile_##suffix(const T *a, int64_t a_stride, const T *b, int64_t b_stride, int64_t n, int rows,  \
                                     int columns, T *out, int64_t out_stride) {                                        \
        const int count = rows * columns;                                                                              \
        T sums[ROW_GROUP] = {0};                                                                                       \
        int64_t i = 0;                                                                                                 \
        if (n >= ROW_LANES) {                                                                                          \
            T lanes[ROW_GROUP][ROW_LANES], eights[ROW_GROUP][ROW_LANES / 2], fours[ROW_GROUP][ROW_LANES / 4];          \
            for (int p = 0; p < count; p++) {                                                                          \
                KERNEL_LOOP                                                                                            \
                for (int64_t l = 0; l < ROW_LANES; l++) {                                                              \
                    lanes[p][l] = a[p / columns * a_stride + l] * b[p % columns * b_stride + l];                       \
                }                                                                                                      \
            }                                                                                                          \
            for (i = ROW_LANES; i + ROW_LANES <= n; i += ROW_LANES) {                                                  \
                for (int p = 0; p < count; p++) {                                                                      \
                    KERNEL_LOOP                                                                                        \
                    for (int64_t l = 0; l < ROW_LANES; l++) {                                                          \
                        lanes[p][l] += a[p / columns * a_stride + i + l] * b[p % columns * b_stride + i + l];          \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            for (int p = 0; p < count; p++) {                                                                          \
                KERNEL_LOOP                                                                                            \
                for (int64_t l = 0; l < ROW_LANES / 2; l++) {                                                          \
                    eights[p][l] = lanes[p][l] + lanes[p][l + ROW_LANES / 2];                                          \
                }                                                                                                      \
            }                                                                                                          \
            for (int p = 0; p < count; p++) {                                                                          \
                KERNEL_LOOP                                                                                            \
                for (int64_t l = 0; l < ROW_LANES / 4; l++) {                                                          \
                    fours[p][l] = eights[p][l] + eights[p][l + ROW_LANES / 4];                                         \
                }                                                                                                      \
            }                                                                                                          \
            for (int p = 0; p < count; p++) {                                                                          \
                sums[p] = (fours[p][0] + fours[p][2]) + (fours[p][1] + fours[p][3]);                                   \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            for (int p = 0; p < count; p++) {                                                                          \
                sums[p] += a[p / columns * a_stride + i] * b[p % columns * b_stride + i];                              \
            }                                                                                                          \
        }                                                                                                              \
        for (int p = 0; p < count; p++) {                                                                              \
            out[p / columns * out_stride + p % columns] = sums[p];                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    /* out[x, y] = a_x . b_y: row x of a begins at a + x * a_stride, and so on; n numbers each. */                     \
    KERNEL_CLONES static void products_##suffix(const T *a, int64_t a_stride, int64_t rows, const T *b,                \
                                                int64_t b_stride, int64_t columns, int64_t n, T *out,                  \
                                                int64_t out_stride) {                                                  \
        int64_t x = 0;                                                                                                 \
        for (; x + 2 <= rows; x += 2) {                                                                                \
            const T *pair = a + x * a_stride;                                                                          \
            T *to = out + x * out_stride;                                                                              \
            int64_t y = 0;                                                                                             \
            for (; y + 2 <= columns; y += 2) {                                                                         \
                tile_##suffix(pair, a_stride, b + y * b_stride, b_stride, n, 2, 2, to + y, out_stride);                \
            }                                                                                                          \
            for (int64_t r = 0; y < columns && r < 2; r++) {                                                           \
                tile_##suffix(pair + r * a_stride, 0, b + y * b_stride, 0, n, 1, 1, to + r * out_stride + y, 0);       \
            }                                                                                                          \
        }                                                                                                              \
        if (x < rows) {                                                                                                \
            const T *last = a + x * a_stride;                                                                          \
            T *to = out + x * out_stride;                                                                              \
            int64_t y = 0;                                                                                             \
            for (; y + ROW_GROUP <= columns; y += ROW_GROUP) {                                                         \
                tile_##suffix(last, 0, b + y * b_stride, b_stride, n, 1, ROW_GROUP, to + y, 0);                        \
            }                                                                                                          \
            for (; y < columns; y++) {                                                                                 \
                tile_##suffix(last, 0, b + y * b_stride, 0, n, 1, 1, to + y, 0);                                       \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* `width` numbers of a weighted sum, a constant: sums stay in registers. */                                       \
    KERNEL_INLINE void add_tile_##suffix(T *y, const T *c, int64_t c_stride, const T *x, int64_t x_stride,             \
                                         int64_t terms, int width) {                                                   \
        T sums[ROW_TILE];                                                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < width; i++) {                                                                          \
            sums[i] = y[i];                                                                                            \
        }                                                                                                              \
        for (int64_t t = 0; t < terms; t++) {                                                                          \
            const T factor = c[t * c_stride];                                                                          \
            KERNEL_LOOP                                                                                                \
            for (int64_t i = 0; i < width; i++) {                                                                      \
                sums[i] += factor * x[t * x_stride + i];                                                               \
            }                                                                                                          \
        }                                                                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < width; i++) {                                                                          \
            y[i] = sums[i];                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void add_##suffix(T *y, const T *c, int64_t c_stride, const T *x, int64_t x_stride,           \
                                           int64_t terms, int64_t n) {                                                 \
        int64_t i = 0;                                                                                                 \
        for (; i + ROW_TILE <= n; i += ROW_TILE) {                                                                     \
            add_tile_##suffix(y + i, c, c_stride, x + i, x_stride, terms, ROW_TILE);                                   \
        }                                                                                                              \
        for (; i + ROW_LANES <= n; i += ROW_LANES) {                                                                   \
            add_tile_##suffix(y + i, c, c_stride, x + i, x_stride, terms, ROW_LANES);                                  \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            add_tile_##suffix(y + i, c, c_stride, x + i, x_stride, terms, 1);                                          \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void softmax_##suffix(T *p, int64_t n, T scale) {                                             \
        const int64_t padded = row_padded(n);                                                                          \
        T most[ROW_PADDING];                                                                                           \
        double sums[LINE_LANES] = {0};                                                                                 \
        for (int64_t j = n; j < padded; j++) {                                                                         \
            p[j] = -INFINITY;                                                                                          \
        }                                                                                                              \
        KERNEL_LOOP                                                                                                    \
        for (int64_t l = 0; l < ROW_PADDING; l++) {                                                                    \
            most[l] = -INFINITY;                                                                                       \
        }                                                                                                              \
        for (int64_t first = 0; first < padded; first += ROW_PADDING) {                                                \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < ROW_PADDING; l++) {                                                                \
                p[first + l] *= scale;                                                                                 \
                most[l] = p[first + l] > most[l] ? p[first + l] : most[l];                                             \
            }                                                                                                          \
        }                                                                                                              \
        T largest = most[0];                                                                                           \
        for (int64_t l = 1; l < ROW_PADDING; l++) {                                                                    \
            largest = most[l] > largest ? most[l] : largest;                                                           \
        }                                                                                                              \
        for (int64_t first = 0; first < padded; first += ROW_PADDING) {                                                \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < ROW_PADDING; l++) {                                                                \
                p[first + l] = VECTOR_EXP_OF_NEGATIVE(p[first + l] - largest);                                         \
            }                                                                                                          \
        }                                                                                                              \
        line_add_##suffix(sums, p, padded, 1);                                                                         \
        const T share = (T)(1 / line_total(sums));                                                                     \
        for (int64_t first = 0; first < padded; first += ROW_PADDING) {                                                \
            KERNEL_LOOP                                                                                                \
            for (int64_t l = 0; l < ROW_PADDING; l++) {                                                                \
                p[first + l] *= share;                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void row_products_##suffix(const T *a, int64_t a_stride, int64_t rows, const T *b, int64_t b_stride,               \
                               int64_t columns, int64_t n, T *out, int64_t out_stride) {                               \
        products_##suffix(a, a_stride, rows, b, b_stride, columns, n, out, out_stride);                                \
    }                                                                                                                  \
    void row_add_##suffix(T *y, const T *c, int64_t c_stride, const T *x, int64_t x_stride, int64_t terms,             \
                          int64_t n) {                                                                                 \
        add_##suffix(y, c, c_stride, x, x_stride, terms, n);                                                           \
    }                                                                                                                  \
    void row_softmax_##suffix(T *p, int64_t n, T scale) {                                                              \
        softmax_##suffix(p, n, scale);                                                                                 \
    }

ROW_MATH_OF(float, f32)
ROW_MATH_OF(double, f64)
