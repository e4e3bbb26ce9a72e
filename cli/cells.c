/* cli/cells.c: `rondo cells`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cell_argument.h"
#include "cli/print.h"
#include "core/scan/scan.h"
#include "io/json.h"
#include "lang/cell_file.h"
#include "model/block_layer.h"

/* The default widths, for the number of parameters. */
enum { WIDTH = 64 };

/* The arguments and the state of the command. */
struct cells {
    struct session *session;
    struct common_flags common;
    const char *options[ARGUMENT_LIST_MAX + 1];
    int32_t input, hidden;
    int program;
    json_t *objects; /* entries of the list, with --json */
    struct errors *errors;
};

/* ---- properties of a cell ---- */

/* The year of its source: the first number from 1900 to 2099 with four digits; 0 if there is none. */
static int source_year(const char *source) {
    for (const char *at = source; *at != '\0';) {
        const size_t digits = strspn(at, "0123456789");
        if (digits == 4 && ((at[0] == '1' && at[1] == '9') || (at[0] == '2' && at[1] == '0'))) {
            return (at[0] - '0') * 1000 + (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
        }
        at += digits > 0 ? digits : 1;
    }
    return 0;
}

/* Another width than any that the equations name, as in `rondo gradcheck`. */
static int64_t memory_width(const struct cells *cells) {
    return 2 * (int64_t)cells->hidden;
}

static struct cell *compile(const struct cells *cells, const struct cell_argument *argument, struct errors *errors) {
    struct registry *registry = cells->session->registry;
    struct cell_settings settings = {.dtype = RONDO_F32,
                                     .input = cells->input,
                                     .hidden = cells->hidden,
                                     .memory = memory_width(cells), /* if the cell reads it */
                                     .option_values = argument->option_values};
    if (definition_is_block(argument->definition) &&
        block_over_of(argument->definition, &settings, registry) == BLOCK_OVER_SELF) {
        settings.memory = settings.input;
        settings.memory_is_input = 1;
    }
    return cell_compile(argument->definition, &settings, registry, errors);
}

static int64_t parameter_count(const struct cell *cell) {
    int64_t count = 0;
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        count += rondo_count(&cell->parameters[p].shape);
    }
    return count;
}

/* ---- list ---- */

static json_t *year_json(const char *source) {
    const int year = source_year(source);
    return year == 0 ? json_null() : json_integer(year);
}

static void list_line(struct cells *cells, const struct cell_argument *argument, const struct cell *cell) {
    const struct cell_definition *definition = argument->definition;
    if (cells->objects != NULL) {
        json_array_append_new(cells->objects,
                              json_pack("{s:s, s:s, s:s, s:o, s:I, s:o}", "name", definition->name, "summary",
                                        definition->summary, "source", definition->source, "year",
                                        year_json(definition->source), "parameters", (json_int_t)parameter_count(cell),
                                        "file", json_text(argument->file)));
        return;
    }
    char year[8] = "-";
    if (source_year(definition->source) != 0) {
        snprintf(year, sizeof year, "%d", source_year(definition->source));
    }
    printf("%-20s %4s %10lld  %s\n", definition->name, year, (long long)parameter_count(cell), definition->summary);
}

static void list_cell(void *arg, const char *name, const char *file) {
    struct cells *cells = arg;
    struct arena *arena = arena_create();
    struct errors own = {0};
    struct cell_argument argument;
    if (arena == NULL) {
        errors_no_memory(&own);
    } else if (cell_argument_open(name, file, cells->options, arena, &argument, &own) == RONDO_OK) {
        struct cell *cell = compile(cells, &argument, &own);
        if (cell != NULL) {
            list_line(cells, &argument, cell);
        }
        cell_destroy(cell);
    }
    if (own.count > 0) { /* one line per file: the folder may contain other YAML files */
        errors_add(cells->errors, own.status, "%s%s", errors_text(&own, 0),
                   own.count > 1 ? " (and more; `rondo cells show` lists them)" : "");
    }
    errors_free(&own);
    arena_destroy(arena);
}

