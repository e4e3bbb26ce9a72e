/* plan, first part, with the pass fuse: every stage gets its instructions in order. Groups come first, as large as
 * possible; where none is left, all products that are ready, together; where none is left, one other op.
 *
 * fuse: elementwise nodes that can follow each other become a group. A group takes a chunk of rows through all of its
 * nodes before it takes the next chunk, so that values between them never leave the first-level cache. */

#include "core/scan/plan.h"

struct scan_scheduler {
    struct scan_plan *plan;
    struct scan_graph *graph;
    const int32_t *order; /* live nodes, inputs first */
    int32_t n_order;
    int *live, *done;
    int backward;
    enum scan_phase phase;
};

/* 1 for a node that this stage computes. */
static int is_here(const struct scan_scheduler *s, int32_t id) {
    const struct scan_node *node = &s->graph->nodes[id];
    return s->live[id] && !node_is_given(node) && node->backward == s->backward && node->phase == s->phase;
}

/* 1 if all inputs from this stage have been computed. */
static int is_ready(const struct scan_scheduler *s, int32_t id) {
    const struct scan_node *node = &s->graph->nodes[id];
    if (s->done[id] || !is_here(s, id)) {
        return 0;
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const int32_t input = node->inputs[k];
        if (input >= 0 && is_here(s, input) && !s->done[input]) {
            return 0;
        }
    }
    return 1;
}

/* Marks the views that are ready as done. A part is not, while the group is built that may compute its input: a group
 * copies the parts that it reads before it computes anything. */
static void mark_views(const struct scan_scheduler *s, int parts) {
    for (int32_t i = 0; i < s->n_order; i++) {
        const int32_t id = s->order[i];
        const enum scan_node_kind kind = s->graph->nodes[id].kind;
        if ((kind == NODE_VIEW || (kind == NODE_PART && parts)) && is_ready(s, id)) {
            s->done[id] = 1;
        }
    }
}

/* Adds an instruction. 0 if memory is short, else 1. */
static int add_instruction(struct scan_scheduler *s, enum scan_node_kind kind, const int32_t *nodes, int32_t count) {
    struct arena *arena = s->graph->arena;
    struct scan_stage *stage = &s->plan->stages[s->backward][s->phase];
    if (stage->count == stage->capacity) {
        const int32_t capacity = stage->capacity == 0 ? 16 : stage->capacity * 2;
        struct scan_instruction *more = arena_calloc(arena, (size_t)capacity, sizeof *more);
        if (more == NULL) {
            return 0;
        }
        for (int32_t i = 0; i < stage->count; i++) {
            more[i] = stage->instructions[i];
        }
        stage->instructions = more;
        stage->capacity = capacity;
    }
    int32_t *copy = arena_alloc(arena, sizeof *copy * (size_t)count);
    if (copy == NULL) {
        return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        copy[i] = nodes[i];
        s->done[nodes[i]] = 1;
    }
    stage->instructions[stage->count++] = (struct scan_instruction){.kind = kind, .nodes = copy, .count = count};
    return 1;
}

/* Adds a group of all elementwise nodes of one width that can follow each other. 0 if there is none or memory is short,
 * else 1; so are the results of the next two. */
static int add_group(struct scan_scheduler *s, int32_t *nodes) {
    const int fuse = (s->graph->passes & PASS_FUSE) != 0;
    int32_t count = 0;
    int64_t width = -1;
    for (int more = 1; more;) {
        more = 0;
        for (int32_t i = 0; i < s->n_order && (fuse || count == 0); i++) {
            const int32_t id = s->order[i];
            const struct scan_node *node = &s->graph->nodes[id];
            if (node_is_elementwise(node) && (width < 0 || node->width == width) && is_ready(s, id)) {
                width = node->width;
                nodes[count++] = id;
                s->done[id] = 1;
                mark_views(s, 0);
                more = 1;
            }
        }
    }
    return count > 0 && add_instruction(s, NODE_MAP, nodes, count);
}

