/* The values of initialisers. Their texts are parsed in initialiser.c. */
#include <math.h>
#include <string.h>

#include "core/kernel.h"
#include "core/tensor.h"
#include "lang/initialiser.h"

enum { PIECE = 512 }; /* elements that are computed together */

/* Pieces between two questions whether to stop: some milliseconds. */
enum { PIECES = 1 << 11 };

static int64_t piece_length(int64_t first, int64_t count) {
    return count - first < PIECE ? count - first : PIECE;
}

/* The tensor as a matrix: leading dimensions count as rows. */
static void matrix_size(const rondo_tensor *tensor, int64_t *rows, int64_t *columns) {
    *columns = tensor->ndim == 0 ? 1 : tensor->shape[tensor->ndim - 1];
    *rows = *columns == 0 ? 0 : rondo_count(tensor) / *columns;
}

KERNEL_INLINE double total_of(const double sums[8]) {
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* u . v in eight partial sums, which a compiler can vectorise; it may not reorder a single sum. */
KERNEL_INLINE double dot_product(const double *u, const double *v, int64_t count) {
    double sums[8] = {0};
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
        for (int i = 0; i < 8; i++) {
            sums[i] += u[k + i] * v[k + i];
        }
    }
    for (; k < count; k++) {
        sums[0] += u[k] * v[k];
    }
    return total_of(sums);
}

static rondo_status check_interrupt(const struct interrupt *interrupt, struct errors *errors) {
    return interrupt != NULL && interrupt_is_requested(interrupt)
               ? errors_add(errors, RONDO_INTERRUPTED, "interrupted while the parameters got their initial values")
               : RONDO_OK;
}

/* v -= factor * u. Returns next . v in the sums of dot_product; v is read only once. */
KERNEL_INLINE double subtract_and_multiply(double factor, const double *u, const double *next, int64_t count,
                                           double *v) {
    double sums[8] = {0};
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
        double values[8];
        for (int i = 0; i < 8; i++) {
            values[i] = v[k + i] - factor * u[k + i];
            sums[i] += next[k + i] * values[i];
        }
        for (int i = 0; i < 8; i++) {
            v[k + i] = values[i];
        }
    }
    for (; k < count; k++) {
        v[k] -= factor * u[k];
        sums[0] += next[k] * v[k];
    }
    return total_of(sums);
}

/* v -= (u . v) u for the `count` vectors u in q, one after the other, twice; then v = v / |v|. */
KERNEL_CLONES static void orthonormalise_vector(const double *q, int64_t count, int64_t length, double *v) {
    const int64_t passes = 2 * count;
    double product = passes > 0 ? dot_product(q, v, length) : 0;
    for (int64_t pass = 0; pass < passes; pass++) {
        const double *next = q + (pass + 1) % count * length; /* after the last pass, its product is not used */
        product = subtract_and_multiply(product, q + pass % count * length, next, length, v);
    }
    const double norm = sqrt(dot_product(v, v, length));
    KERNEL_LOOP
    for (int64_t k = 0; k < length; k++) {
        v[k] /= norm;
    }
}

/* Modified Gram-Schmidt on `vectors` rows of `length` >= vectors normal numbers, twice, for orthogonality to the last
 * bits (Giraud et al. 2005, "twice is enough"). */
static rondo_status orthonormalise(double *q, int64_t vectors, int64_t length, const struct interrupt *interrupt,
                                   struct errors *errors) {
    for (int64_t i = 0; i < vectors; i++) {
        RONDO_TRY(check_interrupt(interrupt, errors));
        orthonormalise_vector(q, i, length, q + i * length);
    }
    return RONDO_OK;
}

/* Applies one function to all values. */
static void apply_function(const struct initialiser_step *step, int64_t count, double *values) {
    for (int64_t i = 0; i < count; i++) {
        switch (step->function) {
        case INITIALISE_TIMES:
            values[i] *= step->factor;
            break;
        case INITIALISE_LOG:
            values[i] = log(values[i]);
            break;
        case INITIALISE_EXP:
            values[i] = exp(values[i]);
            break;
        case INITIALISE_INVERSE_SOFTPLUS: /* ln(e^y - 1) = y + ln(1 - e^-y), which cannot overflow */
            values[i] += log(-expm1(-values[i]));
            break;
        }
    }
}

