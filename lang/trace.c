#define _POSIX_C_SOURCE 200809L
#include "lang/trace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/options.h"
#include "core/suggest.h"
#include "lang/constant.h"

static const rondo_value failed_value = {-1};

/* The largest dimension; tensors check the product of theirs. */
static const int64_t max_dimension = 1 << 24;

#define TRACE_ERROR(trace, where, ...)                                                                                 \
    equation_error(&(trace)->definition->equations, where, RONDO_INVALID, (trace)->errors, __VA_ARGS__)

/* "a dimension of 'W' is …": adds an error about dimension `d` of a shape. */
#define SHAPE_ERROR(trace, shape, ...) errors_add_at((trace)->errors, RONDO_INVALID, (shape)->where, __VA_ARGS__)

static rondo_status trace_dimension(const struct trace *trace, const struct cell_shape *shape, const char *text,
                                    int64_t *size) {
    const struct equation_text source = {shape->where.file, text, shape->where.line, 0};
    struct expression *expression;
    struct errors local = {0};
    const rondo_status parsed = expression_parse(&source, program_arena(trace->program), &expression, &local);
    errors_free(&local);
    if (parsed == RONDO_NO_MEMORY) {
        return errors_no_memory(trace->errors);
    }
    if (parsed != RONDO_OK) {
        return SHAPE_ERROR(trace, shape,
                           "cannot read dimension '%s' of '%s', expected numbers, 'input', 'hidden' and options, with "
                           "+ - * / and brackets",
                           text, shape->name);
    }
    double number;
    struct constant_mistake mistake = {0};
    if (constant_evaluate(trace->definition, trace->settings, expression, &number, &mistake) != RONDO_OK) {
        return SHAPE_ERROR(trace, shape, "cannot read dimension '%s' of '%s': %s", text, shape->name, mistake.text);
    }
    if (number != floor(number) || number < 1 || number > (double)max_dimension) {
        return SHAPE_ERROR(trace, shape, "dimension '%s' of '%s' is %.10g, expected a whole number in [1, %lld]", text,
                           shape->name, number, (long long)max_dimension);
    }
    *size = (int64_t)number;
    return RONDO_OK;
}

rondo_status trace_shape(const struct trace *trace, const struct cell_shape *shape, int64_t leading,
                         rondo_tensor *out) {
    *out = tensor_of(trace->settings->dtype, 0, NULL);
    if (leading >= 0) {
        out->shape[out->ndim++] = leading;
    }
    for (int32_t d = 0; d < shape->ndim; d++) {
        RONDO_TRY(trace_dimension(trace, shape, shape->dimensions[d], &out->shape[out->ndim]));
        out->ndim++;
    }
    return RONDO_OK;
}

struct trace_name *trace_find(const struct trace *trace, const char *name, int primed) {
    for (struct trace_name *known = trace->assigned; known != NULL; known = known->next) {
        if (known->primed == primed && strcmp(known->name, name) == 0) {
            return known;
        }
    }
    return NULL;
}

static struct trace_parameter *find_parameter(const struct trace *trace, const char *name) {
    for (struct trace_parameter *known = trace->parameters; known != NULL; known = known->next) {
        if (strcmp(known->parameter.name, name) == 0) {
            return known;
        }
    }
    return NULL;
}

static rondo_value add_parameter(struct trace *trace, const char *name, rondo_tensor shape, struct location where) {
    struct trace_parameter *parameter = arena_calloc(program_arena(trace->program), 1, sizeof *parameter);
    const char *copy = arena_strdup(program_arena(trace->program), name);
    if (parameter == NULL || copy == NULL) {
        errors_no_memory(trace->errors);
        return failed_value;
    }
    parameter->parameter = (struct cell_parameter){.name = copy, .shape = shape, .where = where};
    parameter->value = program_input(trace->program, copy, shape, trace->errors);
    struct trace_parameter **tail = &trace->parameters;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = parameter;
    return parameter->value;
}