static void list(struct cells *cells) {
    cells->objects = cells->common.json ? json_array() : NULL;
    if (cells->common.json && cells->objects == NULL) {
        errors_no_memory(cells->errors);
        return;
    }
    if (!cells->common.json) {
        printf("%-20s %4s %10s  summary (parameters: at input %d, hidden %d)\n", "cell", "year", "parameters",
               (int)cells->input, (int)cells->hidden);
    }
    session_each(cells->session, SESSION_CELLS, list_cell, cells, cells->errors);
    if (cells->common.json) {
        output_json(cells->objects, JSON_INDENT(2), cells->errors);
    }
}

/* ---- show ---- */

/* A cell and the texts that are shown of it. */
struct cell_shown {
    const struct cell_argument *argument;
    const struct cell *cell;
    const char *program; /* NULL without --program */
    struct arena *arena;
};

static const char *state_name(const struct cell_shown *shown, int32_t s) {
    return shown->argument->definition->states[s].name;
}

/* The name of the output, as equations write it. */
static const char *output_name(const struct cell_shown *shown) {
    const struct cell_definition *definition = shown->argument->definition;
    return definition->output != NULL ? definition->output
                                      : arena_printf(shown->arena, "%s'", definition->states[0].name);
}

/* "[64]": without the batch. */
static struct shape_text state_shape(const struct cell_shown *shown, int32_t s) {
    const rondo_tensor *state = &shown->cell->states[s];
    const rondo_tensor row = tensor_of(state->dtype, state->ndim - 1, state->shape + 1);
    return tensor_shape_text(&row);
}

static void print_options(const struct cell_shown *shown) {
    const struct cell_definition *definition = shown->argument->definition;
    printf(definition->n_options == 0 ? "options     none\n" : "options\n");
    for (int32_t i = 0; i < definition->n_options; i++) {
        const struct cell_option *option = &definition->options[i];
        printf("  %-18s %-10g in [%g, %g], default %g%s%s\n", option->name, shown->argument->option_values[i],
               option->min, option->max, option->default_value,
               option->help == NULL || option->help[0] == '\0' ? "" : ": ", option->help == NULL ? "" : option->help);
    }
}

