/* What a loop over time moves through memory: for benchmarks. */
#include "core/scan/plan.h"

/* What stands for all steps, as a number: a sequence, x or a gradient from outside; -1: neither. */
static int64_t kept(const struct plan *plan, int32_t id) {
    const struct graph *graph = plan->graph;
    id = graph_base(graph, id);
    const struct node *node = id < 0 ? NULL : &graph->nodes[id];
    if (node == NULL || node->kind == NODE_FIXED || node->kind == NODE_GRAD_STATE) {
        return -1;
    }
    if (node->kind == NODE_STATE) {
        return graph->constant[node->which] ? -1 : plan->state_sequence[node->which];
    }
    if (node_is_given(node)) {
        return plan->n_sequences + (int64_t)node->kind;
    }
    return plan->places[id].storage == STORE_SEQUENCE ? plan->places[id].index : -1;
}

int64_t plan_loop_width(const struct plan *plan, int half) {
    const struct stage *stage = &plan->stages[half][PHASE_LOOP];
    const struct graph *graph = plan->graph;
    enum { MOST = 256 };
    int read[MOST] = {0}, written[MOST] = {0};
    int64_t width = 0;
    for (int32_t i = 0; i < stage->count; i++) {
        for (int32_t k = 0; k < stage->instructions[i].count; k++) {
            const int32_t id = stage->instructions[i].nodes[k];
            const int64_t out = kept(plan, id);
            for (int32_t j = 0; j < graph->nodes[id].n_inputs; j++) {
                const int64_t in = kept(plan, graph->nodes[id].inputs[j]);
                /* What the step before has just written, or this one, is still in a cache. */
                const int fresh = half == 0 && in >= 0 && in < plan->n_sequences && plan->sequences[in].is_state;
                if (in >= 0 && in < MOST && !read[in] && !written[in] && !fresh) {
                    read[in] = 1;
                    width += graph->nodes[graph->nodes[id].inputs[j]].width;
                }
            }
            if (out >= 0 && out < MOST && !written[out]) {
                written[out] = 1;
                width += graph->nodes[id].width;
            }
        }
    }
    return width;
}
