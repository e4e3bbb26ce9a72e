#include "cli/cell_argument.h"

#include <string.h>

#include "core/options.h"
#include "lang/cell_file.h"

/* "KEY=VALUE" into the values. */
static rondo_status set_option(const struct cell_argument *cell, const char *text, void *values, struct arena *arena,
                               struct errors *errors) {
    const struct location where = {"--option", 0, 0};
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return errors_add_at(errors, RONDO_INVALID, where, "expected KEY=VALUE, got '%s'", text);
    }
    const char *key = arena_strndup(arena, text, (size_t)(equals - text));
    const char *of =
        arena_printf(arena, "%s '%s'", definition_is_block(cell->definition) ? "block" : "cell", cell->name);
    if (key == NULL || of == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_option *option = option_find(cell->table, key);
    return option == NULL ? option_unknown(cell->table, key, of, where, errors)
                          : option_set(option, values, equals + 1, arena, where, errors);
}

rondo_status cell_argument_open(const char *name, const char *file, const char *const *options, struct arena *arena,
                                struct cell_argument *cell, struct errors *errors) {
    *cell = (struct cell_argument){.name = name, .file = file, .definition = definition_file_read(file, arena, errors)};
    if (cell->definition == NULL) {
        return errors->status;
    }
    cell->name = cell->definition->name;
    cell->table = cell_option_table(cell->definition, arena);
    void *values =
        cell->table == NULL
            ? NULL
            : options_create(cell->table, sizeof(double) * (size_t)(cell->definition->n_options + 1), arena, errors);
    if (values == NULL) {
        return errors_no_memory(errors);
    }
    cell->option_values = values;
    rondo_status status = RONDO_OK;
    for (; *options != NULL; options++) {
        const rondo_status set = set_option(cell, *options, values, arena, errors);
        status = status == RONDO_OK ? set : status;
    }
    for (int32_t i = 0; i < cell->definition->n_options && status == RONDO_OK; i++) {
        status = cell_option_fits(&cell->definition->options[i], cell->option_values[i], (struct location){0}, errors);
    }
    return status;
}

rondo_status cell_argument_read(const struct session *session, const char *name, const char *const *options,
                                struct arena *arena, struct cell_argument *cell, struct errors *errors) {
    const char *ending = strrchr(name, '.');
    const int is_path = strchr(name, '/') != NULL || (ending != NULL && strcmp(ending, ".yaml") == 0);
    const char *file = is_path ? name : session_find(session, SESSION_CELLS, name, ".", arena);
    file = file == NULL ? session_find(session, SESSION_BLOCKS, name, ".", arena) : file;
    if (file == NULL) {
        const struct suggestion cells = session_suggest(session, SESSION_CELLS, name, arena);
        const struct suggestion blocks = session_suggest(session, SESSION_BLOCKS, name, arena);
        const int is_block = cells.name == NULL || (blocks.name != NULL && blocks.distance < cells.distance);
        return errors_add(errors, RONDO_NOT_FOUND, "there is no cell or block '%s'%s, looked in '%s' and '%s'", name,
                          suggestion_text(is_block ? &blocks : &cells).text, session->file_path[SESSION_CELLS],
                          session->file_path[SESSION_BLOCKS]);
    }
    return cell_argument_open(name, file, options, arena, cell, errors);
}
