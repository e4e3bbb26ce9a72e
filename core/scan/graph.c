/* The nodes of a graph: adding them, and properties of nodes that several passes use. */
#include "core/scan/graph.h"

#include <string.h>

#include "core/number.h"

int node_is_given(const struct scan_node *node) {
    return node->kind <= NODE_GRAD_X;
}

int node_is_rows(const struct scan_node *node) {
    return node->kind != NODE_FIXED && node->kind != NODE_RAGGED && !node_is_effect(node);
}

int node_is_effect(const struct scan_node *node) {
    return node->kind >= NODE_WEIGHT_GRADIENT;
}

int node_is_alias(const struct scan_node *node) {
    return node->kind == NODE_VIEW || node->kind == NODE_PART;
}

int node_is_elementwise(const struct scan_node *node) {
    return node->kind == NODE_MAP || node->kind == NODE_SUM || node->kind == NODE_MAP_GRADIENT;
}

int node_is_sequence_gradient(const struct scan_node *node) {
    const enum scan_node_kind kind = node->kind;
    return (kind == NODE_CALL_GRADIENT || kind == NODE_FIXED_CALL || kind == NODE_RAGGED_CALL) &&
           (node->op->flags & RONDO_OP_SEQUENCES) != 0;
}

int32_t graph_base(const struct scan_graph *graph, int32_t id) {
    while (id >= 0 && node_is_alias(&graph->nodes[id])) {
        id = graph->nodes[id].inputs[0];
    }
    return id;
}

int32_t graph_without_views(const struct scan_graph *graph, int32_t id) {
    while (id >= 0 && graph->nodes[id].kind == NODE_VIEW) {
        id = graph->nodes[id].inputs[0];
    }
    return id;
}

int graph_same_shape(const struct scan_node *a, const struct scan_node *b) {
    return a->shape.ndim == b->shape.ndim &&
           memcmp(a->shape.shape, b->shape.shape, sizeof a->shape.shape[0] * (size_t)a->shape.ndim) == 0;
}

int graph_failed(const struct scan_graph *graph) {
    return arena_failed(graph->arena) || graph->errors->count > 0;
}

static int32_t add_node(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs) {
    int32_t *copy = arena_alloc(graph->arena, sizeof *copy * (size_t)(n_inputs + 1));
    if (copy == NULL) {
        return -1;
    }
    if (graph->count == graph->capacity) {
        const int32_t capacity = graph->capacity == 0 ? 64 : graph->capacity * 2;
        struct scan_node *nodes = arena_alloc(graph->arena, sizeof *nodes * (size_t)capacity);
        if (nodes == NULL) {
            return -1;
        }
        if (graph->count > 0) {
            memcpy(nodes, graph->nodes, sizeof *nodes * (size_t)graph->count);
        }
        graph->nodes = nodes;
        graph->capacity = capacity;
    }
    for (int32_t k = 0; k < n_inputs; k++) {
        copy[k] = inputs[k];
    }
    node.inputs = copy;
    node.n_inputs = n_inputs;
    node.width = 1;
    for (int32_t d = node_is_rows(&node) || node.kind == NODE_RAGGED ? 1 : 0; d < node.shape.ndim; d++) {
        node.width *= node.shape.shape[d];
    }
    graph->nodes[graph->count] = node;
    return graph->count++;
}

/* Adds a sum of any number of values as a tree of sums. Its branches are of equal length, give or take one, and short
 * enough for merge to turn each into one product. */
static int32_t add_long_sum(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs) {
    enum { LONGEST = 48 };
    const int32_t n_branches = (n_inputs + LONGEST - 1) / LONGEST;
    int32_t *branches = arena_alloc(graph->arena, sizeof *branches * (size_t)n_branches);
    if (branches == NULL) {
        return -1;
    }
    struct scan_node branch = node;
    branch.name = NULL;
    for (int32_t i = 0, first = 0; i < n_branches; i++) {
        const int32_t length = n_inputs / n_branches + (i < n_inputs % n_branches);
        branches[i] = add_node(graph, branch, inputs + first, length);
        first += length;
    }
    return graph_add(graph, node, branches, n_branches);
}

int32_t graph_add(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs) {
    if (n_inputs <= GRAPH_MOST_INPUTS || !node_is_elementwise(&node)) {
        return add_node(graph, node, inputs, n_inputs);
    }
    if (node.kind == NODE_SUM) {
        return add_long_sum(graph, node, inputs, n_inputs);
    }
    errors_bug(graph->errors, __FILE__, __LINE__, "a map has few inputs");
    return -1;
}

int32_t graph_add_sum(struct scan_graph *graph, int32_t like, const int32_t *inputs, int32_t n_inputs) {
    const struct scan_node *model = &graph->nodes[like];
    return graph_add(
        graph,
        (struct scan_node){
            .kind = NODE_SUM, .phase = model->phase, .backward = model->backward, .random = -1, .shape = model->shape},
        inputs, n_inputs);
}

/* ---- walks ----
 *
 * A step may be a chain of any length, so walks keep their own stack: of ids, each pushed at most once. */

/* Marks `id`, and every node that it is computed from, in half `half`; in both where that is -1. */
static void mark(const struct scan_graph *graph, int *marked, int32_t *stack, int half, int32_t id) {
    int32_t depth = 0;
    const int32_t *inputs = &id;
    for (int32_t n_inputs = 1;; n_inputs = graph->nodes[id].n_inputs, inputs = graph->nodes[id].inputs) {
        for (int32_t k = 0; k < n_inputs; k++) {
            const int32_t input = inputs[k]; /* cppcheck-suppress objectIndex; one input at first, `id` itself */
            if (input >= 0 && !marked[input] && (half < 0 || graph->nodes[input].backward == half)) {
                marked[input] = 1;
                stack[depth++] = input;
            }
        }
        if (depth == 0) {
            return;
        }
        id = stack[--depth];
    }
}

