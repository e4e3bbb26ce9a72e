#include "model/linear.h"

#include "core/kernel.h"
#include "core/multiply.h"
#include "core/product/product.h"

struct linear {
    rondo_tensor x, weight, y; /* [n, k], [k, m] or [m, k], [n, m] */
    const void *bias;          /* [m] */
    rondo_value weight_value;
    int is_transposed;
    int64_t n, k, m;
    void **packed; /* weights of a tape that is run again, in blocks of PACKED_COLUMNS columns; NULL: not packed yet */
};

static rondo_matrix matrix(const rondo_tensor *tensor, int transposed) {
    return (rondo_matrix){.data = tensor->data, .leading = tensor->shape[1], .transposed = transposed};
}

static rondo_product product_of(rondo_matrix a, rondo_matrix b, int64_t m, int64_t n, int64_t k,
                                const rondo_tensor *c) {
    return (rondo_product){.struct_size = sizeof(rondo_product),
                           .dtype = c->dtype,
                           .m = m,
                           .n = n,
                           .k = k,
                           .stack = 1,
                           .alpha = 1,
                           .a = a,
                           .b = b,
                           .c = c->data};
}

/* ---- the gradient of the bias ----
 *
 *     dL/db[j] += sum_i dL/dy[i, j], in the order of the rows
 *
 * Four rows at a time: a sum stays in its register for four additions, and rows, which are far apart in memory, are loaded
 * side by side. */

struct bias_gradient {
    const rondo_tensor *of_output, *of_bias; /* [n, m], [m] */
    int64_t first;                           /* column */
};