/* Sets elements first .. first + count - 1 of the tensor to `values` after all functions; count <= PIECE. */
static rondo_status set_elements(const struct initialiser *initialiser, const rondo_tensor *tensor, int64_t first,
                                 int64_t count, const double *values, struct errors *errors) {
    double results[PIECE];
    memcpy(results, values, (size_t)count * sizeof *values);
    for (int32_t k = 0; k < initialiser->n_steps; k++) {
        apply_function(&initialiser->steps[k], count, results);
    }
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(results[i])) {
            return errors_add(errors, RONDO_INVALID,
                              "the functions of an initialiser make %g of %g, expected numbers in their domain",
                              results[i], values[i]);
        }
    }
    tensor_set_range(tensor, first, count, results);
    return RONDO_OK;
}

/* Sets the tensor to the matrix whose element at [row, column] is m[row * row_step + column * column_step]. */
static rondo_status set_matrix(const struct initialiser *initialiser, const rondo_tensor *tensor, const double *m,
                               int64_t row_step, int64_t column_step, struct errors *errors) {
    int64_t rows, columns;
    double values[PIECE];
    matrix_size(tensor, &rows, &columns);
    for (int64_t first = 0; first < rows * columns; first += PIECE) {
        const int64_t count = piece_length(first, rows * columns);
        for (int64_t i = 0; i < count; i++) {
            values[i] = m[(first + i) / columns * row_step + (first + i) % columns * column_step];
        }
        RONDO_TRY(set_elements(initialiser, tensor, first, count, values, errors));
    }
    return RONDO_OK;
}

static rondo_status fill_orthogonal(const struct initialiser *initialiser, const rondo_tensor *tensor,
                                    struct rng_stream stream, const struct interrupt *interrupt, struct arena *scratch,
                                    struct errors *errors) {
    int64_t rows, columns;
    matrix_size(tensor, &rows, &columns);
    const int64_t vectors = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    double *q = arena_calloc(scratch, (size_t)(vectors * length), sizeof *q);
    if (q == NULL) {
        return errors_no_memory(errors);
    }
    rng_normals(stream, 0, vectors * length, q);
    RONDO_TRY(orthonormalise(q, vectors, length, interrupt, errors));
    return rows < columns ? set_matrix(initialiser, tensor, q, length, 1, errors)
                          : set_matrix(initialiser, tensor, q, 1, length, errors);
}

/* C = A B * factor, all [n, n]. */
static rondo_status multiply(const double *a, const double *b, double factor, int64_t n, double *c,
                             const struct interrupt *interrupt, struct errors *errors) {
    for (int64_t i = 0; i < n; i++) {
        RONDO_TRY(check_interrupt(interrupt, errors));
        double *row = c + i * n;
        for (int64_t j = 0; j < n; j++) {
            row[j] = 0;
        }
        for (int64_t k = 0; k < n; k++) {
            const double left = a[i * n + k] * factor;
            for (int64_t j = 0; j < n; j++) {
                row[j] += left * b[k * n + j];
            }
        }
    }
    return RONDO_OK;
}

/* e^M = (e^(M / 2^s))^(2^s) with s so large that 16 terms of the series are enough: the rest is below 0.5^17 / 17!, or
 * 2e-20. M is work[0], and is overwritten; *result is one of the four arrays [n, n]. */
