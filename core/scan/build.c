/* tracing: from the step program to a graph. What depends only on parameters becomes fixed tensors, what the memory adds to
 * them ragged values, nested sums become one sum, and products are recognised by the role of their op. */
#include <string.h>

#include "core/host.h"
#include "core/infer.h"
#include "core/options.h"
#include "core/scan/graph.h"

/* The facts about a node of the program. */
struct scan_traced {
    int needs;    /* 1: depends on a parameter, or on the memory */
    int32_t id;   /* id in the graph; -1: not there yet, or never */
    int32_t uses; /* the number of times that nodes read it; results count twice */
};

struct scan_builder {
    struct scan_graph *graph;
    const struct program *program;
    struct scan_traced *traced; /* [program_count] */
};

static const struct program_node *at(const struct scan_builder *b, int32_t id) {
    return program_node(b->program, (rondo_value){id});
}

static int is_rows(const struct scan_builder *b, int32_t id) {
    return at(b, id)->domain == DOMAIN_STEPS;
}

/* Finds out which nodes may need a gradient, and how often each is read. */
static void find_dependences(struct scan_builder *b, const struct scan_graph_settings *settings) {
    int32_t next_input = 0;
    for (int32_t id = 0; id < program_count(b->program); id++) {
        const struct program_node *node = at(b, id);
        struct scan_traced *traced = &b->traced[id];
        traced->id = -1;
        if (node->op == NULL && node->value.data == NULL) {
            b->graph->first_parameter += node->domain != DOMAIN_FIXED;
            traced->needs = next_input++ > settings->n_states;
        }
        for (int32_t k = 0; k < node->n_inputs; k++) {
            traced->needs |= b->traced[node->inputs[k]].needs;
            b->traced[node->inputs[k]].uses++;
        }
        if (node->op != NULL && (node->op->flags & RONDO_OP_NO_GRADIENT) != 0) {
            traced->needs = 0;
        }
    }
    for (int32_t s = 0; s < settings->n_states; s++) {
        b->traced[settings->new_states[s].id].uses += 2; /* a result is not merged into another sum */
    }
    b->traced[settings->output.id].uses += 2;
}

/* The node of a value that the tape computes: a fixed tensor or a ragged value. */
static int32_t outside_node(struct scan_builder *b, int32_t id) {
    struct scan_graph *graph = b->graph;
    struct scan_traced *traced = &b->traced[id];
    if (traced->id < 0) {
        const struct program_node *from = at(b, id);
        const int is_fixed = from->domain == DOMAIN_FIXED;
        const int32_t which = is_fixed ? graph->n_fixed++ : graph->n_ragged++;
        (is_fixed ? graph->fixed : graph->ragged)[which] = (rondo_value){id};
        (is_fixed ? graph->fixed_needs : graph->ragged_needs)[which] = traced->needs;
        const struct scan_node node = {.kind = is_fixed ? NODE_FIXED : NODE_RAGGED,
                                       .which = which,
                                       .random = -1,
                                       .shape = from->value,
                                       .name = from->name};
        traced->id = graph_add(graph, node, NULL, 0);
    }
    return traced->id;
}

static int32_t node_of(struct scan_builder *b, int32_t id) {
    return is_rows(b, id) ? b->traced[id].id : outside_node(b, id);
}

static int has_default_options(const struct scan_builder *b, const struct program_node *node) {
    const rondo_descriptor *base = &node->op->base;
    if (base->options == NULL || node->options == NULL) {
        return 1;
    }
    struct errors ignored = {0};
    const void *defaults = options_create(base->options, base->options_size, b->graph->arena, &ignored);
    errors_free(&ignored);
    return defaults != NULL && memcmp(defaults, node->options, base->options_size) == 0;
}

static int is_product(const struct scan_builder *b, const struct program_node *node) {
    if (node->op->role != RONDO_ROLE_PRODUCT || node->n_inputs != 2 || !has_default_options(b, node) ||
        (node->op->flags & RONDO_OP_NO_GRADIENT) != 0) {
        return 0;
    }
    const struct program_node *left = at(b, node->inputs[0]), *right = at(b, node->inputs[1]);
    return left->domain == DOMAIN_STEPS && right->domain == DOMAIN_FIXED && left->value.ndim == 2 &&
           right->value.ndim == 2;
}

/* part_of_row, below, by the shape rule in training or in evaluation. */
static int64_t part_in_mode(const struct scan_builder *b, const struct program_node *node, int training) {
    rondo_tensor input = at(b, node->inputs[0])->value;
    input.shape[0] = 1;
    input.data = NULL;
    rondo_op_call call = {
        .struct_size = sizeof call, .n_inputs = 1, .options = node->options, .inputs = &input, .training = training};
    struct errors ignored = {0};
    struct host_call host = host_call(b->graph->arena, &ignored, NULL, node->op->base.name);
    const rondo_status status = infer_output(node->op, &call, &host);
    errors_free(&ignored);
    const int same_rows = status == RONDO_OK && call.output.ndim == node->value.ndim &&
                          rondo_count(&call.output) == rondo_count(&node->value) / RONDO_ANY_ROWS;
    return same_rows && call.is_view ? call.view_offset : -1;
}

