#define _POSIX_C_SOURCE 200809L
#include "lang/cell.h"

#include <string.h>

#include "core/suggest.h"
#include "lang/repeat.h"
#include "lang/trace.h"

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

static int names(const struct expression_index *index, const char *name) {
    return index != NULL && index->name != NULL && strcmp(index->name, name) == 0;
}

/* 1 if the tree uses the value `name`: as an operand, with an index, in an index, or in the value of an option. */
static int uses(const struct expression *tree, const char *name) {
    if (tree == NULL) {
        return 0;
    }
    if (tree->kind == EXPRESSION_NAME) {
        return (!tree->primed && strcmp(tree->name, name) == 0) || names(tree->index, name);
    }
    for (const struct expression_option *option = tree->options; option != NULL; option = option->next) {
        for (const struct expression *value = option->values; value != NULL; value = value->next) {
            if (uses(value, name)) {
                return 1;
            }
        }
    }
    const struct expression *operand = tree->kind == EXPRESSION_CALL ? tree->operand : NULL;
    while (operand != NULL && !uses(operand, name)) {
        operand = operand->next;
    }
    return operand != NULL;
}

static int is_used(const struct trace *trace, const char *name) {
    if (trace->definition->output != NULL && strcmp(trace->definition->output, name) == 0) {
        return 1;
    }
    const struct equation *equation = trace->equations;
    while (equation != NULL && !uses(equation->value, name)) {
        equation = equation->next;
    }
    if (equation != NULL) {
        return 1;
    }
    /* A range may be empty: names that its equations would use count as used. */
    for (equation = trace->source; equation != NULL; equation = equation->next) {
        const struct repetition *repetition = equation->repetition;
        if (uses(equation->value, name) || names(equation->index, name) ||
            (repetition != NULL && (names(&repetition->first, name) || names(&repetition->last, name)))) {
            return 1;
        }
    }
    return 0;
}

/* 1 if the equations read the outputs of an encoder. */
static int is_memory_read(const struct trace *trace) {
    return is_used(trace, "memory");
}

/* Inputs of the program: x [batch, input], the states [batch, …], the memory if it is read. */
static rondo_status add_inputs(struct trace *trace, struct cell *cell) {
    const struct cell_definition *definition = trace->definition;
    struct arena *arena = program_arena(trace->program);
    const int32_t before = trace->errors->count; /* of equations that could not be read */
    rondo_value *values = arena_calloc(arena, (size_t)definition->n_states, sizeof *values);
    rondo_tensor *shapes = arena_calloc(arena, (size_t)definition->n_states, sizeof *shapes);
    if (values == NULL || shapes == NULL) {
        return errors_no_memory(trace->errors);
    }
    trace->states = values;
    trace->x =
        program_input(trace->program, "x",
                      tensor_2d(trace->settings->dtype, RONDO_ANY_ROWS, trace->settings->input, NULL), trace->errors);
    for (int32_t i = 0; i < definition->n_states; i++) {
        RONDO_TRY(trace_shape(trace, &definition->states[i], RONDO_ANY_ROWS, &shapes[i]));
        if (trace->settings->projection > 0 && i == definition_output_state(definition) && shapes[i].ndim > 1) {
            shapes[i].shape[shapes[i].ndim - 1] = trace->settings->projection;
        }
        values[i] = program_input(trace->program, definition->states[i].name, shapes[i], trace->errors);
    }
    cell->n_states = definition->n_states;
    cell->states = shapes;
    if (trace->settings->memory_is_input) {
        trace->memory = trace->x;
    } else if (trace->settings->memory > 0 && is_memory_read(trace)) {
        cell->reads_memory = 1;
        const rondo_tensor shape =
            tensor_2d(trace->settings->dtype, RONDO_ANY_MEMORY, trace->settings->memory, NULL); /* [memory, width] */
        trace->memory = program_input(trace->program, "memory", shape, trace->errors);
    }
    return trace->errors->count == before ? RONDO_OK : trace->errors->status;
}

