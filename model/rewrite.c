#define _POSIX_C_SOURCE 200809L
#include "model/rewrite.h"

#include <string.h>

#include "core/options.h"

static const rondo_value failed_value = {-1};
static const struct location nowhere = {NULL, 0, 0};

/* Copies x and the states, which are the first nodes of every program of a cell. */
static rondo_status copy_first_inputs(struct rewrite *rewrite, int64_t more_input) {
    const struct cell *from = rewrite->from;
    for (int32_t id = 0; id < rewrite->first; id++) {
        const struct program_node *node = program_node(from->program, (rondo_value){id});
        RONDO_CHECK(node->op == NULL && node->value.data == NULL, rewrite->errors, "x and the states come first");
        const char *name = arena_strdup(program_arena(rewrite->program), node->name);
        rondo_tensor value = node->value;
        value.shape[1] += id == 0 ? more_input : 0;
        rewrite->map[id] = program_input(rewrite->program, name, value, rewrite->errors);
        if (rewrite->map[id].id < 0) {
            return RONDO_NO_MEMORY;
        }
    }
    if (more_input > 0) {
        const int64_t input = program_node(from->program, (rondo_value){0})->value.shape[1];
        rewrite->map[0] = rewrite_slice(rewrite, rewrite->map[0], 0, input);
    }
    memcpy(rewrite->states, from->states, sizeof *rewrite->states * (size_t)from->n_states);
    return RONDO_OK;
}

static rondo_status open_copy(struct rewrite *rewrite, const struct cell *from, int64_t more_input, int32_t more_states,
                              int32_t more_parameters, struct registry *registry, struct errors *errors) {
    *rewrite = (struct rewrite){.from = from,
                                .registry = registry,
                                .errors = errors,
                                .first = 1 + from->n_states,
                                .errors_before = errors->count};
    rewrite->program = program_create(registry);
    if (rewrite->program == NULL) {
        return errors_no_memory(errors);
    }
    struct arena *arena = program_arena(rewrite->program);
    const size_t n_states = (size_t)from->n_states + (size_t)more_states;
    const size_t n_parameters = (size_t)from->n_parameters + (size_t)more_parameters;
    rewrite->into = arena_calloc(arena, 1, sizeof *rewrite->into);
    rewrite->map = arena_calloc(arena, (size_t)program_count(from->program), sizeof *rewrite->map);
    rewrite->states = arena_calloc(arena, n_states, sizeof *rewrite->states);
    rewrite->new_states = arena_calloc(arena, n_states, sizeof *rewrite->new_states);
    rewrite->parameters = arena_calloc(arena, n_parameters + 1, sizeof *rewrite->parameters);
    rondo_status status = RONDO_OK;
    if (arena_failed(arena)) {
        status = errors_no_memory(errors);
    } else {
        *rewrite->into = *from;
        rewrite->into->program = rewrite->program;
        rewrite->into->n_parameters = 0;
        for (int32_t id = 0; id < program_count(from->program); id++) {
            rewrite->map[id] = failed_value;
        }
        status = copy_first_inputs(rewrite, more_input);
    }
    if (status != RONDO_OK) {
        program_destroy(rewrite->program);
    }
    return status;
}

rondo_status rewrite_open(struct rewrite *rewrite, const struct cell *from, int32_t more_states,
                          int32_t more_parameters, struct registry *registry, struct errors *errors) {
    return open_copy(rewrite, from, 0, more_states, more_parameters, registry, errors);
}

rondo_status rewrite_open_wider(struct rewrite *rewrite, const struct cell *from, int64_t more_input,
                                struct registry *registry, struct errors *errors) {
    return open_copy(rewrite, from, more_input, 0, 0, registry, errors);
}

rondo_value rewrite_state(struct rewrite *rewrite, const char *name, rondo_tensor shape) {
    const char *copy = arena_strdup(program_arena(rewrite->program), name);
    rewrite->states[rewrite->into->n_states++] = shape;
    return program_input(rewrite->program, copy, shape, rewrite->errors);
}