/* If the op only shows a part of its input, the element of a row at which that part begins; -1: it computes something, or does
 * so in training or evaluation only, or stops the gradient. The shape rule of the op is called for one row. Since rows do not
 * mix, the result is right for every row. */
static int64_t part_of_row(const struct scan_builder *b, const struct program_node *node) {
    const uint32_t never = RONDO_OP_RANDOM | RONDO_OP_SEQUENCES | RONDO_OP_NO_GRADIENT;
    if (node->op->map != NULL || node->n_inputs != 1 || (node->op->flags & never) != 0) {
        return -1;
    }
    const int64_t part = part_in_mode(b, node, 0);
    return part == part_in_mode(b, node, 1) ? part : -1;
}

/* Adds a part, or a view where it has all elements of the row. A part of a part is a part of the whole. */
static int32_t add_part(struct scan_builder *b, struct scan_node node, int32_t input, int64_t offset) {
    struct scan_graph *graph = b->graph;
    node.op = NULL;
    node.options = NULL;
    if (rondo_count(&node.shape) == rondo_count(&graph->nodes[input].shape)) {
        node.kind = NODE_VIEW;
        return graph_add(graph, node, &input, 1);
    }
    while (node_is_alias(&graph->nodes[input])) {
        offset += graph->nodes[input].kind == NODE_PART ? graph->nodes[input].offset : 0;
        input = graph->nodes[input].inputs[0];
    }
    node.kind = NODE_PART;
    node.offset = offset;
    return graph_add(graph, node, &input, 1);
}

/* Adds a sum. An operand that is a sum itself, and that nothing else reads, is replaced by its own operands. */
static int32_t add_sum(struct scan_builder *b, const struct program_node *from, struct scan_node node) {
    struct scan_graph *graph = b->graph;
    enum { MOST_FLAT = 62 };
    int32_t n = 0;
    int32_t *inputs = arena_alloc(graph->arena, sizeof *inputs * (size_t)(MOST_FLAT + from->n_inputs));
    if (inputs == NULL) {
        return -1;
    }
    for (int32_t k = 0; k < from->n_inputs; k++) {
        const int32_t id = from->inputs[k];
        const struct scan_node *inner =
            is_rows(b, id) && b->traced[id].id >= 0 ? &graph->nodes[b->traced[id].id] : NULL;
        const int same = inner != NULL && inner->kind == NODE_SUM && b->traced[id].uses == 1 && inner->op == NULL &&
                         tensor_same_shape(&inner->shape, &node.shape) && n + inner->n_inputs < MOST_FLAT;
        if (same) {
            for (int32_t j = 0; j < inner->n_inputs; j++) {
                inputs[n++] = inner->inputs[j];
            }
        } else {
            inputs[n++] = node_of(b, id);
        }
    }
    node.kind = NODE_SUM;
    node.op = NULL;
    node.options = NULL;
    return graph_add(graph, node, inputs, n);
}

static void add_node(struct scan_builder *b, int32_t id) {
    struct scan_graph *graph = b->graph;
    const struct program_node *from = at(b, id);
    struct scan_node node = {.phase = PHASE_LOOP,
                             .op = from->op,
                             .options = from->options,
                             .random = -1,
                             .shape = from->value,
                             .name = from->name};
    if (from->op->role == RONDO_ROLE_SUM && from->op->map != NULL && (from->op->flags & RONDO_OP_NO_GRADIENT) == 0) {
        b->traced[id].id = add_sum(b, from, node);
        return;
    }
    if (is_product(b, from)) {
        const int32_t term[3] = {-1, node_of(b, from->inputs[0]), node_of(b, from->inputs[1])};
        node.kind = NODE_PRODUCT;
        node.op = NULL;
        node.options = NULL;
        b->traced[id].id = graph_add(graph, node, term, 3);
        return;
    }
    int32_t *inputs = arena_alloc(graph->arena, sizeof *inputs * (size_t)(from->n_inputs + 1));
    if (inputs == NULL) {
        return;
    }
    for (int32_t k = 0; k < from->n_inputs; k++) {
        inputs[k] = node_of(b, from->inputs[k]);
    }
    const int64_t part = part_of_row(b, from);
    if (part >= 0) {
        b->traced[id].id = add_part(b, node, inputs[0], part);
        return;
    }
    node.kind = from->op->map != NULL ? NODE_MAP : NODE_CALL;
    if ((from->op->flags & RONDO_OP_RANDOM) != 0) {
        node.random = graph->n_random++;
    }
    b->traced[id].id = graph_add(graph, node, inputs, from->n_inputs);
}

/* The node of a result, which must store its elements itself: a copy where the value comes from outside, is an alias, or
 * is one of the first n_taken new states already. */
