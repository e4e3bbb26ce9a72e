/* plan, third part: what each instruction works with, once every value has its place: the members and operands of a
 * group of elementwise nodes, the calls of a product. */
#include <string.h>

#include "core/scan/plan.h"

struct scan_maker {
    struct scan_plan *plan;
    struct scan_graph *graph;
};

/* ---- groups ---- */

static int32_t add_tile(struct scan_maker *p, int half, int32_t id, int64_t width, const int32_t *table) {
    struct scan_plan *plan = p->plan;
    plan->tiles[half][plan->n_tiles[half]] = (struct scan_tile){p->graph->nodes[id].which, width, table};
    return plan->n_tiles[half]++;
}

/* The number of the group's operand for `id`, broadcast to `domain`; it is added if it is new. */
static int32_t operand_of(struct scan_maker *p, struct scan_group *group, int half, int32_t id,
                          const struct scan_node *domain, int32_t *n_buffers) {
    const struct scan_node *node = &p->graph->nodes[id];
    const int32_t *table = graph_table(p->graph, node, domain);
    const int32_t base = graph_without_views(p->graph, id);
    struct scan_operand operand = {.kind = OPERAND_ROWS, .node = base, .buffer = -1, .tile = -1, .table = table};
    if (p->graph->nodes[base].kind == NODE_FIXED) {
        operand.kind = OPERAND_TILE;
    } else if (table != NULL || p->graph->nodes[base].kind == NODE_PART) {
        operand.kind = OPERAND_EXPANDED;
    } else if (p->plan->places[base].storage == STORE_CHUNK) {
        operand.kind = OPERAND_CHUNK;
    }
    for (int32_t i = 0; i < group->n_operands; i++) {
        const struct scan_operand *known = &group->operands[i];
        const int same_table =
            (known->table == NULL) == (table == NULL) &&
            (table == NULL || memcmp(known->table, table, sizeof *table * (size_t)domain->width) == 0);
        if (known->node == base && known->kind == operand.kind && same_table) {
            return i;
        }
    }
    if (operand.kind == OPERAND_TILE) {
        operand.tile = add_tile(p, half, base, domain->width, table);
    } else if (operand.kind == OPERAND_EXPANDED) {
        operand.buffer = (*n_buffers)++;
        group->n_expanded++;
    }
    group->operands[group->n_operands] = operand;
    return group->n_operands++;
}

/* Gives the values of a group their chunk buffers. A buffer is reused after the last reader of its value. */
static void place_chunks(const struct scan_maker *p, struct scan_group *group, int32_t *n_buffers) {
    int32_t *end = arena_calloc(p->graph->arena, (size_t)group->n_operands + 1, sizeof *end);
    int32_t *free_at = arena_calloc(p->graph->arena, (size_t)group->n_operands + 1, sizeof *free_at);
    if (arena_failed(p->graph->arena)) {
        return;
    }
    const int32_t first = *n_buffers;
    int32_t n = 0;
    for (int32_t m = 0; m < group->n_members; m++) {
        const int32_t n_inputs = p->graph->nodes[group->members[m].node].n_inputs;
        for (int32_t k = 0; k < n_inputs; k++) {
            end[group->members[m].in[k]] = m;
        }
    }
    for (int32_t m = 0; m < group->n_members; m++) {
        struct scan_operand *out = &group->operands[group->members[m].out];
        if (out->kind != OPERAND_CHUNK) {
            continue;
        }
        int32_t buffer = 0;
        while (buffer < n && free_at[buffer] >= m) {
            buffer++;
        }
        n = buffer == n ? n + 1 : n;
        free_at[buffer] = end[group->members[m].out] > m ? end[group->members[m].out] : m;
        out->buffer = first + buffer;
    }
    *n_buffers += n;
}

