/* model/rewrite.h: turns a cell into another cell, by copying its program node by node and replacing some of the
 * values.
 *
 *     struct rewrite rewrite;
 *     RONDO_TRY(rewrite_open(&rewrite, cell, 0, 1, registry, errors));
 *     for (int32_t id = rewrite.first; id < program_count(cell->program); id++) {
 *         rondo_value value = rewrite_node(&rewrite, id);
 *         if (…) rewrite_put(&rewrite, id, …);            later readers of node `id` use this value
 *     }
 *     return rewrite_close(&rewrite);
 *
 * A wrapper that changes one step of any cell is such a loop (model/wrap.h). Failure is sticky: failed values are
 * passed on, and rewrite_close gives NULL. It also reports that memory was short in the arena of the program, which is
 * therefore a place for what a wrapper needs meanwhile.
 *
 * Threads: one.
 */
#ifndef RONDO_MODEL_REWRITE_H
#define RONDO_MODEL_REWRITE_H

#include "core/options.h"
#include "lang/cell.h"

struct rewrite {
    const struct cell *from;
    struct cell *into;
    struct registry *registry;
    struct errors *errors;
    struct program *program; /* of `into` */
    int32_t first;           /* the first node of `from` that is neither x nor a state: the memory if it is read */
    rondo_value *map;        /* [nodes of from] the new value of each node; failed: not copied */
    rondo_tensor *states;    /* [n_states] of `into` */
    rondo_value *new_states; /* [n_states] of `into`; those of `from` are found by rewrite_results */
    struct cell_parameter *parameters;
    int32_t next_parameter; /* of `from` */
    int32_t errors_before;
};

/* Begins a copy of `from` with room for this number of additional states and parameters. Needs no cleanup after a
 * failure. */
rondo_status rewrite_open(struct rewrite *rewrite, const struct cell *from, int32_t more_states,
                          int32_t more_parameters, struct registry *registry, struct errors *errors);

/* The same, and the steps of the new cell read `more_input` numbers more, at the end of x; the nodes of `from` read the
 * ones before. */
rondo_status rewrite_open_wider(struct rewrite *rewrite, const struct cell *from, int64_t more_input,
                                struct registry *registry, struct errors *errors);

/* Adds a state, before the nodes are copied. The caller sets its new value in new_states[into->n_states - 1]. */
rondo_value rewrite_state(struct rewrite *rewrite, const char *name, rondo_tensor shape);
/* Adds a parameter. If another parameter has the same name, a number is appended. */
rondo_value rewrite_parameter(struct rewrite *rewrite, const char *name, rondo_tensor shape,
                              struct initialiser initialiser);
/* Copies node `id` of `from`, with the new values of its operands. Nodes are copied in their order. A node that no
 * copied node reads may be left out. */
rondo_value rewrite_node(struct rewrite *rewrite, int32_t id);
/* From here on, nodes that read node `id` read `value`. */
void rewrite_put(struct rewrite *rewrite, int32_t id, rondo_value value);
/* Applies an op by name, with values for some of its options and the defaults for the others. */
rondo_value rewrite_apply(struct rewrite *rewrite, const char *op, const struct option_value *values, int32_t n_values,
                          const rondo_value *operands, int32_t count);
/* Elements begin .. end - 1 along the last dimension. */
rondo_value rewrite_slice(struct rewrite *rewrite, rondo_value value, int64_t begin, int64_t end);
/* [rows, …] in the shape `shape`, [rows, …]: the same elements of each row. The value itself if that is its shape. */
rondo_value rewrite_reshape(struct rewrite *rewrite, rondo_value value, const rondo_tensor *shape);
/* A scalar of the cell's dtype. */
rondo_value rewrite_constant(struct rewrite *rewrite, double number);

/* After all nodes are copied: finds the new states, the output and the candidates. A caller that needs others then
 * changes new_states and into->output. */
void rewrite_results(struct rewrite *rewrite);
/* The new cell, or NULL with errors if anything failed. */
struct cell *rewrite_close(struct rewrite *rewrite);

/* ---- questions that several wrappers ask of a program ---- */

/* 1 if the value of the node depends on x, a state or a mask, and so has rows of the batch. */
int is_of_step(const struct cell *cell, int32_t id);
/* For each node of the cell: 1 if its value depends on a state that is not a mask. From the arena; NULL if there is not enough
 * memory. */
unsigned char *cell_depends_on_states(const struct cell *cell, struct arena *arena);
/* For each state 1 if it is a clock: its new value depends on no input, parameter or mask, and on no state that is not a
 * clock, such as t' = remainder(t + 1, 8). A clock holds no data, so wrappers that change data do not change it. From the
 * arena; NULL if there is not enough memory. */
unsigned char *cell_clocks(const struct cell *cell, struct arena *arena);
/* 1 if the node is a product by weights: its left side is of the step, and its right side depends only on parameters. A
 * product of the memory, memory @ W, is none: it is not a part of the step. */
int is_weight_product(const struct cell *cell, int32_t id);

#endif