static void print_equations(const char *text) {
    printf("equations\n");
    while (*text != '\0') {
        const int length = (int)strcspn(text, "\n");
        printf("  %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_parameters(const struct cell_shown *shown) {
    const struct cell *cell = shown->cell;
    printf("parameters\n");
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const struct cell_parameter *parameter = &cell->parameters[p];
        const char *from = initialiser_text(&parameter->initialiser, shown->arena);
        printf("  %-18s %-16s %10lld  %s\n", parameter->name, tensor_shape_text(&parameter->shape).text,
               (long long)rondo_count(&parameter->shape), from == NULL ? "" : from);
    }
    printf("  %-18s %-16s %10lld\n", "all", "", (long long)parameter_count(cell));
}

static void print_shown(const struct cells *cells, const struct cell_shown *shown) {
    const struct cell_definition *definition = shown->argument->definition;
    const char *output = output_name(shown);
    const int is_block = definition_is_block(definition);
    const char *const facts[][2] = {{is_block ? "block" : "cell", definition->name},
                                    {"summary", definition->summary},
                                    {"source", definition->source},
                                    {"file", shown->argument->file}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        printf("%-11s ", facts[i][0]);
        print_text(stdout, facts[i][1]);
        printf("\n");
    }
    printf("widths      input %d, hidden %d", (int)cells->input, (int)cells->hidden);
    if (shown->cell->reads_memory) {
        printf(", memory %d", (int)memory_width(cells));
    }
    printf(is_block ? "\nstates      none" : "\nstates     ");
    for (int32_t s = 0; s < definition->n_states; s++) {
        printf("%s %s %s", s == 0 ? "" : ",", state_name(shown, s), state_shape(shown, s).text);
    }
    printf("\noutput      %s [%lld]\n", output == NULL ? "" : output, (long long)shown->cell->output_width);
    print_options(shown);
    print_equations(definition->equations.text);
    print_parameters(shown);
    if (shown->program != NULL) {
        printf("\n%s", shown->program);
    }
}

static json_t *shape_json(const rondo_tensor *tensor, int32_t first) {
    json_t *shape = json_array();
    for (int32_t d = first; d < tensor->ndim; d++) {
        json_array_append_new(shape, json_integer(tensor->shape[d]));
    }
    return shape;
}

static json_t *options_json(const struct cell_shown *shown) {
    json_t *options = json_array();
    for (int32_t i = 0; i < shown->argument->definition->n_options; i++) {
        const struct cell_option *option = &shown->argument->definition->options[i];
        json_array_append_new(options, json_pack("{s:s, s:f, s:f, s:f, s:f, s:s?}", "name", option->name, "value",
                                                 shown->argument->option_values[i], "default", option->default_value,
                                                 "min", option->min, "max", option->max, "help", option->help));
    }
    return options;
}

static json_t *shown_json(const struct cells *cells, const struct cell_shown *shown) {
    const struct cell_definition *definition = shown->argument->definition;
    json_t *states = json_array(), *parameters = json_array();
    for (int32_t s = 0; s < definition->n_states; s++) {
        json_array_append_new(states, json_pack("{s:s, s:o}", "name", state_name(shown, s), "shape",
                                                shape_json(&shown->cell->states[s], 1)));
    }
    for (int32_t p = 0; p < shown->cell->n_parameters; p++) {
        const struct cell_parameter *parameter = &shown->cell->parameters[p];
        json_array_append_new(parameters, json_pack("{s:s, s:o, s:s?}", "name", parameter->name, "shape",
                                                    shape_json(&parameter->shape, 0), "initialiser",
                                                    initialiser_text(&parameter->initialiser, shown->arena)));
    }
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:o, s:s?, s:I, s:o, s:s, s:o, s:I}", "kind",
        definition_is_block(definition) ? "block" : "cell", "name", definition->name, "summary", definition->summary,
        "source", definition->source, "year", year_json(definition->source), "file", json_text(shown->argument->file),
        "input", (int)cells->input, "hidden", (int)cells->hidden, "states", states, "output", output_name(shown),
        "output_width", (json_int_t)shown->cell->output_width, "options", options_json(shown), "equations",
        definition->equations.text, "parameters", parameters, "size", (json_int_t)parameter_count(shown->cell));
    if (object != NULL && shown->cell->reads_memory) {
        json_object_set_new(object, "memory", json_integer(memory_width(cells)));
    }
    if (object != NULL && shown->program != NULL) {
        json_object_set_new(object, "program", json_string(shown->program));
    }
    return object;
}

static void show_cell(struct cells *cells, const struct cell_argument *argument, const struct cell *cell,
                      struct arena *arena) {
    struct cell_shown shown = {argument, cell, NULL, arena};
    if (cells->program && definition_is_block(argument->definition)) {
        errors_add(cells->errors, RONDO_INVALID,
                   "'--program' is not used with the block '%s': it runs over a whole sequence, and has no step",
                   argument->name);
        return;
    }
    if (cells->program) {
        const struct scan_settings settings = {.program = cell->program,
                                               .n_states = cell->n_states,
                                               .new_states = cell->new_states,
                                               .output = cell->output,
                                               .passes = PASS_ALL & ~cells->session->passes_off};
        shown.program = scan_text(&settings, arena, cells->errors);
        if (shown.program == NULL) {
            if (cells->errors->count == 0) {
                errors_no_memory(cells->errors);
            }
            return;
        }
    }
    if (cells->common.json) {
        output_json(shown_json(cells, &shown), JSON_INDENT(2), cells->errors);
    } else {
        print_shown(cells, &shown);
    }
}

