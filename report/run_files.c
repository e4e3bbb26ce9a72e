#include "report/run_files.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "inspect/inspect.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/json.h"
#include "io/yaml.h"
#include "store/run_folder.h"
#include "store/tensor_file.h"

enum { MOST_CELLS = 64 };
static const size_t most_bytes = (size_t)16 << 20;

struct files_reading {
    const char *folder;
    struct report_files *files;
    const char **problem;
    struct arena *arena;
    int is_short; /* of memory that is not from the arena */
};

static void note(struct files_reading *reading, const char *text) {
    if (*reading->problem == NULL) {
        *reading->problem = text;
    }
}

/* Notes the first of `errors`, and empties them. Missing memory is no property of the run. */
static void note_errors(struct files_reading *reading, struct errors *errors) {
    reading->is_short |= errors->status == RONDO_NO_MEMORY;
    if (errors->count > 0) {
        note(reading, arena_strdup(reading->arena, errors_text(errors, 0)));
    }
    errors_free(errors);
}

static const char *file_of(const struct files_reading *reading, const char *name) {
    return arena_printf(reading->arena, "%s/%s", reading->folder, name);
}

/* ---- experiment.yaml ---- */

/* Scalars, lists of scalars and empty collections are leaves: they have a text on one line. */
static const char *leaf_text(const struct yaml_node *node, struct arena *arena) {
    return node->first == NULL && node->kind != YAML_SCALAR ? (node->kind == YAML_SEQUENCE ? "[]" : "{}")
                                                            : yaml_option_text(node, arena);
}

static int is_leaf(const struct yaml_node *node) {
    const struct yaml_node *child = node->first;
    if (node->kind == YAML_MAPPING) {
        return child == NULL;
    }
    while (child != NULL && child->kind == YAML_SCALAR) {
        child = child->next;
    }
    return child == NULL;
}

static int32_t count_leaves(const struct yaml_node *node) {
    if (is_leaf(node)) {
        return 1;
    }
    int32_t count = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        count += count_leaves(child);
    }
    return count;
}

/* Depth is at most YAML_MAX_DEPTH. */
static void add_leaves(struct files_reading *reading, const struct yaml_node *node, const char *path) {
    struct report_keys *keys = &reading->files->experiment;
    if (is_leaf(node)) {
        keys->items[keys->count++] = (struct report_key){path, leaf_text(node, reading->arena)};
        return;
    }
    int32_t index = 0;
    const char *dot = path[0] == '\0' ? "" : ".";
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next, index++) {
        const char *below = node->kind == YAML_MAPPING ? arena_printf(reading->arena, "%s%s%s", path, dot, child->key)
                                                       : arena_printf(reading->arena, "%s%s%d", path, dot, index);
        if (below != NULL) {
            add_leaves(reading, child, below);
        }
    }
}

static void read_experiment(struct files_reading *reading) {
    struct errors errors = {0};
    const char *file = file_of(reading, "experiment.yaml");
    const struct yaml_node *root = file == NULL ? NULL : yaml_read(file, reading->arena, &errors);
    note_errors(reading, &errors);
    if (root == NULL || root->kind != YAML_MAPPING) {
        return;
    }
    reading->files->experiment.items =
        arena_calloc(reading->arena, (size_t)count_leaves(root), sizeof(struct report_key));
    if (reading->files->experiment.items != NULL) {
        add_leaves(reading, root, "");
    }
    const char *format = report_keys_get(&reading->files->experiment, "rondo");
    if (format == NULL || strcmp(format, "1") != 0) {
        note(reading,
             arena_printf(reading->arena,
                          "experiment.yaml has format '%s', expected 1: it was written by another version of Rondo",
                          format == NULL ? "" : format));
    }
}

/* ---- environment.json ---- */

/* The JSON of a file, which the caller owns; NULL: it is missing or damaged, or no memory. */
static json_t *read_json(struct files_reading *reading, const char *name, int may_miss) {
    char *text = NULL;
    size_t length = 0;
    json_t *root = NULL;
    json_error_t reason;
    struct errors errors = {0};
    const char *file = file_of(reading, name);
    if (file == NULL || (may_miss && !file_exists(file))) {
        return NULL;
    }
    if (file_read(file, most_bytes, reading->arena, &text, &length, (struct location){0}, &errors) == RONDO_OK) {
        const rondo_status status = json_parse(text, length, &root, &reason);
        reading->is_short |= status == RONDO_NO_MEMORY;
        if (status == RONDO_INVALID) {
            errors_add(&errors, RONDO_INVALID, "%s is damaged: line %d: %s", name, reason.line, reason.text);
        }
    }
    note_errors(reading, &errors);
    return root;
}

