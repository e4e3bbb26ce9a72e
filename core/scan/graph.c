#include "core/scan/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"

int node_is_given(const struct scan_node *node) {
    return node->kind <= NODE_GRAD_X;
}

int node_is_rows(const struct scan_node *node) {
    return node->kind != NODE_FIXED && !node_is_effect(node);
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

int32_t graph_base(const struct scan_graph *graph, int32_t id) {
    while (id >= 0 && node_is_alias(&graph->nodes[id])) {
        id = graph->nodes[id].inputs[0];
    }
    return id;
}

int graph_same_shape(const struct scan_node *a, const struct scan_node *b) {
    return a->shape.ndim == b->shape.ndim &&
           memcmp(a->shape.shape, b->shape.shape, sizeof a->shape.shape[0] * (size_t)a->shape.ndim) == 0;
}

static int32_t no_memory(struct scan_graph *graph) {
    if (!graph->failed) {
        errors_no_memory(graph->errors);
    }
    graph->failed = 1;
    return -1;
}

static int32_t add_node(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs) {
    int32_t *copy = arena_alloc(graph->arena, sizeof *copy * (size_t)(n_inputs + 1));
    if (graph->failed || copy == NULL) {
        return no_memory(graph);
    }
    if (graph->count == graph->capacity) {
        const int32_t capacity = graph->capacity == 0 ? 64 : graph->capacity * 2;
        struct scan_node *nodes = arena_alloc(graph->arena, sizeof *nodes * (size_t)capacity);
        if (nodes == NULL) {
            return no_memory(graph);
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
    for (int32_t d = node_is_rows(&node) ? 1 : 0; d < node.shape.ndim; d++) {
        node.width *= node.shape.shape[d];
    }
    graph->nodes[graph->count] = node;
    return graph->count++;
}

/* Adds a sum of any number of values as a tree of sums. Its branches are of equal length, give or take one, and short
 * enough that merge can make one product of each. */
static int32_t add_long_sum(struct scan_graph *graph, struct scan_node node, const int32_t *inputs, int32_t n_inputs) {
    enum { LONGEST = 48 };
    const int32_t n_branches = (n_inputs + LONGEST - 1) / LONGEST;
    int32_t *branches = arena_alloc(graph->arena, sizeof *branches * (size_t)n_branches);
    if (branches == NULL) {
        return no_memory(graph);
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
    graph->failed = 1;
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

static void mark(const struct scan_graph *graph, int *live, int32_t id) {
    if (id < 0 || live[id]) {
        return;
    }
    live[id] = 1;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        mark(graph, live, graph->nodes[id].inputs[k]);
    }
}

static void mark_results(const struct scan_graph *graph, int *live) {
    mark(graph, live, graph->output);
    for (int32_t s = 0; s < graph->n_states; s++) {
        mark(graph, live, graph->new_states[s]);
        if (graph->carry != NULL) {
            mark(graph, live, graph->carry[s]);
        }
    }
    mark(graph, live, graph->grad_x);
    for (int32_t id = 0; id < graph->count; id++) {
        if (node_is_effect(&graph->nodes[id])) {
            mark(graph, live, id);
        }
    }
}

int *graph_live(const struct scan_graph *graph) {
    int *live = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *live);
    if (live != NULL) {
        mark_results(graph, live);
    }
    return live;
}

static void visit(const struct scan_graph *graph, const int *live, int *done, int32_t *order, int32_t *n, int32_t id) {
    if (id < 0 || !live[id] || done[id]) {
        return;
    }
    done[id] = 1;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        visit(graph, live, done, order, n, graph->nodes[id].inputs[k]);
    }
    order[(*n)++] = id;
}

int32_t *graph_order(const struct scan_graph *graph, int32_t *n) {
    int *live = graph_live(graph);
    int *done = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *done);
    int32_t *order = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *order);
    *n = 0;
    if (live == NULL || done == NULL || order == NULL) {
        return NULL;
    }
    for (int32_t id = 0; id < graph->count; id++) {
        visit(graph, live, done, order, n, id);
    }
    return order;
}

static void use(int32_t *uses, int32_t id) {
    if (id >= 0) {
        uses[id]++;
    }
}

int32_t *graph_uses(const struct scan_graph *graph) {
    const int *live = graph_live(graph);
    int32_t *uses = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *uses);
    if (live == NULL || uses == NULL) {
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

/* Marks what a result of one half of the step is computed from in that half: when the backward step begins, all of the
 * forward step is there. */
static void need(const struct scan_graph *graph, int *needed, int backward, int32_t id) {
    if (id < 0 || needed[id] || graph->nodes[id].backward != backward) {
        return;
    }
    needed[id] = 1;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        need(graph, needed, backward, graph->nodes[id].inputs[k]);
    }
}

int *graph_needed(const struct scan_graph *graph) {
    int *needed = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *needed);
    for (int32_t s = 0; needed != NULL && s < graph->n_states; s++) {
        need(graph, needed, 0, graph->new_states[s]);
        if (graph->carry != NULL) {
            need(graph, needed, 1, graph->carry[s]);
        }
    }
    return needed;
}

void text_add(struct arena *arena, char **text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(line, sizeof line, format, arguments);
    va_end(arguments);
    char *longer = *text == NULL ? NULL : arena_printf(arena, "%s%s", *text, line);
    if (longer != NULL) {
        *text = longer;
    }
}