#define ADD_ROWS_OF(T, suffix)                                                                                         \
    KERNEL_CLONES static void add_rows_##suffix(const struct bias_gradient *bias, int64_t begin, int64_t end) {        \
        const int64_t n = bias->of_output->shape[0], m = bias->of_output->shape[1];                                    \
        T *sum = bias->of_bias->data;                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + 4 <= n; i += 4) {                                                                                   \
            const T *g = (const T *)bias->of_output->data + i * m;                                                     \
            KERNEL_LOOP                                                                                                \
            for (int64_t j = begin; j < end; j++) {                                                                    \
                sum[j] = (((sum[j] + g[j]) + g[j + m]) + g[j + 2 * m]) + g[j + 3 * m];                                 \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            const T *g = (const T *)bias->of_output->data + i * m;                                                     \
            KERNEL_LOOP                                                                                                \
            for (int64_t j = begin; j < end; j++) {                                                                    \
                sum[j] += g[j];                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

ADD_ROWS_OF(float, f32)
ADD_ROWS_OF(double, f64)

static void add_columns(void *arg, int64_t begin, int64_t end) {
    const struct bias_gradient *bias = arg;
    KERNEL_BY_DTYPE(bias->of_bias->dtype, add_rows, bias, bias->first + begin, bias->first + end);
}

/* ---- the function of the tape ---- */

/* Columns of dL/dy [n, m] that fit in the second-level cache, with room for the rest; a multiple of the widths of vectors. */
static int64_t columns_of_block(const struct linear *linear) {
    enum { BYTES = 1 << 20, LEAST = 64 };
    const int64_t columns = BYTES / ((linear->n + 1) * (int64_t)dtype_size(linear->x.dtype)) / LEAST * LEAST;
    return columns < LEAST ? LEAST : columns;
}

/* Columns begin .. begin + count of dL/dy, or its transpose. */
static rondo_matrix columns_at(const rondo_tensor *g, int64_t begin, int transposed) {
    rondo_matrix columns = matrix(g, transposed);
    columns.data = (const char *)g->data + (size_t)begin * dtype_size(g->dtype);
    return columns;
}

/* Adds the reason of a failure of multiply. */
static rondo_status refuse_product(struct tape *tape, rondo_status status) {
    return status == RONDO_NO_MEMORY ? errors_memory_for(tape_errors(tape), errors_no_memory(tape_errors(tape)),
                                                         (struct location){0}, "a product of matrices")
                                     : errors_add(tape_errors(tape), status, "%s", multiply_failure(status));
}

/* What columns begin .. begin + count of y add to dL/dx [n, k]. */
static rondo_status add_to_x(const struct linear *linear, struct tape *tape, const rondo_tensor *g,
                             const rondo_tensor *of_x, int64_t begin, int64_t count) {
    const int64_t first = linear->is_transposed ? begin * linear->k : begin;
    rondo_matrix weight = matrix(&linear->weight, !linear->is_transposed);
    weight.data = (const char *)weight.data + (size_t)first * dtype_size(g->dtype);
    rondo_product product = product_of(columns_at(g, begin, 0), weight, linear->n, linear->k, count, of_x);
    product.beta = 1;
    return multiply(tape_parallel(tape), tape_arena(tape), &product);
}

/* Rows begin .. begin + count of the gradient of a W [m, k]. */
static rondo_status add_to_rows(const struct linear *linear, struct tape *tape, const rondo_tensor *g,
                                const rondo_tensor *of_weight, int64_t begin, int64_t count) {
    rondo_product product =
        product_of(columns_at(g, begin, 1), matrix(&linear->x, 0), count, linear->k, linear->n, of_weight);
    product.c = (char *)product.c + (size_t)(begin * linear->k) * dtype_size(g->dtype);
    product.beta = 1;
    return multiply(tape_parallel(tape), tape_arena(tape), &product);
}

/* The gradient of a W [k, m], whose columns are not contiguous. */
static rondo_status add_to_matrix(const struct linear *linear, struct tape *tape, const rondo_tensor *g,
                                  const rondo_tensor *of_weight) {
    rondo_product product = product_of(matrix(&linear->x, 1), matrix(g, 0), linear->k, linear->m, linear->n, of_weight);
    product.beta = 1;
    return multiply(tape_parallel(tape), tape_arena(tape), &product);
}

/* dL/dx += dL/dy W^T,  dL/dW += x^T dL/dy, or its transpose,  dL/db += sum of the rows of dL/dy
 *
 * A large dL/dy is read from memory once for all of them, in blocks of columns. The sums are in the same order as without
 * blocks. */
static rondo_status backward(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                             const rondo_tensor *grad_inputs) {
    enum { WORK = 16384 }; /* additions that justify starting a thread */
    const struct linear *linear = data;
    const rondo_tensor *of_x = &grad_inputs[0], *of_weight = &grad_inputs[1], *of_bias = &grad_inputs[2];
    const int64_t block = columns_of_block(linear), grain = WORK / (linear->n + 1) + 1;
    rondo_status status = RONDO_OK;
    for (int64_t begin = 0; begin < linear->m && status == RONDO_OK; begin += block) {
        const int64_t count = linear->m - begin < block ? linear->m - begin : block;
        if (of_bias->data != NULL) {
            struct bias_gradient bias = {grad_outputs, of_bias, begin};
            parallel_for(tape_parallel(tape), count, grain, add_columns, &bias);
        }
        if (of_x->data != NULL) {
            status = add_to_x(linear, tape, grad_outputs, of_x, begin, count);
        }
        if (of_weight->data != NULL && linear->is_transposed && status == RONDO_OK) {
            status = add_to_rows(linear, tape, grad_outputs, of_weight, begin, count);
        }
    }
    if (of_weight->data != NULL && !linear->is_transposed && status == RONDO_OK) {
        status = add_to_matrix(linear, tape, grad_outputs, of_weight);
    }
    return status == RONDO_OK ? status : refuse_product(tape, status);
}

/* ---- running again ----
 *
 * Few rows are multiplied by the same weights in every run, so these are packed once: a product then reads them once. */

enum { PACKED_COLUMNS = 512 };

static int64_t columns_from(const struct linear *linear, int64_t block) {
    const int64_t left = linear->m - block * PACKED_COLUMNS;
    return left < PACKED_COLUMNS ? left : PACKED_COLUMNS;
}

static void pack_blocks(void *arg, int64_t begin, int64_t end) {
    const struct linear *linear = arg;
    const int64_t ld = linear->weight.shape[1];
    for (int64_t block = begin; block < end; block++) {
        const int64_t first = block * PACKED_COLUMNS * (linear->is_transposed ? ld : 1);
        product_pack(product_kernels(), linear->weight.dtype, linear->k, columns_from(linear, block),
                     (const char *)linear->weight.data + (size_t)first * dtype_size(linear->weight.dtype), ld,
                     linear->is_transposed, linear->packed[block]);
    }
}

/* Memory for the packed weights. */
static rondo_status make_packed(struct linear *linear, struct tape *tape, int64_t blocks) {
    void **packed = arena_calloc(tape_arena(tape), (size_t)blocks + 1, sizeof *packed);
    for (int64_t block = 0; packed != NULL && block < blocks; block++) {
        packed[block] = arena_alloc(tape_arena(tape), product_packed_bytes(product_kernels(), linear->weight.dtype,
                                                                           linear->k, columns_from(linear, block)));
    }
    if (arena_failed(tape_arena(tape))) {
        return errors_no_memory(tape_errors(tape));
    }
    linear->packed = packed;
    return RONDO_OK;
}

#define ADD_BIAS_OF(T, suffix)                                                                                         \
    KERNEL_CLONES static void add_bias_##suffix(const struct linear *linear, int64_t begin, int64_t end) {             \
        const T *bias = linear->bias;                                                                                  \
        for (int64_t i = 0; i < linear->n; i++) {                                                                      \
            T *y = (T *)linear->y.data + i * linear->m;                                                                \
            KERNEL_LOOP                                                                                                \
            for (int64_t j = begin; j < end; j++) {                                                                    \
                y[j] += bias[j];                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

ADD_BIAS_OF(float, f32)
ADD_BIAS_OF(double, f64)

static void multiply_blocks(void *arg, int64_t begin, int64_t end) {
    const struct linear *linear = arg;
    const int32_t dtype = linear->y.dtype;
    for (int64_t block = begin; block < end; block++) {
        const int64_t first = block * PACKED_COLUMNS, count = columns_from(linear, block);
        const struct product_target target = {
            linear->packed[block], (char *)linear->y.data + (size_t)first * dtype_size(dtype), linear->m, count, NULL};
        product_rows(product_kernels(), dtype, linear->n, linear->k, linear->x.data, linear->k, &target, 1, 0);
        KERNEL_BY_DTYPE(dtype, add_bias, linear, first, first + count);
    }
}

/* y = x W + b */
static rondo_status forward(void *data, struct tape *tape) {
    enum { WORK = 1 << 19 }; /* multiplications that justify starting a thread */
    struct linear *linear = data;
    const int64_t blocks = (linear->m + PACKED_COLUMNS - 1) / PACKED_COLUMNS;
    const int is_packed = linear->packed != NULL;
    RONDO_TRY(is_packed ? RONDO_OK : make_packed(linear, tape, blocks));
    if (!is_packed || tape_changes(tape, linear->weight_value)) {
        parallel_for(tape_parallel(tape), blocks, 1, pack_blocks, linear);
    }
    const int64_t grain = WORK / (linear->n * linear->k * PACKED_COLUMNS + 1) + 1;
    parallel_for(tape_parallel(tape), blocks, grain, multiply_blocks, linear);
    return RONDO_OK;
}

rondo_value linear_record(struct tape *tape, rondo_value x, rondo_value weight, int is_transposed, rondo_value bias) {
    static const struct tape_function function = {"linear layer", forward, backward};
    const rondo_value inputs[3] = {x, weight, bias};
    rondo_value result = {-1};
    if (tape_status(tape) != RONDO_OK) {
        return result;
    }
    struct linear *linear = arena_calloc(tape_arena(tape), 1, sizeof *linear);
    if (linear == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    linear->x = *tape_tensor(tape, x);
    linear->weight = *tape_tensor(tape, weight);
    linear->is_transposed = is_transposed;
    linear->n = linear->x.shape[0];
    linear->k = linear->x.shape[1];
    linear->m = linear->weight.shape[is_transposed ? 0 : 1];
    rondo_tensor y = tensor_2d(linear->x.dtype, linear->n, linear->m, NULL);
    y.data = arena_alloc(tape_arena(tape), tensor_bytes(&y));
    if (y.data == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    linear->y = y;
    linear->bias = tape_tensor(tape, bias)->data;
    linear->weight_value = weight;
    const rondo_product product =
        product_of(matrix(&linear->x, 0), matrix(&linear->weight, is_transposed), linear->n, linear->m, linear->k, &y);
    const rondo_status status = multiply_with_bias(tape_parallel(tape), tape_arena(tape), &product, linear->bias);
    if (status != RONDO_OK) {
        return tape_fail(tape, refuse_product(tape, status));
    }
    const rondo_status recorded = tape_record(tape, &function, linear, inputs, 3, &y, 1, &result);
    return recorded == RONDO_OK ? result : tape_fail(tape, recorded);
}