/* The declaration of a parameter, or NULL. A declaration of R applies to every R[l]; `base` may be NULL. */
static const struct cell_shape *find_declared(const struct trace *trace, const char *name, const char *base) {
    const struct cell_shape *of_base = NULL;
    for (int32_t i = 0; i < trace->definition->n_parameters; i++) {
        const struct cell_shape *declared = &trace->definition->parameters[i];
        if (strcmp(declared->name, name) == 0) {
            return declared;
        }
        if (base != NULL && strcmp(declared->name, base) == 0) {
            of_base = declared;
        }
    }
    return of_base;
}

/* The equation that assigns `name`, also further down; or NULL. */
static const struct equation *assigned_later(const struct trace *trace, const char *name) {
    for (const struct equation *equation = trace->equations; equation != NULL; equation = equation->next) {
        if (!equation->primed && strcmp(equation->name, name) == 0) {
            return equation;
        }
    }
    return NULL;
}

int trace_means_memory(const char *name) {
    return strcmp(name, "memory") == 0;
}

/* The value of the name `memory`. */
static rondo_value trace_memory(struct trace *trace, const struct expression *name) {
    if (trace->memory.id < 0) {
        TRACE_ERROR(trace, name->where,
                    "the model has no encoder, whose outputs 'memory' is: expected 'model.encoder' in the experiment");
    }
    return trace->memory;
}

/* The meaning of a name that takes no index; NULL if it has none of these meanings. */
static const char *single_meaning(const struct trace *trace, const char *name) {
    return strcmp(name, "x") == 0                            ? "the input"
           : trace_means_memory(name)                        ? "the outputs of the encoder"
           : definition_state(trace->definition, name) >= 0  ? "a state"
           : definition_option(trace->definition, name) >= 0 ? "an option"
           : name_is_width(name)                             ? "the name of a width"
                                                             : NULL;
}

/* Why a name without a value is not a new parameter: s[4] after s[1] to s[3], s without its index, or the variable of a
 * repetition outside of it. "" if it is a parameter. The equations are searched as parsed, since a range may be empty. */
struct trace_mistake {
    char text[192];
};
static struct trace_mistake find_index_mistake(const struct trace *trace, const struct expression *name) {
    struct trace_mistake mistake = {""};
    const size_t size = sizeof mistake.text;
    const char *base = name->base != NULL ? name->base : name->name;
    const char *meaning = name->base == NULL ? NULL : single_meaning(trace, base);
    if (meaning != NULL) {
        snprintf(mistake.text, size, "'%.60s' is %s and takes no index", base, meaning);
        return mistake;
    }
    for (const struct equation *equation = trace->source; equation != NULL; equation = equation->next) {
        const struct repetition *repetition = equation->repetition;
        const int line = equation->where.line;
        const int is_same = strcmp(equation->name, base) == 0;
        if (is_same && name->base == NULL && equation->index != NULL) {
            snprintf(mistake.text, size, "'%.60s' is computed with an index in line %d, expected %.60s[…]", base, line,
                     base);
            return mistake;
        }
        if (is_same && name->base != NULL && equation->index == NULL) {
            snprintf(mistake.text, size, "'%.60s' is computed without an index in line %d", base, line);
            return mistake;
        }
        if (is_same && name->base != NULL) {
            snprintf(mistake.text, size, "'%.80s' is never computed, expected an index that an equation has",
                     name->name);
            return mistake;
        }
        if (name->base == NULL && repetition != NULL && strcmp(repetition->variable, base) == 0) {
            snprintf(mistake.text, size, "'%.60s' counts in the repetition of line %d and has no meaning outside of it",
                     base, (int)repetition->where.line);
            return mistake;
        }
    }
    return mistake;
}

