/* plan: from a graph to the instructions of its six stages. */
#include "core/scan/plan.h"

#include "core/host.h"
#include "core/infer.h"

/* Bytes that a call saves per row, if its op says that it saves row by row. The shape rule of the op is called for one
 * row. */
static size_t bytes_of_row(struct scan_graph *graph, const struct scan_node *node) {
    if (!graph->training || node->kind != NODE_CALL || (node->op->flags & RONDO_OP_SAVES_ROWS) == 0) {
        return 0;
    }
    rondo_tensor *inputs = arena_calloc(graph->arena, (size_t)node->n_inputs + 1, sizeof *inputs);
    for (int32_t k = 0; inputs != NULL && k < node->n_inputs; k++) {
        const struct scan_node *input = &graph->nodes[node->inputs[k]];
        inputs[k] = input->shape;
        inputs[k].data = NULL;
        inputs[k].shape[0] = node_is_rows(input) ? 1 : inputs[k].shape[0];
    }
    rondo_op_call call = {.struct_size = sizeof call,
                          .n_inputs = node->n_inputs,
                          .options = node->options,
                          .inputs = inputs,
                          .training = 1};
    struct errors ignored = {0};
    struct host_call host = host_call(graph->arena, &ignored, NULL, node->op->base.name);
    const rondo_status status = inputs == NULL ? RONDO_NO_MEMORY : infer_output(node->op, &call, &host);
    errors_free(&ignored);
    return status == RONDO_OK ? call.saved_bytes : 0;
}

static rondo_status make_plan(struct scan_plan *plan, struct errors *errors) {
    struct scan_graph *graph = plan->graph;
    struct arena *arena = graph->arena;
    size_t inputs = 1;
    for (int32_t id = 0; id < graph->count; id++) {
        inputs += (size_t)graph->nodes[id].n_inputs;
    }
    plan->saved_bytes = arena_calloc(arena, (size_t)graph->count + 1, sizeof *plan->saved_bytes);
    for (int half = 0; half < 2; half++) { /* at most one of each for an input of a node */
        plan->tiles[half] = arena_calloc(arena, inputs, sizeof *plan->tiles[half]);
        plan->packed[half] = arena_calloc(arena, inputs, sizeof *plan->packed[half]);
    }
    int32_t n_order;
    const int32_t *order = graph_order(graph, &n_order);
    RONDO_TRY(plan_schedule(plan, errors));
    plan_places(plan);
    plan_instructions(plan);
    for (int32_t i = 0; i < n_order && !arena_failed(arena); i++) {
        plan->saved_bytes[order[i]] = bytes_of_row(graph, &graph->nodes[order[i]]);
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

struct scan_plan *plan_create(struct scan_graph *graph, struct errors *errors) {
    struct scan_plan *plan = arena_calloc(graph->arena, 1, sizeof *plan);
    if (plan == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    plan->graph = graph;
    return make_plan(plan, errors) == RONDO_OK ? plan : NULL;
}
