/* The values of initialisers. Their texts are parsed in initialiser.c. */
#include <math.h>

#include "core/kernel.h"
#include "core/tensor.h"
#include "lang/initialiser.h"

/* Elements between two questions whether to stop: some milliseconds. */
enum { ELEMENTS = 1 << 20 };

/* The tensor as a matrix: leading dimensions count as rows. */
static void matrix_size(const rondo_tensor *tensor, int64_t *rows, int64_t *columns) {
    *columns = tensor->ndim == 0 ? 1 : tensor->shape[tensor->ndim - 1];
    *rows = *columns == 0 ? 0 : rondo_count(tensor) / *columns;
}

/* u . v in eight partial sums, which a compiler can vectorise; it may not reorder a single sum. */
static inline double dot_product(const double *u, const double *v, int64_t count) {
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
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static rondo_status check_interrupt(const struct interrupt *interrupt, struct errors *errors) {
    return interrupt != NULL && interrupt_is_requested(interrupt)
               ? errors_add(errors, RONDO_INTERRUPTED, "interrupted while the parameters got their initial values")
               : RONDO_OK;
}

/* v -= (u . v) u for the `count` vectors u in q, one after the other, twice; then v = v / |v|. */
KERNEL_CLONES static void orthonormalise_vector(const double *q, int64_t count, int64_t length, double *v) {
    for (int64_t pass = 0; pass < 2 * count; pass++) {
        const double *u = q + pass % count * length;
        const double dot = dot_product(u, v, length);
        KERNEL_LOOP
        for (int64_t k = 0; k < length; k++) {
            v[k] -= dot * u[k];
        }
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

/* Sets element i of the tensor to `value` after all functions. */
static rondo_status set_element(const struct initialiser *initialiser, const rondo_tensor *tensor, int64_t i,
                                double value, struct errors *errors) {
    double result = value;
    for (int32_t k = 0; k < initialiser->n_steps; k++) {
        switch (initialiser->steps[k].function) {
        case INITIALISE_TIMES:
            result *= initialiser->steps[k].factor;
            break;
        case INITIALISE_LOG:
            result = log(result);
            break;
        case INITIALISE_EXP:
            result = exp(result);
            break;
        case INITIALISE_INVERSE_SOFTPLUS: /* ln(e^y - 1) = y + ln(1 - e^-y), which cannot overflow */
            result += log(-expm1(-result));
            break;
        }
    }
    if (!isfinite(result)) {
        return errors_add(errors, RONDO_INVALID,
                          "the functions of an initialiser make %g of %g, expected numbers in their domain", result,
                          value);
    }
    tensor_set(tensor, i, result);
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
    for (int64_t i = 0; i < vectors * length; i++) {
        q[i] = rng_normal(stream, (uint64_t)i);
    }
    RONDO_TRY(orthonormalise(q, vectors, length, interrupt, errors));
    for (int64_t i = 0; i < rows * columns; i++) {
        const int64_t row = i / columns, column = i % columns;
        RONDO_TRY(set_element(initialiser, tensor, i,
                              rows < columns ? q[row * length + column] : q[column * length + row], errors));
    }
    return RONDO_OK;
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
    for (int64_t i = 0; i < rows * order; i++) {
        const int64_t row = i % order, column = initialiser->kind == INITIALISE_LEGENDRE_A ? i / order : order;
        RONDO_TRY(set_element(initialiser, tensor, i, step[row * n + column], errors));
    }
    return RONDO_OK;
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

static rondo_status fill(const struct initialiser *initialiser, const rondo_tensor *tensor, struct rng_stream stream,
                         const struct interrupt *interrupt, struct errors *errors) {
    int64_t fan_in, fan_out;
    matrix_size(tensor, &fan_in, &fan_out);
    double low = initialiser->a, high = initialiser->b, std = initialiser->a;
    if (shape_spread(initialiser->kind, fan_in, fan_out, &std)) {
        low = -std;
        high = std;
    }
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const int64_t column = i % fan_out;
        if (i % ELEMENTS == 0) {
            RONDO_TRY(check_interrupt(interrupt, errors));
        }
        double value = initialiser->a;
        switch (initialiser->kind) {
        case INITIALISE_IDENTITY:
            value = i / fan_out == column;
            break;
        case INITIALISE_LINSPACE:
            value = fan_out == 1 ? low : low + (high - low) * ((double)column / (double)(fan_out - 1));
            break;
        case INITIALISE_ARANGE:
            value = low + high * (double)column;
            break;
        case INITIALISE_CHRONO: /* its logarithm is taken afterwards */
            value = 1 + (initialiser->a - 2) * rng_uniform(stream, (uint64_t)i);
            break;
        case INITIALISE_UNIFORM:
        case INITIALISE_GLOROT:
        case INITIALISE_LECUN:
        case INITIALISE_FAN_IN:
        case INITIALISE_FAN_OUT:
            value = low + (high - low) * rng_uniform(stream, (uint64_t)i);
            break;
        case INITIALISE_NORMAL:
        case INITIALISE_GLOROT_NORMAL:
        case INITIALISE_LECUN_NORMAL:
        case INITIALISE_HE:
            value = std * rng_normal(stream, (uint64_t)i);
            break;
        default: /* a constant */
            break;
        }
        RONDO_TRY(set_element(initialiser, tensor, i, value, errors));
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
