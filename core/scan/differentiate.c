/* differentiation: adds the backward step, by reverse accumulation over the forward step with the ops' gradient rules.
 *
 * Its inputs are the gradients of the output of this step and of the new states (the carries from step t + 1). Its
 * results are the gradients of the states before the step (the carries to step t - 1) and of x, and effects for the
 * gradients of fixed tensors. */
#include <string.h>

#include "core/scan/graph.h"

/* A list of gradients: those found so far that a node receives from its readers. */
struct scan_flow {
    int32_t *items;
    int32_t count, capacity;
};

struct scan_differentiation {
    struct scan_graph *graph;
    int *needs;              /* [n] 1: depends on something whose gradient is wanted */
    struct scan_flow *flows; /* [n] */
    struct scan_flow *parts; /* [n] gradients of parts of a row */
    int64_t **offsets;       /* [n] where these parts begin in a row */
    int32_t n;               /* nodes of the forward step */
    int wants_x, wants_constant;
};

static void add_item(struct scan_differentiation *d, struct scan_flow *flow, int32_t gradient) {
    if (flow->count == flow->capacity) {
        const int32_t capacity = flow->capacity == 0 ? 8 : flow->capacity * 2;
        int32_t *items = arena_alloc(d->graph->arena, sizeof *items * (size_t)capacity);
        if (items == NULL) {
            return;
        }
        if (flow->count > 0) {
            memcpy(items, flow->items, sizeof *items * (size_t)flow->count);
        }
        flow->items = items;
        flow->capacity = capacity;
    }
    flow->items[flow->count++] = gradient;
}

static void add_flow(struct scan_differentiation *d, int32_t id, int32_t gradient) {
    add_item(d, &d->flows[id], gradient);
}

/* Adds a gradient of the elements of a row from `offset` on. */
static void add_part(struct scan_differentiation *d, int32_t id, int64_t offset, int32_t gradient) {
    const int32_t count = d->parts[id].count;
    int64_t *offsets = arena_alloc(d->graph->arena, sizeof *offsets * (size_t)(count + 1));
    if (offsets == NULL) {
        return;
    }
    if (count > 0) {
        memcpy(offsets, d->offsets[id], sizeof *offsets * (size_t)count);
    }
    offsets[count] = offset;
    d->offsets[id] = offsets;
    add_item(d, &d->parts[id], gradient);
}

static struct scan_node backward_node(enum scan_node_kind kind, const struct scan_node *like) {
    return (struct scan_node){
        .kind = kind, .phase = PHASE_LOOP, .backward = 1, .random = -1, .shape = like->shape, .op = NULL};
}

/* Adds the gradients of parts of a row, at their offsets, to the gradient `whole` of the row; -1: there is none. */
static int32_t join(struct scan_differentiation *d, int32_t id, int32_t whole) {
    struct scan_graph *graph = d->graph;
    const struct scan_flow *parts = &d->parts[id];
    int32_t *inputs = arena_alloc(graph->arena, sizeof *inputs * (size_t)(parts->count + 1));
    int64_t *offsets = arena_calloc(graph->arena, (size_t)parts->count + 1, sizeof *offsets);
    if (inputs == NULL || offsets == NULL) {
        return -1;
    }
    inputs[0] = whole;
    for (int32_t k = 0; k < parts->count; k++) {
        inputs[1 + k] = parts->items[k];
        offsets[1 + k] = d->offsets[id][k];
    }
    struct scan_node node = backward_node(NODE_JOIN, &graph->nodes[id]);
    node.offsets = offsets;
    return graph_add(graph, node, inputs, parts->count + 1);
}

/* The gradient of a node: the sum of all that it receives; -1: nothing. */
static int32_t total(struct scan_differentiation *d, int32_t id) {
    const struct scan_flow *flow = &d->flows[id];
    int32_t sum = flow->count == 0 ? -1 : flow->items[0];
    if (flow->count > 1) {
        sum = graph_add(d->graph, backward_node(NODE_SUM, &d->graph->nodes[id]), flow->items, flow->count);
    }
    return id < d->n && d->parts[id].count > 0 ? join(d, id, sum) : sum;
}

/* Finds the nodes that depend on a value whose gradient is wanted. A state depends on it if its new value does, so the
 * search is repeated until nothing changes. */
