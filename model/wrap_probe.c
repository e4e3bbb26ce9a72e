#include <math.h>
#include <string.h>

#include "model/probe.h"
#include "model/rewrite.h"

/* ---- which values are gates ---- */

/* The results of an elementwise op for four large numbers, in ascending order of these; 0: the op cannot be asked. */
static int ask_op(const struct program_node *node, double results[4]) {
    static const double asked[4] = {-1e8, -1e4, 1e4, 1e8};
    float in_f32[4], out_f32[4];
    double in_f64[4];
    const int is_f32 = node->value.dtype == RONDO_F32;
    if (node->op->map == NULL || node->n_inputs != 1 || (!is_f32 && node->value.dtype != RONDO_F64)) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        in_f32[i] = (float)asked[i];
        in_f64[i] = asked[i];
    }
    const void *in[1] = {is_f32 ? (const void *)in_f32 : in_f64};
    node->op->map(node->options, node->value.dtype, 4, in, is_f32 ? (void *)out_f32 : results);
    for (int i = 0; i < 4 && is_f32; i++) {
        results[i] = (double)out_f32[i];
    }
    return 1;
}

static int is_limit(double near, double far) {
    return isfinite(far) && fabs(near - far) <= 1e-3 * fmax(1, fabs(far));
}

/* Whether the op approaches two limits. */
static int find_limits(const struct program_node *node, double *low, double *high) {
    double results[4];
    if (!ask_op(node, results) || !is_limit(results[1], results[0]) || !is_limit(results[2], results[3])) {
        return 0;
    }
    *low = fmin(results[0], results[3]);
    *high = fmax(results[0], results[3]);
    return *low < *high;
}

/* ---- names of values that have none ---- */

/* The name of the equation that node `id` is a part of; "" if there is none. `is_part` has room for all nodes. */
static const char *owner_of(const struct program *program, int32_t id, unsigned char *is_part) {
    const int32_t count = program_count(program);
    memset(is_part, 0, (size_t)count);
    is_part[id] = 1;
    for (int32_t i = id; i < count; i++) {
        const struct program_node *node = program_node(program, (rondo_value){i});
        for (int32_t k = 0; node->op != NULL && k < node->n_inputs; k++) {
            is_part[i] |= is_part[node->inputs[k]];
        }
        if (is_part[i] && node->name != NULL) {
            return node->name;
        }
    }
    return "";
}

/* "f", or "tanh in h'". From `arena`; NULL: out of memory. */
static const char *name_of(const struct program *program, int32_t id, const char *what, struct arena *arena) {
    const struct program_node *node = program_node(program, (rondo_value){id});
    unsigned char *is_part = arena_calloc(arena, (size_t)program_count(program), 1);
    if (is_part == NULL) {
        return NULL;
    }
    if (node->name != NULL) {
        return arena_strdup(arena, node->name);
    }
    const char *owner = owner_of(program, id, is_part);
    return owner[0] == '\0' ? arena_strdup(arena, what) : arena_printf(arena, "%s in %s", what, owner);
}

/* ---- the wrapper ---- */

static int64_t row_width(const rondo_tensor *value) {
    int64_t width = 1;
    for (int32_t d = 1; d < value->ndim; d++) {
        width *= value->shape[d];
    }
    return width;
}

/* A probe while it is made. */
struct probing {
    struct rewrite rewrite;
    const struct cell *cell;
    struct probe_state *states;
    struct probe_gate *gates;
    const char **names; /* [n_gates] without numbers */
    int32_t *nodes;     /* [n_gates] in the old cell */
    int32_t n_states, n_gates;
    rondo_value *zeros;    /* [n_states] in the shape of the state */
    unsigned char *is_put; /* [n_states] the zeros are added where the new value is computed */
};

static int64_t sum_of_states(const struct cell *cell) {
    int64_t width = 0;
    for (int32_t s = 0; s < cell->n_states - cell->n_masks; s++) {
        width += row_width(&cell->states[s]);
    }
    return width;
}

