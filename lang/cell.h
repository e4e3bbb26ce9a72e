/* lang/cell.h: from the definition of a cell, which consists of equations, to a program for one time step.
 *
 * A definition is the content of configs/cells/NAME.yaml, read by lang/cell_file.h. cell_compile traces its equations to
 * a program. The inputs of the program are x, the states, the memory if the equations read it, and the parameters, in this
 * order; its results are the new states and the output, which is the new value of the first state unless the definition names
 * another value.
 *
 * Names in equations:
 *   x            the input of the step, [batch, input]
 *   s            the value of state s before the step, [batch, …]; [batch, hidden] unless its shape is declared
 *   s'           its new value; every state must get one
 *   a = …        a local value, assigned once and used in later lines
 *   an option    its number
 *   input, hidden  the widths
 *   memory       the outputs of an encoder, [memory, width]. A row of the step sees the elements of its own sequence, and only
 *                through an op that looks along sequences. In a shape, `memory` is the width. Nothing else may have this name
 *   any other    a parameter. Its shape is declared under params:, or follows from its position: on the right of @ it is
 *                a matrix [width of the left side, hidden], anywhere else a vector [hidden]
 *
 * Repetitions and indices, s[l-1], are written out first: see lang/repeat.h.
 *
 * Threads: compiled on one thread; afterwards read from any.
 */
#ifndef RONDO_LANG_CELL_H
#define RONDO_LANG_CELL_H

#include "core/program.h"
#include "lang/equation.h"
#include "lang/initialiser.h"

/* A number that equations may use by name; a layer may set it. */
struct cell_option {
    const char *name;
    double default_value, min, max;
    int is_integer;
    const char *help; /* may be NULL */
    struct location where;
};

/* A state, or a parameter with a declared shape. A dimension is an expression of numbers, `input`, `hidden` and options
 * (lang/constant.h): "hidden", "2*hidden - 1", "rank". */
struct cell_shape {
    const char *name;
    int32_t ndim; /* 0: a scalar; the batch is not counted */
    const char *dimensions[RONDO_MAX_DIMS - 1];
    struct location where;
};

/* The initialiser of all parameters whose name matches the pattern (* matches any characters). If several rows match, the
 * last one is used. */
struct cell_initialiser {
    const char *pattern;
    struct initialiser initialiser;
    struct location where;
};

/* The content of a cell file. All borrowed. */
struct cell_definition {
    const char *name, *source, *summary;
    struct location where;
    const struct cell_shape *states;
    const char *output; /* the value that is the cell's output, "y" or "h'"; NULL: the new value of the first state */
    struct location output_where;
    const char *const *candidates; /* [n_candidates] values that write new content into a state (recurrent dropout) */
    const struct location *candidate_where;
    const struct cell_shape *parameters;
    const struct cell_option *options;
    const struct cell_initialiser *initialisers;
    int32_t n_states, n_parameters, n_options, n_initialisers, n_candidates;
    struct equation_text equations;
};

/* How a definition is compiled for one layer. */
struct cell_settings {
    int32_t dtype;               /* RONDO_F32 or RONDO_F64 */
    int64_t input, hidden;       /* widths, >= 1 */
    const double *option_values; /* [n_options] of the definition; NULL: the defaults */
    int64_t memory;              /* width of the memory; 0: there is none, and equations that read it are refused */
    int memory_is_input; /* 1: `memory` is another name of x, whose steps see each other: a block over itself. 0: a step sees
                            no other step, so ops that look along sequences look from the step to the memory */
    /* Out: set to 1 if the equations compare the positions of steps, and `memory` is not of the same steps. NULL: not asked. */
    int *by_position;
    int64_t projection; /* width of the state that is the output: its new value is … @ projection.W (Sak et al.
                           2014); 0: as declared */
};

struct cell_parameter {
    const char *name;
    rondo_tensor shape; /* data NULL */
    struct initialiser initialiser;
    struct location where; /* place of its first use */
};

/* A compiled cell. Everything belongs to its program's arena. */
struct cell {
    const char *name;
    struct program *program;
    int32_t n_states, n_parameters;
    int reads_memory;              /* 1: the memory is an input of the program */
    int32_t n_masks;               /* number of states at the end that never change: the masks of model/wrap.h */
    const rondo_tensor *states;    /* [n_states] shapes with RONDO_ANY_ROWS as first dimension */
    const rondo_value *new_states; /* [n_states] in the program */
    rondo_value output;            /* the output of the step, [batch, output_width] */
    int64_t output_width;
    int32_t n_candidates;
    const rondo_value *candidates;           /* [n_candidates] values that write new content into a state */
    const struct cell_parameter *parameters; /* [n_parameters] in order of first use */
};

/* Compiles a definition; free the result with cell_destroy. NULL with errors, each with its line, column and a caret
 * under its place in the equations; the mistakes of all lines are reported. Ops, also those of plug-ins, are looked up in
 * the registry. */
struct cell *cell_compile(const struct cell_definition *definition, const struct cell_settings *settings,
                          struct registry *registry, struct errors *errors);
void cell_destroy(struct cell *cell);
/* The number of the first parameter among the inputs of the program. */
int32_t cell_first_parameter(const struct cell *cell);

/* 1 if the equations read the memory; 0 if they do not, or cannot be read. `arena` gets their trees. */
int cell_definition_reads_memory(const struct cell_definition *definition, struct arena *arena);

/* 1 if `name` matches `pattern`, in which * matches any number of characters. */
int name_fits(const char *pattern, const char *name);

#endif
