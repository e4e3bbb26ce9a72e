#include "io/section.h"

#include <string.h>

#include "core/options.h"
#include "core/suggest.h"

/* Quoted text is text, as in YAML itself: it is neither a number nor a truth value. */
static int text_fits_type(const rondo_option *option, const struct yaml_node *node) {
    if (node->kind == YAML_SEQUENCE) {
        return option_is_list(option);
    }
    if (node->kind == YAML_MAPPING) {
        return 0;
    }
    return !node->quoted || option->type == RONDO_STRING || option->type == RONDO_CHOICE;
}

int section_is_of_classes(const rondo_option *option, const struct yaml_node *node) {
    return option->type == RONDO_CLASS_REALS &&
           (node->kind == YAML_MAPPING ||
            (node->kind == YAML_SCALAR && !node->quoted && strcmp(node->text, "balanced") == 0));
}

/* The numbers of a mapping of classes: their range. */
static rondo_status check_class_numbers(const rondo_option *option, const struct yaml_node *node, struct arena *arena,
                                        struct errors *errors) {
    rondo_option one = *option; /* each is a single number */
    rondo_status first = RONDO_OK;
    one.type = RONDO_REAL;
    one.offset = 0;
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        double unused;
        one.key = entry->key;
        const rondo_status status = entry->kind == YAML_SCALAR && !entry->quoted
                                        ? option_set(&one, &unused, entry->text, arena, entry->where, errors)
                                        : errors_add_at(errors, RONDO_INVALID, entry->where,
                                                        "'%s' of '%s' must be a number", entry->key, option->key);
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

static rondo_status read_option(const rondo_option *option, void *options, const struct yaml_node *node,
                                const char *path, struct arena *arena, struct errors *errors) {
    if (section_is_of_classes(option, node)) {
        return check_class_numbers(option, node, arena, errors);
    }
    const char *text = text_fits_type(option, node) ? yaml_option_text(node, arena) : NULL;
    if (text == NULL) {
        static const char *const kinds[] = {"quoted text", "a list", "a mapping"};
        const char *expected = option_expected(option, arena);
        const char *help = option->help == NULL || option->help[0] == '\0' ? NULL : option->help;
        return errors_add_at(errors, RONDO_INVALID, node->where, "'%s%s%s' is %s, expected %s%s%s%s", path,
                             path[0] == '\0' ? "" : ".", option->key, kinds[node->kind],
                             expected == NULL ? "another type" : expected, help == NULL ? "" : " (",
                             help == NULL ? "" : help, help == NULL ? "" : ")");
    }
    return option_set(option, options, text, arena, node->where, errors);
}

static const rondo_option *find_in_parts(const struct section_part *parts, int32_t n_parts, const char *key,
                                         void **options) {
    for (int32_t i = 0; i < n_parts; i++) {
        const rondo_option *option = option_find(parts[i].table, key);
        if (option != NULL) {
            *options = parts[i].options;
            return option;
        }
    }
    return NULL;
}

/* The name of the section in messages. */
static const char *section_name(const char *path) {
    return path[0] == '\0' ? "an experiment" : path;
}

static rondo_status unknown_key(const struct yaml_node *child, const struct section_part *parts, int32_t n_parts,
                                const char *const *others, const char *path, struct arena *arena,
                                struct errors *errors) {
    struct suggestion best = {0};
    char *known = arena_strdup(arena, "");
    for (int32_t i = 0; i < n_parts; i++) {
        for (const rondo_option *option = parts[i].table; option != NULL && option->key != NULL; option++) {
            suggest(&best, child->key, option->key);
            known = known == NULL ? NULL : arena_printf(arena, "%s, %s", known, option->key);
        }
    }
    for (; others != NULL && *others != NULL; others++) {
        suggest(&best, child->key, *others);
        known = known == NULL ? NULL : arena_printf(arena, "%s, %s", known, *others);
    }
    return errors_add_at(errors, RONDO_INVALID, child->key_where, "unknown key '%s' in %s%s, expected one of %s",
                         child->key, section_name(path), suggestion_text(&best).text,
                         known == NULL || known[0] == '\0' ? "(none)" : known + 2);
}

static int is_other(const char *const *others, const char *key) {
    for (; others != NULL && *others != NULL; others++) {
        if (strcmp(*others, key) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_given(const void *node, const char *key) {
    return yaml_get(node, key) != NULL;
}

static struct yaml_node *append_child(struct yaml_node *mapping, const char *key, struct arena *arena,
                                      struct errors *errors) {
    struct yaml_node *child = arena_calloc(arena, 1, sizeof *child);
    const char *copy = arena_strdup(arena, key);
    if (child == NULL || copy == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    child->key = copy;
    child->where = child->key_where = (struct location){SECTION_DEFAULT, 0, 0};
    child->folder = mapping->folder;
    struct yaml_node **tail = &mapping->first;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = child;
    return child;
}

rondo_status section_put(struct yaml_node *mapping, const char *key, const char *text, int quoted, struct arena *arena,
                         struct errors *errors) {
    struct yaml_node *child = yaml_get(mapping, key);
    if (child == NULL) {
        child = append_child(mapping, key, arena, errors);
    }
    const char *copy = child == NULL || text == NULL ? NULL : arena_strdup(arena, text);
    if (copy == NULL) {
        return errors_no_memory(errors);
    }
    /* Defaults are what a user could have written: "[0, 2]" is a list. */
    const struct yaml_node *value =
        quoted ? NULL : yaml_parse_value(copy, child->where, YAML_MAX_DEPTH / 2, arena, errors);
    if (value == NULL && !quoted) {
        return errors->status;
    }
    child->kind = quoted ? YAML_SCALAR : value->kind;
    child->text = quoted ? copy : value->text;
    child->first = quoted ? NULL : value->first;
    child->quoted = quoted;
    child->literal = 0;
    return RONDO_OK;
}

struct yaml_node *section_child(struct yaml_node *mapping, const char *key, struct arena *arena,
                                struct errors *errors) {
    struct yaml_node *child = yaml_get(mapping, key);
    if (child == NULL) {
        child = append_child(mapping, key, arena, errors);
        if (child != NULL) {
            child->kind = YAML_MAPPING;
            child->where = mapping->where; /* of the section that lacks it, for errors about its required keys */
        }
    }
    if (child != NULL && child->kind != YAML_MAPPING) {
        errors_add_at(errors, RONDO_INVALID, child->where, "'%s' must be a mapping of keys to values", key);
        return NULL;
    }
    return child;
}

const char *section_text(const struct yaml_node *mapping, const char *path, const char *key, const char *what,
                         struct location where, struct errors *errors) {
    const struct yaml_node *child = yaml_get(mapping, key);
    if (child == NULL) {
        errors_add_at(errors, RONDO_INVALID, where, "'%s%s%s' is missing, expected %s", path,
                      path[0] == '\0' ? "" : ".", key, what);
        return NULL;
    }
    if (child->kind != YAML_SCALAR || child->text[0] == '\0') {
        errors_add_at(errors, RONDO_INVALID, child->where, "'%s' is %s, expected %s", key,
                      child->kind == YAML_SCALAR ? "empty" : "not a single value", what);
        return NULL;
    }
    return child->text;
}

static rondo_status add_defaults(struct yaml_node *node, const struct section_part *part, struct arena *arena,
                                 struct errors *errors) {
    for (const rondo_option *option = part->table; option != NULL && option->key != NULL; option++) {
        if (option->default_text != NULL && yaml_get(node, option->key) == NULL) {
            RONDO_TRY(
                section_put(node, option->key, option->default_text, option->type == RONDO_STRING, arena, errors));
        }
    }
    return RONDO_OK;
}

rondo_status section_override(const struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                              const char *const *others, const char *path, struct arena *arena, struct errors *errors) {
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        void *options = NULL;
        const rondo_option *option = find_in_parts(parts, n_parts, child->key, &options);
        rondo_status status = RONDO_OK;
        if (option != NULL) {
            status = read_option(option, options, child, path, arena, errors);
        } else if (!is_other(others, child->key)) {
            status = unknown_key(child, parts, n_parts, others, path, arena, errors);
        }
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

rondo_status section_read(struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                          const char *const *others, const char *path, struct location where, struct arena *arena,
                          struct errors *errors) {
    rondo_status first = node == NULL ? RONDO_OK : section_override(node, parts, n_parts, others, path, arena, errors);
    for (int32_t i = 0; i < n_parts; i++) {
        const rondo_status status = options_require(parts[i].table, is_given, node, section_name(path), where, errors);
        first = first == RONDO_OK ? status : first;
        if (node != NULL) {
            RONDO_TRY(add_defaults(node, &parts[i], arena, errors));
        }
    }
    return first;
}

rondo_status section_struct(struct yaml_node *node, const rondo_option *table, void *options, size_t size,
                            const char *const *others, const char *path, struct arena *arena, struct errors *errors) {
    void *parsed = options_create(table, size, arena, errors);
    if (parsed == NULL) {
        return errors->status;
    }
    const struct section_part part = {table, parsed};
    const rondo_status status = section_read(node, &part, 1, others, path, node->where, arena, errors);
    memcpy(options, parsed, size);
    return status;
}