/* A second gate of the same name gets the number 2. */
static const char *number_name(const struct probing *probing, const char *name, struct arena *arena) {
    int32_t number = 1;
    for (int32_t other = 0; other < probing->n_gates; other++) {
        number += strcmp(probing->names[other], name) == 0;
    }
    return number == 1 ? name : arena_printf(arena, "%s (%d)", name, (int)number);
}

/* Finds the gates of the old cell. */
static void find_gates(struct probing *probing) {
    const struct cell *cell = probing->cell;
    struct arena *arena = program_arena(probing->rewrite.program);
    for (int32_t id = probing->rewrite.first; id < program_count(cell->program) && !arena_failed(arena); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        double low, high;
        if (node->op == NULL || node->domain != DOMAIN_STEPS || !find_limits(node, &low, &high)) {
            continue;
        }
        const char *name = name_of(cell->program, id, node->op->base.name, arena);
        if (name != NULL) {
            const int32_t gate = probing->n_gates;
            probing->gates[gate] = (struct probe_gate){.name = number_name(probing, name, arena),
                                                       .op = arena_strdup(arena, node->op->base.name),
                                                       .low = low,
                                                       .high = high,
                                                       .width = row_width(&node->value)};
            probing->names[gate] = name;
            probing->nodes[gate] = id;
            probing->n_gates++;
        }
    }
}

/* The zeros of the states, from the columns of x behind the input. */
static void take_zeros(struct probing *probing, int64_t input) {
    struct rewrite *rewrite = &probing->rewrite;
    int64_t column = 0;
    for (int32_t s = 0; s < probing->n_states; s++) {
        const rondo_tensor *state = &probing->cell->states[s];
        const char *name = program_node(probing->cell->program, (rondo_value){1 + s})->name;
        const int64_t width = row_width(state);
        const rondo_value columns =
            rewrite_slice(rewrite, (rondo_value){0}, input + column, input + column + width); /* [batch, width] */
        probing->zeros[s] = rewrite_reshape(rewrite, columns, state);
        probing->states[s] = (struct probe_state){
            .name = arena_strdup(program_arena(rewrite->program), name), .width = width, .zeros = column};
        column += width;
    }
}

static rondo_value add_zeros(struct probing *probing, rondo_value value, int32_t state) {
    const rondo_value sum[2] = {value, probing->zeros[state]};
    return rewrite_apply(&probing->rewrite, OPERATOR_ADD, NULL, 0, sum, 2);
}

/* Copies the step. All readers of a new state read it with its zeros. */
static void copy_step(struct probing *probing) {
    struct rewrite *rewrite = &probing->rewrite;
    const struct cell *cell = probing->cell;
    for (int32_t id = rewrite->first; id < program_count(cell->program); id++) {
        rondo_value value = rewrite_node(rewrite, id);
        if (program_node(cell->program, (rondo_value){id})->op == NULL) {
            continue;
        }
        for (int32_t s = 0; s < probing->n_states; s++) {
            if (cell->new_states[s].id == id) {
                value = add_zeros(probing, value, s);
                rewrite_put(rewrite, id, value);
                probing->is_put[s] = 1;
                break; /* a second state with this value gets its own zeros as well */
            }
        }
    }
    rewrite_results(rewrite);
    for (int32_t s = 0; s < probing->n_states; s++) {
        if (!probing->is_put[s]) { /* the new value is also an input of the program, or another state */
            rewrite->new_states[s] = add_zeros(probing, rewrite->new_states[s], s);
        }
    }
}