static const char *value_text(const json_t *value, struct arena *arena) {
    return json_is_string(value)    ? arena_strdup(arena, json_string_value(value))
           : json_is_integer(value) ? arena_printf(arena, "%lld", (long long)json_integer_value(value))
           : json_is_true(value)    ? "true"
           : json_is_false(value)   ? "false"
                                    : NULL;
}

static void add_key(struct report_keys *keys, const char *key, const char *text) {
    if (key != NULL && text != NULL) {
        keys->items[keys->count++] = (struct report_key){key, text};
    }
}

/* "data.train  train.tsv, 1234 bytes, 00ff…" of the objects of store/provenance.h. */
static void add_file(struct files_reading *reading, const char *key, const json_t *entry) {
    const char *file = json_string_value(json_object_get(entry, "file"));
    const char *hash = json_string_value(json_object_get(entry, "xxh3"));
    const char *version = json_string_value(json_object_get(entry, "version"));
    const long long bytes = json_integer_value(json_object_get(entry, "bytes"));
    add_key(&reading->files->made_from, arena_strdup(reading->arena, key),
            arena_printf(reading->arena, "%s%s%s, %lld bytes%s%s", file, version == NULL ? "" : ", version ",
                         version == NULL ? "" : version, bytes, hash == NULL ? "" : ", xxh3 ",
                         hash == NULL ? "" : hash));
}

/* An entry, or the entries of a list or an object of such. */
static void add_files(struct files_reading *reading, const char *key, json_t *entry, int depth) {
    const char *below;
    json_t *child;
    if (json_is_string(json_object_get(entry, "file"))) {
        add_file(reading, key, entry);
    } else if (json_is_object(entry) && depth < 4) {
        json_object_foreach(entry, below, child) {
            const char *path = arena_printf(reading->arena, "%s.%s", key, below);
            if (path != NULL) {
                add_files(reading, path, child, depth + 1);
            }
        }
    } else if (json_is_array(entry) && depth < 4) {
        for (size_t i = 0; i < json_array_size(entry); i++) {
            json_t *item = json_array_get(entry, i);
            const char *name = json_string_value(json_object_get(item, "name"));
            const char *path = name == NULL ? key : arena_printf(reading->arena, "%s %s", key, name);
            if (path != NULL) {
                add_files(reading, path, item, depth + 1);
            }
        }
    }
}

static size_t count_values(const json_t *value) {
    size_t count = 1;
    const char *key;
    json_t *child;
    json_object_foreach((json_t *)value, key, child) {
        count += count_values(child);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        count += count_values(json_array_get(value, i));
    }
    return count;
}

static void read_environment(struct files_reading *reading) {
    json_t *root = read_json(reading, "environment.json", 0), *value;
    const char *key;
    const size_t most = root == NULL ? 0 : count_values(root);
    struct report_files *files = reading->files;
    files->environment.items = arena_calloc(reading->arena, most, sizeof(struct report_key));
    files->made_from.items = arena_calloc(reading->arena, most, sizeof(struct report_key));
    if (root != NULL && !arena_failed(reading->arena)) {
        json_object_foreach(root, key, value) {
            if (json_is_object(value) || json_is_array(value)) {
                add_files(reading, strcmp(key, "plugins") == 0 ? "plug-in" : key, value, 0);
            } else {
                add_key(&files->environment, arena_strdup(reading->arena, key), value_text(value, reading->arena));
            }
        }
    }
    json_decref(root);
}

/* ---- cells ---- */

static const char *scalar_of(const struct yaml_node *root, const char *key) {
    const struct yaml_node *node = yaml_get(root, key);
    return node != NULL && node->kind == YAML_SCALAR ? node->text : NULL;
}