/* The value of a name in an expression. `left` is the left operand if the name is the right operand of @, else NULL. */
static rondo_value trace_plain_name(struct trace *trace, const struct expression *name, const rondo_value *left) {
    const struct trace_name *known = trace_find(trace, name->name, 0);
    if (known != NULL) {
        return known->value;
    }
    if (strcmp(name->name, "x") == 0) {
        return trace->x;
    }
    const int32_t state = definition_state(trace->definition, name->name);
    if (state >= 0) {
        return trace->states[state];
    }
    if (trace_means_memory(name->name)) {
        return trace_memory(trace, name);
    }
    double number;
    if (constant_is_named(trace->definition, trace->settings, name->name, &number)) {
        return program_constant(trace->program, trace->settings->dtype, number, trace->errors);
    }
    const struct cell_shape *declared = find_declared(trace, name->name, name->base);
    const struct equation *later = assigned_later(trace, name->name);
    if (later != NULL && declared == NULL && later->origin->is_reported) {
        return failed_value; /* its equation was refused */
    }
    if (later != NULL && declared == NULL) {
        TRACE_ERROR(trace, name->where, "'%s' is used before it is computed in line %d", name->name, later->where.line);
        return failed_value;
    }
    const struct trace_parameter *parameter = find_parameter(trace, name->name);
    if (parameter != NULL) {
        return parameter->value;
    }
    const struct trace_mistake mistake = find_index_mistake(trace, name);
    if (declared == NULL && mistake.text[0] != '\0') {
        TRACE_ERROR(trace, name->where, "%s", mistake.text);
        return failed_value;
    }
    rondo_tensor shape = tensor_1d(trace->settings->dtype, trace->settings->hidden, NULL); /* [hidden] */
    if (declared != NULL) {
        if (trace_shape(trace, declared, -1, &shape) != RONDO_OK) {
            return failed_value;
        }
    } else if (left != NULL) {
        const rondo_tensor *value = &program_node(trace->program, *left)->value;
        const int64_t width = value->ndim == 0 ? 1 : value->shape[value->ndim - 1];
        shape = tensor_2d(trace->settings->dtype, width, trace->settings->hidden, NULL); /* [width, hidden] */
    }
    const rondo_value value = add_parameter(trace, name->name, shape, name->where);
    if (value.id >= 0) {
        find_parameter(trace, name->name)->base = name->base;
    }
    return value;
}

static rondo_value trace_name(struct trace *trace, const struct expression *name, const rondo_value *left) {
    if (!name->primed) {
        return trace_plain_name(trace, name, left);
    }
    const struct trace_name *known = trace_find(trace, name->name, 1);
    if (known != NULL) {
        return known->value;
    }
    if (definition_state(trace->definition, name->name) >= 0) {
        TRACE_ERROR(trace, name->where, "%s' is used before it is computed", name->name);
    } else {
        TRACE_ERROR(trace, name->where, "'%s' is not a state, so %s' means nothing", name->name, name->name);
    }
    return failed_value;
}

/* The registered op, or NULL with an error at the place of the call. */
static const rondo_op *trace_op(struct trace *trace, const struct expression *call) {
    struct errors local = {0};
    const struct location nowhere = {NULL, 0, 0};
    const rondo_descriptor *found = registry_resolve(trace->registry, RONDO_KIND_OP, call->name, nowhere, &local);
    if (found == NULL) {
        equation_error(&trace->definition->equations, call->where, local.status, trace->errors, "%s",
                       errors_text(&local, 0));
    }
    errors_free(&local);
    return (const rondo_op *)found;
}

static int call_gives(const void *call, const char *key) {
    const struct expression_option *given = ((const struct expression *)call)->options;
    while (given != NULL && strcmp(given->key, key) != 0) {
        given = given->next;
    }
    return given != NULL;
}

static int is_given_before(const struct expression *call, const struct expression_option *given) {
    const struct expression_option *earlier = call->options;
    while (earlier != given && strcmp(earlier->key, given->key) != 0) {
        earlier = earlier->next;
    }
    return earlier != given;
}

/* One value of an option as the text that the op's option table reads: a name such as `mean` as it is, anything else as
 * its number. NULL after an error. */
static const char *value_text(const struct trace *trace, const struct expression *value) {
    double number;
    struct constant_mistake mistake = {0};
    const int is_literal = value->kind == EXPRESSION_NUMBER && value->name != NULL;
    const int is_word = value->kind == EXPRESSION_NAME && !value->primed && value->index == NULL &&
                        value->base == NULL && !trace_means_memory(value->name) &&
                        !constant_is_number(trace->definition, trace->settings, value->name, &number);
    if (is_literal || is_word) {
        return value->name; /* a number as it was written, so that a message shows the same */
    }
    if (constant_evaluate(trace->definition, trace->settings, value, &number, &mistake) != RONDO_OK) {
        TRACE_ERROR(trace, mistake.where, "%s", mistake.text);
        return NULL;
    }
    const char *text = arena_printf(program_arena(trace->program), "%.17g", number);
    if (text == NULL) {
        errors_no_memory(trace->errors);
    }
    return text;
}

