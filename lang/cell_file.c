#include "lang/cell_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "io/section.h"

struct cell_reader {
    struct arena *arena;
    struct errors *errors;
    struct cell_definition *definition;
};

/* 1 for a name as equations can write it. */
static int is_name(const char *text) {
    if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '_')) {
        return 0;
    }
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static rondo_status check_name(const struct cell_reader *reader, const char *name, struct location where) {
    if (!is_name(name)) {
        return errors_add_at(reader->errors, RONDO_INVALID, where,
                             "'%s' is not a name, expected a letter followed by letters, digits and _", name);
    }
    if (strcmp(name, "x") == 0 || strcmp(name, "input") == 0 || strcmp(name, "hidden") == 0) {
        return errors_add_at(reader->errors, RONDO_INVALID, where, "'%s' is reserved, choose another name", name);
    }
    return RONDO_OK;
}

static rondo_status read_shape(const struct cell_reader *reader, const struct yaml_node *node,
                               struct cell_shape *shape) {
    *shape = (struct cell_shape){.name = node->key, .where = node->key_where};
    RONDO_TRY(check_name(reader, node->key, node->key_where));
    if (node->kind != YAML_SEQUENCE || yaml_count(node) > RONDO_MAX_DIMS - 1) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "the shape of '%s' must be a list of at most %d dimensions, such as [input, hidden]",
                             node->key, RONDO_MAX_DIMS - 1);
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != YAML_SCALAR) {
            return errors_add_at(reader->errors, RONDO_INVALID, child->where,
                                 "a dimension must be a number or a name, such as hidden");
        }
        shape->dimensions[shape->ndim++] = child->text;
    }
    return RONDO_OK;
}

/* A mapping from names to shapes. */
static rondo_status read_shapes(const struct cell_reader *reader, const struct yaml_node *node,
                                const struct cell_shape **shapes, int32_t *count) {
    struct cell_shape *all = arena_calloc(reader->arena, (size_t)yaml_count(node) + 1, sizeof *all);
    if (all == NULL) {
        return errors_no_memory(reader->errors);
    }
    *shapes = all;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        RONDO_TRY(read_shape(reader, child, &all[(*count)++]));
    }
    return RONDO_OK;
}

static rondo_status read_states(const struct cell_reader *reader, const struct yaml_node *root) {
    struct cell_definition *definition = reader->definition;
    const struct yaml_node *node = yaml_get(root, "state");
    if (node == NULL || node->kind == YAML_SCALAR || node->first == NULL) {
        return errors_add_at(reader->errors, RONDO_INVALID, node == NULL ? root->where : node->where,
                             "'state' must list the names of the states, such as [h, c]; the first is the output");
    }
    if (node->kind == YAML_MAPPING) {
        return read_shapes(reader, node, &definition->states, &definition->n_states);
    }
    struct cell_shape *states = arena_calloc(reader->arena, (size_t)yaml_count(node), sizeof *states);
    if (states == NULL) {
        return errors_no_memory(reader->errors);
    }
    definition->states = states;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != YAML_SCALAR) {
            return errors_add_at(reader->errors, RONDO_INVALID, child->where, "expected the name of a state");
        }
        RONDO_TRY(check_name(reader, child->text, child->where));
        for (int32_t i = 0; i < definition->n_states; i++) {
            if (strcmp(states[i].name, child->text) == 0) {
                return errors_add_at(reader->errors, RONDO_INVALID, child->where, "state '%s' is listed twice",
                                     child->text);
            }
        }
        states[definition->n_states++] =
            (struct cell_shape){.name = child->text, .ndim = 1, .dimensions = {"hidden"}, .where = child->where};
    }
    return RONDO_OK;
}

