#include <stdio.h>
#include <string.h>

#include "model/rewrite.h"
#include "model/wrap.h"

/* The sums of a cell. Arrays are [nodes] unless noted. */
struct layer_norm_sums {
    const struct cell *cell;
    unsigned char *is_part;       /* a sum whose only reader is another sum */
    unsigned char *is_activation; /* a maximal sum, or a product in no sum, that is normalised */
    int32_t *reads;               /* number of operands that are this node */
    int32_t *sum_reads;           /* of these, operands of sums */
    int32_t *left_reads;          /* of these, left sides of products by weights */
    int32_t *terms;               /* [nodes + 1] terms of one sum, in their order */
    int32_t *stack;               /* [nodes + 1] used while terms are collected */
    int32_t count;                /* number of normalised sums */
};

static const struct program_node *node_at(const struct layer_norm_sums *sums, int32_t id) {
    return program_node(sums->cell->program, (rondo_value){id});
}

static int is_sum(const struct layer_norm_sums *sums, int32_t id) {
    const struct program_node *node = node_at(sums, id);
    return node->op != NULL && node->op->role == RONDO_ROLE_SUM;
}

static int is_state_or_output(const struct cell *cell, int32_t id) {
    int is = cell->output.id == id;
    for (int32_t s = 0; s < cell->n_states; s++) {
        is |= cell->new_states[s].id == id;
    }
    return is;
}

static int is_candidate(const struct cell *cell, int32_t id) {
    int is = 0;
    for (int32_t i = 0; i < cell->n_candidates; i++) {
        is |= cell->candidates[i].id == id;
    }
    return is;
}

static void count_reads(struct layer_norm_sums *sums) {
    for (int32_t id = 0; id < program_count(sums->cell->program); id++) {
        const struct program_node *node = node_at(sums, id);
        for (int32_t k = 0; node->op != NULL && k < node->n_inputs; k++) {
            sums->reads[node->inputs[k]]++;
            sums->sum_reads[node->inputs[k]] += is_sum(sums, id);
            sums->left_reads[node->inputs[k]] += k == 0 && is_weight_product(sums->cell, id);
        }
    }
}

/* Collects the terms of a sum from left to right and returns their number. A product is a sum of one term. */
static int32_t collect_terms(struct layer_norm_sums *sums, int32_t sum) {
    int32_t n_terms = 0, depth = 0;
    sums->stack[depth++] = sum;
    while (depth > 0) {
        const int32_t id = sums->stack[--depth];
        if (is_sum(sums, id) && (id == sum || sums->is_part[id])) {
            sums->stack[depth++] = node_at(sums, id)->inputs[1];
            sums->stack[depth++] = node_at(sums, id)->inputs[0];
        } else {
            sums->terms[n_terms++] = id;
        }
    }
    return n_terms;
}

/* The first product by weights among the terms; -1 if there is none. */
static int32_t find_product(struct layer_norm_sums *sums, int32_t id, int32_t *n_terms) {
    *n_terms = collect_terms(sums, id);
    for (int32_t i = 0; i < *n_terms; i++) {
        if (is_weight_product(sums->cell, sums->terms[i])) {
            return sums->terms[i];
        }
    }
    return -1;
}

static void find_activations(struct layer_norm_sums *sums) {
    const int32_t count = program_count(sums->cell->program);
    count_reads(sums);
    for (int32_t id = 0; id < count; id++) {
        const int is_named = is_state_or_output(sums->cell, id) || is_candidate(sums->cell, id);
        sums->is_part[id] = is_sum(sums, id) && sums->reads[id] == 1 && sums->sum_reads[id] == 1 && !is_named;
    }
    for (int32_t id = 0; id < count; id++) {
        int32_t n_terms;
        const int is_separate = is_weight_product(sums->cell, id) && sums->sum_reads[id] + sums->left_reads[id] == 0;
        const int whole = is_sum(sums, id) && !sums->is_part[id];
        sums->is_activation[id] =
            (is_separate || whole) && !is_state_or_output(sums->cell, id) && find_product(sums, id, &n_terms) >= 0;
        sums->count += sums->is_activation[id];
    }
}

/* The gain is named after the matrix of the first product: "W_i.gain". */
static const char *weight_name(const struct layer_norm_sums *sums, int32_t product) {
    const struct program_node *weight = node_at(sums, node_at(sums, product)->inputs[1]);
    return weight->op == NULL && weight->name != NULL ? weight->name : "sum";
}

static int is_vector(const struct layer_norm_sums *sums, int32_t id, int64_t width) {
    const rondo_tensor *value = &node_at(sums, id)->value;
    return value->ndim == 1 && value->shape[0] == width;
}

static rondo_value add(struct rewrite *rewrite, rondo_value sum, rondo_value term) {
    const rondo_value operands[2] = {sum, term};
    return sum.id < 0 ? term : rewrite_apply(rewrite, OPERATOR_ADD, NULL, 0, operands, 2);
}

