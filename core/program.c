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

rondo_value program_input_value(const struct program *program, int32_t number) {
    for (int32_t id = 0; id < program->count; id++) {
        const struct program_node *node = &program->nodes[id];
        if (node->op == NULL && node->value.data == NULL && number-- == 0) {
            return (rondo_value){id};
        }
    }
    return failed_value;
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

static enum program_domain domain_of(const rondo_tensor *value) {
    const int64_t first = value->ndim == 0 ? 1 : value->shape[0];
    return first == RONDO_ANY_ROWS ? DOMAIN_STEPS : first == RONDO_ANY_MEMORY ? DOMAIN_MEMORY : DOMAIN_FIXED;
}

rondo_value program_input(struct program *program, const char *name, rondo_tensor shape, struct errors *errors) {
    shape.data = NULL;
    const struct program_node node = {.value = shape, .domain = domain_of(&shape), .name = name};
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

static rondo_status find_domain(const struct program *program, struct program_node *node, struct errors *errors) {
    const rondo_tensor *of_step = NULL, *of_memory = NULL;
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const struct program_node *input = &program->nodes[node->inputs[k]];
        of_step = input->domain == DOMAIN_STEPS ? &input->value : of_step;
        of_memory = input->domain == DOMAIN_MEMORY ? &input->value : of_memory;
    }
    node->domain = of_step != NULL ? DOMAIN_STEPS : of_memory != NULL ? DOMAIN_MEMORY : DOMAIN_FIXED;
    if ((node->op->flags & RONDO_OP_SEQUENCES) != 0) {
        const struct program_node *first = &program->nodes[node->inputs[0]];
        return first->domain == DOMAIN_STEPS
                   ? RONDO_OK
                   : errors_add_at(errors, RONDO_INVALID, node->where,
                                   "the first operand of '%s' has shape %s, expected a value of the step, [batch, …]",
                                   node->op->base.name, tensor_shape_text(&first->value).text);
    }
    if (of_step != NULL && of_memory != NULL) {
        return errors_add_at(errors, RONDO_INVALID, node->where,
                             "memory can only be read through attention: '%s' gets %s of the memory and %s of the step",
                             node->op->base.name, tensor_shape_text(of_memory).text, tensor_shape_text(of_step).text);
    }
    return RONDO_OK;
}

static rondo_status check_domain(const struct program_node *node, struct errors *errors) {
    const rondo_tensor *value = &node->value;
    int is_kept = domain_of(value) == node->domain;
    for (int32_t d = 1; d < value->ndim; d++) {
        is_kept &= value->shape[d] != RONDO_ANY_ROWS && value->shape[d] != RONDO_ANY_MEMORY;
    }
    const char *mixed = node->domain == DOMAIN_STEPS ? "rows of the batch" : "elements of the memory";
    return is_kept ? RONDO_OK
                   : errors_add_at(errors, RONDO_INVALID, node->where,
                                   "'%s' gives shape %s and so mixes the %s, expected [%s, …]: is an axis missing?",
                                   node->op->base.name, tensor_shape_text(value).text, mixed,
                                   node->domain == DOMAIN_STEPS ? "batch" : "memory");
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
    if (find_domain(program, &node, errors) != RONDO_OK || infer(program, &node, errors) != RONDO_OK ||
        check_domain(&node, errors) != RONDO_OK) {
        return failed_value;
    }
    return add_node(program, &node, errors);
}

uint32_t program_op_looks(const rondo_op *op, const void *options) {
    return op->looks != NULL ? op->looks(options) : RONDO_LOOKS_BY_POSITION | RONDO_LOOKS_AHEAD;
}

static enum program_reach reach_of(const struct program *program, const struct program_node *node) {
    if (node->op == NULL || (node->op->flags & RONDO_OP_SEQUENCES) == 0) {
        return REACH_STEP;
    }
    const uint32_t looks = program_op_looks(node->op, node->options);
    int is_along = (looks & RONDO_LOOKS_BY_POSITION) != 0;
    for (int32_t k = 1; k < node->n_inputs; k++) {
        is_along |= program->nodes[node->inputs[k]].domain == DOMAIN_STEPS;
    }
    return !is_along ? REACH_STEP : (looks & RONDO_LOOKS_AHEAD) != 0 ? REACH_ALL : REACH_EARLIER;
}

enum program_reach program_reach(const struct program *program) {
    enum program_reach farthest = REACH_STEP;
    for (int32_t id = 0; id < program->count; id++) {
        const enum program_reach reach = reach_of(program, &program->nodes[id]);
        farthest = reach > farthest ? reach : farthest;
    }
    return farthest;
}

/* Applies the op of a node to values of the tape; `operands` and `rows` have room for those of any node. */
static rondo_value apply(const struct program *program, struct tape *tape, const struct program_node *node,
                         const struct program_inputs *inputs, const rondo_value *values, rondo_value *operands,
                         const rondo_rows **rows) {
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const enum program_domain domain = program->nodes[node->inputs[k]].domain;
        operands[k] = values[node->inputs[k]];
        rows[k] = domain == DOMAIN_STEPS ? inputs->steps : domain == DOMAIN_MEMORY ? inputs->memory : NULL;
    }
    const rondo_value value = tape_apply_rows(tape, node->op, node->options, operands, node->n_inputs, rows);
    if (node->name != NULL) {
        tape_name(tape, value, node->name);
    }
    return value;
}

