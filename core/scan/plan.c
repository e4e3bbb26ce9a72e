/* plan: every value gets its place once, before anything runs.
 *
 * What only one group uses stays in a chunk; what only one stage uses, in the rows of a worker; what another stage uses
 * is kept for all steps. A sequence is given on to a later value as soon as nobody reads the earlier one any more: the
 * gates of a cell are written over their own pre-activations, and their gradients over the gates. */
#include "core/scan/plan.h"

#include <limits.h>
#include <string.h>

#include "core/host.h"
#include "core/infer.h"

struct scan_planner {
    struct scan_plan *plan;
    struct scan_graph *graph;
    const int32_t *order;
    int32_t n_order;
    const int *live;
    int32_t *position; /* [n] when a node is computed, counted over all stages */
    int32_t *last;     /* [n] when it is read for the last time */
    int *crosses;      /* [n] another stage reads it */
    int32_t *group_of; /* [n] number of its instruction */
    int *leaves;       /* [n] another instruction reads it */
    int32_t *apart;    /* [n] number of the last instruction that reads a part of it; -1: none */
    int32_t *web;      /* [n] the node whose memory it takes over, itself otherwise */
    struct errors *errors;
};

int32_t plan_without_views(const struct scan_graph *graph, int32_t id) {
    while (id >= 0 && graph->nodes[id].kind == NODE_VIEW) {
        id = graph->nodes[id].inputs[0];
    }
    return id;
}

const int32_t *plan_table(struct scan_graph *graph, const struct scan_node *operand, const struct scan_node *domain,
                          int *ok) {
    const int rows = node_is_rows(operand);
    const int32_t n = domain->shape.ndim, m = operand->shape.ndim;
    int64_t stride[RONDO_MAX_DIMS] = {0};
    int64_t step = 1;
    int same = operand->width == domain->width;
    for (int32_t d = n - 1; d >= 1; d--) {
        const int32_t o = d - n + m;
        const int64_t size = o >= rows ? operand->shape.shape[o] : 1;
        stride[d] = size == 1 ? 0 : step;
        step *= size;
    }
    if (same) {
        return NULL;
    }
    int32_t *table = arena_alloc(graph->arena, sizeof *table * (size_t)domain->width);
    if (table == NULL) {
        *ok = 0;
        return NULL;
    }
    for (int64_t j = 0; j < domain->width; j++) {
        int64_t rest = j, at = 0;
        for (int32_t d = n - 1; d >= 1; d--) {
            at += rest % domain->shape.shape[d] * stride[d];
            rest /= domain->shape.shape[d];
        }
        table[j] = (int32_t)at;
    }
    return table;
}

/* A carried gradient is written where it is computed, if that is in the loop and nobody else keeps it. */
static void own_carries(struct scan_graph *graph) {
    const int32_t *uses = graph_uses(graph);
    const int *live = graph_live(graph);
    for (int32_t s = 0; s < graph->n_states && graph->carry != NULL && uses != NULL && live != NULL; s++) {
        const int32_t id = graph->carry[s];
        if (id < 0) {
            continue;
        }
        const struct scan_node *node = &graph->nodes[id];
        int fits = !node_is_given(node) && !node_is_alias(node) && node->phase == PHASE_LOOP && node->backward;
        for (int32_t other = 0; other < s; other++) {
            fits &= graph->carry[other] != id;
        }
        for (int32_t user = 0; user < graph->count; user++) {
            for (int32_t k = 0; live[user] && k < graph->nodes[user].n_inputs; k++) {
                fits &= graph->nodes[user].inputs[k] != id ||
                        (graph->nodes[user].phase == PHASE_LOOP && !node_is_alias(&graph->nodes[user]));
            }
        }
        if (!fits) {
            const int32_t copy = graph_add_sum(graph, id, &id, 1);
            if (copy < 0) {
                return;
            }
            graph->nodes[copy].phase = PHASE_LOOP;
            graph->nodes[copy].backward = 1;
            graph->carry[s] = copy;
        }
    }
}

/* A gradient that comes from the step behind is there while the loop is at its step: what reads it later reads a copy
 * that is kept. */
