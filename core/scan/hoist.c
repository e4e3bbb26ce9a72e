/* hoist: what depends only on the inputs of the sequence is computed for all steps at once, before the loop.
 *
 *     z = x @ W + h @ U + b     ->     before: p = x @ W + b     loop: z = p + h @ U
 *
 * Sums are regrouped for this. In the backward half the same holds for what depends only on the gradient of the outputs
 * and on values of the forward half. */
#include "core/scan/graph.h"

/* [count] 1 for every node that depends on a state, on the gradient of a state, or on random words of its step, and for what
 * must be in the loop. */
static int *find_recurrent(const struct scan_graph *graph) {
    int *recurrent = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *recurrent);
    int32_t n;
    const int32_t *order = graph_order(graph, &n);
    for (int32_t i = 0; !arena_failed(graph->arena) && i < n; i++) {
        const int32_t id = order[i];
        const struct scan_node *node = &graph->nodes[id];
        int *own = &recurrent[id];
        if (node->kind == NODE_STATE) {
            *own = !graph->constant[node->which] && !node->backward;
            continue;
        }
        *own = node->kind == NODE_GRAD_STATE || node->random >= 0 || node_is_effect(node) ||
               node_is_sequence_gradient(node);
        for (int32_t k = 0; k < node->n_inputs; k++) {
            const int32_t input = node->inputs[k];
            /* The forward half has finished when the backward half begins. */
            *own |= input >= 0 && recurrent[input] && graph->nodes[input].backward == node->backward &&
                    !(node->backward && graph->nodes[input].kind == NODE_STATE);
        }
    }
    return recurrent;
}

/* Moves the operands of a sum that are not recurrent into a separate sum, which is computed before the loop. */
static void regroup(struct scan_graph *graph, const int *recurrent, int32_t id) {
    int32_t early[GRAPH_MOST_INPUTS], late[GRAPH_MOST_INPUTS];
    int32_t n_early = 0, n_late = 0, widest = -1;
    const struct scan_node *node = &graph->nodes[id];
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const int32_t input = node->inputs[k];
        if (recurrent[input]) {
            late[n_late++] = input;
            continue;
        }
        early[n_early++] = input;
        if (node_is_rows(&graph->nodes[input]) && graph_same_shape(&graph->nodes[input], node)) {
            widest = input;
        }
    }
    if (n_early < 2 || n_late == 0 || widest < 0 || n_late + 1 > node->n_inputs) {
        return;
    }
    const int32_t sum = graph_add_sum(graph, widest, early, n_early);
    if (sum < 0) {
        return;
    }
    graph->nodes[sum].phase = PHASE_BEFORE;
    graph->nodes[sum].backward = graph->nodes[id].backward;
    struct scan_node *rest = &graph->nodes[id];
    rest->inputs[0] = sum;
    for (int32_t k = 0; k < n_late; k++) {
        rest->inputs[1 + k] = late[k];
    }
    rest->n_inputs = 1 + n_late;
}

void graph_hoist(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    const int32_t count = graph->count;
    const int *recurrent = find_recurrent(graph);
    const int *live = graph_live(graph);
    const int *needed = graph_needed(graph);
    /* A value that the loop does not wait for is better computed after it, close to its readers. */
    const int all = !settings->training || (settings->passes & PASS_SINK) == 0;
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t id = 0; id < count; id++) {
        struct scan_node *node = &graph->nodes[id];
        if (!live[id] || node_is_given(node) || node_is_effect(node) || !(all || needed[id])) {
            continue;
        }
        if (!recurrent[id]) {
            node->phase = PHASE_BEFORE;
        } else if (node->kind == NODE_SUM) {
            regroup(graph, recurrent, id);
        }
    }
}