struct option_limits {
    double value, min, max; /* `value` is the key `default` */
    int32_t integer;
    const char *help;
};
static const rondo_option option_rows[] = {
    {"default", RONDO_REAL, (uint32_t)offsetof(struct option_limits, value), NULL, -1e300, 1e300, NULL, "its value"},
    RONDO_OPTION_REAL(struct option_limits, min, "-1e300", -1e300, 1e300, "smallest allowed"),
    RONDO_OPTION_REAL(struct option_limits, max, "1e300", -1e300, 1e300, "largest allowed"),
    RONDO_OPTION_BOOL(struct option_limits, integer, "false", "no fractions"),
    RONDO_OPTION_STRING(struct option_limits, help, "", "one line"),
    RONDO_OPTION_END};

rondo_status cell_option_fits(const struct cell_option *option, double value, struct location where,
                              struct errors *errors) {
    return !option->is_integer || value == floor(value)
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, where, "'%s' is %.15g, expected an integer in [%.15g, %.15g]",
                               option->name, value, option->min, option->max);
}

static rondo_status read_option(const struct cell_reader *reader, struct yaml_node *node, struct cell_option *option) {
    RONDO_TRY(check_name(reader, node->key, node->key_where));
    struct option_limits *limits = options_create(option_rows, sizeof *limits, reader->arena, reader->errors);
    if (limits == NULL) {
        return RONDO_NO_MEMORY;
    }
    if (node->kind == YAML_MAPPING) {
        const struct section_part part = {option_rows, limits};
        RONDO_TRY(section_read(node, &part, 1, NULL, node->key, node->where, reader->arena, reader->errors));
    } else {
        const char *text = node->quoted ? NULL : yaml_option_text(node, reader->arena);
        RONDO_TRY(option_set(&option_rows[0], limits, text == NULL ? "a list" : text, reader->arena, node->where,
                             reader->errors));
    }
    if (!(limits->min <= limits->value && limits->value <= limits->max)) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "the default %g of '%s' is not within its range [%g, %g]", limits->value, node->key,
                             limits->min, limits->max);
    }
    *option = (struct cell_option){.name = node->key,
                                   .default_value = limits->value,
                                   .min = limits->min,
                                   .max = limits->max,
                                   .is_integer = limits->integer,
                                   .help = limits->help,
                                   .where = node->key_where};
    return cell_option_fits(option, limits->value, node->where, reader->errors);
}

static rondo_status read_options(const struct cell_reader *reader, const struct yaml_node *node) {
    struct cell_option *options = arena_calloc(reader->arena, (size_t)yaml_count(node) + 1, sizeof *options);
    if (options == NULL) {
        return errors_no_memory(reader->errors);
    }
    reader->definition->options = options;
    for (struct yaml_node *child = node->first; child != NULL; child = child->next) {
        RONDO_TRY(read_option(reader, child, &options[reader->definition->n_options++]));
    }
    return RONDO_OK;
}

static rondo_status read_initialisers(const struct cell_reader *reader, const struct yaml_node *node) {
    struct cell_initialiser *rows = arena_calloc(reader->arena, (size_t)yaml_count(node) + 1, sizeof *rows);
    if (rows == NULL) {
        return errors_no_memory(reader->errors);
    }
    reader->definition->initialisers = rows;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        struct cell_initialiser *row = &rows[reader->definition->n_initialisers++];
        row->pattern = child->key;
        row->where = child->where;
        if (child->kind != YAML_SCALAR) {
            return errors_add_at(reader->errors, RONDO_INVALID, child->where,
                                 "expected a number or the name of an initialiser");
        }
        RONDO_TRY(initialiser_parse(child->text, child->where, &row->initialiser, reader->errors));
    }
    return RONDO_OK;
}

static rondo_status read_equations(const struct cell_reader *reader, const struct yaml_node *root) {
    const struct yaml_node *node = yaml_get(root, "equations");
    if (node == NULL || node->kind != YAML_SCALAR) {
        return errors_add_at(reader->errors, RONDO_INVALID, node == NULL ? root->where : node->where,
                             "'equations' is missing, expected a block: 'equations: |' and one equation a line");
    }
    struct equation_text text = {node->where.file, node->text, node->where.line, node->where.column - 1};
    if (node->literal) {
        text.first_line = node->text_line;
        text.indent = node->text_indent;
    } else if (strchr(node->text, '\n') != NULL || node->quoted) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "write equations as a literal block: 'equations: |' and one equation a line");
    }
    reader->definition->equations = text;
    return RONDO_OK;
}

