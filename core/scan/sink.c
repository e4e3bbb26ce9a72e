/* sink: what the recurrence does not wait for is computed after the loop, for all steps at once: outputs, and the
 * gradients of inputs and weights. Only what the next step needs is left in the loop.
 *
 *     dW += x_t^T dz_t in every step     ->     after: dW += X^T dZ, one product over all steps */
#include "core/scan/graph.h"

void graph_sink(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    const int *needed = graph_needed(graph);
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t id = 0; id < graph->count; id++) {
        struct scan_node *node = &graph->nodes[id];
        /* Without a backward step the states of all steps are not stored; what reads them later would need them. */
        const int may_sink = settings->training || node->backward;
        if (node->phase == PHASE_LOOP && !node_is_given(node) && !needed[id] && may_sink) {
            node->phase = PHASE_AFTER;
        }
    }
}
