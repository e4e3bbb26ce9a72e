/* plan, second part: every value gets its place once, before anything runs.
 *
 * A value that only one group reads stays in a chunk; one that only its own stage reads, in the rows of a worker; one
 * that another stage reads is stored for all steps, in a sequence. A sequence is reused for a later value as soon as no
 * reader of the earlier one is left: the gates of a cell are written over their own pre-activations, and their gradients
 * over the gates. */
#include <limits.h>

#include "core/scan/plan.h"

/* When a value is computed, and who reads it. Positions count what is computed, over all stages in their order: each node of a
 * group, each other instruction. Numbers count instructions. */
struct scan_life {
    int32_t position;     /* from 1; 0: it is not computed */
    int32_t number;       /* of its instruction */
    int32_t last;         /* position of its last reader */
    int32_t apart;        /* number of the last instruction that reads a part of it; -1: none */
    unsigned crosses : 1; /* another stage reads it */
    unsigned leaves : 1;  /* another instruction reads it */
};

struct scan_planner {
    struct scan_plan *plan;
    struct scan_graph *graph;
    const int32_t *order;
    int32_t n_order;
    struct scan_life *lives; /* [n] of each node; after join_webs, that of a web in its first node */
    int32_t *web; /* [n] the first node of its web: the values that are one after the other in the same memory */
};

static int is_result(const struct scan_graph *graph, int32_t id) {
    int found = id == graph->output || id == graph->grad_x;
    for (int32_t s = 0; s < graph->n_states; s++) {
        found |= id == graph->new_states[s] || (graph->carry != NULL && id == graph->carry[s]);
    }
    return found;
}