/* The optional mapping `key`. */
static rondo_status read_mapping(const struct cell_reader *reader, const struct yaml_node *root, const char *key,
                                 rondo_status (*read)(const struct cell_reader *, const struct yaml_node *)) {
    const struct yaml_node *node = yaml_get(root, key);
    if (node == NULL) {
        return RONDO_OK;
    }
    if (node->kind != YAML_MAPPING) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where, "'%s' must be a mapping of names to values",
                             key);
    }
    return read(reader, node);
}

static rondo_status read_parameters(const struct cell_reader *reader, const struct yaml_node *node) {
    return read_shapes(reader, node, &reader->definition->parameters, &reader->definition->n_parameters);
}

/* The text of an optional key; "" if it is missing. */
static const char *optional_text(const struct yaml_node *root, const char *key, struct errors *errors) {
    const struct yaml_node *node = yaml_get(root, key);
    if (node != NULL && node->kind != YAML_SCALAR) {
        errors_add_at(errors, RONDO_INVALID, node->where, "'%s' must be a text", key);
    }
    return node == NULL || node->kind != YAML_SCALAR ? "" : node->text;
}

/* `output`: a value as equations write it, "y" or "h'". */
static rondo_status read_output(const struct cell_reader *reader, const struct yaml_node *root) {
    const struct yaml_node *node = yaml_get(root, "output");
    if (node == NULL) {
        return RONDO_OK;
    }
    reader->definition->output_where = node->where;
    reader->definition->output = node->kind == YAML_SCALAR ? node->text : "";
    const size_t length = strlen(reader->definition->output);
    const int primed = length > 0 && reader->definition->output[length - 1] == '\'';
    const char *name = arena_strndup(reader->arena, reader->definition->output, length - (size_t)primed);
    if (name == NULL) {
        return errors_no_memory(reader->errors);
    }
    if (!is_name(name)) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "'output' must be a value of the equations, such as y or h'");
    }
    return RONDO_OK;
}

static rondo_status read_candidate(const struct cell_reader *reader, const struct yaml_node *node, const char **names,
                                   struct location *where) {
    if (node->kind != YAML_SCALAR || !is_name(node->text)) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "'candidate' must be a value of the equations, such as g, or a list of them");
    }
    const int32_t count = reader->definition->n_candidates;
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(names[i], node->text) == 0) {
            return errors_add_at(reader->errors, RONDO_INVALID, node->where, "candidate '%s' is listed twice",
                                 node->text);
        }
    }
    names[count] = node->text;
    where[count] = node->where;
    reader->definition->n_candidates++;
    return RONDO_OK;
}

static rondo_status read_candidates(const struct cell_reader *reader, const struct yaml_node *root) {
    const struct yaml_node *node = yaml_get(root, "candidate");
    if (node == NULL) {
        return RONDO_OK;
    }
    const size_t count = node->kind == YAML_SEQUENCE ? (size_t)yaml_count(node) : 1;
    const char **names = arena_calloc(reader->arena, count + 1, sizeof *names);
    struct location *where = arena_calloc(reader->arena, count + 1, sizeof *where);
    if (names == NULL || where == NULL) {
        return errors_no_memory(reader->errors);
    }
    reader->definition->candidates = names;
    reader->definition->candidate_where = where;
    if (node->kind != YAML_SEQUENCE) {
        return read_candidate(reader, node, names, where);
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        RONDO_TRY(read_candidate(reader, child, names, where));
    }
    return RONDO_OK;
}

/* What differs between the files of cells and of blocks. */
struct definition_form {
    const char *what, *example, *name_of; /* for messages */
    const char *name_key;
    const char *const *keys;
};

