#include "experiment/plugin_files.h"

#include <string.h>

#include "experiment/paths.h"

/* Adds a file of --plugin to `plugins:`, so that the run can be repeated and used without the flag. */
static void record_plugin(const struct plugin_reader *reader, struct yaml_node *plugins, const char *file) {
    if (!check_path(file, (struct location){"--plugin", 0, 0}, reader->errors)) {
        return;
    }
    struct yaml_node **tail = &plugins->first;
    for (; *tail != NULL; tail = &(*tail)->next) {
        if ((*tail)->kind == YAML_SCALAR && strcmp((*tail)->text, file) == 0) {
            return;
        }
    }
    struct yaml_node *node = arena_calloc(reader->arena, 1, sizeof *node);
    if (node == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    *node =
        (struct yaml_node){.kind = YAML_SCALAR, .text = file, .quoted = 1, .folder = ".", .where = {"--plugin", 0, 0}};
    *tail = node;
}

/* The file of --plugin with the same name as `path`, in any folder; NULL: there is none. */
static const char *replacement_of(const struct plugin_reader *reader, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    for (const char *const *given = reader->session->plugin_files; *given != NULL; given++) {
        if (strcmp(strrchr(*given, '/') + 1, name) == 0) { /* they are absolute */
            return *given;
        }
    }
    return NULL;
}

/* A file under `plugins:`. It is loaded, or replaced by the file of --plugin that has its name: a plug-in of a run may
 * have been moved. */
static void read_plugin(const struct plugin_reader *reader, struct yaml_node *file, struct errors *unloaded) {
    if (file->kind != YAML_SCALAR || file->text[0] == '\0') {
        errors_add_at(reader->errors, RONDO_INVALID, file->where, "expected the path of a plug-in");
        return;
    }
    const char *replacement = replacement_of(reader, file->text);
    if (replacement != NULL && !check_path(replacement, (struct location){"--plugin", 0, 0}, reader->errors)) {
        return;
    }
    if (replacement != NULL) {
        file->text = replacement;
        file->folder = ".";
        return;
    }
    const char *path = resolve_path(file, reader->arena, reader->errors);
    if (path != NULL) {
        loader_load(reader->session->loader, reader->session->registry, path, file->where, unloaded);
    }
}

void plugin_files_read(const struct plugin_reader *reader, struct yaml_node *root, struct errors *unloaded) {
    struct yaml_node *plugins = yaml_get(root, "plugins");
    const char *const *given = reader->session->plugin_files;
    if (plugins == NULL && *given != NULL) {
        if (section_put(root, "plugins", "[]", 0, reader->arena, reader->errors) != RONDO_OK) {
            return;
        }
        plugins = yaml_get(root, "plugins");
    }
    if (plugins == NULL) {
        return;
    }
    if (plugins->kind != YAML_SEQUENCE) {
        errors_add_at(reader->errors, RONDO_INVALID, plugins->where, "'plugins' must be a list of files");
        return;
    }
    for (struct yaml_node *file = plugins->first; file != NULL; file = file->next) {
        read_plugin(reader, file, unloaded);
    }
    for (; *given != NULL; given++) {
        record_plugin(reader, plugins, *given);
    }
}
