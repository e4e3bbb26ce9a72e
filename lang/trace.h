/* lang/trace.h: turns parsed equations into a program: names to values, operators to ops, shapes of parameters.
 *
 * The part of lang/cell.h that walks the tree; only for cell.c and repeat.c.
 */
#ifndef RONDO_LANG_TRACE_H
#define RONDO_LANG_TRACE_H

#include "lang/cell.h"

/* A name with its value. */
struct trace_name {
    const char *name;
    const char *base;  /* with an index: s of s_2; else NULL */
    const char *label; /* as in the equations: with its prime */
    int primed;
    rondo_value value; /* failed: its equation had a mistake, which has been reported */
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
/* The index of the state or option with this name, or -1. */
int32_t trace_state(const struct cell_definition *definition, const char *name);
int32_t trace_option(const struct cell_definition *definition, const char *name);
/* 1 for `input` and `hidden`, which are numbers. */
int trace_is_width(const char *name);
double trace_option_value(const struct cell_definition *definition, const struct cell_settings *settings,
                          int32_t option);
/* Evaluates the dimensions of a declared shape. `leading` is a first dimension to be added, the batch; -1: none. */
rondo_status trace_shape(const struct trace *trace, const struct cell_shape *shape, int64_t leading, rondo_tensor *out);

#endif