/* Reads what both have in common. 0: the file is no mapping; otherwise errors may have been added. */
static int read_definition(const struct cell_reader *reader, const struct definition_form *form,
                           struct yaml_node *root) {
    struct cell_definition *definition = reader->definition;
    struct errors *errors = reader->errors;
    if (root->kind != YAML_MAPPING) {
        errors_add_at(errors, RONDO_INVALID, root->where, "%s is a mapping with the keys %s", form->what,
                      form->example);
        return 0;
    }
    section_read(root, NULL, 0, form->keys, form->what, root->where, reader->arena, errors);
    definition->where = root->where;
    definition->name = section_text(root, "", form->name_key, form->name_of, root->where, errors);
    definition->source = optional_text(root, "source", errors);
    definition->summary = optional_text(root, "summary", errors);
    if (definition->name != NULL) {
        check_name(reader, definition->name, yaml_get(root, form->name_key)->where);
    }
    read_output(reader, root);
    read_equations(reader, root);
    read_mapping(reader, root, "options", read_options);
    read_mapping(reader, root, "params", read_parameters);
    read_mapping(reader, root, "init", read_initialisers);
    return 1;
}

static void read_cell(const struct cell_reader *reader, struct yaml_node *root) {
    static const char *const keys[] = {"cell",      "source",  "summary", "state", "output", "candidate",
                                       "equations", "options", "params",  "init",  NULL};
    static const struct definition_form form = {"a cell", "cell, state, equations", "the name of the cell", "cell",
                                                keys};
    if (read_definition(reader, &form, root)) {
        read_states(reader, root);
        read_candidates(reader, root);
    }
}

static void read_block(const struct cell_reader *reader, struct yaml_node *root) {
    static const char *const keys[] = {"block",   "source", "summary", "output", "equations",
                                       "options", "params", "init",    NULL};
    static const struct definition_form form = {"a block", "block, equations, output", "the name of the block", "block",
                                                keys};
    if (read_definition(reader, &form, root) && yaml_get(root, "output") == NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, root->where,
                      "'output' is missing, expected the value of the equations that is the output, such as y");
    }
}

static void read_either(const struct cell_reader *reader, struct yaml_node *root) {
    const int is_block = yaml_get(root, "block") != NULL && yaml_get(root, "cell") == NULL;
    (is_block ? read_block : read_cell)(reader, root);
}

static const struct cell_definition *read_file(const char *file,
                                               void (*read)(const struct cell_reader *reader, struct yaml_node *root),
                                               struct arena *arena, struct errors *errors) {
    const int32_t errors_before = errors->count;
    struct cell_definition *definition = arena_calloc(arena, 1, sizeof *definition);
    if (definition == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    const struct cell_reader reader = {arena, errors, definition};
    struct yaml_node *root = yaml_read(file, arena, errors);
    if (root != NULL) {
        read(&reader, root);
    }
    return errors->count == errors_before ? definition : NULL;
}

const struct cell_definition *cell_file_read(const char *file, struct arena *arena, struct errors *errors) {
    return read_file(file, read_cell, arena, errors);
}

const struct cell_definition *block_file_read(const char *file, struct arena *arena, struct errors *errors) {
    return read_file(file, read_block, arena, errors);
}

const struct cell_definition *definition_file_read(const char *file, struct arena *arena, struct errors *errors) {
    return read_file(file, read_either, arena, errors);
}

int definition_is_block(const struct cell_definition *definition) {
    return definition->n_states == 0; /* a cell has at least one */
}

const rondo_option *cell_option_table(const struct cell_definition *definition, struct arena *arena) {
    rondo_option *table = arena_calloc(arena, (size_t)definition->n_options + 1, sizeof *table);
    for (int32_t i = 0; table != NULL && i < definition->n_options; i++) {
        const struct cell_option *option = &definition->options[i];
        table[i] = (rondo_option){.key = option->name,
                                  .type = RONDO_REAL,
                                  .offset = (uint32_t)((size_t)i * sizeof(double)),
                                  .default_text = arena_printf(arena, "%.17g", option->default_value),
                                  .min = option->min,
                                  .max = option->max,
                                  .help = option->help == NULL ? "" : option->help};
        if (table[i].default_text == NULL) {
            return NULL;
        }
    }
    return table;
}