static void find_needs(struct scan_differentiation *d, const int32_t *order, int32_t n_order) {
    struct scan_graph *graph = d->graph;
    for (int32_t s = 0; s < graph->n_states; s++) { /* its initial value may want a gradient */
        graph->state_needs[s] = graph->states[s] >= 0 && (!graph->constant[s] || d->wants_constant);
    }
    for (int changed = 1; changed;) {
        changed = 0;
        for (int32_t i = 0; i < n_order; i++) {
            const struct scan_node *node = &graph->nodes[order[i]];
            int needs = (node->kind == NODE_X && d->wants_x) ||
                        (node->kind == NODE_FIXED && graph->fixed_needs[node->which]) ||
                        (node->kind == NODE_RAGGED && graph->ragged_needs[node->which]) ||
                        (node->kind == NODE_STATE && graph->state_needs[node->which]);
            for (int32_t k = 0; k < node->n_inputs; k++) {
                needs |= node->inputs[k] >= 0 && d->needs[node->inputs[k]];
            }
            if (node->op != NULL && (node->op->flags & RONDO_OP_NO_GRADIENT) != 0) {
                needs = 0;
            }
            d->needs[order[i]] = needs;
        }
        for (int32_t s = 0; s < graph->n_states; s++) {
            const int needs = graph->new_states[s] >= 0 && d->needs[graph->new_states[s]];
            changed |= needs && !graph->state_needs[s];
            graph->state_needs[s] |= needs;
        }
    }
}

/* Passes the gradient `g`, in the shape of node `like`, on to input `id`, which was broadcast to that shape. */
static void pass_on(struct scan_differentiation *d, int32_t id, int32_t g, int32_t like) {
    struct scan_graph *graph = d->graph;
    const struct scan_node *input = &graph->nodes[id];
    if (input->kind == NODE_FIXED) {
        struct scan_node effect = backward_node(NODE_FIXED_SUM, &graph->nodes[like]);
        effect.which = input->which;
        graph_add(graph, effect, &g, 1);
    } else if (graph_same_shape(input, &graph->nodes[like])) {
        add_flow(d, id, g);
    } else {
        add_flow(d, id, graph_add(graph, backward_node(NODE_REDUCE, input), &g, 1));
    }
}

static void through_sum(struct scan_differentiation *d, int32_t id, int32_t g) {
    for (int32_t k = 0; k < d->graph->nodes[id].n_inputs; k++) {
        const int32_t input = d->graph->nodes[id].inputs[k];
        if (d->needs[input]) {
            pass_on(d, input, g, id);
        }
    }
}

static void through_map(struct scan_differentiation *d, int32_t id, int32_t g) {
    struct scan_graph *graph = d->graph;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        const struct scan_node *node = &graph->nodes[id];
        const int32_t input = node->inputs[k];
        if (!d->needs[input]) {
            continue;
        }
        const uint32_t said = node->op->map_grad_reads[k];
        const uint32_t reads = said == 0 ? ~0u : said;
        int32_t inputs[GRAPH_MOST_INPUTS];
        for (int32_t j = 0; j < node->n_inputs; j++) {
            inputs[j] = (reads & RONDO_READS_INPUT(j)) != 0 ? node->inputs[j] : -1;
        }
        inputs[node->n_inputs] = (reads & RONDO_READS_OUTPUT) != 0 ? id : -1;
        inputs[node->n_inputs + 1] = g;
        struct scan_node gradient = backward_node(NODE_MAP_GRADIENT, node);
        gradient.op = node->op;
        gradient.options = node->options;
        gradient.which = k;
        pass_on(d, input, graph_add(graph, gradient, inputs, node->n_inputs + 2), id);
    }
}

/* y = init + sum of a @ W:  dL/da = dL/dy @ W^T,  dL/dW = a^T dL/dy */
static void through_product(struct scan_differentiation *d, int32_t id, int32_t g) {
    struct scan_graph *graph = d->graph;
    for (int32_t k = 1; k + 1 < graph->nodes[id].n_inputs; k += 2) {
        const int32_t a = graph->nodes[id].inputs[k], w = graph->nodes[id].inputs[k + 1];
        if (d->needs[w]) {
            struct scan_node effect = backward_node(NODE_WEIGHT_GRADIENT, &graph->nodes[id]);
            const int32_t inputs[2] = {a, g};
            effect.which = graph->nodes[w].which;
            graph_add(graph, effect, inputs, 2);
        }
        if (d->needs[a]) {
            struct scan_node gradient = backward_node(NODE_PRODUCT, &graph->nodes[a]);
            const int32_t inputs[3] = {-1, g, w};
            gradient.transposed = 1;
            add_flow(d, a, graph_add(graph, gradient, inputs, 3));
        }
    }
}