static int has_parameter(const struct rewrite *rewrite, const char *name) {
    for (int32_t p = 0; p < rewrite->into->n_parameters; p++) {
        if (strcmp(rewrite->parameters[p].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static rondo_value add_parameter(struct rewrite *rewrite, struct cell_parameter parameter) {
    struct arena *arena = program_arena(rewrite->program);
    const char *wanted = parameter.name;
    parameter.name = arena_strdup(arena, wanted);
    for (int32_t number = 2; parameter.name != NULL && has_parameter(rewrite, parameter.name); number++) {
        parameter.name = arena_printf(arena, "%s.%d", wanted, (int)number);
    }
    if (parameter.name == NULL) {
        return failed_value;
    }
    rewrite->parameters[rewrite->into->n_parameters++] = parameter;
    return program_input(rewrite->program, parameter.name, parameter.shape, rewrite->errors);
}

rondo_value rewrite_parameter(struct rewrite *rewrite, const char *name, rondo_tensor shape,
                              struct initialiser initialiser) {
    return add_parameter(rewrite, (struct cell_parameter){.name = name, .shape = shape, .initialiser = initialiser});
}

static rondo_value copy_op(struct rewrite *rewrite, const struct program_node *node) {
    struct arena *arena = program_arena(rewrite->program);
    rondo_value *operands = arena_alloc(arena, sizeof *operands * (size_t)node->n_inputs);
    const char *name = node->name == NULL ? NULL : arena_strdup(arena, node->name);
    const rondo_descriptor *base = &node->op->base;
    void *options = node->options == NULL ? NULL : arena_alloc(arena, (size_t)base->options_size);
    if (options != NULL) {
        options_copy(base->options, (size_t)base->options_size, node->options, options, arena);
    }
    if (arena_failed(arena)) {
        return failed_value;
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        operands[k] = rewrite->map[node->inputs[k]];
    }
    const rondo_value value =
        program_apply(rewrite->program, node->op, options, operands, node->n_inputs, node->where, rewrite->errors);
    if (name != NULL) {
        program_name(rewrite->program, value, name);
    }
    return value;
}

rondo_value rewrite_node(struct rewrite *rewrite, int32_t id) {
    const struct program_node *node = program_node(rewrite->from->program, (rondo_value){id});
    rondo_value value;
    if (node->op != NULL) {
        value = copy_op(rewrite, node);
    } else if (node->value.data != NULL) {
        value = program_constant(rewrite->program, node->value.dtype, tensor_get(&node->value, 0), rewrite->errors);
    } else if (node->domain == DOMAIN_MEMORY) {
        value = program_input(rewrite->program, "memory", node->value, rewrite->errors);
    } else {
        value = add_parameter(rewrite, rewrite->from->parameters[rewrite->next_parameter++]);
    }
    rewrite->map[id] = value;
    return value;
}

void rewrite_put(struct rewrite *rewrite, int32_t id, rondo_value value) {
    rewrite->map[id] = value;
}

static const rondo_op *find_op(struct rewrite *rewrite, const char *op) {
    return (const rondo_op *)registry_resolve(rewrite->registry, RONDO_KIND_OP, op, nowhere, rewrite->errors);
}

rondo_value rewrite_apply(struct rewrite *rewrite, const char *op, const struct option_value *values, int32_t n_values,
                          const rondo_value *operands, int32_t count) {
    struct arena *arena = program_arena(rewrite->program);
    const rondo_op *found = find_op(rewrite, op);
    void *options = NULL;
    if (found == NULL) {
        return failed_value;
    }
    if (found->base.options != NULL) {
        options = options_create(found->base.options, found->base.options_size, arena, rewrite->errors);
        if (options == NULL ||
            options_store(found->base.options, options, values, n_values, rewrite->errors) != RONDO_OK) {
            return failed_value;
        }
    }
    return program_apply(rewrite->program, found, options, operands, count, nowhere, rewrite->errors);
}

rondo_value rewrite_slice(struct rewrite *rewrite, rondo_value value, int64_t begin, int64_t end) {
    const struct option_value range[] = {
        {"axis", -1, NULL}, {"begin", (double)begin, NULL}, {"end", (double)end, NULL}};
    return rewrite_apply(rewrite, "slice", range, 3, &value, 1);
}

rondo_value rewrite_reshape(struct rewrite *rewrite, rondo_value value, const rondo_tensor *shape) {
    struct arena *arena = program_arena(rewrite->program);
    const struct program_node *node = program_node(rewrite->program, value);
    const rondo_op *op = find_op(rewrite, "reshape");
    if (op == NULL || node == NULL) {
        return failed_value;
    }
    if (tensor_same_shape(&node->value, shape)) {
        return value;
    }
    void *options = options_create(op->base.options, op->base.options_size, arena, rewrite->errors);
    const char *text = "shape=[-1";
    for (int32_t d = 1; d < shape->ndim; d++) {
        text = arena_printf(arena, "%s, %lld", text, (long long)shape->shape[d]);
    }
    text = arena_printf(arena, "%s]", text);
    if (options == NULL || text == NULL ||
        options_parse(op->base.options, options, text, "reshape", arena, nowhere, rewrite->errors) != RONDO_OK) {
        return failed_value;
    }
    return program_apply(rewrite->program, op, options, &value, 1, nowhere, rewrite->errors);
}

rondo_value rewrite_constant(struct rewrite *rewrite, double number) {
    const struct program_node *x = program_node(rewrite->program, (rondo_value){0});
    return program_constant(rewrite->program, x->value.dtype, number, rewrite->errors);
}

void rewrite_results(struct rewrite *rewrite) {
    const struct cell *from = rewrite->from;
    struct cell *into = rewrite->into;
    for (int32_t s = 0; s < from->n_states; s++) {
        rewrite->new_states[s] = rewrite->map[from->new_states[s].id];
    }
    into->output = rewrite->map[from->output.id];
    rondo_value *candidates =
        arena_calloc(program_arena(rewrite->program), (size_t)from->n_candidates + 1, sizeof *candidates);
    for (int32_t i = 0; candidates != NULL && i < from->n_candidates; i++) {
        candidates[i] = rewrite->map[from->candidates[i].id];
    }
    into->candidates = candidates;
}

struct cell *rewrite_close(struct rewrite *rewrite) {
    struct cell *into = rewrite->into;
    if (arena_failed(program_arena(rewrite->program)) && rewrite->errors->count == rewrite->errors_before) {
        errors_no_memory(rewrite->errors);
    }
    int failed = into->output.id < 0 || rewrite->errors->count != rewrite->errors_before;
    for (int32_t s = 0; s < into->n_states; s++) {
        failed |= rewrite->new_states[s].id < 0;
    }
    if (failed) {
        program_destroy(rewrite->program);
        return NULL;
    }
    into->states = rewrite->states;
    into->new_states = rewrite->new_states;
    into->parameters = rewrite->parameters;
    return into;
}

int is_of_step(const struct cell *cell, int32_t id) {
    return program_node(cell->program, (rondo_value){id})->domain == DOMAIN_STEPS;
}

unsigned char *cell_depends_on_states(const struct cell *cell, struct arena *arena) {
    const int32_t count = program_count(cell->program);
    unsigned char *depends = arena_calloc(arena, (size_t)count, 1);
    for (int32_t id = 0; depends != NULL && id < count; id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        depends[id] = id >= 1 && id <= cell->n_states - cell->n_masks;
        for (int32_t k = 0; node->op != NULL && k < node->n_inputs; k++) {
            depends[id] |= depends[node->inputs[k]];
        }
    }
    return depends;
}

/* Marks the nodes that depend on data: on x, a parameter, a mask or a state that is not a clock. */
static void mark_data(const struct cell *cell, const unsigned char *is_clock, unsigned char *is_data) {
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        const int is_state = id >= 1 && id <= cell->n_states;
        const int is_constant = node->op == NULL && node->value.data != NULL;
        is_data[id] = is_state ? !is_clock[id - 1] : node->op == NULL && !is_constant;
        for (int32_t k = 0; node->op != NULL && k < node->n_inputs; k++) {
            is_data[id] |= is_data[node->inputs[k]];
        }
    }
}

unsigned char *cell_clocks(const struct cell *cell, struct arena *arena) {
    unsigned char *is_clock = arena_calloc(arena, (size_t)cell->n_states, 1);
    unsigned char *is_data = arena_calloc(arena, (size_t)program_count(cell->program), 1);
    if (arena_failed(arena)) {
        return NULL;
    }
    for (int32_t s = 0; s < cell->n_states - cell->n_masks; s++) {
        is_clock[s] = 1;
    }
    /* Removes states until no remaining one depends on data. */
    for (int changed = 1; changed;) {
        changed = 0;
        mark_data(cell, is_clock, is_data);
        for (int32_t s = 0; s < cell->n_states; s++) {
            if (is_clock[s] && is_data[cell->new_states[s].id]) {
                is_clock[s] = 0;
                changed = 1;
            }
        }
    }
    return is_clock;
}

int is_weight_product(const struct cell *cell, int32_t id) {
    const struct program_node *node = program_node(cell->program, (rondo_value){id});
    return node->op != NULL && node->op->role == RONDO_ROLE_PRODUCT && is_of_step(cell, node->inputs[0]) &&
           program_node(cell->program, (rondo_value){node->inputs[1]})->domain == DOMAIN_FIXED;
}
