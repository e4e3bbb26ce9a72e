#define _POSIX_C_SOURCE 200809L
#include "rnn/initialiser.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "core/tensor.h"

/* Names with the number of their arguments. */
static const struct {
    const char *name;
    enum initialiser_kind kind;
    int arguments;
    double a;
} forms[] = {
    {"zeros", INITIALISE_CONSTANT, 0, 0},
    {"ones", INITIALISE_CONSTANT, 0, 1},
    {"uniform", INITIALISE_UNIFORM, 2, 0},
    {"normal", INITIALISE_NORMAL, 1, 0},
    {"glorot", INITIALISE_GLOROT, 0, 0},
    {"glorot_normal", INITIALISE_GLOROT_NORMAL, 0, 0},
    {"he", INITIALISE_HE, 0, 0},
    {"orthogonal", INITIALISE_ORTHOGONAL, 0, 0},
    {"identity", INITIALISE_IDENTITY, 0, 0},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

/* Reads "(1)" or "(1, 2)": `count` finite numbers. */
static int parse_arguments(const char *text, int count, double *values) {
    const char *c = text;
    for (int i = 0; i < count; i++) {
        c += strspn(c, " ");
        if (*c != (i == 0 ? '(' : ',')) {
            return 0;
        }
        char *end;
        values[i] = strtod(c + 1, &end);
        if (end == c + 1 || !isfinite(values[i])) {
            return 0;
        }
        c = end;
    }
    c += strspn(c, " ");
    if (count > 0 && *c++ != ')') {
        return 0;
    }
    return c[strspn(c, " ")] == '\0';
}

rondo_status initialiser_parse(const char *text, struct location where, struct initialiser *initialiser,
                               struct errors *errors) {
    char *end;
    const double number = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(number)) {
        *initialiser = (struct initialiser){INITIALISE_CONSTANT, number, 0};
        return RONDO_OK;
    }
    const size_t length = strcspn(text, "( ");
    struct suggestion best = {0};
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
    for (int i = 0; i < FORMS; i++) {
        suggest(&best, word, forms[i].name);
        if (strlen(forms[i].name) != length || strncmp(forms[i].name, text, length) != 0) {
            continue;
        }
        double values[2] = {forms[i].a, 0};
        if (!parse_arguments(text + length, forms[i].arguments, values) ||
            !(forms[i].arguments == 2 ? values[0] <= values[1] : values[0] >= 0)) {
            static const char *const shape[] = {"no arguments", "one number >= 0: normal(std)",
                                                "two numbers, the lower one first: uniform(low, high)"};
            return errors_add_at(errors, RONDO_INVALID, where, "initialiser '%s' takes %s, got '%s'", forms[i].name,
                                 shape[forms[i].arguments], text);
        }
        *initialiser = (struct initialiser){forms[i].kind, values[0], values[1]};
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, where,
                         "unknown initialiser '%s'%s, expected a number, zeros, ones, uniform(low, high), normal(std), "
                         "glorot, glorot_normal, he, orthogonal or identity",
                         text, suggestion_text(&best).text);
}

int initialiser_fits(const struct initialiser *initialiser, const rondo_tensor *tensor) {
    return (initialiser->kind != INITIALISE_ORTHOGONAL && initialiser->kind != INITIALISE_IDENTITY) ||
           tensor->ndim >= 2;
}

/* Rows and columns of the matrix that the tensor is. */
static void matrix_size(const rondo_tensor *tensor, int64_t *rows, int64_t *columns) {
    *columns = tensor->ndim == 0 ? 1 : tensor->shape[tensor->ndim - 1];
    *rows = *columns == 0 ? 0 : rondo_count(tensor) / *columns;
}

/* u . v, in eight partial sums: a compiler may not reorder one, and would add number by number. */
static double dot_product(const double *u, const double *v, int64_t count) {
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

/* Modified Gram-Schmidt on `vectors` rows of `length` >= vectors normal numbers, twice, for orthogonality to the last
 * bits (Giraud et al. 2005, "twice is enough"). */
static void orthonormalise(double *q, int64_t vectors, int64_t length) {
    for (int64_t i = 0; i < vectors; i++) {
        double *v = q + i * length;
        for (int64_t pass = 0; pass < 2 * i; pass++) {
            const double *u = q + pass % i * length;
            const double dot = dot_product(u, v, length);
            for (int64_t k = 0; k < length; k++) {
                v[k] -= dot * u[k];
            }
        }
        const double norm = sqrt(dot_product(v, v, length));
        for (int64_t k = 0; k < length; k++) {
            v[k] /= norm;
        }
    }
}

static rondo_status fill_orthogonal(const rondo_tensor *tensor, struct rng_stream stream, struct arena *scratch,
                                    struct errors *errors) {
    int64_t rows, columns;
    matrix_size(tensor, &rows, &columns);
    const int64_t vectors = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    const struct arena_mark mark = arena_mark(scratch);
    double *q = arena_calloc(scratch, (size_t)(vectors * length), sizeof *q);
    if (q == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < vectors * length; i++) {
        q[i] = rng_normal(stream, (uint64_t)i);
    }
    orthonormalise(q, vectors, length);
    for (int64_t i = 0; i < rows * columns; i++) {
        const int64_t row = i / columns, column = i % columns;
        tensor_set(tensor, i, rows < columns ? q[row * length + column] : q[column * length + row]);
    }
    arena_release(scratch, mark);
    return RONDO_OK;
}

rondo_status initialiser_fill(const struct initialiser *initialiser, const rondo_tensor *tensor,
                              struct rng_stream stream, struct arena *scratch, struct errors *errors) {
    int64_t fan_in, fan_out;
    matrix_size(tensor, &fan_in, &fan_out);
    double low = initialiser->a, high = initialiser->b, std = initialiser->a;
    switch (initialiser->kind) {
    case INITIALISE_ORTHOGONAL:
        return fill_orthogonal(tensor, stream, scratch, errors);
    case INITIALISE_GLOROT:
        high = sqrt(6.0 / (double)(fan_in + fan_out));
        low = -high;
        break;
    case INITIALISE_GLOROT_NORMAL:
        std = sqrt(2.0 / (double)(fan_in + fan_out));
        break;
    case INITIALISE_HE:
        std = sqrt(2.0 / (double)fan_in);
        break;
    default:
        break;
    }
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        switch (initialiser->kind) {
        case INITIALISE_CONSTANT:
            tensor_set(tensor, i, initialiser->a);
            break;
        case INITIALISE_IDENTITY:
            tensor_set(tensor, i, i / fan_out == i % fan_out);
            break;
        case INITIALISE_UNIFORM:
        case INITIALISE_GLOROT:
            tensor_set(tensor, i, low + (high - low) * rng_uniform(stream, (uint64_t)i));
            break;
        default:
            tensor_set(tensor, i, std * rng_normal(stream, (uint64_t)i));
        }
    }
    return RONDO_OK;
}
