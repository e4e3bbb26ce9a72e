/* lang/initialiser.h: initial values of parameters.
 *
 *     zeros  ones  0.5  uniform(low, high)  normal(std)  glorot  glorot_normal  lecun  lecun_normal  he
 *     fan_in_uniform  fan_out_uniform  orthogonal  identity
 *     linspace(first, last)  arange(first, step)  chrono(T)  legendre_a(theta)  legendre_b(theta)
 *
 * and functions of them, element by element:  log(…)  exp(…)  inverse_softplus(…)  -…  0.5 * …
 * Any of these numbers may be replaced by the name of an option of the cell: chrono(T), gain * orthogonal.
 *
 * For a matrix [rows, columns] on the right of @, fan_in is rows and fan_out columns; leading dimensions
 * count as rows.
 *   glorot           uniform(-a, a), a = sqrt(6 / (fan_in + fan_out))           Glorot & Bengio 2010, eq. 16
 *   glorot_normal    normal, std = sqrt(2 / (fan_in + fan_out))                 the same paper, eq. 12
 *   lecun            uniform(-a, a), a = sqrt(3 / fan_in)                       LeCun et al. 1998, eq. 16
 *   lecun_normal     normal, std = sqrt(1 / fan_in)                             the same paper
 *   he               normal, std = sqrt(2 / fan_in)                             He et al. 2015, eq. 10
 *   fan_in_uniform   uniform(-a, a), a = sqrt(1 / fan_in)                       PyTorch's linear layers
 *   fan_out_uniform  uniform(-a, a), a = sqrt(1 / fan_out)                      PyTorch's recurrent layers
 *   orthogonal       random; the columns or rows, whichever are fewer, are orthonormal   Saxe et al. 2014
 *   identity         1 on the diagonal                                          Le et al. 2015
 * Along the last dimension, of size n, and the same for all indices of the others:
 *   linspace(first, last)  n numbers at equal distances, both ends included
 *   arange(first, step)    first + step k, k = 0 .. n - 1
 * For biases of gates, T being the longest dependency in steps:
 *   chrono(T)        ln u, u uniform in [1, T - 1): of a forget gate            Tallec & Ollivier 2018, eq. 16
 *                    -chrono(T) is that of an input gate. Each parameter draws its own numbers. If b_i = -b_f is needed
 *                    element by element, log(linspace(1, T - 1)) and its negative have the same distribution
 * For the memory of Voelker et al. 2019, eq. 2, with a window of theta steps; q_i = 2 i + 1:
 *   A_ij = q_i / theta * (-1 where i < j, else (-1)^(i - j + 1)),  B_i = q_i / theta * (-1)^i
 *   m' = A m + B u  held constant over one step of length 1 is  m' = e^A m + (integral of e^As over [0, 1]) B u
 *   legendre_a(theta)      this e^A, transposed because it is on the right of m @
 *   legendre_b(theta)      that vector, along the last dimension
 *   inverse_softplus(y) is ln(e^y - 1).
 */
#ifndef RONDO_LANG_INITIALISER_H
#define RONDO_LANG_INITIALISER_H

#include "core/arena.h"
#include "core/interrupt.h"
#include "core/rng.h"

enum initialiser_kind {
    INITIALISE_CONSTANT,
    INITIALISE_UNIFORM,
    INITIALISE_NORMAL,
    INITIALISE_GLOROT,
    INITIALISE_GLOROT_NORMAL,
    INITIALISE_LECUN,
    INITIALISE_LECUN_NORMAL,
    INITIALISE_HE,
    INITIALISE_FAN_IN,
    INITIALISE_FAN_OUT,
    INITIALISE_ORTHOGONAL,
    INITIALISE_IDENTITY,
    INITIALISE_LINSPACE,
    INITIALISE_ARANGE,
    INITIALISE_CHRONO,
    INITIALISE_LEGENDRE_A,
    INITIALISE_LEGENDRE_B
};

/* Functions applied to every element afterwards, from the innermost to the outermost of the text. */
enum initialiser_function { INITIALISE_TIMES, INITIALISE_LOG, INITIALISE_EXP, INITIALISE_INVERSE_SOFTPLUS };
enum { INITIALISER_STEPS = 6 };
struct initialiser_step {
    enum initialiser_function function;
    double factor; /* of INITIALISE_TIMES */
};

/* The name of the option that gives a number; "": the number is known. */
struct initialiser_option {
    char name[32];
};

struct initialiser {
    enum initialiser_kind kind;
    double a, b; /* the constant; low and high; the standard deviation; … */
    int32_t n_steps;
    struct initialiser_step steps[INITIALISER_STEPS];
    struct initialiser_option a_option, b_option, factor_options[INITIALISER_STEPS];
};

/* Parses one of the texts above. RONDO_INVALID at `where`, with the nearest name as a suggestion. */
rondo_status initialiser_parse(const char *text, struct location where, struct initialiser *initialiser,
                               struct errors *errors);
/* 1 if one of the numbers comes from the option `name`. */
int initialiser_uses(const struct initialiser *initialiser, const char *name);
/* Replaces names of options by their numbers: value(arg, name, &number) returns 1 if there is an option of that name.
 * RONDO_INVALID at `where` if there is none, or if the initialiser does not take its number. */
rondo_status initialiser_resolve(struct initialiser *initialiser,
                                 int (*value)(const void *arg, const char *name, double *number), const void *arg,
                                 struct location where, struct errors *errors);
/* Fills a float tensor. The same stream gives the same values (to the precision of the dtype). `scratch` is used and
 * released. `interrupt` is checked between the columns of a matrix and after every million elements; it may be NULL.
 * RONDO_NO_MEMORY; RONDO_INTERRUPTED; RONDO_INVALID if a value is not finite, such as log(zeros), or if an option has
 * not been resolved. */
rondo_status initialiser_fill(const struct initialiser *initialiser, const rondo_tensor *tensor,
                              struct rng_stream stream, const struct interrupt *interrupt, struct arena *scratch,
                              struct errors *errors);
/* 1 if the initialiser can fill this shape: identity and orthogonal need two dimensions or more, legendre_a a square. */
int initialiser_fits(const struct initialiser *initialiser, const rondo_tensor *tensor);
/* The text of an initialiser, which initialiser_parse reads back. From `arena`; NULL if memory is short. */
const char *initialiser_text(const struct initialiser *initialiser, struct arena *arena);

#endif