/* The declared name number `index`: first the states, then the declared parameters, then the options. NULL after the
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

/* Checks that no name is declared twice, and none is that of the memory. */
static void check_names(const struct trace *trace) {
    struct location where, earlier_where;
    const char *name, *earlier;
    for (int32_t i = 0; (name = declared_name(trace->definition, i, &where)) != NULL; i++) {
        if (trace_means_memory(name)) {
            errors_add_at(trace->errors, RONDO_INVALID, where,
                          "'memory' is the name of the outputs of an encoder, expected another name for a state, "
                          "parameter or option");
        }
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

/* If one of s[1], s[2], … is used, all of them count as used: the first and the last may have no readers. */
static int is_value_used(const struct trace *trace, const struct trace_name *name) {
    return is_used(trace, name->name) || (name->base != NULL && is_used(trace, name->base));
}

/* 1 if a dimension of one of the shapes uses `name`. */
static int is_dimension(const struct cell_shape *shapes, int32_t count, const char *name) {
    const size_t length = strlen(name);
    for (int32_t i = 0; i < count; i++) {
        for (int32_t d = 0; d < shapes[i].ndim; d++) {
            for (const char *c = shapes[i].dimensions[d]; *c != '\0';) {
                c += strspn(c, " +-*/()");
                const size_t word = strcspn(c, " +-*/()");
                if (word == length && strncmp(c, name, length) == 0) {
                    return 1;
                }
                c += word;
            }
        }
    }
    return 0;
}

/* 1 if an initialiser takes a number from the option `name`. */
static int is_initial_number(const struct cell_definition *definition, const char *name) {
    int32_t i = 0;
    while (i < definition->n_initialisers && !initialiser_uses(&definition->initialisers[i].initialiser, name)) {
        i++;
    }
    return i < definition->n_initialisers;
}

/* Checks that every state has a new value, and that every value, declared parameter and option is used. */
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
        if (is_first && !equation->origin->is_reported && !is_value_used(trace, name)) {
            equation->origin->is_reported = 1;
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
            !is_dimension(definition->parameters, definition->n_parameters, name) &&
            !is_initial_number(definition, name)) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->options[i].where,
                          "option '%s' is declared but neither an equation nor a shape uses it", name);
        }
    }
}

static int is_any_range_empty(const struct trace *trace) {
    for (const struct equation *equation = trace->source; equation != NULL; equation = equation->next) {
        const struct equation *written = equation->repetition == NULL ? NULL : trace->equations;
        while (written != NULL && written->origin != equation) {
            written = written->next;
        }
        if (equation->repetition != NULL && written == NULL) {
            return 1;
        }
    }
    return 0;
}

/* A row for R applies to every R[l]. */
static int row_fits(const struct cell_initialiser *row, const struct trace_parameter *parameter) {
    return name_fits(row->pattern, parameter->parameter.name) ||
           (parameter->base != NULL && name_fits(row->pattern, parameter->base));
}

/* The value of an option, for initialiser_resolve. */
static int option_number(const void *arg, const char *name, double *number) {
    const struct trace *trace = arg;
    const int32_t option = definition_option(trace->definition, name);
    if (option >= 0) {
        *number = definition_option_value(trace->definition, trace->settings, option);
    }
    return option >= 0;
}

