/* rnn/initialiser.h: the values that a parameter starts from.
 *
 *     zeros  ones  0.5  uniform(low, high)  normal(std)  glorot  glorot_normal  he  orthogonal  identity
 *
 * For a matrix [rows, columns] that stands on the right of @, fan_in is rows and fan_out columns; leading dimensions
 * count as rows.
 *   glorot         uniform(-a, a), a = sqrt(6 / (fan_in + fan_out))            Glorot & Bengio 2010, eq. 16
 *   glorot_normal  normal, std = sqrt(2 / (fan_in + fan_out))                  the same paper, eq. 12
 *   he             normal, std = sqrt(2 / fan_in)                              He et al. 2015, eq. 10
 *   orthogonal     random, orthonormal columns or rows, whichever are fewer    Saxe et al. 2014
 *   identity       1 on the diagonal                                           Le et al. 2015
 */
#ifndef RONDO_RNN_INITIALISER_H
#define RONDO_RNN_INITIALISER_H

#include "core/arena.h"
#include "core/rng.h"

enum initialiser_kind {
    INITIALISE_CONSTANT,
    INITIALISE_UNIFORM,
    INITIALISE_NORMAL,
    INITIALISE_GLOROT,
    INITIALISE_GLOROT_NORMAL,
    INITIALISE_HE,
    INITIALISE_ORTHOGONAL,
    INITIALISE_IDENTITY
};

struct initialiser {
    enum initialiser_kind kind;
    double a, b; /* the constant; low and high; the standard deviation */
};

/* Parses one of the texts above. RONDO_INVALID at `where` with the nearest name. */
rondo_status initialiser_parse(const char *text, struct location where, struct initialiser *initialiser,
                               struct errors *errors);
/* Fills a float tensor. The same stream gives the same values (to the precision of the dtype). `scratch` is used and
 * given back. RONDO_NO_MEMORY where it is short. */
rondo_status initialiser_fill(const struct initialiser *initialiser, const rondo_tensor *tensor,
                              struct rng_stream stream, struct arena *scratch, struct errors *errors);
/* 1 where the initialiser makes sense for this number of dimensions: identity and orthogonal want two or more. */
int initialiser_fits(const struct initialiser *initialiser, const rondo_tensor *tensor);

#endif
