#define _POSIX_C_SOURCE 200809L
#include "rnn/cell.h"

#include <string.h>

#include "rnn/trace.h"

int name_fits(const char *pattern, const char *name) {
    const char *star = NULL, *retry = NULL;
    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return 0;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

/* Inputs of the program: x [batch, input], then the states [batch, …]. */
static rondo_status add_inputs(struct trace *trace, struct cell *cell) {
    const struct cell_definition *definition = trace->definition;
    struct arena *arena = program_arena(trace->program);
    rondo_value *values = arena_calloc(arena, (size_t)definition->n_states, sizeof *values);
    rondo_tensor *shapes = arena_calloc(arena, (size_t)definition->n_states, sizeof *shapes);
    if (values == NULL || shapes == NULL) {
        return errors_no_memory(trace->errors);
    }
    trace->states = values;
    trace->x =
        program_input(trace->program, "x",
                      tensor_2d(trace->settings->dtype, PROGRAM_BATCH, trace->settings->input, NULL), trace->errors);
    for (int32_t i = 0; i < definition->n_states; i++) {
        RONDO_TRY(
            trace_shape(definition, trace->settings, &definition->states[i], PROGRAM_BATCH, &shapes[i], trace->errors));
        values[i] = program_input(trace->program, definition->states[i].name, shapes[i], trace->errors);
    }
    cell->n_states = definition->n_states;
    cell->states = shapes;
    cell->output_width = shapes[0].shape[shapes[0].ndim - 1];
    return trace->errors->count == 0 ? RONDO_OK : trace->errors->status;
}

/* Name number `index` of those that the definition gives a meaning: states, declared parameters, options; NULL past the
 * last. */
static const char *declared_name(const struct cell_definition *definition, int32_t index, struct location *where) {
    if (index < definition->n_states) {
        *where = definition->states[index].where;
        return definition->states[index].name;
    }
    index -= definition->n_states;
    if (index < definition->n_parameters) {
        *where = definition->parameters[index].where;
        return definition->parameters[index].name;
    }
    index -= definition->n_parameters;
    if (index < definition->n_options) {
        *where = definition->options[index].where;
        return definition->options[index].name;
    }
    return NULL;
}

/* A name has one meaning. */
static void check_names(const struct trace *trace) {
    struct location where, earlier_where;
    const char *name, *earlier;
    for (int32_t i = 0; (name = declared_name(trace->definition, i, &where)) != NULL; i++) {
        for (int32_t k = 0; k < i; k++) {
            earlier = declared_name(trace->definition, k, &earlier_where);
            if (strcmp(name, earlier) == 0) {
                errors_add_at(trace->errors, RONDO_INVALID, where,
                              "'%s' is declared twice, expected one of state, parameter and option", name);
                break;
            }
        }
    }
}

/* 1 where the tree uses the value `name`, as an operand or as the value of an op's option. */
static int uses(const struct expression *tree, const char *name) {
    if (tree == NULL) {
        return 0;
    }
    if (tree->kind == EXPRESSION_NAME) {
        return !tree->primed && strcmp(tree->name, name) == 0;
    }
    for (const struct expression_option *option = tree->options; option != NULL; option = option->next) {
        if (strcmp(option->value, name) == 0) {
            return 1;
        }
    }
    const struct expression *operand = tree->kind == EXPRESSION_CALL ? tree->operand : NULL;
    while (operand != NULL && !uses(operand, name)) {
        operand = operand->next;
    }
    return operand != NULL;
}

static int is_used(const struct trace *trace, const char *name) {
    const struct equation *equation = trace->equations;
    while (equation != NULL && !uses(equation->value, name)) {
        equation = equation->next;
    }
    return equation != NULL;
}

/* 1 where one of the shapes has `name` as a factor of a dimension. */
static int is_dimension(const struct cell_shape *shapes, int32_t count, const char *name) {
    const size_t length = strlen(name);
    for (int32_t i = 0; i < count; i++) {
        for (int32_t d = 0; d < shapes[i].ndim; d++) {
            for (const char *c = shapes[i].dimensions[d]; *c != '\0';) {
                c += strspn(c, " *");
                const size_t word = strcspn(c, " *");
                if (word == length && strncmp(c, name, length) == 0) {
                    return 1;
                }
                c += word;
            }
        }
    }
    return 0;
}

/* Every state has a new value, every value a use, every declared parameter as well. */
static void check_complete(const struct trace *trace) {
    const struct cell_definition *definition = trace->definition;
    for (int32_t i = 0; i < definition->n_states; i++) {
        const char *name = definition->states[i].name;
        if (trace_find(trace, name, 1) == NULL) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->states[i].where,
                          "state '%s' is never assigned, expected an equation %s' = …", name, name);
        }
    }
    for (const struct equation *equation = trace->equations; equation != NULL; equation = equation->next) {
        const struct trace_name *name = trace_find(trace, equation->name, 0);
        const int is_first = name != NULL && name->where.line == equation->where.line;
        if (is_first && !is_used(trace, name->name)) {
            equation_error(&definition->equations, name->where, RONDO_INVALID, trace->errors,
                           "'%s' is computed but never used", name->name);
        }
    }
    for (int32_t i = 0; i < definition->n_parameters; i++) {
        if (!is_used(trace, definition->parameters[i].name)) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->parameters[i].where,
                          "parameter '%s' is declared but no equation uses it", definition->parameters[i].name);
        }
    }
    for (int32_t i = 0; i < definition->n_options; i++) {
        const char *name = definition->options[i].name;
        if (!is_used(trace, name) && !is_dimension(definition->states, definition->n_states, name) &&
            !is_dimension(definition->parameters, definition->n_parameters, name)) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->options[i].where,
                          "option '%s' is declared but neither an equation nor a shape uses it", name);
        }
    }
}

