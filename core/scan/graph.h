/* core/scan/graph.h: one step of a recurrence, forward and backward, as data that passes rewrite.
 *
 * A graph begins as the step program (core/program.h), without the values that depend only on parameters, which the
 * tape computes once. The pass `differentiate` adds the backward step, which it derives from the ops' own gradient
 * rules. Every node is one of four things: a value with a batch dimension, [batch, ...]; a fixed tensor; a value over the
 * memory; or an effect.
 * Passes decide in which phase each node is computed: before the loop over time, in it, or after it.
 *
 * Terms of this folder:
 *   row       the numbers of one sequence of the batch at one step: a value [batch, width] has `width` of them per row
 *   step      one time step. At step t only the first alive[t] rows are left: rows are sorted, the longest first
 *   packed    stored without padding: the rows of step 0, then those of step 1, and so on (core/time_axis.h). A packed
 *             weight is a matrix copied into the order in which the product kernel reads it (core/product/product.h)
 *   half      0: the forward step, 1: the backward step
 *   fixed     the same for all rows and steps: a parameter, a constant, or a value computed only from these
 *   ragged    over the memory: the same at all steps, but row r of the batch reads only its own sequence of elements, whose
 *             length is that of no other row. Computed by the tape, like fixed tensors, and read only by sequence calls
 *   sequence call   a call of an op that looks along sequences (RONDO_OP_SEQUENCES): a row of the step is a sequence of one
 *             element, and reads its sequence of the memory
 *   view      the same elements as another value, in another shape: NODE_VIEW
 *   part      some consecutive elements of each row of another value: NODE_PART. Its rows are not next to each other
 *   carry     the gradient of a state that one step of the backward loop passes to the next, that is, to step t - 1
 *   effect    a node without a value: it adds to the gradient of a fixed tensor, summed over all rows and steps, or to that
 *             of a ragged value, where each row has elements of its own
 *   stage     all that one half computes in one phase: a list of instructions (core/scan/plan.h)
 *   place     where the plan stores a value: in a chunk, in a worker's rows, or in memory for all steps
 *   span      the consecutive rows of one step that an instruction works on (core/scan/run.h)
 *   share     the rows of the batch that one worker takes through the loop over time
 *
 * Nodes are stored in no particular order; graph_order gives one. All memory is in the graph's arena.
 * Threads: a graph is built on one thread; afterwards any thread may read it.
 */
#ifndef RONDO_CORE_GRAPH_H
#define RONDO_CORE_GRAPH_H

#include "core/program.h"

enum scan_node_kind {
    /* given: values that come from outside the step */
    NODE_X,           /* the input of the step */
    NODE_STATE,       /* state `which` before the step */
    NODE_FIXED,       /* fixed tensor `which` */
    NODE_RAGGED,      /* ragged value `which` */
    NODE_GRAD_OUTPUT, /* dL/d output of this step */
    NODE_GRAD_STATE,  /* dL/d new state `which`: the carry from step t + 1 */
    NODE_GRAD_X,      /* what the gradient of x already holds: the step adds to it */
    /* computed values */
    NODE_MAP,           /* an elementwise op */
    NODE_SUM,           /* the sum of all inputs, each broadcast to the node's shape; with one input: a copy */
    NODE_PRODUCT,       /* [init +] sum of terms rows @ fixed; inputs: init or -1, rows, fixed, rows, fixed, ...
                           The init is of rows, or a fixed tensor that every row starts from */
    NODE_CALL,          /* any other op */
    NODE_VIEW,          /* the elements of the input in another shape */
    NODE_PART,          /* of each row of the input, consecutive elements from `offset` on */
    NODE_MAP_GRADIENT,  /* dL/d input `which` of a map, in the shape of its result. Inputs: those of the map, its result
                           (-1 for each of these that the gradient does not read), dL/d result */
    NODE_CALL_GRADIENT, /* dL/d input `input` of a call. Inputs: those of the call, dL/d result */
    NODE_JOIN,          /* the first input (-1: zeros), plus each other input i added to every row from offsets[i] on */
    NODE_REDUCE,        /* the gradient of a value that was broadcast: the input, summed over the repeated dimensions */
    /* effects: each adds to the gradient of fixed tensor `which`, or of ragged value `which` */
    NODE_WEIGHT_GRADIENT, /* inputs a, g: a^T g */
    NODE_FIXED_SUM,       /* input g, reduced to the shape of the fixed tensor */
    NODE_FIXED_CALL,      /* like NODE_CALL_GRADIENT, but input `input` of the op is the fixed tensor */
    NODE_RAGGED_CALL,     /* the same for a ragged value, of a sequence call */
};

