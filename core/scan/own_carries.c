/* own carries: the gradient that goes to the step before is written by the loop into its own memory, which two steps
 * use in turn. So every carry must be a node of the backward loop that stores its elements itself, that belongs to one
 * state, and that nothing outside the loop reads, since by then a later step has overwritten it. Where it is not, the
 * carry becomes a copy that is.
 *
 *     carry of s: view(g)     ->     c = copy(view(g)); carry of s: c */
#include "core/scan/graph.h"

/* 1 if something reads `id` through an alias or outside of the loop. */
static int is_read_elsewhere(const struct scan_graph *graph, const int *live, int32_t count, int32_t id) {
    for (int32_t user = 0; user < count; user++) {
        const struct scan_node *node = &graph->nodes[user];
        for (int32_t k = 0; live[user] && k < node->n_inputs; k++) {
            if (node->inputs[k] == id && (node->phase != PHASE_LOOP || node_is_alias(node))) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_own(const struct scan_graph *graph, const int *live, int32_t count, int32_t state) {
    const int32_t id = graph->carry[state];
    const struct scan_node *node = &graph->nodes[id];
    if (node_is_given(node) || node_is_alias(node) || node->phase != PHASE_LOOP || !node->backward) {
        return 0;
    }
    for (int32_t other = 0; other < state; other++) {
        if (graph->carry[other] == id) {
            return 0;
        }
    }
    return !is_read_elsewhere(graph, live, count, id);
}

void graph_own_carries(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    (void)settings;
    const int32_t count = graph->count;
    const int *live = graph_live(graph);
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t s = 0; s < graph->n_states && !graph_failed(graph); s++) {
        const int32_t id = graph->carry[s];
        if (id < 0 || (id < count && is_own(graph, live, count, s))) {
            continue;
        }
        const int32_t copy = graph_add_sum(graph, id, &id, 1);
        if (copy >= 0) {
            graph->nodes[copy].phase = PHASE_LOOP;
            graph->nodes[copy].backward = 1;
            graph->carry[s] = copy;
        }
    }
}
