/* core/scan/graph.h: one step of a recurrence, forward and backward, as data that passes rewrite.
 *
 * A graph begins as the step program (core/program.h) without what depends on parameters alone (the tape computes that
 * once); differentiate adds the backward step, derived from the ops' own gradient rules. Every node is a value with a
 * batch dimension, "[batch, ...]" (rows), or a fixed tensor, or adds to the gradient of a fixed tensor. Passes decide
 * where each node is computed: before the loop over time, in it, or behind it.
 *
 * Nodes stand in no particular order; graph_order gives one. Memory is the graph's arena.
 * Threads: built on one thread; afterwards read from any.
 */
#ifndef RONDO_CORE_GRAPH_H
#define RONDO_CORE_GRAPH_H

#include "core/program.h"

enum scan_node_kind {
    /* values that come from outside */
    NODE_X,           /* the input of the step */
    NODE_STATE,       /* state `which` before the step */
    NODE_FIXED,       /* fixed tensor `which`: a parameter, a constant, or what is computed of these alone */
    NODE_GRAD_OUTPUT, /* dL/d output of this step */
    NODE_GRAD_STATE,  /* dL/d new state `which`, from the steps behind this one */
    NODE_GRAD_X,      /* what stands in the gradient of x already: gradients are added to */
    /* computed values */
    NODE_MAP,           /* an elementwise op */
    NODE_SUM,           /* the sum of all inputs, broadcast; of one input: a copy */
    NODE_PRODUCT,       /* [init +] the sum of terms rows @ fixed; inputs: init or -1, rows, fixed, rows, fixed, … */
    NODE_CALL,          /* any other op */
    NODE_VIEW,          /* the same elements as the input in another shape */
    NODE_PART,          /* of each row of the input the elements from `offset` on */
    NODE_MAP_GRADIENT,  /* dL/d input `which` of a map, in the shape of its result; inputs: those of the map, its result
                           (-1 each where the gradient does not read it), dL/d result */
    NODE_CALL_GRADIENT, /* dL/d input `input` of a call; inputs: those of the call, dL/d result */
    NODE_JOIN,          /* parts put into a row at `offsets`, added to the first input: -1 stands for zeros */
    NODE_REDUCE,        /* the sum over the dimensions along which a value of this shape was stretched to the input's */
    /* no value: adds to the gradient of fixed tensor `which`, summed over all rows and steps */
    NODE_WEIGHT_GRADIENT, /* inputs a, g: a^T g */
    NODE_FIXED_SUM,       /* input g: reduced to the shape of the fixed tensor */
    NODE_FIXED_CALL,      /* as NODE_CALL_GRADIENT; `input` is the op's input that is the fixed tensor */
};

/* The most inputs of an elementwise node: a map (at most RONDO_SAMPLE_INPUTS operands), its gradient (two more), or a
 * sum. Lists of such inputs are arrays of this length. graph_add splits longer sums. Other nodes have any number. */
enum { GRAPH_MOST_INPUTS = 66 };

enum scan_phase { PHASE_BEFORE, PHASE_LOOP, PHASE_AFTER, PHASE_COUNT };

struct scan_node {
    enum scan_node_kind kind;
    enum scan_phase phase;
    int backward; /* part of the backward step */
    const rondo_op *op;
    const void *options;
    int32_t which;
    int32_t input;       /* NODE_CALL_GRADIENT, NODE_FIXED_CALL: of the op */
    int32_t of;          /* NODE_CALL_GRADIENT, NODE_FIXED_CALL: the call */
    int64_t offset;      /* NODE_PART */
    int64_t *offsets;    /* NODE_JOIN: [n_inputs], that of the first is unused */
    int32_t random;      /* number of this application among the random ones of a step; -1: not random */
    uint64_t transposed; /* NODE_PRODUCT: bit s is set where term s multiplies by the transpose */
    int32_t *inputs;     /* ids; -1: none */
    int32_t n_inputs;
    rondo_tensor shape; /* rows: [PROGRAM_BATCH, …] */
    int64_t width;      /* elements of a row; of a fixed tensor: all */
    const char *name;   /* of the equation or input; NULL: none */
};

/* The passes that can be switched off alone. */
enum scan_pass {
    PASS_MERGE = 1,
    PASS_HOIST = 2,
    PASS_SINK = 4,
    PASS_FUSE = 8,
    PASS_PLAN = 16,
    PASS_ALL = 31,
};

