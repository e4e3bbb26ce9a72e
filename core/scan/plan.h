/* core/scan/plan.h: in which order a graph is computed, and where every value is kept.
 *
 * A graph becomes six stages: before the loop, in it and behind it, forward and backward. A stage is a list of
 * instructions: groups of elementwise nodes that run together on short pieces of rows (chunks), products, calls of
 * other ops, and additions to the gradients of fixed tensors.
 *
 * Threads: made on one thread; afterwards read from any.
 */
#ifndef RONDO_CORE_PLAN_H
#define RONDO_CORE_PLAN_H

#include "core/scan/graph.h"

/* Elements that a group works on at a time: its values then stay in the first cache. */
#define PLAN_CHUNK 512

enum scan_storage {
    STORE_NONE,     /* comes from outside, or is not needed */
    STORE_CHUNK,    /* chunk buffer `index`: within one group */
    STORE_LOCAL,    /* rows of one worker, at element `index` x rows: within one stage */
    STORE_SEQUENCE, /* sequence `index`: rows of all steps */
    STORE_DOUBLE,   /* state `index`, old and new in turn: where no one asks for all steps */
    STORE_CARRY,    /* gradient of state `index`, old and new in turn */
    STORE_GRAD_X,   /* the gradient of x itself */
};

struct scan_place {
    enum scan_storage storage;
    int64_t index;
};

/* Memory for all steps: [total, width], for a state [rows + total, width] with the state before the first step in
 * front.
 */
struct scan_sequence {
    int64_t width;
    int is_state;
    int32_t end;   /* while planning: the position of the last use */
    int32_t apart; /* while planning: the last instruction that reads a part of a row; it goes by chunks of rows, so
                      none of its results is written over the row */
};

/* A fixed tensor stretched to whole chunks of rows of `width` elements. */
struct scan_tile {
    int32_t fixed;
    int64_t width;
    const int32_t *table; /* [width] element of the fixed tensor for each of a row; NULL: in order */
};

/* A packed right side of products. */
struct scan_packed {
    int32_t fixed;
    int transposed;
    int64_t k, n;
};

enum scan_operand_kind { OPERAND_CHUNK, OPERAND_ROWS, OPERAND_TILE, OPERAND_EXPANDED };

/* What a group reads or writes. */
struct scan_operand {
    enum scan_operand_kind kind;
    int32_t node;         /* not OPERAND_TILE */
    int32_t buffer;       /* chunk buffer: OPERAND_CHUNK, OPERAND_EXPANDED */
    int32_t tile;         /* OPERAND_TILE */
    const int32_t *table; /* OPERAND_EXPANDED: [width] element of the node's row; NULL: in order */
};

/* One elementwise node of a group, with all that its turn needs at hand; numbers of operands. */
struct scan_member {
    enum scan_node_kind kind;
    int32_t node, out;
    int32_t n_in; /* NODE_MAP_GRADIENT: inputs of the op; its result and dL/d result follow in the list */
    int32_t which;
    const int32_t *in; /* what a gradient does not read stands as dL/d result */
    const void *options;
    void (*map)(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out);
    void (*map_grad)(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in);
};

struct scan_group {
    int64_t width; /* elements of a row */
    struct scan_operand *operands;
    struct scan_member *members;
    int32_t n_operands, n_members, n_expanded;
};

/* Products that share the left side, all adding or all not. */
struct scan_product_call {
    int32_t a; /* node */
    int add;
    const int32_t *results; /* [count] nodes */
    const int32_t *packed;  /* [count] */
    int32_t count;
};

struct scan_product_list {
    const int32_t *copies; /* [n_copies] nodes whose init stands elsewhere and is copied first */
    const struct scan_product_call *calls;
    int32_t n_copies, n_calls;
};

struct scan_instruction {
    enum scan_node_kind kind; /* NODE_MAP stands for a group */
    const int32_t *nodes;
    int32_t count;
    struct scan_group group;           /* NODE_MAP */
    struct scan_product_list products; /* NODE_PRODUCT */
    const int32_t *table;              /* NODE_REDUCE, NODE_FIXED_SUM: where each element goes; NULL: in order */
};

struct scan_stage {
    struct scan_instruction *instructions;
    int32_t count, capacity;
    int32_t n_row_instructions; /* the effects stand behind these */
    int64_t local_width;        /* elements of a row of STORE_LOCAL */
    int needs_step;             /* reads states or draws random words: its rows are taken step by step */
    int has_effects;
};

struct scan_plan {
    struct scan_graph *graph;
    struct scan_stage stages[2][PHASE_COUNT]; /* forward, backward */
    struct scan_place *places;                /* [graph->count] */
    int32_t *state_sequence;                  /* [n_states] -1: STORE_DOUBLE */
    int32_t output_sequence;
    struct scan_sequence *sequences;
    struct scan_tile *tiles[2];
    struct scan_packed *packed[2];
    int32_t n_sequences, n_tiles[2], n_packed[2];
    int32_t n_chunk_buffers;
    size_t *saved_bytes;    /* [graph->count] of a row of a call, kept for all steps; 0: the call is computed again */
    int64_t sequence_width; /* elements of a row and step that all sequences keep */
};

/* Orders and places; the plan is in the arena of the graph. NULL with errors. */
struct scan_plan *plan_create(struct scan_graph *graph, struct errors *errors);
/* Elements of a row that the loop of one half reads and writes of what is kept for all steps; 0 where memory is short.
 * The arena serves the call only. */
int64_t plan_loop_width(const struct scan_plan *plan, int half, struct arena *arena);
/* The plan for a human. */
char *plan_text(const struct scan_plan *plan, struct arena *arena);

/* Fills in what each instruction works with, once all values have their places (plan_instructions.c). Memory that is
 * short is told in `errors`. */
void plan_instructions(struct scan_plan *plan, struct errors *errors);
/* What a view shows: a part stays a part. */
int32_t plan_without_views(const struct scan_graph *graph, int32_t id);
/* Fills the stages (fuse.c). */
rondo_status plan_schedule(struct scan_plan *plan, struct errors *errors);
/* [width of domain] the element of a row of `operand` (of the whole, for a fixed tensor) that belongs to each of a row
 * of `domain`; NULL where they are the same. *ok is cleared where memory is short. */
const int32_t *plan_table(struct scan_graph *graph, const struct scan_node *operand, const struct scan_node *domain,
                          int *ok);

#endif
