/* rematerialise, the first part of the pass plan: a value that costs no more to compute than to load is computed again
 * where it is read, if its operands are stored for all steps anyway.
 *
 *     forward: u = 1 - z; …      backward: … u …     ->     backward: u = 1 - z; …
 *
 * So only z is kept for all steps. */
#include "core/scan/graph.h"

enum { WANTED = -1 };

struct scan_rematerialisation {
    struct scan_graph *graph;
    int *crosses;                       /* [count] 1: another stage reads it, 2: it is a result, else 0 */
    int *replaced;                      /* [count] 1: other stages compute a copy */
    int32_t (*copies)[2 * PHASE_COUNT]; /* [count] the id of the copy in each stage; 0: none; WANTED: not made yet */
    int32_t count;
};

static int32_t stage_of(const struct scan_node *node) {
    return node->backward * PHASE_COUNT + (int32_t)node->phase;
}

static void find_crossings(const struct scan_rematerialisation *r, const int *live) {
    const struct scan_graph *graph = r->graph;
    for (int32_t id = 0; id < r->count; id++) {
        for (int32_t k = 0; live[id] && k < graph->nodes[id].n_inputs; k++) {
            const int32_t input = graph->nodes[id].inputs[k];
            if (input >= 0) {
                r->crosses[input] |= stage_of(&graph->nodes[input]) != stage_of(&graph->nodes[id]);
            }
        }
    }
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (graph->new_states[s] >= 0) {
            r->crosses[graph->new_states[s]] = 2;
        }
        if (graph->carry != NULL && graph->carry[s] >= 0) {
            r->crosses[graph->carry[s]] = 2;
        }
    }
    r->crosses[graph->output] = 2;
    if (graph->grad_x >= 0) {
        r->crosses[graph->grad_x] = 2;
    }
}

/* 1 for a cheap map whose operands every stage can read, and that other stages read only in elementwise nodes. */
static int is_worth(const struct scan_rematerialisation *r, const int *live, int32_t id) {
    const struct scan_graph *graph = r->graph;
    const struct scan_node *node = &graph->nodes[id];
    if (!live[id] || node->kind != NODE_MAP || (node->op->flags & RONDO_OP_CHEAP) == 0 || r->crosses[id] != 1) {
        return 0;
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const struct scan_node *input = &graph->nodes[node->inputs[k]];
        const int there = node_is_given(input) || r->crosses[node->inputs[k]] || r->replaced[node->inputs[k]];
        if (!there || node_is_alias(input) || (node_is_rows(input) && !graph_same_shape(input, node))) {
            return 0;
        }
    }
    for (int32_t user = 0; user < r->count; user++) {
        for (int32_t k = 0; live[user] && k < graph->nodes[user].n_inputs; k++) {
            if (graph->nodes[user].inputs[k] == id && stage_of(&graph->nodes[user]) != stage_of(node) &&
                !node_is_elementwise(&graph->nodes[user])) {
                return 0;
            }
        }
    }
    return 1;
}

/* Notes which values need a copy in which stages: those that the stage reads, and what their copies read. */
static void find_copies(const struct scan_rematerialisation *r, const int32_t *order, int32_t n_order) {
    const struct scan_graph *graph = r->graph;
    for (int32_t i = n_order - 1; i >= 0; i--) { /* readers before what they read */
        const struct scan_node *node = &graph->nodes[order[i]];
        for (int32_t stage = 0; stage < 2 * PHASE_COUNT; stage++) {
            const int is_there = stage_of(node) == stage || r->copies[order[i]][stage] != 0;
            for (int32_t k = 0; is_there && k < node->n_inputs; k++) {
                const int32_t input = node->inputs[k];
                if (input >= 0 && r->replaced[input] && stage_of(&graph->nodes[input]) != stage) {
                    r->copies[input][stage] = WANTED;
                }
            }
        }
    }
}

/* The id that `stage` reads instead of `id`, whose copy is made already. */
static int32_t copy_in(const struct scan_rematerialisation *r, int32_t id, int32_t stage) {
    return stage_of(&r->graph->nodes[id]) == stage || !r->replaced[id] ? id : r->copies[id][stage];
}

static void make_copies(const struct scan_rematerialisation *r, int32_t id) {
    struct scan_graph *graph = r->graph;
    for (int32_t stage = 0; stage < 2 * PHASE_COUNT && !graph_failed(graph); stage++) {
        struct scan_node copy = graph->nodes[id];
        int32_t inputs[GRAPH_MOST_INPUTS];
        if (r->copies[id][stage] == WANTED) {
            for (int32_t k = 0; k < copy.n_inputs; k++) {
                inputs[k] = copy_in(r, copy.inputs[k], stage);
            }
            copy.backward = stage / PHASE_COUNT;
            copy.phase = (enum scan_phase)(stage % PHASE_COUNT);
            r->copies[id][stage] = graph_add(graph, copy, inputs, copy.n_inputs);
        }
    }
}

void graph_rematerialise(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    (void)settings;
    int32_t n_order;
    const int32_t *order = graph_order(graph, &n_order);
    const int *live = graph_live(graph);
    struct scan_rematerialisation r = {.graph = graph, .count = graph->count};
    const size_t n = (size_t)graph->count + 1;
    r.crosses = arena_calloc(graph->arena, n, sizeof *r.crosses);
    r.replaced = arena_calloc(graph->arena, n, sizeof *r.replaced);
    r.copies = arena_calloc(graph->arena, n, sizeof *r.copies);
    if (arena_failed(graph->arena)) {
        return;
    }
    find_crossings(&r, live);
    for (int32_t i = 0; i < n_order; i++) {
        r.replaced[order[i]] = is_worth(&r, live, order[i]);
    }
    find_copies(&r, order, n_order);
    for (int32_t i = 0; i < n_order; i++) {
        make_copies(&r, order[i]);
    }
    for (int32_t id = 0; id < r.count && !graph_failed(graph); id++) {
        for (int32_t k = 0; live[id] && k < graph->nodes[id].n_inputs; k++) {
            const int32_t input = graph->nodes[id].inputs[k];
            if (input >= 0) {
                graph->nodes[id].inputs[k] = copy_in(&r, input, stage_of(&graph->nodes[id]));
            }
        }
    }
}