static void make_group(struct scan_maker *p, int half, struct scan_instruction *instruction) {
    struct arena *arena = p->graph->arena;
    struct scan_group *group = &instruction->group;
    int32_t most = instruction->count, n_buffers = 0;
    for (int32_t i = 0; i < instruction->count; i++) {
        most += p->graph->nodes[instruction->nodes[i]].n_inputs;
    }
    group->width = p->graph->nodes[instruction->nodes[0]].width;
    group->operands = arena_calloc(arena, (size_t)most + 1, sizeof *group->operands);
    group->members = arena_calloc(arena, (size_t)instruction->count, sizeof *group->members);
    if (arena_failed(arena)) {
        return;
    }
    for (int32_t i = 0; i < instruction->count; i++) {
        const int32_t id = instruction->nodes[i];
        const struct scan_node *node = &p->graph->nodes[id];
        int32_t *in = arena_alloc(arena, sizeof *in * (size_t)(node->n_inputs + 1));
        if (in == NULL) {
            return;
        }
        for (int32_t k = node->n_inputs - 1; k >= 0; k--) {
            in[k] = node->inputs[k] < 0 ? in[node->n_inputs - 1]
                                        : operand_of(p, group, half, node->inputs[k], node, &n_buffers);
        }
        struct scan_member member = {.kind = node->kind,
                                     .node = id,
                                     .out = operand_of(p, group, half, id, node, &n_buffers),
                                     .n_in = node->n_inputs - (node->kind == NODE_MAP_GRADIENT ? 2 : 0),
                                     .which = node->which,
                                     .in = in,
                                     .options = node->options};
        if (node->op != NULL) {
            member.map = node->op->map;
            member.map_grad = node->op->map_grad;
        }
        group->members[group->n_members++] = member;
    }
    place_chunks(p, group, &n_buffers);
    p->plan->n_chunk_buffers = n_buffers > p->plan->n_chunk_buffers ? n_buffers : p->plan->n_chunk_buffers;
}

/* ---- products ---- */

static int32_t packed_of(struct scan_maker *p, int half, int32_t id, int transposed) {
    struct scan_plan *plan = p->plan;
    const struct scan_node *fixed = &p->graph->nodes[id];
    for (int32_t i = 0; i < plan->n_packed[half]; i++) {
        if (plan->packed[half][i].fixed == fixed->which && plan->packed[half][i].transposed == transposed) {
            return i;
        }
    }
    plan->packed[half][plan->n_packed[half]] =
        (struct scan_packed){fixed->which, transposed, fixed->shape.shape[transposed], fixed->shape.shape[!transposed]};
    return plan->n_packed[half]++;
}

/* Puts term `term` of the product into a call that shares its left side, or into a new one. */
static void add_term(struct scan_maker *p, int half, struct scan_product_call *calls, int32_t *n_calls, int32_t most,
                     int32_t id, int32_t term, int add) {
    const struct scan_node *node = &p->graph->nodes[id];
    const struct scan_node *init = node->inputs[0] < 0 ? NULL : &p->graph->nodes[node->inputs[0]];
    const int32_t a = graph_base(p->graph, node->inputs[1 + 2 * term]);
    const int32_t packed = packed_of(p, half, node->inputs[2 + 2 * term], (int)(node->transposed >> term & 1));
    struct scan_product_call *call = NULL;
    for (int32_t i = 0; i < *n_calls && call == NULL; i++) {
        const int has_result = calls[i].results[calls[i].count - 1] == id; /* from another term: a call has it once */
        call = calls[i].a == a && calls[i].add == add && !has_result ? &calls[i] : NULL;
    }
    if (call == NULL) {
        int32_t *results = arena_calloc(p->graph->arena, (size_t)most, sizeof *results);
        int32_t *packs = arena_calloc(p->graph->arena, (size_t)most, sizeof *packs);
        int32_t *starts = arena_calloc(p->graph->arena, (size_t)most, sizeof *starts);
        if (arena_failed(p->graph->arena)) {
            return;
        }
        call = &calls[(*n_calls)++];
        *call = (struct scan_product_call){.a = a, .add = add, .results = results, .packed = packs, .starts = starts};
    }
    ((int32_t *)call->starts)[call->count] = init != NULL && init->kind == NODE_FIXED && term == 0 ? init->which : -1;
    ((int32_t *)call->results)[call->count] = id;
    ((int32_t *)call->packed)[call->count++] = packed;
}

static int same_place(const struct scan_plan *plan, int32_t a, int32_t b) {
    return plan->places[a].storage == plan->places[b].storage && plan->places[a].index == plan->places[b].index &&
           plan->places[a].storage != STORE_NONE;
}

