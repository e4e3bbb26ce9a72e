/* core/program.h: a program is a tape without data: ops, options and shapes, traced once.
 *
 * One step of a cell is traced into a program; the tape replays it for every step, and the fused engine compiles it
 * (core/scan). Programs are data: passes can read and rewrite them.
 *
 * Threads: built on one thread; afterwards read from any.
 */
#ifndef RONDO_CORE_PROGRAM_H
#define RONDO_CORE_PROGRAM_H

#include "core/parallel.h"
#include "core/registry.h"
#include "core/tensor.h"

struct tape;

/* What the first dimension of a value counts. */
enum program_domain {
    DOMAIN_FIXED,  /* nothing that the data decides: the value is the same for all rows, such as a parameter */
    DOMAIN_STEPS,  /* the rows of a step; the dimension is RONDO_ANY_ROWS */
    DOMAIN_MEMORY, /* the elements of the memory, which the sequences of an encoder gave; RONDO_ANY_MEMORY */
};

/* One node, in order of evaluation. */
struct program_node {
    const rondo_op *op; /* NULL: an input, or a constant (which has data) */
    const void *options;
    const int32_t *inputs; /* ids of earlier nodes */
    int32_t n_inputs;
    rondo_tensor value; /* dtype and shape; data only for constants */
    enum program_domain domain;
    const char *name; /* name of an input, or of the equation whose result the node is; NULL for other nodes */
    struct location where;
};

struct program;

/* An empty program; owns its memory. NULL if memory is short. Free with program_destroy. `registry` gives shape rules the
 * name of a plug-in's file for errors, and the receiver of log lines. Borrowed; NULL: errors name no file, and log lines
 * are dropped. */
struct program *program_create(const struct registry *registry);
void program_destroy(struct program *program);

/* Adds an input of this dtype and shape, whose first dimension says what domain it has. Inputs are numbered in the order of
 * these calls. A failed value (negative id) and an error if memory is short. */
rondo_value program_input(struct program *program, const char *name, rondo_tensor shape, struct errors *errors);
/* Adds a scalar constant. */
rondo_value program_constant(struct program *program, int32_t dtype, double number, struct errors *errors);
/* Adds an op and infers its shape and domain. `options` must be a struct of the op's table that outlives the program (see
 * program_arena), or NULL if the op has none. A failed value, with an error at `where`, if the op refuses the inputs;
 * a failed value without a further error if one of the inputs is a failed value.
 *
 * The result has the domain of the inputs that are not fixed. Rows of a step and elements of the memory meet only in an op
 * that looks along sequences (RONDO_OP_SEQUENCES), whose first input is of the step, and so is its result. The first
 * dimension of a result, and no other, is that of its domain: otherwise a sequence would depend on the others of its batch.
 * An op that mixes rows and keeps the shape is not detected. */
rondo_value program_apply(struct program *program, const rondo_op *op, const void *options, const rondo_value *inputs,
                          int32_t count, struct location where, struct errors *errors);
/* What an op that looks along sequences depends on with these options: enum rondo_op_look, or-ed. */
uint32_t program_op_looks(const rondo_op *op, const void *options);
/* The steps of its own row that a value of the step depends on, apart from what states carry. */
enum program_reach {
    REACH_STEP,    /* its own */
    REACH_EARLIER, /* its own and earlier ones */
    REACH_ALL,     /* later ones as well */
};
/* The farthest reach of an op of the program. An op that looks along sequences reaches other steps if it looks by position, or
 * at another operand of the step. */
enum program_reach program_reach(const struct program *program);
/* Names the node for messages and printouts. `name` is borrowed. */
void program_name(struct program *program, rondo_value value, const char *name);

/* Memory that lives as long as the program. */
struct arena *program_arena(struct program *program);
int32_t program_count(const struct program *program);
int32_t program_input_count(const struct program *program);
/* The value of input `number`; a failed value if there is none. */
rondo_value program_input_value(const struct program *program, int32_t number);
/* The node of a value; NULL for a failed one. Valid until the next node is added. */
const struct program_node *program_node(const struct program *program, rondo_value value);

/* What a program runs on. Everything is borrowed until the tape is reset. */
struct program_inputs {
    const rondo_value *values; /* [program_input_count] */
    /* For ops that look along sequences: the sequences of all values of the domain; NULL: no such op reads it. Sequence r of
     * the memory belongs to sequence r of the step. */
    const rondo_rows *steps, *memory;
};

/* Applies every op of the program on the tape. results[k] gets the value of outputs[k]. `known`: [program_count] values of
 * nodes that are on the tape already, as program_outside finds them; an id of -1: not known. NULL: none is. Shapes are
 * inferred again, from the shapes of the inputs. */
rondo_status program_replay(const struct program *program, struct tape *tape, const struct program_inputs *inputs,
                            const rondo_value *known, const rondo_value *outputs, int32_t n_outputs,
                            rondo_value *results);

/* Computes on the tape values that no step changes: of domain DOMAIN_FIXED or DOMAIN_MEMORY. `values` has room for all nodes,
 * [program_count]: it gets the `wanted` ones and those that they are computed from; all others get an id of -1. Inputs that
 * none of these is computed from are not read. */
rondo_status program_outside(const struct program *program, struct tape *tape, const struct program_inputs *inputs,
                             const rondo_value *wanted, int32_t n_wanted, rondo_value *values);

#endif
