/* A graph as text, to see the effect of a pass. */
#include <stdarg.h>
#include <string.h>

#include "core/number.h"
#include "core/scan/graph.h"

void scan_print(struct scan_printer *text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    const int printed = number_vprint(line, sizeof line, format, arguments);
    va_end(arguments);
    const size_t most = sizeof line - 1;
    const size_t length = printed < 0 ? 0 : (size_t)printed < most ? (size_t)printed : most;
    if (text->length + length + 1 > text->capacity) {
        const size_t capacity = 2 * text->capacity + sizeof line;
        char *longer = arena_alloc(text->arena, capacity);
        if (longer == NULL) {
            return;
        }
        if (text->length > 0) {
            memcpy(longer, text->data, text->length);
        }
        text->data = longer;
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, line, length);
    text->length += length;
    text->data[text->length] = '\0';
}

static const char *const phase_names[] = {"before", "loop", "after"};

/* "3:h", "-". */
static void add_value(const struct scan_graph *graph, struct scan_printer *text, int32_t id) {
    if (id < 0) {
        scan_print(text, "-");
    } else if (graph->nodes[id].name != NULL) {
        scan_print(text, "%d:%s", id, graph->nodes[id].name);
    } else {
        scan_print(text, "%d", id);
    }
}

static void add_node(const struct scan_graph *graph, struct scan_printer *text, int32_t id) {
    static const char *const kinds[] = {
        [NODE_X] = "x",
        [NODE_STATE] = "state",
        [NODE_FIXED] = "fixed",
        [NODE_RAGGED] = "ragged",
        [NODE_GRAD_OUTPUT] = "grad_output",
        [NODE_GRAD_STATE] = "grad_state",
        [NODE_GRAD_X] = "grad_x",
        [NODE_MAP] = "map",
        [NODE_SUM] = "sum",
        [NODE_PRODUCT] = "product",
        [NODE_CALL] = "call",
        [NODE_VIEW] = "view",
        [NODE_PART] = "part",
        [NODE_MAP_GRADIENT] = "map_gradient",
        [NODE_CALL_GRADIENT] = "call_gradient",
        [NODE_JOIN] = "join",
        [NODE_REDUCE] = "reduce",
        [NODE_WEIGHT_GRADIENT] = "weight_gradient",
        [NODE_FIXED_SUM] = "fixed_sum",
        [NODE_FIXED_CALL] = "fixed_call",
        [NODE_RAGGED_CALL] = "ragged_call",
    };
    const struct scan_node *node = &graph->nodes[id];
    scan_print(text, "  %-8s %-6s ", node->backward ? "backward" : "forward", phase_names[node->phase]);
    add_value(graph, text, id);
    scan_print(text, " = %s", node->op == NULL ? kinds[node->kind] : node->op->base.name);
    if (node->op != NULL && node->kind != NODE_MAP && node->kind != NODE_CALL) {
        scan_print(text, ".%s", kinds[node->kind]);
    }
    if (node->kind == NODE_MAP_GRADIENT || node->kind == NODE_CALL_GRADIENT || node_is_effect(node) ||
        node->kind == NODE_GRAD_STATE) {
        scan_print(text, "[%d]", node->kind == NODE_CALL_GRADIENT ? node->input : node->which);
    }
    scan_print(text, "(");
    for (int32_t k = 0; k < node->n_inputs; k++) {
        scan_print(text, k == 0 ? "" : ", ");
        add_value(graph, text, node->inputs[k]);
        if (node->kind == NODE_PRODUCT && k >= 2 && k % 2 == 0 && (node->transposed >> (k / 2 - 1) & 1) != 0) {
            scan_print(text, "^T");
        }
    }
    scan_print(text, ") %s\n", node_is_effect(node) ? "" : tensor_shape_text(&node->shape).text);
}

void graph_text(const struct scan_graph *graph, struct scan_printer *text) {
    int32_t n;
    const int32_t *order = graph_order(graph, &n);
    for (int32_t i = 0; order != NULL && i < n; i++) {
        if (!node_is_given(&graph->nodes[order[i]])) {
            add_node(graph, text, order[i]);
        }
    }
}