static rondo_status matrix_exponential(double *const work[4], int64_t n, const double **result,
                                       const struct interrupt *interrupt, struct errors *errors) {
    enum { TERMS = 16 };
    double *m = work[0], *term = work[1], *sum = work[2], *product = work[3];
    double norm = 0;
    for (int64_t i = 0; i < n; i++) {
        double row = 0;
        for (int64_t j = 0; j < n; j++) {
            row += fabs(m[i * n + j]);
        }
        norm = fmax(norm, row);
    }
    int squarings = 0;
    frexp(norm, &squarings);
    squarings = squarings < 0 ? 0 : squarings + 1;
    for (int64_t i = 0; i < n * n; i++) {
        m[i] = ldexp(m[i], -squarings);
        term[i] = sum[i] = i / n == i % n;
    }
    for (int k = 1; k <= TERMS; k++) {
        RONDO_TRY(multiply(term, m, 1.0 / k, n, product, interrupt, errors));
        double *swap = term;
        term = product;
        product = swap;
        for (int64_t i = 0; i < n * n; i++) {
            sum[i] += term[i];
        }
    }
    for (; squarings > 0; squarings--) {
        RONDO_TRY(multiply(sum, sum, 1, n, product, interrupt, errors));
        double *swap = sum;
        sum = product;
        product = swap;
    }
    *result = sum;
    return RONDO_OK;
}

/* Both matrices of the step with held input are parts of one exponential:  exp [A B; 0 0] = [e^A, (integral of e^As) B; 0, 1]. */
static rondo_status fill_legendre(const struct initialiser *initialiser, const rondo_tensor *tensor,
                                  const struct interrupt *interrupt, struct arena *scratch, struct errors *errors) {
    int64_t rows, order;
    matrix_size(tensor, &rows, &order);
    const int64_t n = order + 1;
    double *work[4];
    for (int i = 0; i < 4; i++) {
        work[i] = arena_calloc(scratch, (size_t)n * (size_t)n, sizeof(double));
        if (work[i] == NULL) {
            return errors_no_memory(errors);
        }
    }
    for (int64_t i = 0; i < order; i++) {
        const double scale = (double)(2 * i + 1) / initialiser->a;
        for (int64_t j = 0; j < order; j++) {
            work[0][i * n + j] = scale * (i < j || (i - j) % 2 == 0 ? -1 : 1);
        }
        work[0][i * n + order] = scale * (i % 2 == 0 ? 1 : -1);
    }
    const double *step;
    RONDO_TRY(matrix_exponential(work, n, &step, interrupt, errors));
    return initialiser->kind == INITIALISE_LEGENDRE_A
               ? set_matrix(initialiser, tensor, step, 1, n, errors) /* transposed */
               : set_matrix(initialiser, tensor, step + order, 0, n, errors);
}

/* Random numbers whose spread follows from the shape: its square is numerator / (in fan_in + out fan_out). */
static int shape_spread(enum initialiser_kind kind, int64_t fan_in, int64_t fan_out, double *spread) {
    static const struct {
        enum initialiser_kind kind;
        double numerator;
        int in, out;
    } rows[] = {
        {INITIALISE_GLOROT, 6, 1, 1},  {INITIALISE_GLOROT_NORMAL, 2, 1, 1}, {INITIALISE_LECUN, 3, 1, 0},
        {INITIALISE_HE, 2, 1, 0},      {INITIALISE_LECUN_NORMAL, 1, 1, 0},  {INITIALISE_FAN_IN, 1, 1, 0},
        {INITIALISE_FAN_OUT, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].kind == kind) {
            *spread = sqrt(rows[i].numerator / ((double)rows[i].in * (double)fan_in + rows[i].out * (double)fan_out));
            return 1;
        }
    }
    return 0;
}

/* The numbers that a tensor is filled with. */
struct filling {
    const struct initialiser *initialiser;
    struct rng_stream stream;
    double low, high, std;
    int64_t columns; /* of the tensor as a matrix */
};