/* Matrices start from glorot, all else from zeros, unless a row of init: fits. Every row must fit something. */
static void choose_initialisers(const struct trace *trace) {
    const struct cell_definition *definition = trace->definition;
    for (struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
        struct cell_parameter *parameter = &p->parameter;
        parameter->initialiser.kind = parameter->shape.ndim >= 2 ? INITIALISE_GLOROT : INITIALISE_CONSTANT;
        for (int32_t i = 0; i < definition->n_initialisers; i++) {
            const struct cell_initialiser *row = &definition->initialisers[i];
            if (!row_fits(row, p)) {
                continue;
            }
            parameter->initialiser = row->initialiser;
            if (initialiser_resolve(&parameter->initialiser, option_number, trace, row->where, trace->errors) !=
                RONDO_OK) {
                return;
            }
            if (!initialiser_fits(&row->initialiser, &parameter->shape)) {
                errors_add_at(trace->errors, RONDO_INVALID, row->where,
                              "this initialiser is for matrices, and '%s' has shape %s", parameter->name,
                              tensor_shape_text(&parameter->shape).text);
            }
        }
    }
    for (int32_t i = 0; i < definition->n_initialisers; i++) {
        int fits = 0;
        struct suggestion best = {0};
        for (const struct trace_parameter *p = trace->parameters; p != NULL; p = p->next) {
            fits |= row_fits(&definition->initialisers[i], p);
            suggest(&best, definition->initialisers[i].pattern, p->parameter.name);
        }
        if (!fits && !is_any_range_empty(trace)) {
            errors_add_at(trace->errors, RONDO_INVALID, definition->initialisers[i].where,
                          "no parameter of the equations fits '%s'%s", definition->initialisers[i].pattern,
                          suggestion_text(&best).text);
        }
    }
}

/* The assigned name that is written like this ("g", "h'"), or NULL with an error at `where` that suggests the nearest. */
static const struct trace_name *find_written(const struct trace *trace, const char *written, const char *role,
                                             struct location where) {
    struct suggestion best = {0};
    for (const struct trace_name *known = trace->assigned; known != NULL; known = known->next) {
        if (strcmp(known->label, written) == 0) {
            return known;
        }
        suggest(&best, written, known->label);
    }
    if (definition_state(trace->definition, written) >= 0) {
        errors_add_at(trace->errors, RONDO_INVALID, where, "the %s '%s' is a state: its new value is written %s'", role,
                      written, written);
    } else {
        errors_add_at(trace->errors, RONDO_INVALID, where, "no equation computes the %s '%s'%s", role, written,
                      suggestion_text(&best).text);
    }
    return NULL;
}

/* The output of a step must be rows of one width, which the next layer or the head can read. */
static rondo_status find_output(const struct trace *trace, struct cell *cell) {
    const struct cell_definition *definition = trace->definition;
    cell->output = cell->new_states[0];
    if (definition->output != NULL) {
        const struct trace_name *known = find_written(trace, definition->output, "output", definition->output_where);
        RONDO_TRY(trace->errors->status);
        cell->output = known->value;
    }
    const rondo_tensor *value = &program_node(cell->program, cell->output)->value;
    if (value->ndim == 2 && tensor_has_any_rows(value)) {
        cell->output_width = value->shape[1];
        return RONDO_OK;
    }
    if (definition->output == NULL) {
        return errors_add_at(trace->errors, RONDO_INVALID, definition->states[0].where,
                             "the first state is the cell's output and must have one dimension, '%s' has %d; or name "
                             "another value under output:",
                             definition->states[0].name, (int)value->ndim - 1);
    }
    return errors_add_at(trace->errors, RONDO_INVALID, definition->output_where,
                         "the output must have shape [batch, width], '%s' has %s", definition->output,
                         tensor_shape_text(value).text);
}

/* A candidate n means every n[l]. */
static int is_candidate(const struct trace_name *known, const char *candidate) {
    return !known->primed &&
           (strcmp(known->name, candidate) == 0 || (known->base != NULL && strcmp(known->base, candidate) == 0));
}

/* A candidate must be the result of an op: wrappers insert ops between a candidate and its readers. */
static void check_candidate(const struct trace *trace, const char *candidate, struct location where) {
    int found = 0;
    for (const struct trace_name *known = trace->assigned; known != NULL; known = known->next) {
        if (is_candidate(known, candidate)) {
            found = 1;
            if (program_node(trace->program, known->value)->op == NULL) {
                errors_add_at(trace->errors, RONDO_INVALID, where,
                              "the candidate '%s' is another name of an input, expected a result", known->name);
            }
        }
    }
    if (!found) {
        find_written(trace, candidate, "candidate", where);
    }
}