static void show(struct cells *cells, const char *name) {
    struct arena *arena = arena_create();
    struct cell_argument argument;
    if (arena == NULL) {
        errors_no_memory(cells->errors);
    } else if (cell_argument_read(cells->session, name, cells->options, arena, &argument, cells->errors) == RONDO_OK) {
        struct cell *cell = compile(cells, &argument, cells->errors);
        if (cell != NULL) {
            show_cell(cells, &argument, cell, arena);
        }
        cell_destroy(cell);
    }
    arena_destroy(arena);
}

/* ---- the command ---- */

enum action { ACTION_LIST, ACTION_SHOW, ACTION_NONE };

/* The action that the arguments name; ACTION_NONE with an error. */
static enum action choose_action(const struct arguments *arguments, const struct cells *cells, struct errors *errors) {
    static const char *const names[] = {"list", "show"};
    const char *word = arguments->n_words == 0 ? "list" : arguments->words[0];
    struct suggestion best = {0};
    int action = ACTION_LIST;
    while (action < ACTION_NONE && strcmp(names[action], word) != 0) {
        suggest(&best, word, names[action++]);
    }
    if (action == ACTION_NONE) {
        errors_add(errors, RONDO_INVALID, "unknown action '%s'%s, expected list, or show NAME", word,
                   suggestion_text(&best).text);
    } else if (action == ACTION_SHOW && arguments->n_words < 2) {
        errors_add(errors, RONDO_INVALID, "'show' expects the name or the file of a cell after it");
        action = ACTION_NONE;
    } else if (action == ACTION_LIST && arguments->n_words > 1) {
        errors_add(errors, RONDO_INVALID,
                   "'list' lists all cells and takes no argument, got '%s'; to see one cell, use 'show %s'",
                   arguments->words[1], arguments->words[1]);
        action = ACTION_NONE;
    } else if (action == ACTION_LIST && (cells->program || cells->options[0] != NULL)) {
        errors_add(errors, RONDO_INVALID, "'%s' can only be used with 'show'",
                   cells->program ? "--program" : "--option");
        action = ACTION_NONE;
    } else if (cells->common.passes != NULL && !cells->program) {
        errors_add(errors, RONDO_INVALID, "'--passes' is not used without '--program'");
        action = ACTION_NONE;
    }
    return (enum action)action;
}

static int run_cells(const struct command *command, int argc, char **argv) {
    struct errors errors = {0};
    struct cells cells = {.input = WIDTH, .hidden = WIDTH, .errors = &errors};
    const struct flag flags[] = {{"input", "N", FLAG_WIDTH, &cells.input, "width of the inputs (64)"},
                                 {"hidden", "N", FLAG_WIDTH, &cells.hidden, "width of the states (64)"},
                                 CELL_FLAG_OPTION(cells.options),
                                 {"program", NULL, FLAG_ON, &cells.program,
                                  "print the forward and the backward step after every pass of the fused engine"},
                                 COMMON_FLAG_PASSES(cells.common),
                                 COMMON_FLAG_PLUGIN(cells.common),
                                 COMMON_FLAG_VERBOSE(cells.common),
                                 COMMON_FLAG_JSON(cells.common),
                                 {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, 2, &arguments, &status)) {
        return status;
    }
    const enum action action = choose_action(&arguments, &cells, &errors);
    cells.session = action == ACTION_NONE ? NULL : session_from_flags(&cells.common, &errors);
    if (cells.session != NULL && action == ACTION_LIST) {
        list(&cells);
    } else if (cells.session != NULL) {
        show(&cells, arguments.words[1]);
    }
    status = finish_command(&errors, cells.common.json);
    session_destroy(cells.session);
    return status;
}

const struct command command_cells = {"cells", "cells [list | show NAME]",
                                      "list the cells, or show a cell or block: equations, parameters, program",
                                      "NAME is that of a cell or a block, or a file; `rondo list block` lists blocks. "
                                      "Shapes and numbers of parameters are those for the given widths.\n\n"
                                      "  rondo cells show lstm --hidden 8 --program\n",
                                      run_cells};