/* Matrices start from glorot, all else from zeros, unless a row of init: fits. Every row must fit something. */
static void choose_initialisers(const struct trace *trace) {
    const struct cell_definition *definition = trace->definition;
    for (struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
        struct cell_parameter *parameter = &p->parameter;
        parameter->initialiser.kind = parameter->shape.ndim >= 2 ? INITIALISE_GLOROT : INITIALISE_CONSTANT;
        for (int32_t i = 0; i < definition->n_initialisers; i++) {
            const struct cell_initialiser *row = &definition->initialisers[i];
            if (!name_fits(row->pattern, parameter->name)) {
                continue;
            }
            parameter->initialiser = row->initialiser;
            if (!initialiser_fits(&row->initialiser, &parameter->shape)) {
                errors_add_at(trace->errors, RONDO_INVALID, row->where,
                              "this initialiser is for matrices, and '%s' has shape %s", parameter->name,
                              tensor_shape_text(&parameter->shape).text);
            }
        }
    }
    for (int32_t i = 0; i < definition->n_initialisers; i++) {
        int fits = 0;
        for (const struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
            fits |= name_fits(definition->initialisers[i].pattern, p->parameter.name);
        }
        if (!fits) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->initialisers[i].where,
                          "no parameter of the equations fits '%s'", definition->initialisers[i].pattern);
        }
    }
}

/* From the trace's lists to the arrays of the cell. */
static rondo_status finish(const struct trace *trace, struct cell *cell) {
    struct arena *arena = program_arena(trace->program);
    for (const struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
        cell->n_parameters++;
    }
    struct cell_parameter *parameters = arena_calloc(arena, (size_t)cell->n_parameters + 1, sizeof *parameters);
    rondo_value *outputs = arena_calloc(arena, (size_t)cell->n_states, sizeof *outputs);
    if (parameters == NULL || outputs == NULL) {
        return errors_no_memory(trace->errors);
    }
    int32_t k = 0;
    for (const struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
        parameters[k++] = p->parameter;
    }
    for (int32_t i = 0; i < cell->n_states; i++) {
        outputs[i] = trace_find(trace, trace->definition->states[i].name, 1)->value;
    }
    cell->parameters = parameters;
    cell->new_states = outputs;
    cell->output = outputs[0];
    return RONDO_OK;
}

static rondo_status compile(struct trace *trace, struct cell *cell) {
    struct equation *equations = NULL;
    check_names(trace);
    RONDO_TRY(add_inputs(trace, cell));
    const rondo_status parsed =
        equations_parse(&trace->definition->equations, program_arena(trace->program), &equations, trace->errors);
    trace->equations = equations;
    for (const struct equation *equation = equations; equation != NULL; equation = equation->next) {
        trace_equation(trace, equation);
    }
    RONDO_TRY(parsed); /* a line that could not be read would make the checks below tell nonsense */
    check_complete(trace);
    RONDO_TRY(trace->errors->status);
    choose_initialisers(trace);
    RONDO_TRY(trace->errors->status);
    return finish(trace, cell);
}

struct cell *cell_compile(const struct cell_definition *definition, const struct cell_settings *settings,
                          struct registry *registry, struct errors *errors) {
    struct program *program = program_create();
    struct cell *cell = program == NULL ? NULL : arena_calloc(program_arena(program), 1, sizeof *cell);
    if (cell == NULL) {
        program_destroy(program);
        errors_no_memory(errors);
        return NULL;
    }
    struct errors own = {0}; /* so that earlier errors of the caller do not stop the work here */
    cell->program = program;
    cell->name = definition->name;
    struct trace trace = {
        .definition = definition, .settings = settings, .registry = registry, .errors = &own, .program = program};
    const rondo_status status = compile(&trace, cell);
    errors_move(errors, &own);
    if (status != RONDO_OK) {
        cell_destroy(cell);
        return NULL;
    }
    return cell;
}

void cell_destroy(struct cell *cell) {
    if (cell != NULL) {
        program_destroy(cell->program);
    }
}