/* Adds all products that are ready as one instruction. */
static int add_products(struct scan_scheduler *s, int32_t *nodes) {
    const int merge = (s->graph->passes & PASS_MERGE) != 0;
    int32_t count = 0;
    for (int32_t i = 0; i < s->n_order && (merge || count == 0); i++) {
        if (s->graph->nodes[s->order[i]].kind == NODE_PRODUCT && is_ready(s, s->order[i])) {
            nodes[count++] = s->order[i];
        }
    }
    return count > 0 && add_instruction(s, NODE_PRODUCT, nodes, count);
}

static int is_call_gradient(const struct scan_node *node) {
    return node->kind == NODE_CALL_GRADIENT || node->kind == NODE_FIXED_CALL || node->kind == NODE_RAGGED_CALL;
}

/* Gradients of two inputs of one call: one backward call gives both. Those of a sequence call are all in the loop. The effects
 * of other calls are usually not in the stage of the values, and are kept apart. */
static int are_siblings(const struct scan_node *a, const struct scan_node *b) {
    return is_call_gradient(a) && is_call_gradient(b) && a->of == b->of &&
           (a->kind == b->kind || node_is_sequence_gradient(a));
}

/* Adds one call, gradient, join or reduction (effects 0) or one effect (effects 1), with its siblings. */
static int add_other(struct scan_scheduler *s, int effects, int32_t *nodes) {
    int32_t count = 0, first = 0;
    while (first < s->n_order &&
           !(is_ready(s, s->order[first]) && node_is_effect(&s->graph->nodes[s->order[first]]) == effects)) {
        first++;
    }
    if (first < s->n_order) {
        nodes[count++] = s->order[first];
    }
    for (int32_t i = 0; count > 0 && i < s->n_order; i++) {
        const int32_t id = s->order[i];
        if (i != first && is_ready(s, id) && are_siblings(&s->graph->nodes[nodes[0]], &s->graph->nodes[id])) {
            nodes[count++] = id;
        }
    }
    return count > 0 && add_instruction(s, s->graph->nodes[nodes[0]].kind, nodes, count);
}

static void schedule_stage(struct scan_scheduler *s, int32_t *nodes) {
    struct scan_stage *stage = &s->plan->stages[s->backward][s->phase];
    do {
        mark_views(s, 1);
    } while (add_group(s, nodes) || add_products(s, nodes) || add_other(s, 0, nodes));
    stage->n_row_instructions = stage->count;
    while (add_other(s, 1, nodes)) {
    }
    stage->has_effects = stage->count > stage->n_row_instructions;
    stage->only_groups = 1;
    for (int32_t i = 0; i < stage->count; i++) {
        stage->only_groups &= stage->instructions[i].kind == NODE_MAP;
    }
    for (int32_t i = stage->n_row_instructions; i < stage->count; i++) {
        stage->adds_over_rows |= !node_is_sequence_gradient(&s->graph->nodes[stage->instructions[i].nodes[0]]);
    }
}

rondo_status plan_schedule(struct scan_plan *plan, struct errors *errors) {
    struct scan_graph *graph = plan->graph;
    struct scan_scheduler s = {.plan = plan, .graph = graph};
    s.order = graph_order(graph, &s.n_order);
    s.live = graph_live(graph);
    s.done = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *s.done);
    int32_t *nodes = arena_calloc(graph->arena, (size_t)graph->count + 1, sizeof *nodes);
    if (arena_failed(graph->arena)) {
        return RONDO_OK;
    }
    for (s.backward = 0; s.backward < 2; s.backward++) {
        for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
            s.phase = (enum scan_phase)phase;
            schedule_stage(&s, nodes);
        }
    }
    for (int32_t i = 0; i < s.n_order && !arena_failed(graph->arena); i++) {
        RONDO_CHECK(node_is_given(&graph->nodes[s.order[i]]) || s.done[s.order[i]], errors, "every node is scheduled");
    }
    return RONDO_OK;
}
