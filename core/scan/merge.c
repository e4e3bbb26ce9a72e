/* merge: a product that only one sum reads adds into that sum, and the products of one sum become one product.
 *
 *     z = p + h @ U                          ->   z = product(init p, h @ U): adds to p in its place
 *     z = x @ W + b                          ->   z = product(init b, x @ W): each row starts from b
 *     dh = dz_i @ U_i^T + dz_f @ U_f^T + …   ->   dh = product(dz_i @ U_i^T, dz_f @ U_f^T, …)
 *
 * Products that share their left side, such as the gates of a cell, then run as one call (fuse.c collects them). */
#include <string.h>

#include "core/scan/graph.h"

/* Of a product: `transposed` has a bit for each term. Longer sums stay sums. */
enum { MOST_TERMS = 60 };

/* 1 for a product without init that only this sum reads, in the same stage. */
static int joins(const struct scan_graph *graph, const int32_t *uses, const struct scan_node *sum, int32_t id) {
    const struct scan_node *node = &graph->nodes[id];
    return node->kind == NODE_PRODUCT && uses[id] == 1 && node->inputs[0] < 0 && node->phase == sum->phase &&
           node->backward == sum->backward && graph_same_shape(node, sum);
}

static void merge_sum(struct scan_graph *graph, const int32_t *uses, int32_t id) {
    struct scan_node *sum = &graph->nodes[id];
    int32_t inputs[1 + 2 * MOST_TERMS] = {-1}, rest[MOST_TERMS + 1] = {0};
    int32_t n_inputs = 1, n_rest = 0;
    uint64_t transposed = 0;
    if (sum->n_inputs > MOST_TERMS) {
        return;
    }
    for (int32_t k = 0; k < sum->n_inputs; k++) {
        const struct scan_node *part = &graph->nodes[sum->inputs[k]];
        if (!joins(graph, uses, sum, sum->inputs[k]) || n_inputs + part->n_inputs > 2 * MOST_TERMS) {
            rest[n_rest++] = sum->inputs[k];
            continue;
        }
        transposed |= part->transposed << ((n_inputs - 1) / 2);
        memcpy(inputs + n_inputs, part->inputs + 1, sizeof *inputs * (size_t)(part->n_inputs - 1));
        n_inputs += part->n_inputs - 1;
    }
    if (n_inputs == 1) {
        return;
    }
    const struct scan_node *other = &graph->nodes[rest[0]];
    if (n_rest == 1 && ((node_is_rows(other) && graph_same_shape(other, sum)) ||
                        (other->kind == NODE_FIXED && other->width == sum->width))) {
        inputs[0] = rest[0];
    } else if (n_rest > 0) {
        inputs[0] = graph_add_sum(graph, id, rest, n_rest);
    }
    if (graph_failed(graph)) {
        return;
    }
    struct scan_node product = graph->nodes[id];
    product.kind = NODE_PRODUCT;
    product.transposed = transposed;
    const int32_t merged = graph_add(graph, product, inputs, n_inputs);
    if (merged >= 0) { /* replaces the sum, whose id its readers know */
        graph->nodes[id] = graph->nodes[merged];
    }
}

void graph_merge(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    (void)settings;
    const int32_t *uses = graph_uses(graph);
    const int32_t count = graph->count;
    const int *live = graph_live(graph);
    if (arena_failed(graph->arena)) {
        return;
    }
    for (int32_t id = 0; id < count; id++) {
        if (live[id] && graph->nodes[id].kind == NODE_SUM) {
            merge_sum(graph, uses, id);
        }
    }
}
