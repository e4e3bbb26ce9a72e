/* keep carries: the gradient of a new state that comes from the step after is there only while the loop is at its step.
 * What reads it after the loop, or through an alias, reads a copy that is kept for all steps.
 *
 *     after: dW += h^T grad_state     ->     loop: c = copy(grad_state)     after: dW += h^T c */
#include "core/scan/graph.h"

/* Lets the readers of `id` that are not in the loop read a copy. */
static void copy_for_readers(struct scan_graph *graph, const int *live, int32_t count, int32_t id) {
    int32_t copy = -1;
    for (int32_t user = 0; user < count; user++) {
        for (int32_t k = 0; live[user] && k < graph->nodes[user].n_inputs; k++) {
            const int elsewhere = graph->nodes[user].phase != PHASE_LOOP || node_is_alias(&graph->nodes[user]);
            if (graph->nodes[user].inputs[k] != id || !elsewhere) {
                continue;
            }
            copy = copy < 0 ? graph_add_sum(graph, id, &id, 1) : copy;
            if (copy < 0) {
                return;
            }
            graph->nodes[copy].phase = PHASE_LOOP;
            graph->nodes[user].inputs[k] = copy;
        }
    }
}

void graph_keep_carries(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    (void)settings;
    const int *live = graph_live(graph);
    const int32_t count = graph->count;
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t id = 0; id < count && !graph_failed(graph); id++) {
        if (live[id] && graph->nodes[id].kind == NODE_GRAD_STATE) {
            copy_for_readers(graph, live, count, id);
        }
    }
}
