#include "store/provenance.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/kind.h"
#include "io/file.h"
#include "io/fingerprint.h"
#include "io/json.h"
#include "io/yaml.h"

void provenance_clear(struct provenance *provenance) {
    if (provenance == NULL) {
        return;
    }
    json_decref(provenance->data);
    json_decref(provenance->cells);
    json_decref(provenance->plugins);
    *provenance = (struct provenance){0};
}

/* ---- recording ---- */

/* {"file": …, "bytes": …, "files": …, "xxh3": …}; only "file" if it cannot be read. NULL: out of memory. */
static json_t *file_to_json(const char *file) {
    struct fingerprint print;
    struct errors ignored = {0};
    const rondo_status status = fingerprint_of(file, &print, &ignored);
    errors_free(&ignored);
    json_t *entry = status == RONDO_NO_MEMORY ? NULL : json_pack("{s:o}", "file", json_text(file));
    if (entry == NULL || status != RONDO_OK) {
        return entry;
    }
    const int failed = json_object_set_new(entry, "bytes", json_integer(print.bytes)) |
                       (print.is_folder && json_object_set_new(entry, "files", json_integer(print.files))) |
                       json_object_set_new(entry, "xxh3", json_string(print.hash));
    if (failed) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

static int has_fingerprint(const json_t *entry) {
    return json_object_get(entry, "xxh3") != NULL || json_object_get(entry, "fnv1a") != NULL;
}

/* Sets a member, which it takes over; NULL and failures clear *object. */
static void set_member(json_t **object, const char *key, json_t *value) {
    if (*object == NULL) {
        json_decref(value);
    } else if (json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

struct json_t *provenance_data(const struct provenance_file *files) {
    json_t *data = json_object();
    for (; data != NULL && files->key != NULL; files++) {
        json_t *entry = file_to_json(files->file);
        if (entry != NULL && !has_fingerprint(entry)) {
            json_decref(entry);
            continue;
        }
        set_member(&data, files->key, entry);
    }
    return data;
}

/* The text of a cell's file, so that a later one can be compared line by line; null if it cannot be read. */
static json_t *cell_text(const char *file) {
    struct arena *arena = arena_create();
    struct errors ignored = {0};
    char *text;
    const rondo_status status =
        arena == NULL ? errors_no_memory(&ignored)
                      : file_read(file, YAML_MAX_BYTES, arena, &text, NULL, (struct location){0}, &ignored);
    json_t *value = status == RONDO_OK ? json_text(text) : status == RONDO_NO_MEMORY ? NULL : json_null();
    errors_free(&ignored);
    arena_destroy(arena);
    return value;
}

struct json_t *provenance_cells(const struct provenance_file *cells) {
    json_t *object = json_object();
    for (; object != NULL && cells->key != NULL; cells++) {
        json_t *entry = file_to_json(cells->file);
        set_member(&entry, "name", json_text(cells->cell));
        set_member(&entry, "text", cell_text(cells->file));
        set_member(&object, cells->key, entry);
    }
    return object;
}

/* "optimizer adam" for each descriptor. */
static json_t *provided_by(const struct loaded_plugin *plugin) {
    json_t *list = json_array();
    for (const rondo_descriptor *const *item = plugin->descriptors; list != NULL && *item != NULL; item++) {
        json_t *text = json_sprintf("%s %s", kind_name((*item)->kind), (*item)->name);
        if (json_array_append_new(list, text) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *plugin_to_json(const struct loaded_plugin *plugin, const char *own_folder) {
    const size_t length = strlen(own_folder);
    const int is_shipped = strncmp(plugin->file, own_folder, length) == 0 && plugin->file[length] == '/';
    json_t *entry = file_to_json(plugin->file);
    set_member(&entry, "name", json_text(plugin->name));
    set_member(&entry, "version", json_text(plugin->version));
    set_member(&entry, "licence", json_text(plugin->licence));
    set_member(&entry, "provides", provided_by(plugin));
    set_member(&entry, "shipped", json_boolean(is_shipped));
    return entry;
}

struct json_t *provenance_plugins(const struct loader *loader, const char *own_folder) {
    json_t *list = json_array();
    struct loaded_plugin plugin;
    for (int32_t i = 0; list != NULL && loader_plugin(loader, i, &plugin); i++) {
        if (json_array_append_new(list, plugin_to_json(&plugin, own_folder)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* ---- comparing ---- */

static const char *text_of(const json_t *entry, const char *key) {
    const char *text = json_string_value(json_object_get(entry, key));
    return text == NULL ? "" : text;
}

/* 1 if both records are of the same contents. A record of an older run has the FNV-1a hash of a file, which is then
 * computed. What has no hash cannot have changed as far as anybody knows. */
static int is_same(const json_t *was, const json_t *now) {
    const char *recorded = json_string_value(json_object_get(was, "xxh3"));
    const char *older = json_string_value(json_object_get(was, "fnv1a"));
    const char *present = json_string_value(json_object_get(now, "xxh3"));
    if (recorded != NULL && present != NULL) {
        return strcmp(recorded, present) == 0;
    }
    if (older == NULL || present == NULL || json_object_get(now, "files") != NULL) {
        return recorded == NULL && older == NULL ? 1 : present == NULL;
    }
    struct errors ignored = {0};
    char hash[17];
    uint64_t number;
    int64_t bytes;
    const int is_known = file_hash(text_of(now, "file"), &bytes, &number, &ignored) == RONDO_OK;
    snprintf(hash, sizeof hash, "%016" PRIx64, number);
    errors_free(&ignored);
    return !is_known || strcmp(hash, older) == 0;
}

struct size_text {
    char text[80];
};

/* "1240 bytes", "12 files with 1240 bytes" */
static struct size_text size_text(const json_t *entry) {
    struct size_text size;
    const long long bytes = json_integer_value(json_object_get(entry, "bytes"));
    const json_t *files = json_object_get(entry, "files");
    if (files == NULL) {
        snprintf(size.text, sizeof size.text, "%lld byte%s", bytes, bytes == 1 ? "" : "s");
    } else {
        const long long count = json_integer_value(files);
        snprintf(size.text, sizeof size.text, "%lld file%s with %lld bytes", count, count == 1 ? "" : "s", bytes);
    }
    return size;
}

static struct location place_of(const json_t *entry) {
    return (struct location){.file = text_of(entry, "file")};
}

static void compare_data_file(const char *key, const json_t *was, const json_t *now, struct errors *changes) {
    const struct size_text before = size_text(was), after = size_text(now);
    const int is_same_size = strcmp(before.text, after.text) == 0;
    const int is_moved = strcmp(text_of(was, "file"), text_of(now, "file")) != 0;
    if (!is_same(was, now)) {
        errors_add_at(changes, RONDO_INVALID, place_of(now),
                      "data.%s has changed since the run was trained: it had %s and has %s%s%s%s%s", key, before.text,
                      after.text, is_same_size ? ", with other contents" : "", is_moved ? "; it was '" : "",
                      is_moved ? text_of(was, "file") : "", is_moved ? "'" : "");
    }
}

void provenance_compare_data(const struct json_t *was, const struct json_t *now, struct errors *changes) {
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)now, key, entry) {
        const json_t *before = json_object_get(was, key);
        if (before != NULL) {
            compare_data_file(key, before, entry, changes);
        }
    }
}

/* ---- cells ---- */

enum { LINE = 60 }; /* bytes of a line that a message shows */

/* The part of a line that is shown, without the blanks around it. */
static int32_t shown_part(const char **line) {
    *line += strspn(*line, " \t");
    size_t length = strcspn(*line, "\r\n");
    while (length > 0 && ((*line)[length - 1] == ' ' || (*line)[length - 1] == '\t')) {
        length--;
    }
    for (; length > LINE || (length == LINE && ((*line)[length] & 0xC0) == 0x80);) {
        length = length > LINE ? LINE : length - 1; /* a character of several bytes is not cut */
    }
    return (int32_t)length;
}

/* The first line in which two texts differ, from 1; both move on to it. 0: the texts are equal. */
static int32_t first_difference(const char **was, const char **now) {
    for (int32_t line = 1; **was != '\0' || **now != '\0'; line++) {
        const size_t before = strcspn(*was, "\n"), after = strcspn(*now, "\n");
        const int is_last = (*was)[before] == '\0' || (*now)[after] == '\0';
        if (before != after || memcmp(*was, *now, before) != 0 || (is_last && (*was)[before] != (*now)[after])) {
            return line;
        }
        *was += before + ((*was)[before] != '\0');
        *now += after + ((*now)[after] != '\0');
    }
    return 0;
}

static void compare_cell(const char *key, const json_t *was, const json_t *now, struct errors *changes) {
    const char *before = json_string_value(json_object_get(was, "text"));
    const char *after = json_string_value(json_object_get(now, "text"));
    struct location where = place_of(now);
    if (strcmp(text_of(was, "name"), text_of(now, "name")) != 0) {
        errors_add_at(changes, RONDO_INVALID, where, "the cell of %s was '%s' when the run was trained, and is '%s'",
                      key, text_of(was, "name"), text_of(now, "name"));
        return;
    }
    if (is_same(was, now)) {
        return;
    }
    where.line = before == NULL || after == NULL ? 0 : first_difference(&before, &after);
    if (where.line == 0) {
        errors_add_at(changes, RONDO_INVALID, where, "the cell '%s' of %s has changed since the run was trained",
                      text_of(now, "name"), key);
        return;
    }
    const int32_t before_length = shown_part(&before), after_length = shown_part(&after);
    errors_add_at(changes, RONDO_INVALID, where,
                  "the cell '%s' of %s has changed since the run was trained: this line was '%.*s' and is '%.*s'",
                  text_of(now, "name"), key, before_length, before, after_length, after);
}

/* 1 if an entry before this one has the same cells. */
static int is_reported(const json_t *was, const json_t *now, const char *key) {
    const char *other;
    json_t *entry;
    json_object_foreach((json_t *)now, other, entry) {
        if (strcmp(other, key) == 0) {
            return 0;
        }
        const json_t *before = json_object_get(was, other);
        if (before != NULL && strcmp(text_of(entry, "xxh3"), text_of(json_object_get(now, key), "xxh3")) == 0 &&
            strcmp(text_of(before, "xxh3"), text_of(json_object_get(was, key), "xxh3")) == 0) {
            return 1;
        }
    }
    return 0;
}

void provenance_compare_cells(const struct json_t *was, const struct json_t *now, struct errors *changes) {
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)now, key, entry) {
        const json_t *before = json_object_get(was, key);
        if (before != NULL && !is_reported(was, now, key)) {
            compare_cell(key, before, entry, changes);
        }
    }
}

/* ---- plug-ins ---- */

/* 1 if a list of texts has this one. */
static int has_text(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item != NULL && strcmp(item, text) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The plug-in of the list that provided what one of another time provides; *what: the first such thing, NULL in the record
 * of an older run, where only the name says so. NULL: there is none. */
static const json_t *find_plugin(const json_t *list, const json_t *plugin, const char **what) {
    const json_t *provides = json_object_get(plugin, "provides");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *provided = json_object_get(entry, "provides");
        for (size_t k = 0; k < json_array_size(provides); k++) {
            *what = json_string_value(json_array_get(provides, k));
            if (has_text(provided, *what)) {
                return entry;
            }
        }
        *what = NULL;
        if (provided == NULL && strcmp(text_of(entry, "name"), text_of(plugin, "name")) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void compare_plugin(const json_t *was, const json_t *now, const char *what, struct errors *changes) {
    const char *before = text_of(was, "version"), *after = text_of(now, "version");
    if (strcmp(text_of(was, "name"), text_of(now, "name")) != 0) {
        errors_add_at(changes, RONDO_INVALID, place_of(now),
                      "'%s' was from the plug-in '%s' when the run was trained, and is from '%s'", what,
                      text_of(was, "name"), text_of(now, "name"));
    } else if (strcmp(before, after) != 0) {
        errors_add_at(changes, RONDO_INVALID, place_of(now),
                      "the plug-in '%s' has changed since the run was trained: it was version %s and is %s",
                      text_of(now, "name"), before, after);
    } else {
        errors_add_at(changes, RONDO_INVALID, place_of(now), "the plug-in '%s' has changed since the run was trained",
                      text_of(now, "name"));
    }
}

void provenance_compare_plugins(const struct json_t *was, const struct json_t *now, int is_other_rondo,
                                struct errors *changes) {
    for (size_t i = 0; i < json_array_size(now); i++) {
        const char *what;
        const json_t *entry = json_array_get(now, i), *before = find_plugin(was, entry, &what);
        const int is_expected = is_other_rondo && json_is_true(json_object_get(entry, "shipped"));
        if (before != NULL && !is_expected && !is_same(before, entry)) {
            compare_plugin(before, entry, what, changes);
        }
    }
}
