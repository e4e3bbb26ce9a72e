/* lang/trace.h: records parsed equations in a program: resolves names to values, operators to ops, and finds the shapes of
 * parameters.
 *
 * Private to lang/: the part of cell_compile that walks the trees.
 */
#ifndef RONDO_LANG_TRACE_H
#define RONDO_LANG_TRACE_H

#include "lang/definition.h"

/* A name that an equation has assigned. */
struct trace_name {
    const char *name;
    const char *base;  /* with an index: s of s_2; else NULL */
    const char *label; /* as in the equations: with its prime */
    int primed;
    rondo_value value; /* failed: a mistake in its equation has been reported */
    struct location where;
    struct trace_name *next;
};

struct trace {
    const struct cell_definition *definition;
    const struct cell_settings *settings;
    struct registry *registry;
    struct errors *errors;
    struct program *program;
    const struct equation *source;    /* as parsed */
    const struct equation *equations; /* repetitions and indices written out */
    const rondo_value *states;        /* [n_states] inputs of the program */
    rondo_value x;
    rondo_value memory;                 /* failed: the program has none */
    struct trace_name *assigned;        /* the names assigned so far, the last first */
    struct trace_parameter *parameters; /* in order of first use */
};

struct trace_parameter {
    struct cell_parameter parameter;
    const char *base; /* with an index: R of R_2; else NULL */
    rondo_value value;
    struct trace_parameter *next;
};

/* Records one equation and adds its name to the assigned ones. */
void trace_equation(struct trace *trace, const struct equation *equation);
/* The assigned name, primed or plain; NULL if no equation so far has assigned it. */
struct trace_name *trace_find(const struct trace *trace, const char *name, int primed);
/* 1 for the name of the memory, which is taken: nothing else may have it. */
int trace_means_memory(const char *name);
/* Sets `by_position` of the settings, if it is asked for and this application compares positions of steps. */
void trace_looks_note(const struct trace *trace, const rondo_op *op, const void *options);
/* Checks an application of an op that looks along sequences, where a step sees no other step: lang/trace_looks.c. 0 after an
 * error, at the operand or option. */
int trace_looks_fit(const struct trace *trace, const struct expression *call, const rondo_op *op, const void *options,
                    const rondo_value *values);
/* Evaluates the dimensions of a declared shape. `leading` is a first dimension to be added, the batch; -1: none. */
rondo_status trace_shape(const struct trace *trace, const struct cell_shape *shape, int64_t leading, rondo_tensor *out);

#endif