static int is_any_candidate(const struct trace *trace, const struct trace_name *known) {
    for (int32_t i = 0; i < trace->definition->n_candidates; i++) {
        if (is_candidate(known, trace->definition->candidates[i])) {
            return 1;
        }
    }
    return 0;
}

static rondo_status find_candidates(const struct trace *trace, struct cell *cell) {
    for (int32_t i = 0; i < trace->definition->n_candidates; i++) {
        check_candidate(trace, trace->definition->candidates[i], trace->definition->candidate_where[i]);
    }
    RONDO_TRY(trace->errors->status);
    for (const struct trace_name *known = trace->assigned; known != NULL; known = known->next) {
        cell->n_candidates += is_any_candidate(trace, known);
    }
    rondo_value *values = arena_calloc(program_arena(trace->program), (size_t)cell->n_candidates + 1, sizeof *values);
    if (values == NULL) {
        return errors_no_memory(trace->errors);
    }
    int32_t k = cell->n_candidates; /* the list begins with the last name */
    for (const struct trace_name *known = trace->assigned; known != NULL; known = known->next) {
        if (is_any_candidate(trace, known)) {
            values[--k] = known->value;
        }
    }
    cell->candidates = values;
    return RONDO_OK;
}

/* Copies the lists of the trace to the arrays of the cell. */
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
    RONDO_TRY(find_output(trace, cell));
    return find_candidates(trace, cell);
}

static rondo_status compile(struct trace *trace, struct cell *cell) {
    struct arena *arena = program_arena(trace->program);
    struct equation *source = NULL, *equations = NULL;
    check_names(trace);
    const int32_t misnamed = trace->errors->count;
    const rondo_status parsed = equations_parse(&trace->definition->equations, arena, &source, trace->errors);
    RONDO_TRY(equations_repeat(trace->definition, trace->settings, source, arena, &equations, trace->errors));
    trace->source = source;
    trace->equations = equations;
    RONDO_TRY(add_inputs(trace, cell));
    if (misnamed > 0) {
        return trace->errors->status; /* the checks below would report what follows from it */
    }
    for (const struct equation *equation = equations; equation != NULL; equation = equation->next) {
        trace_equation(trace, equation);
    }
    RONDO_TRY(parsed); /* after a line that could not be read, the checks below would report what is no mistake */
    check_complete(trace);
    RONDO_TRY(trace->errors->status);
    choose_initialisers(trace);
    RONDO_TRY(trace->errors->status);
    return finish(trace, cell);
}

struct cell *cell_compile(const struct cell_definition *definition, const struct cell_settings *settings,
                          struct registry *registry, struct errors *errors) {
    struct program *program = program_create(registry);
    struct cell *cell = program == NULL ? NULL : arena_calloc(program_arena(program), 1, sizeof *cell);
    if (cell == NULL) {
        program_destroy(program);
        errors_no_memory(errors);
        return NULL;
    }
    struct errors own = {0}; /* so that earlier errors of the caller are not taken for errors of this cell */
    cell->program = program;
    cell->name = definition->name;
    struct trace trace = {.definition = definition,
                          .settings = settings,
                          .registry = registry,
                          .errors = &own,
                          .program = program,
                          .memory = {-1}};
    const rondo_status status = compile(&trace, cell);
    errors_move(errors, &own);
    if (status != RONDO_OK) {
        cell_destroy(cell);
        return NULL;
    }
    return cell;
}

int cell_definition_reads_memory(const struct cell_definition *definition, struct arena *arena) {
    struct errors ignored = {0};
    struct equation *equations = NULL;
    const rondo_status parsed = equations_parse(&definition->equations, arena, &equations, &ignored);
    errors_free(&ignored);
    const struct trace trace = {.definition = definition, .source = equations, .equations = equations};
    return parsed == RONDO_OK && is_memory_read(&trace);
}

int32_t cell_first_parameter(const struct cell *cell) {
    return 1 + cell->n_states + cell->reads_memory;
}

void cell_destroy(struct cell *cell) {
    if (cell != NULL) {
        program_destroy(cell->program);
    }
}