static void make_products(struct scan_maker *p, int half, struct scan_instruction *instruction) {
    struct arena *arena = p->graph->arena;
    int32_t terms = 0, n_copies = 0, n_calls = 0;
    for (int32_t i = 0; i < instruction->count; i++) {
        terms += (p->graph->nodes[instruction->nodes[i]].n_inputs - 1) / 2;
    }
    int32_t *copies = arena_calloc(arena, (size_t)instruction->count, sizeof *copies);
    struct scan_product_call *calls = arena_calloc(arena, (size_t)terms, sizeof *calls);
    if (arena_failed(arena)) {
        return;
    }
    for (int add = 0; add < 2; add++) { /* terms that write come before those that add */
        for (int32_t i = 0; i < instruction->count; i++) {
            const int32_t id = instruction->nodes[i];
            const struct scan_node *node = &p->graph->nodes[id];
            const int is_fixed = node->inputs[0] >= 0 && p->graph->nodes[node->inputs[0]].kind == NODE_FIXED;
            const int32_t init = is_fixed ? -1 : graph_base(p->graph, node->inputs[0]);
            const int in_place =
                init >= 0 && (same_place(p->plan, init, id) || (p->graph->nodes[init].kind == NODE_GRAD_X &&
                                                                p->plan->places[id].storage == STORE_GRAD_X));
            if (add == 0 && init >= 0 && !in_place) {
                copies[n_copies++] = id;
            }
            for (int32_t term = 0; term < (node->n_inputs - 1) / 2; term++) {
                if (add == (init >= 0 || term > 0)) {
                    add_term(p, half, calls, &n_calls, terms, id, term, add);
                }
            }
        }
    }
    instruction->products =
        (struct scan_product_list){.copies = copies, .n_copies = n_copies, .calls = calls, .n_calls = n_calls};
}

/* The node of fixed tensor `which`. */
static const struct scan_node *fixed_node(const struct scan_graph *graph, int32_t which) {
    for (int32_t id = 0; id < graph->count; id++) {
        if (graph->nodes[id].kind == NODE_FIXED && graph->nodes[id].which == which) {
            return &graph->nodes[id];
        }
    }
    return NULL;
}

/* 1 if the parts of a row, which is made of nothing else, have each of its elements once: it need not be zeroed first. */
static int parts_cover_row(const struct scan_graph *graph, const struct scan_node *node) {
    int64_t widths = 0, filled = 0;
    for (int32_t k = 1; k < node->n_inputs; k++) {
        widths += graph->nodes[node->inputs[k]].width;
    }
    /* The parts are in any order: each turn finds at least the next one. */
    for (int32_t turn = 1; turn < node->n_inputs; turn++) {
        for (int32_t k = 1; k < node->n_inputs; k++) {
            filled += node->offsets[k] == filled ? graph->nodes[node->inputs[k]].width : 0;
        }
    }
    return node->inputs[0] < 0 && filled == node->width && widths == node->width;
}

static void make_instruction(struct scan_maker *p, int half, struct scan_instruction *instruction) {
    struct scan_graph *graph = p->graph;
    const struct scan_node *node = &graph->nodes[instruction->nodes[0]];
    if (instruction->kind == NODE_MAP) {
        make_group(p, half, instruction);
    } else if (instruction->kind == NODE_PRODUCT) {
        make_products(p, half, instruction);
    } else if (instruction->kind == NODE_JOIN) {
        instruction->covers = parts_cover_row(graph, node);
    } else if (instruction->kind == NODE_REDUCE) {
        instruction->table = graph_table(graph, node, &graph->nodes[node->inputs[0]]);
    } else if (instruction->kind == NODE_FIXED_SUM) {
        instruction->table = graph_table(graph, fixed_node(graph, node->which), &graph->nodes[node->inputs[0]]);
    }
}

void plan_instructions(struct scan_plan *plan) {
    struct scan_maker maker = {plan, plan->graph};
    for (int half = 0; half < 2; half++) {
        for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
            struct scan_stage *stage = &plan->stages[half][phase];
            for (int32_t i = 0; i < stage->count && !arena_failed(plan->graph->arena); i++) {
                make_instruction(&maker, half, &stage->instructions[i]);
            }
        }
    }
}
