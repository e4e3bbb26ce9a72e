/* core/program.h: a program is a tape without data: ops, options and shapes, traced once.
 *
 * One step of a cell is traced to a program (lang/trace.h); the tape replays it step by step. Programs are data: passes
 * can read and rewrite them.
 *
 * Threads: built on one thread; afterwards read from any.
 */
#ifndef RONDO_CORE_PROGRAM_H
#define RONDO_CORE_PROGRAM_H

#include "core/parallel.h"
#include "core/registry.h"
#include "core/tensor.h"

struct tape;

/* The number of rows that stands for "any" while shapes are inferred: a prime that nobody chooses for another
 * dimension, shown as "batch" in messages. A replay infers the shapes anew from the rows at hand. */
#define PROGRAM_BATCH 1048573

/* One node, in order of evaluation. */
struct program_node {
    const rondo_op *op; /* NULL: an input, or a constant (which has data) */
    const void *options;
    const int32_t *inputs; /* ids of earlier nodes */
    int32_t n_inputs;
    rondo_tensor value; /* dtype and shape; data for constants alone */
    const char *name;   /* of an input, or of the equation that the node computes; NULL within an equation */
    struct location where;
};

struct program;

/* An empty program; owns its memory. NULL where memory is short. */
struct program *program_create(void);
void program_destroy(struct program *program);

/* Adds an input of this dtype and shape. Inputs are numbered in the order of these calls. Failed value: no memory. */
rondo_value program_input(struct program *program, const char *name, rondo_tensor shape, struct errors *errors);
/* Adds a scalar constant. */
rondo_value program_constant(struct program *program, int32_t dtype, double number, struct errors *errors);
/* Adds an op and infers its shape. `options` must be a struct of the op's table that outlives the program (see
 * program_arena), or NULL where the op has none. Failed value with an error at `where` where the op refuses. */
rondo_value program_apply(struct program *program, const rondo_op *op, const void *options, const rondo_value *inputs,
                          int32_t count, struct location where, struct errors *errors);
/* Names the node for humans. */
void program_name(struct program *program, rondo_value value, const char *name);

/* For everything that lives as long as the program. */
struct arena *program_arena(struct program *program);
int32_t program_count(const struct program *program);
int32_t program_input_count(const struct program *program);
const struct program_node *program_node(const struct program *program, rondo_value value);

/* Applies every op of the program on the tape. inputs[i] replaces input i; results[k] gets the value of outputs[k].
 * Shapes are inferred from the values at hand. */
rondo_status program_replay(const struct program *program, struct tape *tape, const rondo_value *inputs,
                            const rondo_value *outputs, int32_t n_outputs, rondo_value *results);

#endif