/* Draws or computes elements first .. first + count - 1, before all functions. */
static void compute_values(const struct filling *filling, int64_t first, int64_t count, double *values) {
    const struct initialiser *initialiser = filling->initialiser;
    const double low = filling->low, high = filling->high;
    const int64_t columns = filling->columns;
    switch (initialiser->kind) {
    case INITIALISE_IDENTITY:
        for (int64_t i = 0; i < count; i++) {
            values[i] = (first + i) / columns == (first + i) % columns;
        }
        break;
    case INITIALISE_LINSPACE:
        for (int64_t i = 0; i < count; i++) {
            const int64_t column = (first + i) % columns;
            values[i] = columns == 1 ? low : low + (high - low) * ((double)column / (double)(columns - 1));
        }
        break;
    case INITIALISE_ARANGE:
        for (int64_t i = 0; i < count; i++) {
            values[i] = low + high * (double)((first + i) % columns);
        }
        break;
    case INITIALISE_CHRONO: /* its logarithm is taken afterwards */
        rng_uniforms(filling->stream, (uint64_t)first, count, values);
        for (int64_t i = 0; i < count; i++) {
            values[i] = 1 + (initialiser->a - 2) * values[i];
        }
        break;
    case INITIALISE_UNIFORM:
    case INITIALISE_GLOROT:
    case INITIALISE_LECUN:
    case INITIALISE_FAN_IN:
    case INITIALISE_FAN_OUT:
        rng_uniforms(filling->stream, (uint64_t)first, count, values);
        for (int64_t i = 0; i < count; i++) {
            values[i] = low + (high - low) * values[i];
        }
        break;
    case INITIALISE_NORMAL:
    case INITIALISE_GLOROT_NORMAL:
    case INITIALISE_LECUN_NORMAL:
    case INITIALISE_HE:
        rng_normals(filling->stream, (uint64_t)first, count, values);
        for (int64_t i = 0; i < count; i++) {
            values[i] *= filling->std;
        }
        break;
    default: /* a constant */
        for (int64_t i = 0; i < count; i++) {
            values[i] = initialiser->a;
        }
        break;
    }
}

static rondo_status fill(const struct initialiser *initialiser, const rondo_tensor *tensor, struct rng_stream stream,
                         const struct interrupt *interrupt, struct errors *errors) {
    int64_t fan_in, fan_out;
    matrix_size(tensor, &fan_in, &fan_out);
    double low = initialiser->a, high = initialiser->b, std = initialiser->a;
    if (shape_spread(initialiser->kind, fan_in, fan_out, &std)) {
        low = -std;
        high = std;
    }
    const struct filling filling = {initialiser, stream, low, high, std, fan_out};
    const int64_t elements = rondo_count(tensor);
    for (int64_t first = 0; first < elements; first += PIECE) {
        double values[PIECE];
        const int64_t count = piece_length(first, elements);
        if (first / PIECE % PIECES == 0) {
            RONDO_TRY(check_interrupt(interrupt, errors));
        }
        compute_values(&filling, first, count, values);
        RONDO_TRY(set_elements(initialiser, tensor, first, count, values, errors));
    }
    return RONDO_OK;
}

/* 1 if all numbers are known. */
static int is_resolved(const struct initialiser *initialiser) {
    int options = initialiser->a_option.name[0] != '\0' || initialiser->b_option.name[0] != '\0';
    for (int32_t k = 0; k < initialiser->n_steps; k++) {
        options |= initialiser->factor_options[k].name[0] != '\0';
    }
    return !options;
}

rondo_status initialiser_fill(const struct initialiser *initialiser, const rondo_tensor *tensor,
                              struct rng_stream stream, const struct interrupt *interrupt, struct arena *scratch,
                              struct errors *errors) {
    const struct arena_mark mark = arena_mark(scratch);
    rondo_status status;
    if (!is_resolved(initialiser)) {
        return errors_add(errors, RONDO_INVALID, "an initialiser uses an option, and there are none");
    }
    switch (initialiser->kind) {
    case INITIALISE_ORTHOGONAL:
        status = fill_orthogonal(initialiser, tensor, stream, interrupt, scratch, errors);
        break;
    case INITIALISE_LEGENDRE_A:
    case INITIALISE_LEGENDRE_B:
        status = fill_legendre(initialiser, tensor, interrupt, scratch, errors);
        break;
    default:
        status = fill(initialiser, tensor, stream, interrupt, errors);
        break;
    }
    arena_release(scratch, mark);
    return status;
}