static const char *const phase_names[] = {"before", "loop", "after"};

/* "3:h", "-". */
static void add_value(const struct scan_graph *graph, struct arena *arena, char **text, int32_t id) {
    if (id < 0) {
        text_add(arena, text, "-");
    } else if (graph->nodes[id].name != NULL) {
        text_add(arena, text, "%d:%s", id, graph->nodes[id].name);
    } else {
        text_add(arena, text, "%d", id);
    }
}

static void add_node_text(const struct scan_graph *graph, struct arena *arena, char **text, int32_t id) {
    static const char *const kinds[] = {
        [NODE_X] = "x",
        [NODE_STATE] = "state",
        [NODE_FIXED] = "fixed",
        [NODE_GRAD_OUTPUT] = "grad_output",
        [NODE_GRAD_STATE] = "grad_state",
        [NODE_GRAD_X] = "grad_x",
        [NODE_MAP] = "map",
        [NODE_SUM] = "sum",
        [NODE_PRODUCT] = "product",
        [NODE_CALL] = "call",
        [NODE_VIEW] = "view",
        [NODE_PART] = "part",
        [NODE_MAP_GRADIENT] = "map_gradient",
        [NODE_CALL_GRADIENT] = "call_gradient",
        [NODE_JOIN] = "join",
        [NODE_REDUCE] = "reduce",
        [NODE_WEIGHT_GRADIENT] = "weight_gradient",
        [NODE_FIXED_SUM] = "fixed_sum",
        [NODE_FIXED_CALL] = "fixed_call",
    };
    const struct scan_node *node = &graph->nodes[id];
    text_add(arena, text, "  %-8s %-6s ", node->backward ? "backward" : "forward", phase_names[node->phase]);
    add_value(graph, arena, text, id);
    text_add(arena, text, " = %s", node->op == NULL ? kinds[node->kind] : node->op->base.name);
    if (node->op != NULL && node->kind != NODE_MAP && node->kind != NODE_CALL) {
        text_add(arena, text, ".%s", kinds[node->kind]);
    }
    if (node->kind == NODE_MAP_GRADIENT || node->kind == NODE_CALL_GRADIENT || node_is_effect(node) ||
        node->kind == NODE_GRAD_STATE) {
        text_add(arena, text, "[%d]", node->kind == NODE_CALL_GRADIENT ? node->input : node->which);
    }
    text_add(arena, text, "(");
    for (int32_t k = 0; k < node->n_inputs; k++) {
        text_add(arena, text, k == 0 ? "" : ", ");
        add_value(graph, arena, text, node->inputs[k]);
        if (node->kind == NODE_PRODUCT && k >= 2 && k % 2 == 0 && (node->transposed >> (k / 2 - 1) & 1) != 0) {
            text_add(arena, text, "^T");
        }
    }
    text_add(arena, text, ") %s\n", node_is_effect(node) ? "" : tensor_shape_text(&node->shape).text);
}

char *graph_text(const struct scan_graph *graph, struct arena *arena) {
    char *text = arena_strdup(arena, "");
    int32_t n;
    const int32_t *order = graph_order(graph, &n);
    for (int32_t i = 0; order != NULL && i < n; i++) {
        if (!node_is_given(&graph->nodes[order[i]])) {
            add_node_text(graph, arena, &text, order[i]);
        }
    }
    return text;
}

/* Writes down what a pass made of the graph. */
static void tell(const struct scan_graph *graph, const char *name, struct arena *arena, char **text) {
    if (text == NULL || graph->failed) {
        return;
    }
    const char *now = graph_text(graph, arena);
    char *all = arena_printf(arena, "%safter %s:\n%s", *text == NULL ? "" : *text, name, now == NULL ? "" : now);
    *text = all == NULL ? *text : all;
}

struct scan_graph *graph_create(const struct scan_graph_settings *settings, struct arena *arena,
                                struct arena *text_arena, char **text, struct errors *errors) {
    struct scan_graph *graph = arena_calloc(arena, 1, sizeof *graph);
    if (graph == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    graph->arena = arena;
    graph->errors = errors;
    graph->passes = settings->passes;
    graph->training = settings->training;
    graph->grad_x = -1;
    const struct {
        const char *name;
        int on;
        void (*run)(struct scan_graph *graph, const struct scan_graph_settings *settings);
    } passes[] = {
        {"tracing", 1, graph_build},
        {"hoist: what depends on inputs alone goes before the loop", settings->passes & PASS_HOIST, graph_hoist},
        {"differentiation", settings->training, graph_differentiate},
        {"hoist, of the backward step", settings->training && (settings->passes & PASS_HOIST), graph_hoist},
        {"sink: what the recurrence does not need goes behind the loop", settings->passes & PASS_SINK, graph_sink},
        {"merge: products add into the sums that they are part of", settings->passes & PASS_MERGE, graph_merge},
        {"plan: what is cheap is computed again where it is read", settings->passes & PASS_PLAN, graph_rematerialise},
    };
    for (size_t i = 0; i < sizeof passes / sizeof passes[0] && !graph->failed && errors->count == 0; i++) {
        if (passes[i].on) {
            passes[i].run(graph, settings);
            tell(graph, passes[i].name, text_arena, text);
        }
    }
    graph->errors = NULL;
    return graph->failed || errors->count > 0 ? NULL : graph;
}