/* The most inputs of an elementwise node: a map (at most RONDO_SAMPLE_INPUTS operands), its gradient (two more), or a
 * sum. Lists of such inputs are arrays of this length. graph_add splits longer sums. Other nodes have any number. */
enum { GRAPH_MOST_INPUTS = 66 };

/* When a node is computed: for all steps before the loop over time, at every step, or for all steps after it. */
enum scan_phase { PHASE_BEFORE, PHASE_LOOP, PHASE_AFTER, PHASE_COUNT };

struct scan_node {
    enum scan_node_kind kind;
    enum scan_phase phase;
    int backward; /* 1: part of the backward step */
    const rondo_op *op;
    const void *options;
    int32_t which;       /* number of the state, fixed tensor, ragged value or input: see scan_node_kind */
    int32_t input;       /* NODE_CALL_GRADIENT, NODE_FIXED_CALL, NODE_RAGGED_CALL: number of the input of the op */
    int32_t of;          /* the same: the id of the call */
    int64_t offset;      /* NODE_PART */
    int64_t *offsets;    /* NODE_JOIN: [n_inputs]; the first is unused */
    int32_t random;      /* number of this application among the random ones of a step; -1: not random */
    uint64_t transposed; /* NODE_PRODUCT: bit s is set if term s multiplies by the transpose */
    int32_t *inputs;     /* [n_inputs] ids; -1: none */
    int32_t n_inputs;
    rondo_tensor shape; /* of a value with rows: [RONDO_ANY_ROWS, ...] */
    int64_t width;      /* elements per row, or per element of the memory; for a fixed tensor: all elements */
    const char *name;   /* from the equations; NULL: none */
};

/* Passes that can be switched off one by one. */
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
    int training;   /* 1: has a backward step */
    int32_t dtype;
    int32_t n_states, n_fixed, n_ragged, n_random;
    int32_t
        first_parameter;  /* among the inputs of the program; before it x, the states, and the memory if it is read */
    int32_t *states;      /* [n_states] ids of the NODE_STATE nodes; -1: no node reads the state */
    int32_t *new_states;  /* [n_states] ids; -1: the state is constant */
    int *constant;        /* [n_states] 1: the state never changes */
    int *state_needs;     /* [n_states] 1: the state has a gradient */
    int32_t output;       /* id */
    rondo_tensor *shapes; /* [n_states] */
    rondo_value *fixed;   /* [n_fixed] the values of the program that are fixed tensors */
    int *fixed_needs;     /* [n_fixed] 1: depends on a parameter */
    rondo_value *ragged;  /* [n_ragged] the values of the program that are over the memory */
    int *ragged_needs;    /* [n_ragged] 1: a gradient may be wanted */
    int32_t *carry; /* [n_states] dL/d state before the step; for a constant state the sum over the steps so far. -1: no
                       gradient. NULL while there is no backward step */
    int32_t grad_x; /* dL/dx, including what was there before; -1: not wanted */
    struct errors *errors; /* set only while passes run */
};

struct scan_graph_settings {
    const struct program *program;
    int32_t n_states;
    const rondo_value *new_states;
    rondo_value output;
    int32_t passes;
    int training;       /* add a backward step */
    int wants_x;        /* the backward step computes the gradient of x */
    int wants_constant; /* the backward step computes the gradients of states that never change */
};

struct scan_printer;

/* Builds the graph and runs all passes except fuse and plan (core/scan/passes.c). If `text` is not NULL, the graph
 * after each pass is appended to it. NULL with errors. */
struct scan_graph *graph_create(const struct scan_graph_settings *settings, struct arena *arena,
                                struct scan_printer *text, struct errors *errors);

/* ---- for the passes ---- */