int *graph_live(const struct scan_graph *graph) {
    const size_t count = (size_t)graph->count + 1;
    int *live = arena_calloc(graph->arena, count, sizeof *live);
    int32_t *stack = arena_alloc(graph->arena, count * sizeof *stack);
    if (arena_failed(graph->arena)) {
        return NULL;
    }
    mark(graph, live, stack, -1, graph->output);
    mark(graph, live, stack, -1, graph->grad_x);
    for (int32_t s = 0; s < graph->n_states; s++) {
        mark(graph, live, stack, -1, graph->new_states[s]);
        mark(graph, live, stack, -1, graph->carry == NULL ? -1 : graph->carry[s]);
    }
    for (int32_t id = 0; id < graph->count; id++) {
        mark(graph, live, stack, -1, node_is_effect(&graph->nodes[id]) ? id : -1);
    }
    return live;
}

/* The forward half has finished when the backward half begins, so a carry waits for no forward value. */
int *graph_needed(const struct scan_graph *graph) {
    const size_t count = (size_t)graph->count + 1;
    int *needed = arena_calloc(graph->arena, count, sizeof *needed);
    int32_t *stack = arena_alloc(graph->arena, count * sizeof *stack);
    for (int32_t s = 0; !arena_failed(graph->arena) && s < graph->n_states; s++) {
        mark(graph, needed, stack, 0, graph->new_states[s]);
        mark(graph, needed, stack, 1, graph->carry == NULL ? -1 : graph->carry[s]);
    }
    for (int32_t id = 0; !arena_failed(graph->arena) && id < graph->count; id++) {
        mark(graph, needed, stack, 1, node_is_sequence_gradient(&graph->nodes[id]) ? id : -1);
    }
    return needed;
}

/* What graph_order knows while it walks. */
struct scan_walk {
    const int *live;
    int *pushed;
    int32_t *next; /* [count] number of the input of each node that is looked at next */
    int32_t *stack, *order;
    int32_t depth, count;
};

static void push(struct scan_walk *walk, int32_t id) {
    if (id >= 0 && walk->live[id] && !walk->pushed[id]) {
        walk->pushed[id] = 1;
        walk->stack[walk->depth++] = id;
    }
}

int32_t *graph_order(const struct scan_graph *graph, int32_t *n) {
    const size_t count = (size_t)graph->count + 1;
    struct scan_walk walk = {.live = graph_live(graph)};
    walk.pushed = arena_calloc(graph->arena, count, sizeof *walk.pushed);
    walk.next = arena_calloc(graph->arena, count, sizeof *walk.next);
    walk.stack = arena_alloc(graph->arena, count * sizeof *walk.stack);
    walk.order = arena_alloc(graph->arena, count * sizeof *walk.order);
    *n = 0;
    if (arena_failed(graph->arena)) {
        return NULL;
    }
    for (int32_t id = 0; id < graph->count; id++) {
        push(&walk, id);
        while (walk.depth > 0) {
            const int32_t top = walk.stack[walk.depth - 1];
            if (walk.next[top] < graph->nodes[top].n_inputs) {
                push(&walk, graph->nodes[top].inputs[walk.next[top]++]);
            } else {
                walk.order[walk.count++] = top;
                walk.depth--;
            }
        }
    }
    *n = walk.count;
    return walk.order;
}

static void use(int32_t *uses, int32_t id) {
    if (id >= 0) {
        uses[id]++;
    }
}

int32_t *graph_uses(const struct scan_graph *graph) {
    const int *live = graph_live(graph);
    int32_t *uses = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *uses);
    if (arena_failed(graph->arena)) {
        return NULL;
    }
    for (int32_t id = 0; id < graph->count; id++) {
        for (int32_t k = 0; live[id] && k < graph->nodes[id].n_inputs; k++) {
            use(uses, graph->nodes[id].inputs[k]);
        }
    }
    use(uses, graph->output);
    use(uses, graph->grad_x);
    for (int32_t s = 0; s < graph->n_states; s++) {
        use(uses, graph->new_states[s]);
        if (graph->carry != NULL) {
            use(uses, graph->carry[s]);
        }
    }
    return uses;
}

/* ---- broadcasting ---- */

const int32_t *graph_table(struct scan_graph *graph, const struct scan_node *operand, const struct scan_node *domain) {
    const int rows = node_is_rows(operand);
    const int32_t n = domain->shape.ndim, m = operand->shape.ndim;
    int64_t stride[RONDO_MAX_DIMS] = {0};
    int64_t step = 1;
    int same = operand->width == domain->width;
    for (int32_t d = n - 1; d >= 1; d--) {
        const int32_t o = d - n + m;
        const int64_t size = o >= rows ? operand->shape.shape[o] : 1;
        stride[d] = size == 1 ? 0 : step;
        step *= size;
    }
    if (same) {
        return NULL;
    }
    int32_t *table = arena_alloc(graph->arena, sizeof *table * (size_t)domain->width);
    for (int64_t j = 0; table != NULL && j < domain->width; j++) {
        int64_t rest = j, at = 0;
        for (int32_t d = n - 1; d >= 1; d--) {
            at += rest % domain->shape.shape[d] * stride[d];
            rest /= domain->shape.shape[d];
        }
        table[j] = (int32_t)at;
    }
    return table;
}
