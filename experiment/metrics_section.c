#include "experiment/metrics_section.h"

#include <string.h>

#include "core/options.h"

#define MORE "--metric"

/* The name that a metric is printed by; NULL: out of memory. */
static const char *printed_name(const rondo_descriptor *descriptor, const void *options, struct arena *arena) {
    struct errors unused = {0};
    const void *defaults = options_create(descriptor->options, (size_t)descriptor->options_size, arena, &unused);
    const char *name = descriptor->name;
    for (const rondo_option *option = descriptor->options; option != NULL && option->key != NULL; option++) {
        const char *text = option_text(option, options, arena);
        const char *usual =
            option->default_text == NULL || defaults == NULL ? NULL : option_text(option, defaults, arena);
        if (text != NULL && (usual == NULL || strcmp(text, usual) != 0)) {
            name = arena_printf(arena, "%s%c%s=%s", name, name == descriptor->name ? ':' : ',', option->key, text);
        }
    }
    errors_free(&unused);
    return arena_failed(arena) ? NULL : name;
}

/* "NAME:KEY=VALUE,without=[<unk>,<eos>]"; NULL: out of memory. */
static const char *name_without(const struct metric_entry *entry, const char *name, struct arena *arena) {
    if (entry->n_without == 0 || name == NULL) {
        return name;
    }
    const int is_list = entry->n_without > 1;
    name = arena_printf(arena, "%s%cwithout=%s", name, strchr(name, ':') == NULL ? ':' : ',', is_list ? "[" : "");
    for (int32_t i = 0; i < entry->n_without && name != NULL; i++) {
        name = arena_printf(arena, "%s%s%s", name, i == 0 ? "" : ",", entry->without[i].label);
    }
    return name == NULL || !is_list ? name : arena_printf(arena, "%s]", name);
}

/* `without`: a label or a list of them. 0 with an error. */
static int read_without(const struct plugin_reader *reader, const char *path, struct metric_entry *entry) {
    const struct yaml_node *without = yaml_get(entry->plugin.section, "without");
    const int is_list = without != NULL && without->kind == YAML_SEQUENCE;
    const struct yaml_node *first = is_list ? without->first : without;
    int32_t count = 0;
    for (const struct yaml_node *item = first; item != NULL; item = is_list ? item->next : NULL) {
        if (item->kind != YAML_SCALAR) {
            errors_add_at(reader->errors, RONDO_INVALID, item->where,
                          "'%s.without' must be the label of a class, or a list of labels", path);
            return 0;
        }
        count++;
    }
    if (without != NULL && count == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, without->where, "'%s.without' is empty", path);
        return 0;
    }
    entry->without = arena_calloc(reader->arena, (size_t)count + 1, sizeof *entry->without);
    if (entry->without == NULL) {
        errors_no_memory(reader->errors);
        return 0;
    }
    for (const struct yaml_node *item = first; entry->n_without < count; item = item->next) {
        entry->without[entry->n_without++] = (struct metric_class){item->text, item->where, -1};
    }
    return 1;
}

/* The length of "key=value" up to the next comma that is not in brackets. */
static size_t option_length(const char *text) {
    size_t length = 0;
    for (int depth = 0; text[length] != '\0' && (text[length] != ',' || depth > 0); length++) {
        depth += (text[length] == '[') - (text[length] == ']');
    }
    return length;
}

static struct yaml_node *new_child(const struct plugin_reader *reader, const struct yaml_node *entry, const char *key,
                                   const char *value) {
    struct yaml_node *child = key == NULL || value == NULL ? NULL
                                                           : yaml_parse_value(value, entry->where, YAML_MAX_DEPTH / 2,
                                                                              reader->arena, reader->errors);
    if (child != NULL) {
        child->key = key;
        child->where = child->key_where = entry->where;
        child->folder = entry->folder;
    }
    return child;
}