struct scan_graph {
    struct arena *arena;
    struct scan_node *nodes;
    int32_t count, capacity;
    int32_t passes; /* enum scan_pass, or-ed */
    int training;   /* with a backward step */
    int32_t dtype;
    int32_t n_states, n_fixed, n_random;
    int32_t *states;      /* [n_states] the NODE_STATE of each; -1: unused */
    int32_t *new_states;  /* [n_states] */
    int *constant;        /* [n_states] 1: the state never changes */
    int *state_needs;     /* [n_states] 1: the state has a gradient */
    int32_t output;       /* id */
    rondo_tensor *shapes; /* [n_states] */
    rondo_value *fixed;   /* [n_fixed] the values of the program that are fixed tensors */
    int *fixed_needs;     /* [n_fixed] 1: it depends on a parameter */
    int32_t *carry; /* [n_states] dL/d state before the step, of one that never changes the sum so far; -1: none */
    int32_t grad_x; /* dL/dx, added up; -1: not wanted */
    struct errors *errors; /* while passes run */
    int failed;            /* no memory: told in errors */
};

struct scan_graph_settings {
    const struct program *program;
    int32_t n_states;
    const rondo_value *new_states;
    rondo_value output;
    int32_t passes;
    int training;       /* add a backward step */
    int wants_x;        /* with the gradient of x */
    int wants_constant; /* and those of states that never change */
};

/* Builds the graph and runs the passes but for fuse and plan. `text`, where not NULL, gets what each pass did, for a
 * human. NULL with errors. */
struct scan_graph *graph_create(const struct scan_graph_settings *settings, struct arena *arena,
                                struct arena *text_arena, char **text, struct errors *errors);

/* ---- for the passes ---- */

/* Adds a copy of `node`, whose inputs are `inputs` (copied), and returns its id. A sum of more than GRAPH_MOST_INPUTS
 * values becomes a tree of sums; the id is that of its root. -1 after a failure. */
int32_t graph_add(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs);
/* A sum of these values in the shape of node `like`. */
int32_t graph_add_sum(struct scan_graph *graph, int32_t like, const int32_t *inputs, int32_t n_inputs);
int node_is_rows(const struct scan_node *node);
int node_is_effect(const struct scan_node *node);
/* Computed element by element over its shape. */
int node_is_elementwise(const struct scan_node *node);
/* Only another look at its input: it computes nothing. */
int node_is_alias(const struct scan_node *node);
/* Comes from outside. */
int node_is_given(const struct scan_node *node);
/* The node that holds the elements of a view or a part; `id` itself where it is neither. */
int32_t graph_base(const struct scan_graph *graph, int32_t id);
/* 1 for those that a result needs; [count]. From the arena of the graph. */
int *graph_live(const struct scan_graph *graph);
/* Ids of all live nodes so that inputs come first; *n gets how many. */
int32_t *graph_order(const struct scan_graph *graph, int32_t *n);
/* How often live nodes and results use each node. */
int32_t *graph_uses(const struct scan_graph *graph);
/* 1 for what the recurrence waits for: in the forward half what new states are computed from, in the backward half what
 * carried gradients are. */
int *graph_needed(const struct scan_graph *graph);
/* 1 where both have the same dimensions. */
int graph_same_shape(const struct scan_node *a, const struct scan_node *b);
/* All live nodes as text, for a human. */
char *graph_text(const struct scan_graph *graph, struct arena *arena);
/* `format` printed to the end of *text. */
void text_add(struct arena *arena, char **text, const char *format, ...) RONDO_PRINTF(3, 4);

/* The passes, in their order; each one file. What fails sets graph->failed or adds an error. */
void graph_build(struct scan_graph *graph, const struct scan_graph_settings *settings);
void graph_hoist(struct scan_graph *graph, const struct scan_graph_settings *settings);
void graph_differentiate(struct scan_graph *graph, const struct scan_graph_settings *settings);
void graph_sink(struct scan_graph *graph, const struct scan_graph_settings *settings);
void graph_merge(struct scan_graph *graph, const struct scan_graph_settings *settings);
void graph_rematerialise(struct scan_graph *graph, const struct scan_graph_settings *settings);

#endif