static int32_t later(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Records that node `user` reads `id`. */
static void note_use(struct scan_planner *p, int32_t id, int32_t user) {
    const int is_part = id >= 0 && p->graph->nodes[graph_without_views(p->graph, id)].kind == NODE_PART;
    id = graph_base(p->graph, id);
    if (id < 0 || node_is_given(&p->graph->nodes[id])) {
        return;
    }
    const struct scan_node *node = &p->graph->nodes[id], *by = &p->graph->nodes[user];
    const struct scan_life *of_user = &p->lives[user];
    struct scan_life *life = &p->lives[id];
    life->last = later(life->last, of_user->position);
    life->crosses |=
        node->backward != by->backward || node->phase != by->phase || (node_is_effect(by) && by->phase != PHASE_LOOP);
    life->leaves |= life->number != of_user->number;
    life->apart = is_part ? later(life->apart, of_user->number) : life->apart;
}

/* Notes in which steps a stage has to compute the node: those of one step, or all rows of it, at a time. */
static void note_steps(const struct scan_graph *graph, struct scan_stage *stage, const struct scan_node *node) {
    const uint32_t flags = node->op == NULL ? 0 : node->op->flags;
    stage->needs_step |= node->random >= 0 || (flags & RONDO_OP_SEQUENCES) != 0;
    stage->whole_steps |= node->random >= 0 && (flags & RONDO_OP_RANDOM_ELEMENTS) == 0;
    for (int32_t k = 0; k < node->n_inputs && !node_is_effect(node); k++) {
        const int32_t input = graph_base(graph, node->inputs[k]);
        stage->needs_step |= input >= 0 && graph->nodes[input].kind == NODE_STATE;
    }
}

/* When each node is computed, then who reads it. */
static void find_lifetimes(struct scan_planner *p) {
    int32_t position = 0, number = 0;
    for (int32_t s = 0; s < 2 * PHASE_COUNT; s++) {
        struct scan_stage *stage = &p->plan->stages[s / PHASE_COUNT][s % PHASE_COUNT];
        for (int32_t i = 0; i < stage->count; i++, number++) {
            const struct scan_instruction *instruction = &stage->instructions[i];
            for (int32_t k = 0; k < instruction->count; k++) {
                const int32_t id = instruction->nodes[k];
                position += k == 0 || instruction->kind == NODE_MAP;
                p->lives[id] = (struct scan_life){.position = position, .number = number, .apart = -1};
                note_steps(p->graph, stage, &p->graph->nodes[id]);
            }
        }
    }
    for (int32_t id = 0; id < p->graph->count; id++) {
        const struct scan_node *node = &p->graph->nodes[id];
        for (int32_t k = 0; k < node->n_inputs && p->lives[id].position > 0; k++) {
            note_use(p, node->inputs[k], id);
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

/* 1 if a value may be written over one of its operands. Elementwise values may. But a sum adds one operand after the
 * other, so an operand that it reads twice would have changed by the second time. */
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

/* A sequence whose last reader has finished when `id` is written; -1: there is none. */
static int32_t free_sequence(const struct scan_planner *p, int32_t id) {
    const struct scan_plan *plan = p->plan;
    const struct scan_node *node = &p->graph->nodes[id];
    const struct scan_life *life = &p->lives[id];
    const int over = writes_in_place(p->graph, node);
    for (int32_t i = 0; i < plan->n_sequences && (p->graph->passes & PASS_PLAN) != 0; i++) {
        const struct scan_sequence *sequence = &plan->sequences[i];
        const int is_free = over ? sequence->end <= life->position : sequence->end < life->position;
        if (!sequence->is_state && sequence->width == node->width && is_free && sequence->apart != life->number) {
            return i;
        }
    }
    return -1;
}

/* Places the results. New states are stored for all steps where the backward half or the output needs them. */
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

/* A product that is the only reader of its init adds to it in place. The web lives as long as any of its values. */
static void join_webs(struct scan_planner *p, const int32_t *uses) {
    for (int32_t i = 0; i < p->n_order; i++) {
        const int32_t id = p->order[i];
        const struct scan_node *node = &p->graph->nodes[id];
        p->web[id] = id;
        const int32_t init = node->kind == NODE_PRODUCT ? node->inputs[0] : -1;
        if (init < 0 || node_is_given(&p->graph->nodes[init]) || node_is_alias(&p->graph->nodes[init]) ||
            uses[init] != 1 || is_result(p->graph, id) || p->graph->nodes[init].backward != node->backward ||
            (p->graph->passes & PASS_PLAN) == 0) {
            continue;
        }
        p->web[id] = p->web[init];
        struct scan_life *web = &p->lives[p->web[id]];
        const struct scan_life *life = &p->lives[id];
        web->crosses |= life->crosses;
        web->leaves |= life->leaves;
        web->last = later(web->last, life->last);
        web->apart = later(web->apart, life->apart);
    }
}

static void place_value(struct scan_planner *p, int32_t id) {
    struct scan_plan *plan = p->plan;
    const struct scan_node *node = &p->graph->nodes[id];
    const struct scan_life *life = &p->lives[id];
    struct scan_place *place = &plan->places[id];
    if (place->storage != STORE_NONE || node_is_given(node) || node_is_effect(node) || node_is_alias(node)) {
        return;
    }
    if (p->web[id] != id) {
        *place = plan->places[p->web[id]];
        return;
    }
    if (life->crosses) {
        int32_t sequence = free_sequence(p, id);
        if (sequence < 0) {
            sequence = add_sequence(p, node->width, 0, 0);
        }
        plan->sequences[sequence].end = life->last;
        plan->sequences[sequence].apart = life->apart;
        *place = (struct scan_place){STORE_SEQUENCE, sequence};
    } else if (life->leaves || !node_is_elementwise(node) || (p->graph->passes & PASS_PLAN) == 0) {
        struct scan_stage *stage = &plan->stages[node->backward][node->phase];
        *place = (struct scan_place){STORE_LOCAL, stage->local_width};
        stage->local_width += node->width;
    } else {
        *place = (struct scan_place){STORE_CHUNK, -1}; /* plan_instructions chooses the buffer */
    }
}

void plan_places(struct scan_plan *plan) {
    struct scan_graph *graph = plan->graph;
    struct arena *arena = graph->arena;
    struct scan_planner planner = {.plan = plan, .graph = graph}, *p = &planner;
    const size_t n = (size_t)graph->count + 1;
    const int32_t *uses = graph_uses(graph);
    p->order = graph_order(graph, &p->n_order);
    p->lives = arena_calloc(arena, n, sizeof *p->lives);
    p->web = arena_calloc(arena, n, sizeof *p->web);
    plan->places = arena_calloc(arena, n, sizeof *plan->places);
    plan->sequences = arena_calloc(arena, n, sizeof *plan->sequences);
    plan->state_sequence = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof *plan->state_sequence);
    if (arena_failed(arena)) {
        return;
    }
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
}