/* The value of an option, or its list: "[1, 128]". NULL after an error. */
static const char *given_text(const struct trace *trace, const struct expression_option *given) {
    if (!given->is_list) {
        return value_text(trace, given->values);
    }
    struct arena *arena = program_arena(trace->program);
    const char *text = arena_strdup(arena, "[");
    for (const struct expression *value = given->values; value != NULL && text != NULL; value = value->next) {
        const char *item = value_text(trace, value);
        if (item == NULL) {
            return NULL;
        }
        text = arena_printf(arena, "%s%s%s", text, value == given->values ? "" : ", ", item);
    }
    text = text == NULL ? NULL : arena_printf(arena, "%s]", text);
    if (text == NULL) {
        errors_no_memory(trace->errors);
    }
    return text;
}

/* The options struct of a call, from its key=value pairs; *ok is cleared after an error. */
static const void *trace_options(struct trace *trace, const struct expression *call, const rondo_op *op, int *ok) {
    struct arena *arena = program_arena(trace->program);
    void *options = NULL;
    if (op->base.options != NULL) {
        options = options_create(op->base.options, op->base.options_size, arena, trace->errors);
        if (options == NULL) {
            *ok = 0;
            return NULL;
        }
    }
    for (const struct expression_option *given = call->options; given != NULL; given = given->next) {
        const rondo_option *option = option_find(op->base.options, given->key);
        const char *text = given_text(trace, given);
        struct errors local = {0};
        const struct location nowhere = {NULL, 0, 0};
        rondo_status status = RONDO_OK; /* without a text the error has been added */
        *ok &= text != NULL;
        if (option == NULL) {
            status = option_unknown(op->base.options, given->key, op->base.name, nowhere, &local);
        } else if (is_given_before(call, given)) {
            status = errors_add(&local, RONDO_INVALID, "option '%s' of %s is given twice", given->key, op->base.name);
        } else if (text != NULL) {
            status = option_set(option, options, text, arena, nowhere, &local);
        }
        if (status != RONDO_OK) {
            *ok = 0;
            equation_error(&trace->definition->equations, given->where, status, trace->errors, "%s",
                           errors_text(&local, 0));
        }
        errors_free(&local);
    }
    struct errors missing = {0};
    const struct location nowhere = {NULL, 0, 0};
    if (options_require(op->base.options, call_gives, call, op->base.name, nowhere, &missing) != RONDO_OK) {
        *ok = 0;
        equation_error(&trace->definition->equations, call->where, missing.status, trace->errors, "%s",
                       errors_text(&missing, 0));
    }
    errors_free(&missing);
    return options;
}

static rondo_value trace_expression(struct trace *trace, const struct expression *expression, const rondo_value *left);

/* 1 for a name that can only be a new parameter. */
static int is_free(const struct trace *trace, const struct expression *name) {
    return name->kind == EXPRESSION_NAME && !name_is_width(name->name) && !name->primed &&
           strcmp(name->name, "x") != 0 && !trace_means_memory(name->name) &&
           trace_find(trace, name->name, 0) == NULL && definition_state(trace->definition, name->name) < 0 &&
           definition_option(trace->definition, name->name) < 0 &&
           find_declared(trace, name->name, name->base) == NULL && assigned_later(trace, name->name) == NULL &&
           find_index_mistake(trace, name).text[0] == '\0';
}

/* " (did you mean 'memory'?)" for a new parameter with a name like that; else "". */
static struct suggestion_text like_memory(const struct expression *name) {
    struct suggestion best = {0};
    suggest(&best, name->name, "memory");
    return suggestion_text(&best);
}

