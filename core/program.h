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

/* One node, in order of evaluation. */
struct program_node {
    const rondo_op *op; /* NULL: an input, or a constant (which has data) */
    const void *options;
    const int32_t *inputs; /* ids of earlier nodes */
    int32_t n_inputs;
    rondo_tensor value; /* dtype and shape; data only for constants */
    const char *name;   /* name of an input, or of the equation whose result the node is; NULL for other nodes */
    struct location where;
};

struct program;

/* An empty program; owns its memory. NULL if memory is short. Free with program_destroy. `registry` gives shape rules the
 * name of a plug-in's file for errors, and the receiver of log lines. Borrowed; NULL: errors name no file, and log lines
 * are dropped. */
struct program *program_create(const struct registry *registry);
void program_destroy(struct program *program);

/* Adds an input of this dtype and shape. Inputs are numbered in the order of these calls. A failed value (negative id)
 * and an error if memory is short. */
rondo_value program_input(struct program *program, const char *name, rondo_tensor shape, struct errors *errors);
/* Adds a scalar constant. */
rondo_value program_constant(struct program *program, int32_t dtype, double number, struct errors *errors);
/* Adds an op and infers its shape. `options` must be a struct of the op's table that outlives the program (see
 * program_arena), or NULL if the op has none. A failed value, with an error at `where`, if the op refuses the inputs;
 * a failed value without a further error if one of the inputs is a failed value. */
rondo_value program_apply(struct program *program, const rondo_op *op, const void *options, const rondo_value *inputs,
                          int32_t count, struct location where, struct errors *errors);
/* Names the node for messages and printouts. `name` is borrowed. */
void program_name(struct program *program, rondo_value value, const char *name);

/* Memory that lives as long as the program. */
struct arena *program_arena(struct program *program);
int32_t program_count(const struct program *program);
int32_t program_input_count(const struct program *program);
/* The node of a value; NULL for a failed one. Valid until the next node is added. */
const struct program_node *program_node(const struct program *program, rondo_value value);

/* Applies every op of the program on the tape. inputs[i] is the value of input i; results[k] gets the value of
 * outputs[k]. Shapes are inferred again, from the shapes of `inputs`. */
rondo_status program_replay(const struct program *program, struct tape *tape, const rondo_value *inputs,
                            const rondo_value *outputs, int32_t n_outputs, rondo_value *results);

#endif
