#include <stdio.h>

#include "model/rewrite.h"
#include "model/wrap.h"

static int is_candidate(const struct cell *cell, int32_t id) {
    for (int32_t i = 0; i < cell->n_candidates; i++) {
        if (cell->candidates[i].id == id) {
            return 1;
        }
    }
    return 0;
}

struct cell *wrap_recurrent_dropout(const struct cell *cell, double rate, struct location where,
                                    struct registry *registry, struct errors *errors) {
    struct rewrite rewrite;
    if (cell->n_candidates == 0) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "'recurrent_dropout' drops what is new in the states, and cell '%s' does not say which values "
                      "that is, expected a line such as 'candidate: g' in its file",
                      cell->name);
        return NULL;
    }
    if (rewrite_open(&rewrite, cell, 0, 0, registry, errors) != RONDO_OK) {
        return NULL;
    }
    const struct option_value share = {"rate", rate, NULL};
    for (int32_t id = rewrite.first; id < program_count(cell->program); id++) {
        const rondo_value value = rewrite_node(&rewrite, id);
        if (is_candidate(cell, id)) {
            rewrite_put(&rewrite, id, rewrite_apply(&rewrite, "dropout", &share, 1, &value, 1));
        }
    }
    rewrite_results(&rewrite);
    return rewrite_close(&rewrite);
}

/* ---- variational dropout ---- */

/* The values to be masked, and their masks in the new program. */
struct dropout_masks {
    unsigned char *is_masked; /* [nodes] */
    rondo_value *mask;        /* [nodes] */
    int32_t count;
};

/* Finds the left sides of products by weights. In a product by a factored matrix, (x @ V) @ U, only x is masked. */
static void find_masked(const struct cell *cell, struct dropout_masks *masks) {
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        if (!is_weight_product(cell, id)) {
            continue;
        }
        const int32_t left = program_node(cell->program, (rondo_value){id})->inputs[0];
        if (!is_weight_product(cell, left)) {
            masks->count += !masks->is_masked[left];
            masks->is_masked[left] = 1;
        }
    }
}

static void add_masks(struct rewrite *rewrite, struct dropout_masks *masks) {
    for (int32_t id = 0; id < program_count(rewrite->from->program); id++) {
        const struct program_node *node = program_node(rewrite->from->program, (rondo_value){id});
        if (masks->is_masked[id]) {
            char name[96];
            snprintf(name, sizeof name, "%.80s.mask", node->name == NULL ? "value" : node->name);
            masks->mask[id] = rewrite_state(rewrite, name, node->value);
            rewrite->new_states[rewrite->into->n_states - 1] = masks->mask[id];
        }
    }
    rewrite->into->n_masks = masks->count;
}

/* Copies all nodes. Products by weights read their left side times its mask; all other nodes read the value itself. */
static void copy_masked(struct rewrite *rewrite, const struct dropout_masks *masks, rondo_value *masked) {
    const struct cell *cell = rewrite->from;
    for (int32_t id = rewrite->first; id < program_count(cell->program); id++) {
        if (!is_weight_product(cell, id)) {
            rewrite_node(rewrite, id);
            continue;
        }
        const int32_t left = program_node(cell->program, (rondo_value){id})->inputs[0];
        const rondo_value plain = rewrite->map[left];
        if (masks->is_masked[left] && masked[left].id < 0) {
            const rondo_value operands[2] = {plain, masks->mask[left]};
            masked[left] = rewrite_apply(rewrite, OPERATOR_MULTIPLY, NULL, 0, operands, 2);
        }
        rewrite_put(rewrite, left, masks->is_masked[left] ? masked[left] : plain);
        rewrite_node(rewrite, id);
        rewrite_put(rewrite, left, plain);
    }
}

static struct cell *mask_products(const struct cell *cell, struct location where, struct registry *registry,
                                  struct arena *arena, struct errors *errors) {
    const size_t count = (size_t)program_count(cell->program);
    struct dropout_masks masks = {.is_masked = arena_calloc(arena, count, 1),
                                  .mask = arena_calloc(arena, count, sizeof(rondo_value))};
    rondo_value *masked = arena_calloc(arena, count, sizeof *masked);
    if (arena_failed(arena)) {
        errors_no_memory(errors);
        return NULL;
    }
    find_masked(cell, &masks);
    if (masks.count == 0) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "'variational_dropout' is not used: cell '%s' has no product by weights", cell->name);
        return NULL;
    }
    for (size_t id = 0; id < count; id++) {
        masked[id] = (rondo_value){-1};
    }
    struct rewrite rewrite;
    if (rewrite_open(&rewrite, cell, masks.count, 0, registry, errors) != RONDO_OK) {
        return NULL;
    }
    add_masks(&rewrite, &masks);
    copy_masked(&rewrite, &masks, masked);
    rewrite_results(&rewrite);
    return rewrite_close(&rewrite);
}

struct cell *wrap_variational_dropout(const struct cell *cell, struct location where, struct registry *registry,
                                      struct errors *errors) {
    struct arena *arena = arena_create();
    struct cell *wrapped = mask_products(cell, where, registry, arena, errors);
    arena_destroy(arena);
    return wrapped;
}