/* 1 if a pass has failed: its error is in `errors`, or memory is short, which only graph_create reports, at its end. */
int graph_failed(const struct scan_graph *graph);
/* Adds a copy of `node`, whose inputs are `inputs` (copied), and returns its id. A sum of more than GRAPH_MOST_INPUTS
 * values becomes a tree of sums; the id is that of its root. -1 if memory is short, and after a bug. */
int32_t graph_add(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs);
/* Adds a sum of these values, in the shape, half and phase of node `like`. */
int32_t graph_add_sum(struct scan_graph *graph, int32_t like, const int32_t *inputs, int32_t n_inputs);

/* 1 for a value with a batch dimension. */
int node_is_rows(const struct scan_node *node);
int node_is_effect(const struct scan_node *node);
/* 1 if each element is computed from the elements at the same position. */
int node_is_elementwise(const struct scan_node *node);
/* 1 for views and parts: nothing is computed. */
int node_is_alias(const struct scan_node *node);
/* 1 for values that come from outside the step. */
int node_is_given(const struct scan_node *node);

/* 1 for a gradient of a sequence call, as a value or as an effect. All those of one call are computed together, at every step
 * of the backward loop: there each row has one step at a time, so that no two workers add to the same elements. */
int node_is_sequence_gradient(const struct scan_node *node);

/* Follows views and parts to the node that stores their elements. -1 stays -1. */
int32_t graph_base(const struct scan_graph *graph, int32_t id);
/* Follows views, but not parts. -1 stays -1. */
int32_t graph_without_views(const struct scan_graph *graph, int32_t id);
/* [count] 1 for nodes that a result or an effect needs. In the graph's arena. If memory is short, the results of this
 * function and of the next three are not valid: call arena_failed before reading them. */
int *graph_live(const struct scan_graph *graph);
/* The ids of all live nodes, inputs before what reads them; *n gets their number. */
int32_t *graph_order(const struct scan_graph *graph, int32_t *n);
/* [count] the number of times that live nodes and results read each node. */
int32_t *graph_uses(const struct scan_graph *graph);
/* [count] 1 for nodes that the recurrence waits for: in the forward half those that the new states are computed from,
 * in the backward half those that the carries and the gradients of sequence calls are computed from. */
int *graph_needed(const struct scan_graph *graph);
/* 1 if both have the same dimensions. */
int graph_same_shape(const struct scan_node *a, const struct scan_node *b);
/* Broadcasting as a table: for each of the `width` elements of a row of `domain`, the element of `operand` (of its row,
 * or of the whole fixed tensor) that belongs there; NULL if they correspond one to one, or if memory is short, which the
 * graph's arena knows. */
const int32_t *graph_table(struct scan_graph *graph, const struct scan_node *operand, const struct scan_node *domain);

/* A text that is written piece by piece. Initialise it as {.arena = ...}. arena_failed reports a lack of memory. */
struct scan_printer {
    struct arena *arena;
    char *data; /* NULL: empty */
    size_t length, capacity;
};
/* Appends formatted text; at most 511 bytes. */
void scan_print(struct scan_printer *text, const char *format, ...) RONDO_PRINTF(2, 3);
/* Appends a line for every live node that is computed. */
void graph_text(const struct scan_graph *graph, struct scan_printer *text);

/* ---- the passes, in the order in which they run; each is one file ---- */

/* A pass that fails leaves the arena in the failed state or adds an error. */
typedef void scan_pass_function(struct scan_graph *graph, const struct scan_graph_settings *settings);

scan_pass_function graph_build;         /* build.c: from the step program to a graph */
scan_pass_function graph_hoist;         /* hoist.c: values that depend only on inputs are computed before the loop */
scan_pass_function graph_differentiate; /* differentiate.c: adds the backward step */
scan_pass_function graph_sink;          /* sink.c: values that no later step needs are computed after the loop */
scan_pass_function graph_merge;         /* merge.c: products are added directly to the sums that they are part of */
scan_pass_function graph_rematerialise; /* rematerialise.c (pass `plan`): cheap values are recomputed */
scan_pass_function graph_own_carries;   /* own_carries.c: every carry gets a node that only the loop writes */
scan_pass_function graph_keep_carries;  /* keep_carries.c: carries that are read after the loop are copied in it */
scan_pass_function graph_copy_parts;    /* copy_parts.c: parts that are read as whole rows are copied first */

#endif