/* The output with the columns of states and gates. Returns its width. */
static int64_t widen_output(struct probing *probing) {
    struct rewrite *rewrite = &probing->rewrite;
    struct arena *arena = program_arena(rewrite->program);
    const int32_t count = 1 + probing->n_states + probing->n_gates;
    rondo_value *parts = arena_calloc(arena, (size_t)count, sizeof *parts);
    int64_t column = rewrite->into->output_width;
    const struct option_value axis = {"axis", -1, NULL};
    if (parts == NULL) {
        return column;
    }
    rondo_tensor shape = tensor_2d(probing->cell->states[0].dtype, RONDO_ANY_ROWS, column, NULL);
    parts[0] = rewrite->into->output;
    for (int32_t i = 1; i < count; i++) {
        const int32_t gate = i - 1 - probing->n_states;
        shape.shape[1] = gate < 0 ? probing->states[i - 1].width : probing->gates[gate].width;
        *(gate < 0 ? &probing->states[i - 1].column : &probing->gates[gate].column) = column;
        parts[i] = rewrite_reshape(rewrite, gate < 0 ? rewrite->new_states[i - 1] : rewrite->map[probing->nodes[gate]],
                                   &shape);
        column += shape.shape[1];
    }
    rewrite->into->output = rewrite_apply(rewrite, "concat", &axis, 1, parts, count);
    rewrite->into->output_width = column;
    return column;
}

struct cell *wrap_probe(const struct cell *cell, int values, struct cell_probe *probe, struct registry *registry,
                        struct errors *errors) {
    struct probing probing = {.cell = cell, .n_states = cell->n_states - cell->n_masks};
    const int64_t zeros = sum_of_states(cell);
    const int64_t input = program_node(cell->program, (rondo_value){0})->value.shape[1];
    if (rewrite_open_wider(&probing.rewrite, cell, zeros, registry, errors) != RONDO_OK) {
        return NULL;
    }
    struct arena *arena = program_arena(probing.rewrite.program);
    const size_t nodes = (size_t)program_count(cell->program), states = (size_t)cell->n_states;
    probing.gates = arena_calloc(arena, nodes, sizeof *probing.gates);
    probing.names = arena_calloc(arena, nodes, sizeof *probing.names);
    probing.nodes = arena_calloc(arena, nodes, sizeof *probing.nodes);
    probing.states = arena_calloc(arena, states, sizeof *probing.states);
    probing.zeros = arena_calloc(arena, states, sizeof *probing.zeros);
    probing.is_put = arena_calloc(arena, states, 1);
    if (arena_failed(arena)) {
        return rewrite_close(&probing.rewrite);
    }
    find_gates(&probing);
    take_zeros(&probing, input);
    copy_step(&probing);
    const int64_t columns = values ? widen_output(&probing) : cell->output_width;
    *probe = (struct cell_probe){.input = input,
                                 .zeros = zeros,
                                 .columns = columns,
                                 .states = probing.states,
                                 .gates = probing.gates,
                                 .n_states = probing.n_states,
                                 .n_gates = probing.n_gates};
    return rewrite_close(&probing.rewrite);
}

/* ---- matrices ---- */

int32_t probe_matrices(const struct cell *cell, struct probe_matrix *matrices, struct arena *arena) {
    const unsigned char *states = cell_depends_on_states(cell, arena);
    unsigned char *is_part = arena_calloc(arena, (size_t)program_count(cell->program), 1);
    int32_t count = 0;
    for (int32_t id = 0; !arena_failed(arena) && id < program_count(cell->program); id++) {
        const struct program_node *product = program_node(cell->program, (rondo_value){id});
        if (!is_weight_product(cell, id) || !states[product->inputs[0]]) {
            continue;
        }
        const struct program_node *right = program_node(cell->program, (rondo_value){product->inputs[1]});
        if (right->value.ndim == 2) {
            const char *owner = owner_of(cell->program, id, is_part);
            const char *name =
                right->name != NULL ? arena_strdup(arena, right->name) : arena_printf(arena, "matrix in %s", owner);
            matrices[count++] =
                (struct probe_matrix){name, product->inputs[1], right->value.shape[0], right->value.shape[1]};
        }
    }
    return arena_failed(arena) ? -1 : count;
}