static int32_t own(struct scan_builder *b, int32_t id, int32_t n_taken) {
    struct scan_graph *graph = b->graph;
    const struct scan_node *node = id < 0 ? NULL : &graph->nodes[id];
    if (node == NULL) {
        return -1;
    }
    int shared = node_is_given(node) || node_is_alias(node);
    for (int32_t s = 0; s < n_taken; s++) {
        shared |= graph->new_states[s] == id;
    }
    if (!shared) {
        return id;
    }
    const int32_t copy = graph_add_sum(graph, id, &id, 1);
    if (copy >= 0) {
        graph->nodes[copy].phase = PHASE_LOOP; /* a value from outside has no phase to inherit */
    }
    return copy;
}

static void add_results(struct scan_builder *b, const struct scan_graph_settings *settings) {
    struct scan_graph *graph = b->graph;
    for (int32_t s = 0; s < settings->n_states && !graph_failed(graph); s++) {
        const int32_t id = node_of(b, settings->new_states[s].id);
        graph->constant[s] = id >= 0 && id == graph->states[s];
        graph->new_states[s] = graph->constant[s] ? -1 : own(b, id, s);
    }
    const int32_t id = node_of(b, settings->output.id);
    graph->output = id >= 0 && !graph_failed(graph) ? own(b, id, 0) : -1;
}

/* Why only the tape can compute the value; NULL: it is not so. */
static const char *why_not(const struct scan_builder *b, const struct program_node *node) {
    const uint32_t flags = node->op->flags, random = RONDO_OP_RANDOM | RONDO_OP_SEQUENCES;
    /* By the equations it draws once per step. As a fixed tensor it would draw once per sequence. */
    if ((flags & RONDO_OP_RANDOM) != 0 && node->domain == DOMAIN_FIXED) {
        return "draws random words for a value that is the same for all rows";
    }
    /* Its gradient is computed row by row, where the words of a row are not those of the step. */
    if ((flags & random) == random && (flags & RONDO_OP_RANDOM_ELEMENTS) == 0 && node->domain == DOMAIN_STEPS) {
        return "looks along sequences and draws random words that do not belong to elements";
    }
    return node->domain == DOMAIN_STEPS &&
                   node->value.dtype != at(b, program_input_value(b->program, 0).id)->value.dtype
               ? "gives numbers of another type than those of the cell"
               : NULL;
}

static void refuse_ops(struct scan_builder *b) {
    for (int32_t id = 0; id < program_count(b->program); id++) {
        const struct program_node *node = at(b, id);
        const char *why = node->op == NULL ? NULL : why_not(b, node);
        if (why != NULL) {
            errors_add_at(b->graph->errors, RONDO_INVALID, node->where, "'%s' %s, which only the engine 'tape' can run",
                          node->op->base.name, why);
        }
    }
}

void graph_build(struct scan_graph *graph, const struct scan_graph_settings *settings) {
    const size_t count = (size_t)program_count(settings->program);
    const size_t n_states = (size_t)settings->n_states;
    struct scan_builder b = {.graph = graph, .program = settings->program};
    b.traced = arena_calloc(graph->arena, count + 1, sizeof *b.traced);
    graph->n_states = settings->n_states;
    graph->states = arena_calloc(graph->arena, n_states + 1, sizeof *graph->states);
    graph->new_states = arena_calloc(graph->arena, n_states + 1, sizeof *graph->new_states);
    graph->constant = arena_calloc(graph->arena, n_states + 1, sizeof *graph->constant);
    graph->state_needs = arena_calloc(graph->arena, n_states + 1, sizeof *graph->state_needs);
    graph->shapes = arena_calloc(graph->arena, n_states + 1, sizeof *graph->shapes);
    graph->fixed = arena_calloc(graph->arena, count + 1, sizeof *graph->fixed);
    graph->fixed_needs = arena_calloc(graph->arena, count + 1, sizeof *graph->fixed_needs);
    graph->ragged = arena_calloc(graph->arena, count + 1, sizeof *graph->ragged);
    graph->ragged_needs = arena_calloc(graph->arena, count + 1, sizeof *graph->ragged_needs);
    if (arena_failed(graph->arena)) {
        return;
    }
    find_dependences(&b, settings);
    refuse_ops(&b);
    int32_t next_input = 0;
    for (int32_t id = 0; id < (int32_t)count && !graph_failed(graph); id++) {
        const struct program_node *node = at(&b, id);
        const int is_input = node->op == NULL && node->value.data == NULL;
        if (is_input && next_input <= settings->n_states) {
            const int32_t state = next_input - 1;
            const struct scan_node given = {.kind = state < 0 ? NODE_X : NODE_STATE,
                                            .which = state,
                                            .random = -1,
                                            .shape = node->value,
                                            .name = node->name};
            b.traced[id].id = graph_add(graph, given, NULL, 0);
            graph->dtype = node->value.dtype;
            if (state >= 0) {
                graph->states[state] = b.traced[id].id;
                graph->shapes[state] = node->value;
            }
        } else if (node->domain == DOMAIN_STEPS) {
            add_node(&b, id);
        }
        next_input += is_input;
    }
    if (!graph_failed(graph)) {
        add_results(&b, settings);
    }
}
