/* What the loop over time moves through memory; for benchmarks. */
#include "core/scan/plan.h"

/* The number of the memory for all steps that holds a value: a sequence, x or a gradient from outside. -1: the value is
 * in no such memory. */
static int64_t number_of_memory(const struct scan_plan *plan, int32_t id) {
    const struct scan_graph *graph = plan->graph;
    id = graph_base(graph, id);
    const struct scan_node *node = id < 0 ? NULL : &graph->nodes[id];
    if (node == NULL || node->kind == NODE_FIXED || node->kind == NODE_RAGGED || node->kind == NODE_GRAD_STATE) {
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

int64_t plan_loop_width(const struct scan_plan *plan, int half, struct arena *arena) {
    const struct scan_stage *stage = &plan->stages[half][PHASE_LOOP];
    const struct scan_graph *graph = plan->graph;
    const size_t n_memories = (size_t)plan->n_sequences + NODE_GRAD_X + 1;
    const struct arena_mark mark = arena_mark(arena);
    int *read = arena_calloc(arena, n_memories, sizeof *read);
    int *written = arena_calloc(arena, n_memories, sizeof *written);
    int64_t width = 0;
    for (int32_t i = 0; !arena_failed(arena) && i < stage->count; i++) {
        for (int32_t k = 0; k < stage->instructions[i].count; k++) {
            const int32_t id = stage->instructions[i].nodes[k];
            const int64_t out = number_of_memory(plan, id);
            for (int32_t j = 0; j < graph->nodes[id].n_inputs; j++) {
                const int64_t in = number_of_memory(plan, graph->nodes[id].inputs[j]);
                /* What this step or the one before has just written is still in a cache. */
                const int fresh = half == 0 && in >= 0 && in < plan->n_sequences && plan->sequences[in].is_state;
                if (in >= 0 && !read[in] && !written[in] && !fresh) {
                    read[in] = 1;
                    width += graph->nodes[graph->nodes[id].inputs[j]].width;
                }
            }
            if (out >= 0 && !written[out]) {
                written[out] = 1;
                width += graph->nodes[id].width;
            }
        }
    }
    arena_release(arena, mark);
    return width;
}