static void read_cell(struct files_reading *reading, const char *name) {
    struct errors errors = {0};
    struct report_cell cell = {0};
    char *text = NULL;
    size_t length = 0;
    const char *file = arena_printf(reading->arena, "%s/cells/%s", reading->folder, name);
    const struct yaml_node *root = NULL;
    if (file != NULL &&
        file_read(file, YAML_MAX_BYTES, reading->arena, &text, &length, (struct location){0}, &errors) == RONDO_OK) {
        root = yaml_parse(file, text, length, reading->arena, &errors);
    }
    note_errors(reading, &errors);
    if (root == NULL || root->kind != YAML_MAPPING) {
        return;
    }
    cell.text = text;
    cell.name = scalar_of(root, yaml_get(root, "block") != NULL ? "block" : "cell");
    cell.name = cell.name == NULL ? name : cell.name;
    cell.summary = scalar_of(root, "summary");
    cell.source = scalar_of(root, "source");
    cell.equations = scalar_of(root, "equations");
    reading->files->cells[reading->files->n_cells++] = cell;
}

static void read_cells(struct files_reading *reading) {
    struct folder_entry *entries = NULL;
    int64_t count = 0;
    struct errors errors = {0};
    const char *folder = file_of(reading, "cells");
    reading->files->cells = arena_calloc(reading->arena, MOST_CELLS, sizeof *reading->files->cells);
    if (folder == NULL || reading->files->cells == NULL) {
        return;
    }
    if (folder_list(folder, (struct location){0}, reading->arena, &entries, &count, &errors) != RONDO_OK) {
        count = 0;
    }
    note_errors(reading, &errors);
    for (int64_t i = 0; i < count && reading->files->n_cells < MOST_CELLS; i++) {
        const size_t length = strlen(entries[i].name);
        if (!entries[i].is_folder && length > 5 && strcmp(entries[i].name + length - 5, ".yaml") == 0) {
            read_cell(reading, entries[i].name);
        }
    }
}

/* ---- numbers ---- */

static void read_weights(struct files_reading *reading) {
    struct tensor_file weights;
    struct errors errors = {0};
    const char *file = file_of(reading, RUN_FOLDER_WEIGHTS);
    reading->files->parameters = -1;
    if (file == NULL || !file_exists(file)) {
        return; /* not yet */
    }
    if (tensor_file_open(&weights, file, reading->arena, 0, &errors) == RONDO_OK) {
        reading->files->parameters = 0;
        for (int32_t i = weights.n_texts; i < weights.count; i++) {
            int64_t elements = 1;
            for (int32_t d = 0; d < weights.entries[i].ndim; d++) {
                elements *= weights.entries[i].shape[d];
            }
            reading->files->parameters += elements;
        }
        tensor_file_close(&weights);
    }
    note_errors(reading, &errors);
}

static void read_test(struct files_reading *reading) {
    json_t *root = read_json(reading, "test.json", 1), *value;
    json_t *scores = json_object_get(root, "scores");
    const char *name;
    reading->files->test =
        root == NULL ? NULL : arena_calloc(reading->arena, json_object_size(scores) + 1, sizeof *reading->files->test);
    if (reading->files->test != NULL) {
        json_object_foreach(scores, name, value) {
            reading->files->test[reading->files->n_test++] = (struct report_score){
                arena_strdup(reading->arena, name), json_is_number(value) ? json_number_value(value) : NAN};
        }
    }
    json_decref(root);
}

/* Only a file of the format that the page knows. */
static void read_inspection(struct files_reading *reading) {
    json_t *root = read_json(reading, INSPECT_FILE, 1);
    const json_t *format = json_object_get(root, "format");
    if (root != NULL && json_integer_value(format) != 1) {
        note(reading, INSPECT_FILE " is damaged, or was written by another version of Rondo");
    } else if (root != NULL) {
        const struct number_scope scope = number_scope_open();
        char *text = json_write(root, JSON_COMPACT | JSON_REAL_PRECISION(5));
        number_scope_close(scope);
        reading->files->inspection = text == NULL ? NULL : arena_strdup(reading->arena, text);
        reading->is_short |= text == NULL;
        free(text);
    }
    json_decref(root);
}

rondo_status report_files_read(const char *folder, struct report_files *files, const char **problem,
                               struct arena *arena, struct errors *errors) {
    *files = (struct report_files){.parameters = -1};
    struct files_reading reading = {.folder = folder, .files = files, .problem = problem, .arena = arena};
    read_experiment(&reading);
    read_environment(&reading);
    read_cells(&reading);
    read_weights(&reading);
    read_test(&reading);
    read_inspection(&reading);
    return arena_failed(arena) || reading.is_short ? errors_no_memory(errors) : RONDO_OK;
}

const char *report_keys_get(const struct report_keys *keys, const char *key) {
    for (int32_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].key, key) == 0) {
            return keys->items[i].text;
        }
    }
    return NULL;
}