/* layer_norm(terms with rows, gain, bias) + all other terms. */
static rondo_value normalise(struct rewrite *rewrite, struct layer_norm_sums *sums, int32_t id) {
    int32_t n_terms, bias_term = -1;
    const int32_t product = find_product(sums, id, &n_terms);
    rondo_value sum = {-1};
    for (int32_t i = 0; i < n_terms; i++) {
        if (is_of_step(sums->cell, sums->terms[i])) {
            sum = add(rewrite, sum, rewrite->map[sums->terms[i]]);
        }
    }
    const struct program_node *node = program_node(rewrite->program, sum);
    if (node == NULL) {
        return sum;
    }
    rondo_tensor shape = tensor_1d(node->value.dtype, node->value.shape[node->value.ndim - 1], NULL); /* [width] */
    for (int32_t i = 0; i < n_terms && bias_term < 0; i++) {
        const int fits = !is_of_step(sums->cell, sums->terms[i]) && is_vector(sums, sums->terms[i], shape.shape[0]);
        bias_term = fits ? sums->terms[i] : -1;
    }
    char name[96];
    snprintf(name, sizeof name, "%.80s.gain", weight_name(sums, product));
    const rondo_value gain =
        rewrite_parameter(rewrite, name, shape, (struct initialiser){.kind = INITIALISE_CONSTANT, .a = 1});
    snprintf(name, sizeof name, "%.80s.bias", weight_name(sums, product));
    const rondo_value bias =
        bias_term >= 0 ? rewrite->map[bias_term]
                       : rewrite_parameter(rewrite, name, shape, (struct initialiser){.kind = INITIALISE_CONSTANT});
    const rondo_value operands[3] = {sum, gain, bias};
    rondo_value value = rewrite_apply(rewrite, "layer_norm", NULL, 0, operands, 3);
    for (int32_t i = 0; i < n_terms; i++) {
        if (!is_of_step(sums->cell, sums->terms[i]) && sums->terms[i] != bias_term) {
            value = add(rewrite, value, rewrite->map[sums->terms[i]]);
        }
    }
    return value;
}

static void copy_normalised(struct rewrite *rewrite, struct layer_norm_sums *sums) {
    for (int32_t id = rewrite->first; id < program_count(sums->cell->program); id++) {
        const struct program_node *node = node_at(sums, id);
        if (sums->is_part[id]) {
            continue; /* the sum that reads it is built from its terms */
        }
        if (!sums->is_activation[id]) {
            rewrite_node(rewrite, id);
            continue;
        }
        if (!is_sum(sums, id)) {
            rewrite_node(rewrite, id);
        }
        const rondo_value value = normalise(rewrite, sums, id);
        const char *name = node->name == NULL ? NULL : arena_strdup(program_arena(rewrite->program), node->name);
        if (name != NULL) {
            program_name(rewrite->program, value, name);
        }
        rewrite_put(rewrite, id, value);
    }
}

/* Parts of sums that are not normalised are copied like any other node. */
static void keep_parts_of_plain_sums(struct layer_norm_sums *sums) {
    for (int32_t id = program_count(sums->cell->program) - 1; id >= 0; id--) {
        if (!is_sum(sums, id) || sums->is_activation[id] || sums->is_part[id]) {
            continue;
        }
        /* Operands have lower numbers, so a part that is unmarked here unmarks its own parts later. */
        for (int32_t k = 0; k < 2; k++) {
            sums->is_part[node_at(sums, id)->inputs[k]] = 0;
        }
    }
}

static struct cell *norm_sums(const struct cell *cell, struct location where, struct registry *registry,
                              struct arena *arena, struct errors *errors) {
    const size_t count = (size_t)program_count(cell->program);
    struct layer_norm_sums sums = {.cell = cell,
                                   .is_part = arena_calloc(arena, count, 1),
                                   .is_activation = arena_calloc(arena, count, 1),
                                   .reads = arena_calloc(arena, count, sizeof(int32_t)),
                                   .sum_reads = arena_calloc(arena, count, sizeof(int32_t)),
                                   .left_reads = arena_calloc(arena, count, sizeof(int32_t)),
                                   .terms = arena_calloc(arena, count + 1, sizeof(int32_t)),
                                   .stack = arena_calloc(arena, count + 1, sizeof(int32_t))};
    if (arena_failed(arena)) {
        errors_no_memory(errors);
        return NULL;
    }
    find_activations(&sums);
    keep_parts_of_plain_sums(&sums);
    if (sums.count == 0) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "'layer_norm' is not used: cell '%s' has no pre-activation, a sum with a product by weights",
                      cell->name);
        return NULL;
    }
    struct rewrite rewrite;
    if (rewrite_open(&rewrite, cell, 0, 2 * sums.count, registry, errors) != RONDO_OK) {
        return NULL;
    }
    copy_normalised(&rewrite, &sums);
    rewrite_results(&rewrite);
    return rewrite_close(&rewrite);
}

struct cell *wrap_layer_norm(const struct cell *cell, struct location where, struct registry *registry,
                             struct errors *errors) {
    struct arena *arena = arena_create();
    struct cell *wrapped = norm_sums(cell, where, registry, arena, errors);
    arena_destroy(arena);
    return wrapped;
}