/* 1, with an error, for a misspelt `memory` that an op would look at. */
static int is_misspelt_memory(const struct trace *trace, const rondo_op *op, const struct expression *operand,
                              int32_t number) {
    if (op == NULL || (op->flags & RONDO_OP_SEQUENCES) == 0 || number == 0 || !is_free(trace, operand) ||
        like_memory(operand).text[0] == '\0') {
        return 0;
    }
    TRACE_ERROR(trace, operand->where,
                "'%s'%s has no value and would become a parameter; expected a value computed from 'memory'",
                operand->name, like_memory(operand).text);
    return 1;
}

static rondo_value trace_call(struct trace *trace, const struct expression *call) {
    const rondo_op *op = trace_op(trace, call);
    int ok = op != NULL;
    const void *options = ok ? trace_options(trace, call, op, &ok) : NULL;
    const int product = strcmp(call->name, OPERATOR_PRODUCT) == 0;
    int32_t count = 0;
    for (const struct expression *operand = call->operand; operand != NULL; operand = operand->next) {
        count++;
    }
    rondo_value *values = arena_calloc(program_arena(trace->program), (size_t)count + 1, sizeof *values);
    if (values == NULL) {
        errors_no_memory(trace->errors);
        return failed_value;
    }
    int32_t k = 0;
    for (const struct expression *operand = call->operand; operand != NULL; operand = operand->next, k++) {
        const rondo_value *left = product && k == 1 && values[0].id >= 0 ? &values[0] : NULL;
        const int free = product && k < 2 && left == NULL && is_free(trace, operand);
        if (free && k == 0) {
            TRACE_ERROR(trace, operand->where,
                        "parameter '%s'%s is on the left of @; inputs are rows, so write x @ %s, or declare its shape "
                        "under params:",
                        operand->name, like_memory(operand).text, operand->name);
        }
        /* If the left side failed, a new parameter on the right has no shape. Anything else there is still checked. */
        const int is_without_value = free || is_misspelt_memory(trace, op, operand, k);
        values[k] = is_without_value ? failed_value : trace_expression(trace, operand, left);
        ok &= values[k].id >= 0;
    }
    if (!ok) {
        return failed_value;
    }
    struct errors local = {0};
    const struct location nowhere = {NULL, 0, 0};
    trace_looks_note(trace, op, options);
    const rondo_value result = program_apply(trace->program, op, options, values, count, nowhere, &local);
    if (result.id < 0) {
        equation_error(&trace->definition->equations, call->where, local.status, trace->errors, "%s",
                       errors_text(&local, 0));
    }
    errors_free(&local);
    return result.id < 0 || trace_looks_fit(trace, call, op, options, values) ? result : failed_value;
}

static rondo_value trace_expression(struct trace *trace, const struct expression *expression, const rondo_value *left) {
    switch (expression->kind) {
    case EXPRESSION_NUMBER:
        return program_constant(trace->program, trace->settings->dtype, expression->number, trace->errors);
    case EXPRESSION_NAME:
        return trace_name(trace, expression, left);
    default:
        return trace_call(trace, expression);
    }
}

/* 1, with an error, if an equation cannot have this name. */
static int name_is_refused(struct trace *trace, const struct equation *equation) {
    const char *name = equation->name;
    const int is_state = definition_state(trace->definition, name) >= 0;
    if (equation->primed && !is_state) {
        struct suggestion best = {0};
        for (int32_t i = 0; i < trace->definition->n_states; i++) {
            suggest(&best, name, trace->definition->states[i].name);
        }
        TRACE_ERROR(trace, equation->where, "'%s' is not a state, so it cannot have a new value%s", name,
                    suggestion_text(&best).text);
        return 1;
    }
    if (!equation->primed && is_state) {
        TRACE_ERROR(trace, equation->where, "'%s' is a state: its new value is written %s'", name, name);
        return 1;
    }
    if (!is_state && single_meaning(trace, name) != NULL) {
        TRACE_ERROR(trace, equation->where, "'%s' is %s and cannot be assigned", name, single_meaning(trace, name));
        return 1;
    }
    const char *meaning = equation->base != NULL && !is_state ? single_meaning(trace, equation->base) : NULL;
    if (meaning != NULL) {
        TRACE_ERROR(trace, equation->where, "'%s' is %s and takes no index", equation->base, meaning);
        return 1;
    }
    if (find_declared(trace, name, equation->base) != NULL) {
        TRACE_ERROR(trace, equation->where, "'%s' is declared as a parameter and cannot be assigned", name);
        return 1;
    }
    const struct trace_name *earlier = trace_find(trace, name, equation->primed);
    if (earlier != NULL) {
        TRACE_ERROR(trace, equation->where, "'%s%s' was computed in line %d already", name, equation->primed ? "'" : "",
                    earlier->where.line);
        return 1;
    }
    return 0;
}

