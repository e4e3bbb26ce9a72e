#include "core/program.h"

#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "core/infer.h"
#include "core/tape.h"

struct program {
    struct arena *arena;
    struct program_node *nodes;
    int32_t count, capacity;
    int32_t input_count;
    int32_t most_inputs; /* of any node */
    const struct registry *registry;
};

static const rondo_value failed_value = {-1};

struct program *program_create(const struct registry *registry) {
    struct program *program = calloc(1, sizeof *program);
    struct arena *arena = program == NULL ? NULL : arena_create();
    if (arena == NULL) {
        free(program);
        return NULL;
    }
    *program = (struct program){.arena = arena, .registry = registry};
    return program;
}

void program_destroy(struct program *program) {
    if (program == NULL) {
        return;
    }
    arena_destroy(program->arena);
    free(program->nodes);
    free(program);
}

struct arena *program_arena(struct program *program) {
    return program->arena;
}

int32_t program_count(const struct program *program) {
    return program->count;
}

int32_t program_input_count(const struct program *program) {
    return program->input_count;
}

const struct program_node *program_node(const struct program *program, rondo_value value) {
    return value.id >= 0 && value.id < program->count ? &program->nodes[value.id] : NULL;
}

void program_name(struct program *program, rondo_value value, const char *name) {
    if (program_node(program, value) != NULL && program->nodes[value.id].op != NULL) {
        program->nodes[value.id].name = name;
    }
}

static rondo_value add_node(struct program *program, const struct program_node *node, struct errors *errors) {
    if (program->count == program->capacity) {
        const int32_t capacity = program->capacity == 0 ? 32 : program->capacity * 2;
        struct program_node *nodes = capacity < 0 ? NULL : realloc(program->nodes, sizeof *nodes * (size_t)capacity);
        if (nodes == NULL) {
            errors_no_memory(errors);
            return failed_value;
        }
        program->nodes = nodes;
        program->capacity = capacity;
    }
    program->nodes[program->count] = *node;
    program->most_inputs = node->n_inputs > program->most_inputs ? node->n_inputs : program->most_inputs;
    return (rondo_value){program->count++};
}

rondo_value program_input(struct program *program, const char *name, rondo_tensor shape, struct errors *errors) {
    shape.data = NULL;
    const struct program_node node = {.value = shape, .name = name};
    const rondo_value value = add_node(program, &node, errors);
    program->input_count += value.id >= 0;
    return value;
}

rondo_value program_constant(struct program *program, int32_t dtype, double number, struct errors *errors) {
    struct program_node node = {.value = tensor_of(dtype, 0, NULL)};
    if (tensor_alloc(&node.value, program->arena, errors) != RONDO_OK) {
        return failed_value;
    }
    tensor_set(&node.value, 0, number);
    return add_node(program, &node, errors);
}

/* Runs the op's shape rule on tensors without data. Its errors are moved to the location of the node. */
static rondo_status infer(const struct program *program, struct program_node *node, struct errors *errors) {
    struct arena *arena = program->arena;
    const struct arena_mark mark = arena_mark(arena);
    rondo_tensor *inputs = arena_alloc(arena, sizeof *inputs * (size_t)node->n_inputs);
    if (inputs == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        inputs[k] = program->nodes[node->inputs[k]].value;
        inputs[k].data = NULL;
    }
    rondo_op_call call = {
        .struct_size = sizeof call, .n_inputs = node->n_inputs, .options = node->options, .inputs = inputs};
    struct errors local = {0};
    struct host_call host = host_call(arena, &local, NULL, node->op->base.name);
    host.registry = program->registry;
    const rondo_status status = infer_output(node->op, &call, &host);
    if (status != RONDO_OK) {
        errors_add_at(errors, status, node->where, "%s", errors_text(&local, 0));
    }
    errors_free(&local);
    node->value = call.output;
    node->value.data = NULL;
    arena_release(arena, mark);
    return status;
}

rondo_value program_apply(struct program *program, const rondo_op *op, const void *options, const rondo_value *inputs,
                          int32_t count, struct location where, struct errors *errors) {
    if (infer_check_count(op, count, where, errors) != RONDO_OK) {
        return failed_value;
    }
    int32_t *ids = arena_alloc(program->arena, sizeof *ids * (size_t)count);
    if (ids == NULL) {
        errors_no_memory(errors);
        return failed_value;
    }
    for (int32_t k = 0; k < count; k++) {
        if (program_node(program, inputs[k]) == NULL) {
            return failed_value; /* its error has been added already */
        }
        ids[k] = inputs[k].id;
    }
    struct program_node node = {.op = op, .options = options, .inputs = ids, .n_inputs = count, .where = where};
    if (infer(program, &node, errors) != RONDO_OK) {
        return failed_value;
    }
    return add_node(program, &node, errors);
}

rondo_status program_replay(const struct program *program, struct tape *tape, const rondo_value *inputs,
                            const rondo_value *outputs, int32_t n_outputs, rondo_value *results) {
    struct arena *arena = tape_arena(tape);
    rondo_value *values = arena_alloc(arena, sizeof *values * (size_t)(program->count + 1)); /* [count] */
    rondo_value *operands = arena_alloc(arena, sizeof *operands * (size_t)program->most_inputs);
    if (arena_failed(arena)) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return RONDO_NO_MEMORY;
    }
    int32_t next_input = 0;
    for (int32_t id = 0; id < program->count; id++) {
        const struct program_node *node = &program->nodes[id];
        if (node->op == NULL) {
            values[id] = node->value.data == NULL ? inputs[next_input++] : tape_constant(tape, &node->value);
            continue;
        }
        for (int32_t k = 0; k < node->n_inputs; k++) {
            operands[k] = values[node->inputs[k]];
        }
        values[id] = tape_apply(tape, node->op, node->options, operands, node->n_inputs);
        if (node->name != NULL) {
            tape_name(tape, values[id], node->name);
        }
    }
    for (int32_t k = 0; k < n_outputs; k++) {
        results[k] = values[outputs[k].id];
    }
    return tape_status(tape);
}