/* Fills values[id] for all nodes that are not known yet and, where `is_wanted` is not NULL, are wanted. */
static rondo_status fill_values(const struct program *program, struct tape *tape, const struct program_inputs *inputs,
                                const unsigned char *is_wanted, rondo_value *values) {
    struct arena *arena = tape_arena(tape);
    rondo_value *operands = arena_alloc(arena, sizeof *operands * (size_t)(program->most_inputs + 1));
    const rondo_rows **rows = arena_alloc(arena, sizeof *rows * (size_t)(program->most_inputs + 1));
    if (arena_failed(arena)) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return RONDO_NO_MEMORY;
    }
    int32_t next_input = 0;
    for (int32_t id = 0; id < program->count; id++) {
        const struct program_node *node = &program->nodes[id];
        const int32_t input = node->op == NULL && node->value.data == NULL ? next_input++ : -1;
        if (values[id].id >= 0 || (is_wanted != NULL && !is_wanted[id])) {
            continue;
        }
        values[id] = input >= 0         ? inputs->values[input]
                     : node->op == NULL ? tape_constant(tape, &node->value)
                                        : apply(program, tape, node, inputs, values, operands, rows);
    }
    return tape_status(tape);
}

rondo_status program_replay(const struct program *program, struct tape *tape, const struct program_inputs *inputs,
                            const rondo_value *known, const rondo_value *outputs, int32_t n_outputs,
                            rondo_value *results) {
    rondo_value *values = arena_alloc(tape_arena(tape), sizeof *values * (size_t)(program->count + 1)); /* [count] */
    if (values == NULL) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return RONDO_NO_MEMORY;
    }
    for (int32_t id = 0; id < program->count; id++) {
        values[id] = known == NULL ? failed_value : known[id];
    }
    const rondo_status status = fill_values(program, tape, inputs, NULL, values);
    for (int32_t k = 0; k < n_outputs; k++) {
        results[k] = values[outputs[k].id];
    }
    return status;
}

rondo_status program_outside(const struct program *program, struct tape *tape, const struct program_inputs *inputs,
                             const rondo_value *wanted, int32_t n_wanted, rondo_value *values) {
    unsigned char *is_wanted = arena_calloc(tape_arena(tape), (size_t)program->count + 1, 1);
    if (is_wanted == NULL) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return RONDO_NO_MEMORY;
    }
    for (int32_t k = 0; k < n_wanted; k++) {
        is_wanted[wanted[k].id] = 1;
    }
    for (int32_t id = program->count - 1; id >= 0; id--) { /* operands have smaller ids than what reads them */
        const struct program_node *node = &program->nodes[id];
        values[id] = failed_value;
        RONDO_CHECK(!is_wanted[id] || node->domain != DOMAIN_STEPS, tape_errors(tape), "the value depends on no step");
        for (int32_t k = 0; is_wanted[id] && k < node->n_inputs; k++) {
            is_wanted[node->inputs[k]] = 1;
        }
    }
    return fill_values(program, tape, inputs, is_wanted, values);
}
