/* core/scan/plan.h: the order in which a graph is computed, and where every value is stored. Private to core/scan.
 *
 * A graph becomes six stages: before, in and after the loop, for each half. A stage is a list of instructions: groups of
 * elementwise nodes that run together on short pieces of rows (chunks), products, calls of other ops, and effects.
 *
 *     plan_create        plan.c               runs the three parts in order
 *     plan_schedule      fuse.c               fills the stages with instructions
 *     plan_places        plan_places.c        gives every value its place
 *     plan_instructions  plan_instructions.c  lists what each instruction works with
 *
 * Threads: a plan is made on one thread; afterwards any thread may read it.
 */
#ifndef RONDO_CORE_PLAN_H
#define RONDO_CORE_PLAN_H

#include "core/scan/graph.h"

/* Elements that a group works on at a time, so that its values stay in the first-level cache. */
#define PLAN_CHUNK 512

enum scan_storage {
    STORE_NONE,     /* comes from outside, or is not needed */
    STORE_CHUNK,    /* chunk buffer `index`, for the time of one group */
    STORE_LOCAL,    /* memory of one worker for its rows, from element `index` x rows on, for the time of one stage */
    STORE_SEQUENCE, /* sequence `index`: the rows of all steps */
    STORE_DOUBLE,   /* state `index` in two copies used alternately, if no reader needs all its steps */
    STORE_CARRY,    /* the carry of state `index`, in two copies used alternately */
    STORE_GRAD_X,   /* the gradient of x itself */
};

struct scan_place {
    enum scan_storage storage;
    int64_t index;
};

/* Memory for all steps: [total, width]. That of a state is [rows + total, width] and begins with the states before the
 * first step. */
struct scan_sequence {
    int64_t width;
    int is_state;
    int32_t end;   /* while planning: the position of the last use */
    int32_t apart; /* while planning: the number of the last instruction that reads a part of a row. It reads and writes
                      chunk by chunk, so none of its results may overwrite the row. -1: none */
};

/* A fixed tensor repeated to whole chunks of rows of `width` elements. */
struct scan_tile {
    int32_t fixed;
    int64_t width;
    const int32_t
        *table; /* [width] which element of the fixed tensor belongs to each element of a row; NULL: in order */
};

/* A packed right side [k, n] of products. */
struct scan_packed {
    int32_t fixed;
    int transposed;
    int64_t k, n;
};

/* What a group reads or writes: a chunk buffer, rows in memory, a tile, or rows that are first copied to a chunk buffer,
 * because they are broadcast or are parts of longer rows. */
enum scan_operand_kind { OPERAND_CHUNK, OPERAND_ROWS, OPERAND_TILE, OPERAND_EXPANDED };

struct scan_operand {
    enum scan_operand_kind kind;
    int32_t node;         /* unused by OPERAND_TILE */
    int32_t buffer;       /* OPERAND_CHUNK, OPERAND_EXPANDED: number of the chunk buffer; else -1 */
    int32_t tile;         /* OPERAND_TILE */
    const int32_t *table; /* OPERAND_EXPANDED: [width] which element of the node's row; NULL: in order */
};

/* One elementwise node of a group, with everything that the inner loop needs. `in` and `out` index `operands`. */
struct scan_member {
    enum scan_node_kind kind;
    int32_t node, out;
    int32_t n_in; /* inputs of the sum or map; in `in`, a NODE_MAP_GRADIENT has the result and dL/d result after them */
    int32_t which;
    const int32_t *in; /* an input that the gradient does not read is given as dL/d result */
    const void *options;
    void (*map)(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out);
    void (*map_grad)(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in);
};

struct scan_group {
    int64_t width; /* elements per row */
    struct scan_operand *operands;
    struct scan_member *members;
    int32_t n_operands, n_members, n_expanded;
};

/* Products that share the left side. All of them add to their results, or all write them. */
struct scan_product_call {
    int32_t a; /* node */
    int add;
    const int32_t *results; /* [count] nodes */
    const int32_t *packed;  /* [count] numbers of packed right sides */
    const int32_t
        *starts; /* [count] numbers of the fixed tensors that the rows start from; -1: from 0, or from the results */
    int32_t count;
};

struct scan_product_list {
    const int32_t *copies; /* [n_copies] nodes whose init has another place, and is copied to theirs first */
    const struct scan_product_call *calls;
    int32_t n_copies, n_calls;
};

struct scan_instruction {
    enum scan_node_kind kind;          /* of its nodes; NODE_MAP means a group of any elementwise nodes */
    const int32_t *nodes;              /* [count] */
    int32_t count;                     /* groups, products and gradients of one call have several nodes */
    struct scan_group group;           /* NODE_MAP */
    struct scan_product_list products; /* NODE_PRODUCT */
    const int32_t *table;              /* NODE_REDUCE, NODE_FIXED_SUM: where each element is added; NULL: in order */
    int covers; /* NODE_JOIN: 1: its parts are all that it is made of, and have each element of the row once */
};

struct scan_stage {
    struct scan_instruction *instructions;
    int32_t count, capacity;
    int32_t n_row_instructions; /* these come first; the rest are effects */
    int64_t local_width;        /* elements per row of STORE_LOCAL */
    int needs_step;  /* 1: reads states or sequences, or draws random words: its rows are taken step by step */
    int whole_steps; /* 1: draws random words that do not belong to elements: one worker takes all rows of a step */
    int has_effects;
    int only_groups; /* 1: computes nothing but elementwise nodes, so that it waits for memory more than it computes */
    int adds_over_rows; /* 1: has effects that add what all rows give: in the loop, one worker takes all rows */
};

struct scan_plan {
    struct scan_graph *graph;
    struct scan_stage stages[2][PHASE_COUNT]; /* [half][phase] */
    struct scan_place *places;                /* [graph->count] */
    int32_t *state_sequence;                  /* [n_states] -1: STORE_DOUBLE */
    int32_t output_sequence;
    struct scan_sequence *sequences;
    struct scan_tile *tiles[2];
    struct scan_packed *packed[2];
    int32_t n_sequences, n_tiles[2], n_packed[2];
    int32_t n_chunk_buffers;
    size_t *saved_bytes; /* [graph->count] bytes per row that a call saves, stored for all steps; 0: the backward half
                            computes the call again */
    int64_t sequence_width; /* elements per row and step of all sequences */
};

/* Plans the graph, in the graph's arena. NULL with errors. */
struct scan_plan *plan_create(struct scan_graph *graph, struct errors *errors);
/* The number of elements per row that the loop of one half reads from and writes to memory for all steps; 0 if memory
 * is short. `arena` provides temporary memory. */
int64_t plan_loop_width(const struct scan_plan *plan, int half, struct arena *arena);
/* Appends the instructions, each with the places of its results. */
void plan_text(const struct scan_plan *plan, struct scan_printer *text);

/* ---- the parts of plan_create ---- */

/* Each allocates in the graph's arena, and does nothing if the arena has failed: plan_create calls arena_failed once,
 * at its end. */
rondo_status plan_schedule(struct scan_plan *plan, struct errors *errors); /* fails for a bug: a node without a stage */
void plan_places(struct scan_plan *plan);
void plan_instructions(struct scan_plan *plan);

#endif