/* value @ projection.W: [batch, width] to [batch, projection]. Names in equations contain no dot. */
static rondo_value project(struct trace *trace, const struct equation *equation, rondo_value value) {
    const rondo_tensor *wide = &program_node(trace->program, value)->value;
    const rondo_tensor shape = tensor_2d(wide->dtype, wide->shape[1], trace->settings->projection, NULL);
    const struct location nowhere = {NULL, 0, 0};
    const rondo_descriptor *op =
        registry_resolve(trace->registry, RONDO_KIND_OP, OPERATOR_PRODUCT, nowhere, trace->errors);
    const void *options =
        op == NULL ? NULL : options_create(op->options, op->options_size, program_arena(trace->program), trace->errors);
    if (options == NULL) {
        return failed_value;
    }
    const rondo_value operands[2] = {value, add_parameter(trace, "projection.W", shape, equation->where)};
    return program_apply(trace->program, (const rondo_op *)op, options, operands, 2, nowhere, trace->errors);
}

/* The new value of a state must have the shape of the old one; before a projection, the shape that is declared. */
static rondo_value check_state_shape(struct trace *trace, const struct equation *equation, rondo_value value) {
    const int32_t state = definition_state(trace->definition, equation->name);
    const int projects = trace->settings->projection > 0 && state == definition_output_state(trace->definition);
    rondo_tensor declared = program_node(trace->program, trace->states[state])->value;
    const rondo_tensor *expected = &declared;
    const rondo_tensor *found = &program_node(trace->program, value)->value;
    if (projects && trace_shape(trace, &trace->definition->states[state], RONDO_ANY_ROWS, &declared) != RONDO_OK) {
        return failed_value;
    }
    if (tensor_same_shape(expected, found)) {
        return projects && found->ndim == 2 ? project(trace, equation, value) : value;
    }
    TRACE_ERROR(trace, equation->where, "%s' has shape %s, but state '%s' has shape %s", equation->name,
                tensor_shape_text(found).text, equation->name, tensor_shape_text(expected).text);
    return failed_value;
}

void trace_equation(struct trace *trace, const struct equation *equation) {
    const int32_t errors_before = trace->errors->count;
    const int is_read = equation->value != NULL && !equation->origin->is_reported;
    const int is_refused = is_read && name_is_refused(trace, equation);
    /* The right side of a refused equation is still traced: it may have mistakes too, and the values in it are used. */
    rondo_value value = is_read ? trace_expression(trace, equation->value, NULL) : failed_value;
    const int is_state = definition_state(trace->definition, equation->name) >= 0;
    const int primed = equation->primed || is_state; /* "h = …" is treated as h' after the error */
    if (is_refused) {
        if (!primed || trace_find(trace, equation->name, 1) != NULL) {
            equation->origin->is_reported = 1;
            return;
        }
        value = failed_value;
    }
    if (value.id >= 0 && primed) {
        value = check_state_shape(trace, equation, value);
    }
    equation->origin->is_reported |= trace->errors->count > errors_before;
    struct arena *arena = program_arena(trace->program);
    struct trace_name *name = arena_calloc(arena, 1, sizeof *name);
    const char *label = arena_printf(arena, "%s%s", equation->name, primed ? "'" : "");
    if (name == NULL || label == NULL) {
        errors_no_memory(trace->errors);
        return;
    }
    program_name(trace->program, value, label);
    *name = (struct trace_name){equation->name, equation->base, label, primed, value, equation->where, trace->assigned};
    trace->assigned = name;
}
