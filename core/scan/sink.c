/* sink: what the recurrence does not need is computed behind the loop, for all steps at once: outputs, the gradients of
 * inputs and weights. What is left in the loop is what the next step waits for.
 *
 *     dW += x_t^T dz_t in every step     ->     after: dW += X^T dZ, one product over all steps */
#include "core/scan/graph.h"

/* Marks what a result of one half of the step is computed from in that half: when the backward step begins, all of the
 * forward step is there. */
static void need(const struct graph *graph, int *needed, int backward, int32_t id) {
    if (id < 0 || needed[id] || graph->nodes[id].backward != backward) {
        return;
    }
    needed[id] = 1;
    for (int32_t k = 0; k < graph->nodes[id].n_inputs; k++) {
        need(graph, needed, backward, graph->nodes[id].inputs[k]);
    }
}

void graph_sink(struct graph *graph, const struct graph_settings *settings) {
    int *needed = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *needed);
    if (needed == NULL) {
        errors_no_memory(graph->errors);
        graph->failed = 1;
        return;
    }
    for (int32_t s = 0; s < graph->n_states; s++) {
        need(graph, needed, 0, graph->new_states[s]);
        if (graph->carry != NULL) {
            need(graph, needed, 1, graph->carry[s]);
        }
    }
    for (int32_t id = 0; id < graph->count; id++) {
        struct node *node = &graph->nodes[id];
        /* Without a backward step nothing keeps the states of all steps, and to sink would mean to keep them. */
        const int may_sink = settings->training || node->backward;
        if (node->phase == PHASE_LOOP && !node_is_given(node) && !needed[id] && may_sink) {
            node->phase = PHASE_AFTER;
        }
    }
}
