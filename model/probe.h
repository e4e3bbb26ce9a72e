/* model/probe.h: looks into a recurrence while it runs, with either engine: gradients of the loss with respect to the states of
 * every step, and the values of states and gates.
 *
 * wrap_probe rewrites one step of any cell. A number z that is always zero is added to each element of each new state s',
 * so dL/dz at step t is dL/ds_t, through everything that reads s_t: the output, other equations of the step and the
 * steps to come. These zeros are additional columns of the input x, and states and gates are additional columns of the
 * output. Thus the engines need no code for it, and the gradients of a whole batch take one backward pass.
 *
 *     x [batch, input + zeros] = input | zeros of state 0 | zeros of state 1 | …
 *     output [batch, …]        = output | state 0 | state 1 | … | gate 0 | gate 1 | …
 *
 * A gate is a value that depends on input or states, and is the result of an elementwise op of one operand whose results
 * are between two limits that it approaches for large operands of either sign: sigmoid, tanh, hard_sigmoid, clamp, … The
 * op is called with large numbers to find that out, so that ops of plug-ins are found as well.
 *
 * Masks of variational dropout (wrap.h) are not probed.
 *
 * Threads: one.
 */
#ifndef RONDO_MODEL_PROBE_H
#define RONDO_MODEL_PROBE_H

#include "lang/cell.h"

struct probe_state {
    const char *name; /* "c" */
    int64_t width;    /* numbers of a row */
    int64_t zeros;    /* first column of its zeros, of those behind the input */
    int64_t column;   /* first column in the output */
};

struct probe_gate {
    const char *name; /* of the equation, "f"; "tanh in h'" of a value that is only a part of one */
    const char *op;   /* "sigmoid" */
    double low, high; /* the limits */
    int64_t width;    /* numbers of a row */
    int64_t column;   /* first column in the output */
};

/* What the columns of a probed cell are. The arrays belong to its program. */
struct cell_probe {
    int64_t input;                    /* columns of x before the zeros */
    int64_t zeros;                    /* columns of zeros */
    int64_t columns;                  /* of the output, the cell's own included */
    const struct probe_state *states; /* [n_states] */
    const struct probe_gate *gates;   /* [n_gates] in the order of the program */
    int32_t n_states, n_gates;
};

/* A new cell, as the wrappers make it (model/wrap.h), and what its columns are. Applied after all wrappers. `values` 0: the
 * output has no further columns, which makes a pass cheaper. NULL with errors. */
struct cell *wrap_probe(const struct cell *cell, int values, struct cell_probe *probe, struct registry *registry,
                        struct errors *errors);

/* A matrix that the equations multiply a state by, or a value computed from one, such as r * h. */
struct probe_matrix {
    const char *name; /* the parameter, "U_f", or its equation; "matrix in h'" of one that has no name */
    int32_t node;     /* in the program */
    int64_t rows, columns;
};
/* The matrices of a cell, in the order of its program; `matrices` has room for all nodes of the program. Returns their number;
 * -1: there is not enough memory. Names are allocated in `arena`. */
int32_t probe_matrices(const struct cell *cell, struct probe_matrix *matrices, struct arena *arena);

#endif
