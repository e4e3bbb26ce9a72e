/* sink: what the recurrence does not need is computed behind the loop, for all steps at once: outputs, the gradients of
 * inputs and weights. What is left in the loop is what the next step waits for.
 *
 *     dW += x_t^T dz_t in every step     ->     after: dW += X^T dZ, one product over all steps */
#include "core/scan/graph.h"

void graph_sink(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    const int *needed = graph_needed(graph);
    if (needed == NULL) {
        errors_no_memory(graph->errors);
        graph->failed = 1;
        return;
    }
    for (int32_t id = 0; id < graph->count; id++) {
        struct scan_node *node = &graph->nodes[id];
        /* Without a backward step nothing keeps the states of all steps, and to sink would mean to keep them. */
        const int may_sink = settings->training || node->backward;
        if (node->phase == PHASE_LOOP && !node_is_given(node) && !needed[id] && may_sink) {
            node->phase = PHASE_AFTER;
        }
    }
}