static void keep_carried(struct scan_graph *graph) {
    const int *live = graph_live(graph);
    const int32_t count = graph->count;
    for (int32_t id = 0; live != NULL && id < count; id++) {
        int32_t copy = -1;
        for (int32_t user = 0; live[id] && graph->nodes[id].kind == NODE_GRAD_STATE && user < count; user++) {
            for (int32_t k = 0; live[user] && k < graph->nodes[user].n_inputs; k++) {
                const int elsewhere = graph->nodes[user].phase != PHASE_LOOP || node_is_alias(&graph->nodes[user]);
                if (graph->nodes[user].inputs[k] != id || !elsewhere) {
                    continue;
                }
                copy = copy < 0 ? graph_add_sum(graph, id, &id, 1) : copy;
                if (copy < 0) {
                    return;
                }
                graph->nodes[copy].phase = PHASE_LOOP;
                graph->nodes[user].inputs[k] = copy;
            }
        }
    }
}

/* Rows of a part stand apart from each other. What works on whole rows gets a copy of it, made in its own stage. */
static void copy_parts(struct scan_graph *graph) {
    const int *live = graph_live(graph);
    const int32_t count = graph->count;
    for (int32_t user = 0; live != NULL && user < count; user++) {
        if (!live[user] || node_is_elementwise(&graph->nodes[user]) || graph->nodes[user].kind == NODE_VIEW ||
            graph->nodes[user].kind == NODE_PART) {
            continue;
        }
        for (int32_t k = 0; k < graph->nodes[user].n_inputs; k++) {
            const int32_t id = graph->nodes[user].inputs[k], part = plan_without_views(graph, id);
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

static int is_result(const struct scan_graph *graph, int32_t id) {
    int found = id == graph->output || id == graph->grad_x;
    for (int32_t s = 0; s < graph->n_states; s++) {
        found |= id == graph->new_states[s] || (graph->carry != NULL && id == graph->carry[s]);
    }
    return found;
}

static void note_use(struct scan_planner *p, int32_t id, int32_t user, int32_t position, int32_t group) {
    const int is_part = id >= 0 && p->graph->nodes[plan_without_views(p->graph, id)].kind == NODE_PART;
    id = graph_base(p->graph, id);
    if (id < 0 || node_is_given(&p->graph->nodes[id])) {
        return;
    }
    const struct scan_node *node = &p->graph->nodes[id], *by = &p->graph->nodes[user];
    p->last[id] = position > p->last[id] ? position : p->last[id];
    p->crosses[id] |=
        node->backward != by->backward || node->phase != by->phase || (node_is_effect(by) && by->phase != PHASE_LOOP);
    p->leaves[id] |= p->group_of[id] != group;
    p->apart[id] = is_part ? group : p->apart[id];
}

/* Counts through all stages. */
static void find_lifetimes(struct scan_planner *p) {
    for (int turn = 0; turn < 2; turn++) { /* first when each is computed, then who reads it */
        int32_t position = 0, number = 0;
        for (int32_t half = 0; half < 2; half++) {
            for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
                struct scan_stage *stage = &p->plan->stages[half][phase];
                for (int32_t i = 0; i < stage->count; i++, number++) {
                    const struct scan_instruction *instruction = &stage->instructions[i];
                    for (int32_t k = 0; k < instruction->count; k++) {
                        const int32_t id = instruction->nodes[k];
                        const struct scan_node *node = &p->graph->nodes[id];
                        position += k == 0 || instruction->kind == NODE_MAP;
                        if (turn == 0) {
                            p->position[id] = position;
                            p->group_of[id] = number;
                            stage->needs_step |= node->random >= 0;
                        }
                        for (int32_t j = 0; j < node->n_inputs; j++) {
                            const int32_t input = graph_base(p->graph, node->inputs[j]);
                            if (turn == 1) {
                                note_use(p, node->inputs[j], id, position, number);
                            }
                            stage->needs_step |=
                                input >= 0 && p->graph->nodes[input].kind == NODE_STATE && !node_is_effect(node);
                        }
                    }
                }
            }
        }
    }
}

static int32_t add_sequence(struct scan_planner *p, int64_t width, int is_state, int32_t end) {
    struct scan_plan *plan = p->plan;
    plan->sequences[plan->n_sequences] =
        (struct scan_sequence){.width = width, .is_state = is_state, .end = end, .apart = -1};
    plan->sequence_width += width;
    return plan->n_sequences++;
}

/* May a value be written over one that it reads? Elementwise ones may. But a sum adds one operand after the other, so
 * what it reads twice would have changed by the second time. */
static int writes_in_place(const struct scan_graph *graph, const struct scan_node *node) {
    for (int32_t k = 0; node->kind == NODE_SUM && node->n_inputs > 2 && k < node->n_inputs; k++) {
        for (int32_t j = 0; j < k; j++) {
            if (graph_base(graph, node->inputs[j]) == graph_base(graph, node->inputs[k])) {
                return 0;
            }
        }
    }
    return node_is_elementwise(node);
}

/* A sequence whose last reader is done when `id` is written. */
static int32_t free_sequence(const struct scan_planner *p, int32_t id) {
    const struct scan_plan *plan = p->plan;
    const struct scan_node *node = &p->graph->nodes[id];
    const int over = writes_in_place(p->graph, node);
    for (int32_t i = 0; i < plan->n_sequences && (p->graph->passes & PASS_PLAN) != 0; i++) {
        const struct scan_sequence *sequence = &plan->sequences[i];
        const int is_free = over ? sequence->end <= p->position[id] : sequence->end < p->position[id];
        if (!sequence->is_state && sequence->width == node->width && is_free && sequence->apart != p->group_of[id]) {
            return i;
        }
    }
    return -1;
}

/* The states: kept for all steps where the backward step, or the output, has use for them. */
static void place_states(struct scan_planner *p) {
    struct scan_graph *graph = p->graph;
    for (int32_t s = 0; s < graph->n_states; s++) {
        const int32_t id = graph->new_states[s];
        p->plan->state_sequence[s] = -1;
        if (graph->carry != NULL && graph->carry[s] >= 0) {
            p->plan->places[graph->carry[s]] = (struct scan_place){STORE_CARRY, s};
        }
        if (id < 0) {
            continue;
        }
        const int keep = graph->training || id == graph->output || graph->nodes[id].phase != PHASE_LOOP;
        if (keep) {
            p->plan->state_sequence[s] = add_sequence(p, graph->nodes[id].width, 1, INT_MAX);
            p->plan->places[id] = (struct scan_place){STORE_SEQUENCE, p->plan->state_sequence[s]};
        } else {
            p->plan->places[id] = (struct scan_place){STORE_DOUBLE, s};
        }
    }
    if (p->plan->places[graph->output].storage == STORE_NONE) {
        const int64_t width = graph->nodes[graph->output].width;
        p->plan->places[graph->output] = (struct scan_place){STORE_SEQUENCE, add_sequence(p, width, 0, INT_MAX)};
    }
    p->plan->output_sequence = (int32_t)p->plan->places[graph->output].index;
    if (graph->grad_x >= 0) {
        p->plan->places[graph->grad_x] = (struct scan_place){STORE_GRAD_X, 0};
    }
}

/* A product adds onto its init where that stands, if it is the only one that reads it. */
static void join_webs(struct scan_planner *p, const int32_t *uses) {
    for (int32_t i = 0; i < p->n_order; i++) {
        const int32_t id = p->order[i];
        const struct scan_node *node = &p->graph->nodes[id];
        p->web[id] = id;
        const int32_t init = node->kind == NODE_PRODUCT ? node->inputs[0] : -1;
        if (init < 0 || node_is_given(&p->graph->nodes[init]) || node_is_alias(&p->graph->nodes[init]) ||
            uses[init] != 1 || is_result(p->graph, init) || is_result(p->graph, id) ||
            p->graph->nodes[init].backward != node->backward || (p->graph->passes & PASS_PLAN) == 0) {
            continue;
        }
        const int32_t root = p->web[init];
        p->web[id] = root;
        p->crosses[root] |= p->crosses[id];
        p->leaves[root] = 1;
        p->last[root] = p->last[id] > p->last[root] ? p->last[id] : p->last[root];
    }
}

static void place_value(struct scan_planner *p, int32_t id) {
    struct scan_plan *plan = p->plan;
    const struct scan_node *node = &p->graph->nodes[id];
    struct scan_place *place = &plan->places[id];
    if (place->storage != STORE_NONE || node_is_given(node) || node_is_effect(node) || node_is_alias(node)) {
        return;
    }
    if (p->web[id] != id) {
        *place = plan->places[p->web[id]];
        return;
    }
    if (p->crosses[id]) {
        int32_t sequence = free_sequence(p, id);
        if (sequence < 0) {
            sequence = add_sequence(p, node->width, 0, 0);
        }
        plan->sequences[sequence].end = p->last[id];
        plan->sequences[sequence].apart = p->apart[id];
        *place = (struct scan_place){STORE_SEQUENCE, sequence};
    } else if (p->leaves[id] || !node_is_elementwise(node) || (p->graph->passes & PASS_PLAN) == 0) {
        struct scan_stage *stage = &plan->stages[node->backward][node->phase];
        *place = (struct scan_place){STORE_LOCAL, stage->local_width};
        stage->local_width += node->width;
    } else {
        *place = (struct scan_place){STORE_CHUNK, -1}; /* which one: group by group */
    }
}

/* What a call saves of a row, where its op lets us keep that: asked for one row. */
static size_t bytes_of_row(struct scan_planner *p, const struct scan_node *node) {
    if (!p->graph->training || node->kind != NODE_CALL || (node->op->flags & RONDO_OP_SAVES_ROWS) == 0) {
        return 0;
    }
    rondo_tensor *inputs = arena_calloc(p->graph->arena, (size_t)node->n_inputs + 1, sizeof *inputs);
    for (int32_t k = 0; inputs != NULL && k < node->n_inputs; k++) {
        const struct scan_node *input = &p->graph->nodes[node->inputs[k]];
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
    struct host_call host = host_call(p->graph->arena, &ignored, NULL, node->op->base.name);
    const rondo_status status = inputs == NULL ? RONDO_NO_MEMORY : infer_output(node->op, &call, &host);
    errors_free(&ignored);
    return status == RONDO_OK ? call.saved_bytes : 0;
}

static rondo_status make_plan(struct scan_planner *p) {
    struct scan_plan *plan = p->plan;
    struct scan_graph *graph = p->graph;
    struct arena *arena = graph->arena;
    own_carries(graph);
    keep_carried(graph);
    copy_parts(graph);
    const size_t n = (size_t)graph->count + 1;
    size_t inputs = 1;
    for (int32_t id = 0; id < graph->count; id++) {
        inputs += (size_t)graph->nodes[id].n_inputs;
    }
    const int32_t *uses = graph_uses(graph);
    p->order = graph_order(graph, &p->n_order);
    p->live = graph_live(graph);
    p->position = arena_calloc(arena, n, sizeof *p->position);
    p->last = arena_calloc(arena, n, sizeof *p->last);
    p->crosses = arena_calloc(arena, n, sizeof *p->crosses);
    p->group_of = arena_calloc(arena, n, sizeof *p->group_of);
    p->leaves = arena_calloc(arena, n, sizeof *p->leaves);
    p->web = arena_calloc(arena, n, sizeof *p->web);
    p->apart = arena_calloc(arena, n, sizeof *p->apart);
    plan->places = arena_calloc(arena, n, sizeof *plan->places);
    plan->saved_bytes = arena_calloc(arena, n, sizeof *plan->saved_bytes);
    plan->sequences = arena_calloc(arena, n, sizeof *plan->sequences);
    plan->state_sequence = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof *plan->state_sequence);
    int ok = uses != NULL && p->order != NULL && p->live != NULL && p->position != NULL && p->last != NULL &&
             p->crosses != NULL && p->group_of != NULL && p->leaves != NULL && p->web != NULL && p->apart != NULL &&
             plan->places != NULL && plan->saved_bytes != NULL && plan->sequences != NULL &&
             plan->state_sequence != NULL;
    for (int half = 0; half < 2; half++) {
        plan->tiles[half] = arena_calloc(arena, inputs, sizeof *plan->tiles[half]);
        plan->packed[half] = arena_calloc(arena, inputs, sizeof *plan->packed[half]);
        ok &= plan->tiles[half] != NULL && plan->packed[half] != NULL;
    }
    if (!ok) {
        return errors_no_memory(p->errors);
    }
    for (int32_t id = 0; id < graph->count; id++) {
        p->apart[id] = -1;
    }
    RONDO_TRY(plan_schedule(plan, p->errors));
    find_lifetimes(p);
    join_webs(p, uses);
    place_states(p);
    for (int half = 0; half < 2; half++) { /* in the order in which they are computed */
        for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &plan->stages[half][phase];
            for (int32_t i = 0; i < stage->count; i++) {
                for (int32_t k = 0; k < stage->instructions[i].count; k++) {
                    place_value(p, stage->instructions[i].nodes[k]);
                }
            }
        }
    }
    plan_instructions(plan, p->errors);
    for (int32_t i = 0; i < p->n_order; i++) {
        plan->saved_bytes[p->order[i]] = bytes_of_row(p, &graph->nodes[p->order[i]]);
    }
    return p->errors->count == 0 ? RONDO_OK : p->errors->status;
}

struct scan_plan *plan_create(struct scan_graph *graph, struct errors *errors) {
    struct scan_plan *plan = arena_calloc(graph->arena, 1, sizeof *plan);
    if (plan == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    plan->graph = graph;
    struct scan_planner planner = {.plan = plan, .graph = graph, .errors = errors};
    graph->errors = errors;
    const rondo_status status = make_plan(&planner);
    graph->errors = NULL;
    return status == RONDO_OK && !graph->failed ? plan : NULL;
}
