#include "model/rewrite.h"
#include "model/wrap.h"

int32_t wrap_output_state(const struct cell *cell) {
    for (int32_t s = 0; s < cell->n_states; s++) {
        if (cell->new_states[s].id == cell->output.id) {
            return s;
        }
    }
    return -1;
}

/* ---- cell clip ---- */

static int is_clipped_state(const struct cell *cell, int32_t state, const unsigned char *is_clock) {
    return !is_clock[state] && (cell->n_states == 1 || state != wrap_output_state(cell));
}

static int is_clipped(const struct cell *cell, int32_t id, const unsigned char *is_clock) {
    for (int32_t s = 0; s < cell->n_states; s++) {
        if (cell->new_states[s].id == id && is_clipped_state(cell, s, is_clock)) {
            return 1;
        }
    }
    return 0;
}

static rondo_value clip(struct rewrite *rewrite, rondo_value value, double limit) {
    const struct option_value range[] = {{"low", -limit, NULL}, {"high", limit, NULL}};
    return rewrite_apply(rewrite, "clamp", range, 2, &value, 1);
}

struct cell *wrap_clip(const struct cell *cell, double limit, struct registry *registry, struct errors *errors) {
    struct rewrite rewrite;
    if (rewrite_open(&rewrite, cell, 0, 0, registry, errors) != RONDO_OK) {
        return NULL;
    }
    const unsigned char *is_clock = cell_clocks(cell, program_arena(rewrite.program));
    if (is_clock == NULL) {
        return rewrite_close(&rewrite);
    }
    for (int32_t id = rewrite.first; id < program_count(cell->program); id++) {
        const rondo_value value = rewrite_node(&rewrite, id);
        if (program_node(cell->program, (rondo_value){id})->op != NULL && is_clipped(cell, id, is_clock)) {
            rewrite_put(&rewrite, id, clip(&rewrite, value, limit));
        }
    }
    rewrite_results(&rewrite);
    for (int32_t s = 0; s < cell->n_states; s++) {
        /* The new value is an input of the program: its other readers are not clipped. */
        if (program_node(cell->program, cell->new_states[s])->op == NULL && is_clipped_state(cell, s, is_clock)) {
            rewrite.new_states[s] = clip(&rewrite, rewrite.new_states[s], limit);
        }
    }
    return rewrite_close(&rewrite);
}

/* ---- zoneout ---- */

/* s + (1 - rate) dropout(new - s, rate): dropout divides what it keeps by 1 - rate. */
static rondo_value zone_out(struct rewrite *rewrite, int32_t state, double rate) {
    const struct option_value share = {"rate", rate, NULL};
    const rondo_value old = rewrite->map[1 + state], change[2] = {rewrite->new_states[state], old};
    const rondo_value difference = rewrite_apply(rewrite, OPERATOR_SUBTRACT, NULL, 0, change, 2);
    const rondo_value scaled[2] = {rewrite_apply(rewrite, "dropout", &share, 1, &difference, 1),
                                   rewrite_constant(rewrite, 1 - rate)};
    const rondo_value sum[2] = {old, rewrite_apply(rewrite, OPERATOR_MULTIPLY, NULL, 0, scaled, 2)};
    return rewrite_apply(rewrite, OPERATOR_ADD, NULL, 0, sum, 2);
}

struct cell *wrap_zoneout(const struct cell *cell, double rate, double output_rate, struct registry *registry,
                          struct errors *errors) {
    const int32_t output_state = wrap_output_state(cell);
    struct rewrite rewrite;
    if (rewrite_open(&rewrite, cell, 0, 0, registry, errors) != RONDO_OK) {
        return NULL;
    }
    const unsigned char *is_clock = cell_clocks(cell, program_arena(rewrite.program));
    if (is_clock == NULL) {
        return rewrite_close(&rewrite);
    }
    for (int32_t id = rewrite.first; id < program_count(cell->program); id++) {
        rewrite_node(&rewrite, id);
    }
    rewrite_results(&rewrite);
    for (int32_t s = 0; s < cell->n_states; s++) {
        const double rate_of_state = s == output_state ? output_rate : rate;
        if (rate_of_state > 0 && !is_clock[s]) {
            rewrite.new_states[s] = zone_out(&rewrite, s, rate_of_state);
        }
    }
    if (output_state >= 0) {
        rewrite.into->output = rewrite.new_states[output_state];
    }
    return rewrite_close(&rewrite);
}

/* ---- recurrent weights ---- */

static int32_t find_recurrent(const struct cell *cell, unsigned char *is_recurrent, const unsigned char *states,
                              unsigned char *is_source) {
    const int32_t count = program_count(cell->program);
    for (int32_t id = count - 1; id >= 0; id--) { /* operands come before their readers */
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        if (is_weight_product(cell, id) && states[node->inputs[0]]) {
            is_source[node->inputs[1]] = 1;
        }
        for (int32_t k = 0; is_source[id] && node->op != NULL && k < node->n_inputs; k++) {
            is_source[node->inputs[k]] = 1;
        }
    }
    int32_t parameter = 0, found = 0;
    for (int32_t id = 1 + cell->n_states; id < count; id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        if (node->op == NULL && node->value.data == NULL && node->domain == DOMAIN_FIXED) {
            is_recurrent[parameter] = is_source[id] && node->value.ndim >= 2;
            found += is_recurrent[parameter++];
        }
    }
    return found;
}

int32_t wrap_recurrent_weights(const struct cell *cell, unsigned char *is_recurrent) {
    struct arena *arena = arena_create();
    const unsigned char *states = cell_depends_on_states(cell, arena);
    unsigned char *is_source = arena_calloc(arena, (size_t)program_count(cell->program), 1);
    const int32_t found = arena_failed(arena) ? -1 : find_recurrent(cell, is_recurrent, states, is_source);
    arena_destroy(arena);
    return found;
}
