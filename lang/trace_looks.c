/* lang/trace_looks.c: what an op that looks along sequences may look at.
 *
 * In a cell, and in a block over the memory, a step sees no other step: a generator computes one at a time. The op then looks
 * from the step to the memory, whose elements have no positions in common with the steps. In a block over itself all steps are
 * one sequence, and everything is allowed. */
#include <string.h>

#include "core/options.h"
#include "lang/trace.h"

#define LOOK_ERROR(trace, where, ...)                                                                                  \
    equation_error(&(trace)->definition->equations, where, RONDO_INVALID, (trace)->errors, __VA_ARGS__)

/* What else a block can do; a cell cannot. */
static const char *or_over_self(const struct trace *trace) {
    return trace->definition->n_states == 0 ? ", or 'over: self', with which a block looks at its own steps" : "";
}

/* The name of operand `number` of "query, keys, values"; *length is its length. */
static const char *operand_name(const rondo_op *op, int32_t number, int *length) {
    const char *name = op->operands;
    for (int32_t k = 0; k < number && strchr(name, ',') != NULL; k++) {
        name = strchr(name, ',') + 1;
        name += strspn(name, " ");
    }
    *length = (int)strcspn(name, ",");
    return name;
}

static int operands_fit(const struct trace *trace, const struct expression *call, const rondo_op *op,
                        const rondo_value *values) {
    int fit = 1;
    int32_t k = 1;
    for (const struct expression *operand = call->operand->next; operand != NULL; operand = operand->next, k++) {
        const struct program_node *node = program_node(trace->program, values[k]);
        if (node->domain == DOMAIN_STEPS) {
            int length;
            const char *name = operand_name(op, k, &length);
            LOOK_ERROR(trace, operand->where,
                       "'%.*s' of '%s' has shape %s, a value of the step, and a step sees no other step; expected a "
                       "value computed from 'memory'%s",
                       length, name, op->base.name, tensor_shape_text(&node->value).text, or_over_self(trace));
            fit = 0;
        }
    }
    return fit;
}

/* 1 if the value that the call gives this option, without its other options, makes the op look by position. */
static int is_by_position(const struct trace *trace, const rondo_op *op, const void *options, const char *key) {
    struct arena *arena = program_arena(trace->program);
    const struct location nowhere = {NULL, 0, 0};
    const rondo_option *option = option_find(op->base.options, key);
    void *only = options_create(op->base.options, op->base.options_size, arena, trace->errors);
    const char *text = option_text(option, options, arena);
    return only != NULL && text != NULL && option_set(option, only, text, arena, nowhere, trace->errors) == RONDO_OK &&
           (program_op_looks(op, only) & RONDO_LOOKS_BY_POSITION) != 0;
}

static int positions_fit(const struct trace *trace, const struct expression *call, const rondo_op *op,
                         const void *options) {
    int is_found = 0;
    if ((program_op_looks(op, options) & RONDO_LOOKS_BY_POSITION) == 0) {
        return 1;
    }
    for (const struct expression_option *given = call->options; given != NULL; given = given->next) {
        if (is_by_position(trace, op, options, given->key)) {
            is_found = 1;
            LOOK_ERROR(trace, given->where,
                       "option '%s' of '%s' compares positions, and a step has none in common with the memory; "
                       "expected '%s' without it%s",
                       given->key, op->base.name, op->base.name, or_over_self(trace));
        }
    }
    if (!is_found) {
        LOOK_ERROR(trace, call->where, "'%s' looks at positions along the steps, and a step sees no other step%s",
                   op->base.name,
                   trace->definition->n_states == 0
                       ? "; expected 'over: self', with which a block looks at its own steps"
                       : "; expected it in a block with 'over: self'");
    }
    return 0;
}

void trace_looks_note(const struct trace *trace, const rondo_op *op, const void *options) {
    if (trace->settings->by_position != NULL && !trace->settings->memory_is_input &&
        (op->flags & RONDO_OP_SEQUENCES) != 0 && (program_op_looks(op, options) & RONDO_LOOKS_BY_POSITION) != 0) {
        *trace->settings->by_position = 1;
    }
}

int trace_looks_fit(const struct trace *trace, const struct expression *call, const rondo_op *op, const void *options,
                    const rondo_value *values) {
    if ((op->flags & RONDO_OP_SEQUENCES) == 0 || trace->settings->memory_is_input) {
        return 1;
    }
    return operands_fit(trace, call, op, values) && positions_fit(trace, call, op, options);
}
