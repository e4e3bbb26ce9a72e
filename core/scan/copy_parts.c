/* copy parts: the rows of a part keep the distance of the rows that they are parts of. Groups of elementwise nodes can
 * read them there. Products, calls and effects need rows that follow each other, and read a copy, made in their stage.
 *
 *     h[:, 4:8] @ W     ->     c = copy(h[:, 4:8]);  c @ W */
#include "core/scan/graph.h"

static int reads_whole_rows(const struct scan_node *node) {
    return !node_is_elementwise(node) && !node_is_alias(node);
}

void graph_copy_parts(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    (void)settings;
    const int *live = graph_live(graph);
    const int32_t count = graph->count;
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t user = 0; user < count; user++) {
        for (int32_t k = 0; live[user] && reads_whole_rows(&graph->nodes[user]) && k < graph->nodes[user].n_inputs;
             k++) {
            const int32_t id = graph->nodes[user].inputs[k], part = graph_without_views(graph, id);
            if (part < 0 || graph->nodes[part].kind != NODE_PART) {
                continue;
            }
            const int32_t copy = graph_add_sum(graph, id, &id, 1);
            if (copy < 0) {
                return;
            }
            graph->nodes[copy].phase = graph->nodes[user].phase;
            graph->nodes[copy].backward = graph->nodes[user].backward;
            graph->nodes[user].inputs[k] = copy;
        }
    }
}