/* Makes a mapping of "f1:average=macro": {plugin: f1, average: macro}. 0 with an error. */
static int expand_text(const struct plugin_reader *reader, struct yaml_node *entry) {
    const char *text = entry->text;
    const size_t length = strcspn(text, ":");
    struct yaml_node *first = new_child(reader, entry, "plugin", arena_strndup(reader->arena, text, length));
    struct yaml_node *last = first;
    for (const char *at = text + length; last != NULL && *at != '\0';) {
        const size_t size = option_length(++at), key = strcspn(at, "=");
        if (key == 0 || key >= size) {
            errors_add_at(reader->errors, RONDO_INVALID, entry->where,
                          "'%.80s' is not a metric, expected NAME or NAME:KEY=VALUE,…", text);
            return 0;
        }
        last->next = new_child(reader, entry, arena_strndup(reader->arena, at, key),
                               arena_strndup(reader->arena, at + key + 1, size - key - 1));
        last = last->next;
        at += size;
    }
    if (last == NULL) {
        errors_no_memory(reader->errors);
        return 0;
    }
    entry->kind = YAML_MAPPING;
    entry->first = first;
    entry->text = NULL;
    return 1;
}

/* Appends the texts of --metric to the list. */
static int add_more(const struct plugin_reader *reader, struct yaml_node *root, const char *const *more) {
    if (yaml_get(root, "metrics") == NULL &&
        section_put(root, "metrics", "[]", 0, reader->arena, reader->errors) != RONDO_OK) {
        return 0;
    }
    struct yaml_node **tail = &yaml_get(root, "metrics")->first;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    for (; *more != NULL; more++, tail = &(*tail)->next) {
        const char *where = arena_printf(reader->arena, MORE " %s", *more);
        struct yaml_node *node = arena_calloc(reader->arena, 1, sizeof *node);
        if (where == NULL || node == NULL) {
            errors_no_memory(reader->errors);
            return 0;
        }
        *node = (struct yaml_node){.kind = YAML_SCALAR, .text = *more, .folder = ".", .where = {where, 0, 0}};
        *tail = node;
    }
    return 1;
}

/* 1 if the entry was read and is not there yet. */
static int read_entry(const struct plugin_reader *reader, struct yaml_node *node, const char *path,
                      const struct metrics_section *read, struct metric_entry *entry) {
    if (node->kind == YAML_SCALAR && node->text[0] != '\0' && !expand_text(reader, node)) {
        return 0;
    }
    if (node->kind != YAML_MAPPING) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "expected a metric: its name, or {plugin: NAME, and its options}");
        return 0;
    }
    if (!plugin_section_read(reader, node, "metrics.N", path, NULL, &entry->plugin) ||
        !read_without(reader, path, entry)) {
        return 0;
    }
    entry->metric = (const rondo_metric_plugin *)entry->plugin.descriptor;
    entry->name = name_without(entry, printed_name(entry->plugin.descriptor, entry->plugin.options, reader->arena),
                               reader->arena);
    if (entry->name == NULL) {
        errors_no_memory(reader->errors);
        return 0;
    }
    for (int32_t i = 0; i < read->count; i++) {
        if (strcmp(read->entries[i].name, entry->name) != 0) {
            continue;
        }
        if (strncmp(node->where.file, MORE, strlen(MORE)) != 0) {
            errors_add_at(reader->errors, RONDO_INVALID, entry->plugin.where, "the metric '%s' is listed twice",
                          entry->name);
        }
        return 0;
    }
    return 1;
}

void metrics_section_read(const struct plugin_reader *reader, struct yaml_node *root, const char *const *more,
                          struct metrics_section *read) {
    struct metric_entry *entries = arena_calloc(reader->arena, METRICS_MOST, sizeof *entries);
    const struct yaml_node *given = yaml_get(root, "metrics");
    *read = (struct metrics_section){entries, 0};
    if (entries == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    if (given != NULL && given->kind != YAML_SEQUENCE) {
        errors_add_at(reader->errors, RONDO_INVALID, given->where,
                      "'metrics' must be a list: [accuracy, {plugin: f1, average: macro}, …]");
        return;
    }
    if (more != NULL && more[0] != NULL && !add_more(reader, root, more)) {
        return;
    }
    given = yaml_get(root, "metrics");
    int32_t index = 0;
    for (struct yaml_node *node = given == NULL ? NULL : given->first; node != NULL; node = node->next, index++) {
        const char *path = arena_printf(reader->arena, "metrics.%d", index);
        struct metric_entry entry = {0};
        if (path == NULL) {
            errors_no_memory(reader->errors);
            return;
        }
        if (!read_entry(reader, node, path, read, &entry)) {
            continue;
        }
        if (read->count == METRICS_MOST) {
            errors_add_at(reader->errors, RONDO_INVALID, node->where, "there are more than %d metrics", METRICS_MOST);
            return;
        }
        entries[read->count++] = entry;
    }
}