static void through_call(struct scan_differentiation *d, int32_t id, int32_t g) {
    struct scan_graph *graph = d->graph;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        const struct scan_node *node = &graph->nodes[id];
        const int32_t input = node->inputs[k];
        if (!d->needs[input]) {
            continue;
        }
        int32_t *inputs = arena_alloc(graph->arena, sizeof *inputs * (size_t)(node->n_inputs + 1));
        if (inputs == NULL) {
            return;
        }
        memcpy(inputs, node->inputs, sizeof *inputs * (size_t)node->n_inputs);
        inputs[node->n_inputs] = g;
        const enum scan_node_kind of = graph->nodes[input].kind;
        const enum scan_node_kind kind = of == NODE_FIXED    ? NODE_FIXED_CALL
                                         : of == NODE_RAGGED ? NODE_RAGGED_CALL
                                                             : NODE_CALL_GRADIENT;
        struct scan_node gradient = backward_node(kind, &graph->nodes[input]);
        gradient.op = node->op;
        gradient.options = node->options;
        gradient.random = node->random;
        gradient.which = kind == NODE_CALL_GRADIENT ? -1 : graph->nodes[input].which;
        gradient.input = k;
        gradient.of = id;
        const int32_t added = graph_add(graph, gradient, inputs, node->n_inputs + 1);
        if (kind == NODE_CALL_GRADIENT) {
            add_flow(d, input, added);
        }
    }
}

static void through(struct scan_differentiation *d, int32_t id) {
    struct scan_graph *graph = d->graph;
    if (!d->needs[id] || node_is_given(&graph->nodes[id])) {
        return;
    }
    const int32_t g = total(d, id);
    if (g < 0 || graph_failed(graph)) {
        return;
    }
    switch (graph->nodes[id].kind) {
    case NODE_SUM:
        through_sum(d, id, g);
        break;
    case NODE_MAP:
        through_map(d, id, g);
        break;
    case NODE_PRODUCT:
        through_product(d, id, g);
        break;
    case NODE_CALL:
        through_call(d, id, g);
        break;
    case NODE_PART:
        add_part(d, graph->nodes[id].inputs[0], graph->nodes[id].offset, g);
        break;
    default: { /* NODE_VIEW */
        const int32_t input = graph->nodes[id].inputs[0];
        add_flow(d, input, graph_add(graph, backward_node(NODE_VIEW, &graph->nodes[input]), &g, 1));
    }
    }
}

/* Adds the gradients of the results, which come from outside. */
static void seed(struct scan_differentiation *d) {
    struct scan_graph *graph = d->graph;
    for (int32_t s = 0; s < graph->n_states; s++) {
        const int32_t id = graph->constant[s] ? graph->states[s] : graph->new_states[s];
        if (id >= 0 && graph->state_needs[s]) {
            struct scan_node carried = backward_node(NODE_GRAD_STATE, &graph->nodes[id]);
            carried.which = s;
            add_flow(d, id, graph_add(graph, carried, NULL, 0));
        }
    }
    if (d->needs[graph->output]) {
        add_flow(d, graph->output,
                 graph_add(graph, backward_node(NODE_GRAD_OUTPUT, &graph->nodes[graph->output]), NULL, 0));
    }
}

/* Adds up the results: the carries, and the gradient of x. */
static void collect(struct scan_differentiation *d) {
    struct scan_graph *graph = d->graph;
    for (int32_t s = 0; s < graph->n_states; s++) {
        graph->carry[s] = graph->states[s] >= 0 && graph->state_needs[s] ? total(d, graph->states[s]) : -1;
    }
    for (int32_t id = 0; id < d->n && d->wants_x; id++) {
        if (graph->nodes[id].kind == NODE_X && (d->flows[id].count > 0 || d->parts[id].count > 0)) {
            const int32_t existing = graph_add(graph, backward_node(NODE_GRAD_X, &graph->nodes[id]), NULL, 0);
            if (d->parts[id].count > 0) { /* joined first: only a sum can add to its input in place */
                const int32_t joined = total(d, id);
                d->parts[id].count = d->flows[id].count = 0;
                add_flow(d, id, joined);
            }
            add_flow(d, id, existing);
            graph->grad_x = total(d, id);
        }
    }
}

void graph_differentiate(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    int32_t n_order;
    const int32_t *order = graph_order(graph, &n_order);
    struct scan_differentiation d = {
        .graph = graph, .n = graph->count, .wants_x = settings->wants_x, .wants_constant = settings->wants_constant};
    d.needs = arena_calloc(graph->arena, (size_t)d.n + 1, sizeof *d.needs);
    d.flows = arena_calloc(graph->arena, (size_t)d.n + 1, sizeof *d.flows);
    d.parts = arena_calloc(graph->arena, (size_t)d.n + 1, sizeof *d.parts);
    d.offsets = arena_calloc(graph->arena, (size_t)d.n + 1, sizeof *d.offsets);
    graph->carry = arena_alloc(graph->arena, sizeof *graph->carry * (size_t)(graph->n_states + 1));
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t s = 0; s < graph->n_states; s++) {
        graph->carry[s] = -1;
    }
    find_needs(&d, order, n_order);
    seed(&d);
    for (int32_t i = n_order - 1; i >= 0 && !graph_failed(graph); i--) {
        through(&d, order[i]);
    }
    if (!graph_failed(graph)) {
        collect(&d);
    }
}
