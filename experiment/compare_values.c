/* What varies in a section `compare`: lists of values, ranges, and lists of settings that vary together. */
#include "experiment/compare_axes.h"

#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "core/suggest.h"
#include "experiment/sections.h"
#include "io/section.h"

/* ---- options ---- */

const char *const *compare_option_names(const char *name, struct arena *arena) {
    const struct experiment_section *section = experiment_section_find(experiment_sections, name);
    const char *const *others = experiment_section_keys(experiment_sections, section, arena);
    size_t options = 0, count = 0;
    while (section->table[options].key != NULL) {
        options++;
    }
    while (others != NULL && others[count] != NULL) {
        count++;
    }
    const char **names = others == NULL ? NULL : arena_calloc(arena, options + count + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < options + count; i++) {
        names[i] = i < options ? section->table[i].key : others[i - options];
    }
    return names;
}

rondo_status compare_table_read(const struct compare_reader *reader, const struct yaml_node *node,
                                const rondo_option *table, void *options, size_t size) {
    struct yaml_node only = *node; /* what section_struct adds to it is not added to the file's own nodes */
    struct yaml_node **tail = &only.first;
    only.first = NULL;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (option_find(table, child->key) == NULL) {
            continue;
        }
        struct yaml_node *copy = arena_calloc(reader->arena, 1, sizeof *copy);
        if (copy == NULL) {
            return errors_no_memory(reader->errors);
        }
        *copy = *child;
        copy->next = NULL;
        *tail = copy;
        tail = &copy->next;
    }
    return section_struct(&only, table, options, size, NULL, reader->path, reader->arena, reader->errors);
}

/* ---- keys ---- */

int compare_is_inside(const char *inner, const char *key) {
    const size_t length = strlen(key);
    return strncmp(inner, key, length) == 0 && (inner[length] == '\0' || inner[length] == '.');
}

int compare_keys_overlap(const char *a, const char *b) {
    return compare_is_inside(a, b) || compare_is_inside(b, a);
}

/* Keys of an experiment that cannot vary, and why. */
static const struct {
    const char *key, *why;
} fixed_keys[] = {
    {"schedule.seed", "'compare.seeds' gives the seeds that all variants are trained with"},
    {"name", "each variant gets a name from what varies; an entry of 'variants' may have a 'name'"},
    {"extends", "it has an effect only in a file"},
    {"rondo", "it is the version of the format"},
    {"compare", "a comparison is not compared"},
};

/* Why a key cannot vary; NULL: it can. */
static const char *why_fixed(const char *path) {
    for (size_t i = 0; i < sizeof fixed_keys / sizeof fixed_keys[0]; i++) {
        if (compare_is_inside(path, fixed_keys[i].key)) {
            return fixed_keys[i].why;
        }
    }
    return NULL;
}

int compare_may_vary(const char *top) {
    return why_fixed(top) == NULL;
}

/* Key number `index` of the top-level keys that can vary; NULL past the last. */
static const char *top_key(int32_t index, struct arena *arena) {
    const struct experiment_section *top = &experiment_sections[0];
    for (const rondo_option *option = top->table; option->key != NULL; option++) {
        if (compare_may_vary(option->key) && index-- == 0) {
            return option->key;
        }
    }
    const char *const *others = experiment_section_keys(experiment_sections, top, arena);
    for (; others != NULL && *others != NULL; others++) {
        if (compare_may_vary(*others) && index-- == 0) {
            return *others;
        }
    }
    return NULL;
}

/* For keys inside a value, such as `schedule: [{seed: 1}]`. */
static rondo_status refuse_fixed(void *arg, const char *path, const struct yaml_node *node) {
    const struct compare_reader *reader = arg;
    const char *why = node->key == NULL ? NULL : why_fixed(path);
    return why == NULL
               ? RONDO_OK
               : errors_add_at(reader->errors, RONDO_INVALID, node->key_where, "'%s' cannot vary: %s", path, why);
}

/* A key that begins with none of the top-level keys of experiments. */
static rondo_status unknown_key(const struct compare_reader *reader, const char *key, struct location where) {
    struct suggestion best = {0};
    const size_t length = strcspn(key, ".");
    const char *first = arena_strndup(reader->arena, key, length), *known = "", *top;
    for (int32_t i = 0; first != NULL && known != NULL && (top = top_key(i, reader->arena)) != NULL; i++) {
        const char *whole = key[length] == '\0' ? top : arena_printf(reader->arena, "%s%s", top, key + length);
        if (whole != NULL) {
            struct suggestion one = {0};
            suggest(&one, first, top);
            if (one.name != NULL && (best.name == NULL || one.distance < best.distance)) {
                best = (struct suggestion){.name = whole, .distance = one.distance};
            }
        }
        known = arena_printf(reader->arena, "%s%s%s", known, i == 0 ? "" : ", ", top);
    }
    for (const char *const *option = reader->options; *option != NULL && key[length] == '\0'; option++) {
        suggest(&best, key, *option);
    }
    const char *options = "";
    for (const char *const *option = reader->options; *option != NULL && options != NULL; option++) {
        options = arena_printf(reader->arena, "%s%s%s", options, options[0] == '\0' ? "" : ", ", *option);
    }
    if (first == NULL || known == NULL || options == NULL) {
        return errors_no_memory(reader->errors);
    }
    return errors_add_at(reader->errors, RONDO_INVALID, where,
                         "unknown key '%s' in %s%s, expected one of %s, or a key of the experiment, which begins with "
                         "one of: %s",
                         key, reader->path, suggestion_text(&best).text, options, known);
}

static int is_option(const struct compare_reader *reader, const char *key) {
    const char *const *option = reader->options;
    while (*option != NULL && strcmp(*option, key) != 0) {
        option++;
    }
    return *option != NULL;
}

/* A key that varies must be one of an experiment. */
static rondo_status check_key(const struct compare_reader *reader, const char *key, struct location where) {
    const char *top, *why = why_fixed(key);
    if (why != NULL) {
        return errors_add_at(reader->errors, RONDO_INVALID, where, "'%s' cannot vary: %s", key, why);
    }
    for (int32_t i = 0; (top = top_key(i, reader->arena)) != NULL; i++) {
        if (compare_is_inside(key, top)) {
            return RONDO_OK;
        }
    }
    return arena_failed(reader->arena) ? errors_no_memory(reader->errors) : unknown_key(reader, key, where);
}

/* ---- values ---- */

int compare_value_number(const struct yaml_node *node, double *value) {
    if (node->kind != YAML_SCALAR || node->quoted || node->text[0] == '\0') {
        return 0;
    }
    char *end = NULL;
    *value = number_parse(node->text, &end);
    return *end == '\0';
}

int compare_values_equal(const struct yaml_node *a, const struct yaml_node *b) {
    if (a->kind != b->kind) {
        return 0;
    }
    double x, y;
    if (a->kind == YAML_SCALAR) {
        return strcmp(a->text, b->text) == 0 || (compare_value_number(a, &x) && compare_value_number(b, &y) && x == y);
    }
    if (yaml_count(a) != yaml_count(b)) {
        return 0;
    }
    const struct yaml_node *other = b->first;
    for (const struct yaml_node *child = a->first; child != NULL; child = child->next) {
        const struct yaml_node *twin = a->kind == YAML_MAPPING ? yaml_get(b, child->key) : other;
        if (twin == NULL || !compare_values_equal(child, twin)) {
            return 0;
        }
        other = other->next;
    }
    return 1;
}

static rondo_status walk(const char *path, const struct yaml_node *node, compare_visit *visit, void *arg,
                         struct arena *arena, struct errors *errors) {
    RONDO_TRY(visit(arg, path, node));
    int32_t index = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        const char *inner = node->kind == YAML_MAPPING ? arena_printf(arena, "%s.%s", path, child->key)
                                                       : arena_printf(arena, "%s.%d", path, index++);
        if (inner == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(walk(inner, child, visit, arg, arena, errors));
    }
    return RONDO_OK;
}

rondo_status compare_setting_walk(const struct compare_setting *setting, compare_visit *visit, void *arg,
                                  struct arena *arena, struct errors *errors) {
    return walk(setting->key, setting->value, visit, arg, arena, errors);
}

/* The same choice twice is a variant twice. */
static int choices_equal(const struct compare_choice *a, const struct compare_choice *b) {
    if (a->n_settings != b->n_settings) {
        return 0;
    }
    for (int32_t i = 0; i < a->n_settings; i++) {
        int32_t k = 0;
        while (k < b->n_settings && (strcmp(a->settings[i].key, b->settings[k].key) != 0 ||
                                     !compare_values_equal(a->settings[i].value, b->settings[k].value))) {
            k++;
        }
        if (k == b->n_settings) {
            return 0;
        }
    }
    return 1;
}

static rondo_status check_value(const struct compare_reader *reader, const char *key, const struct yaml_node *value) {
    if (yaml_is_null(value)) {
        return errors_add_at(reader->errors, RONDO_INVALID, value->where,
                             "a value of '%s' is empty, expected a value, or null to leave the key out", key);
    }
    const struct compare_setting setting = {key, value};
    return compare_setting_walk(&setting, refuse_fixed, (void *)reader, reader->arena, reader->errors);
}

/* Choices of one list must differ. */
static rondo_status check_choice(const struct compare_reader *reader, const struct compare_axis *axis, int32_t index) {
    for (int32_t i = 0; i < index; i++) {
        if (choices_equal(&axis->choices[i], &axis->choices[index])) {
            return errors_add_at(reader->errors, RONDO_INVALID, axis->choices[index].where,
                                 "entry %d of '%s' is the same as entry %d", index + 1,
                                 axis->key == NULL ? "variants" : axis->key, i + 1);
        }
    }
    return RONDO_OK;
}

static rondo_status read_list(const struct compare_reader *reader, const struct yaml_node *list,
                              struct compare_axis *axis) {
    const int32_t count = yaml_count(list);
    if (count == 0) {
        return errors_add_at(reader->errors, RONDO_INVALID, list->where, "the list of values of '%s' is empty",
                             axis->key);
    }
    axis->choices = arena_calloc(reader->arena, (size_t)count, sizeof *axis->choices);
    struct compare_setting *settings = arena_calloc(reader->arena, (size_t)count, sizeof *settings);
    if (axis->choices == NULL || settings == NULL) {
        return errors_no_memory(reader->errors);
    }
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *value = list->first; value != NULL; value = value->next) {
        const int32_t index = axis->n_choices++;
        settings[index] = (struct compare_setting){axis->key, value};
        axis->choices[index] =
            (struct compare_choice){.settings = &settings[index], .n_settings = 1, .where = value->where};
        rondo_status status = check_value(reader, axis->key, value);
        status = status == RONDO_OK ? check_choice(reader, axis, index) : status;
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

/* ---- settings that vary together ---- */

static rondo_status read_variant(const struct compare_reader *reader, const struct yaml_node *entry, int32_t number,
                                 struct compare_choice *choice) {
    if (entry->kind != YAML_MAPPING) {
        return errors_add_at(reader->errors, RONDO_INVALID, entry->where,
                             "entry %d of 'variants' must be a mapping of keys of the experiment to values, such as "
                             "{name: wide, model.layers.0.hidden: 128}",
                             number);
    }
    struct compare_setting *settings = arena_calloc(reader->arena, (size_t)yaml_count(entry) + 1, sizeof *settings);
    if (settings == NULL) {
        return errors_no_memory(reader->errors);
    }
    rondo_status first = RONDO_OK;
    *choice = (struct compare_choice){.settings = settings, .where = entry->where};
    for (const struct yaml_node *child = entry->first; child != NULL; child = child->next) {
        rondo_status status = RONDO_OK;
        if (strcmp(child->key, "name") == 0) {
            const int is_name = child->kind == YAML_SCALAR && child->text[0] != '\0';
            choice->name = is_name ? child->text : NULL;
            status = is_name ? RONDO_OK
                             : errors_add_at(reader->errors, RONDO_INVALID, child->where,
                                             "'name' of a variant must be a text");
        } else {
            status = check_key(reader, child->key, child->key_where);
            status = status == RONDO_OK ? check_value(reader, child->key, child) : status;
            settings[choice->n_settings++] = (struct compare_setting){child->key, child};
        }
        first = first == RONDO_OK ? status : first;
    }
    for (int32_t i = 0; i < choice->n_settings; i++) {
        for (int32_t k = 0; k < i; k++) {
            if (compare_keys_overlap(settings[i].key, settings[k].key)) {
                first =
                    errors_add_at(reader->errors, RONDO_INVALID, settings[i].value->key_where,
                                  "'%s' and '%s' overlap: one variant gives both", settings[i].key, settings[k].key);
            }
        }
    }
    return first;
}

static rondo_status read_variants(const struct compare_reader *reader, const struct yaml_node *list,
                                  struct compare_axis *axis) {
    const int32_t count = yaml_count(list);
    if (list->kind != YAML_SEQUENCE || count == 0) {
        return errors_add_at(reader->errors, RONDO_INVALID, list->where,
                             "'%s.variants' must be a list of mappings, such as [{name: wide, model.layers.0.hidden: "
                             "128}]",
                             reader->path);
    }
    axis->choices = arena_calloc(reader->arena, (size_t)count, sizeof *axis->choices);
    if (axis->choices == NULL) {
        return errors_no_memory(reader->errors);
    }
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        const int32_t index = axis->n_choices++;
        rondo_status status = read_variant(reader, entry, index + 1, &axis->choices[index]);
        if (status == RONDO_OK) {
            status = check_choice(reader, axis, index);
        }
        for (int32_t i = 0; status == RONDO_OK && axis->choices[index].name != NULL && i < index; i++) {
            if (axis->choices[i].name != NULL && strcmp(axis->choices[i].name, axis->choices[index].name) == 0) {
                status = errors_add_at(reader->errors, RONDO_INVALID, entry->where,
                                       "entries %d and %d of 'variants' have the same name '%s'", i + 1, index + 1,
                                       axis->choices[i].name);
            }
        }
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

/* ---- all axes ---- */

static rondo_status read_axis(const struct compare_reader *reader, const struct yaml_node *node,
                              struct compare_axis *axis) {
    RONDO_TRY(check_key(reader, node->key, node->key_where));
    if (node->kind == YAML_SEQUENCE) {
        return read_list(reader, node, axis);
    }
    if (compare_is_range(node)) {
        return compare_range_read(reader, node, axis);
    }
    if (node->kind == YAML_MAPPING) {
        return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                             "'%s' is a mapping, expected a list of values, such as [a, b]; a key inside it is written "
                             "with dots: '%s.%s'",
                             node->key, node->key, node->first == NULL ? "key" : node->first->key);
    }
    return errors_add_at(reader->errors, RONDO_INVALID, node->where,
                         "'%s' is one value, expected a list of values, such as [a, b]; a value that all variants "
                         "share belongs outside of '%s'",
                         node->key, reader->path);
}

/* The first setting of `axis` whose key overlaps with `key`; NULL: none. */
static const char *overlapping(const struct compare_axis *axis, const char *key) {
    if (axis->key != NULL) {
        return compare_keys_overlap(axis->key, key) ? axis->key : NULL;
    }
    for (int32_t i = 0; i < axis->n_choices; i++) {
        for (int32_t k = 0; k < axis->choices[i].n_settings; k++) {
            if (compare_keys_overlap(axis->choices[i].settings[k].key, key)) {
                return axis->choices[i].settings[k].key;
            }
        }
    }
    return NULL;
}

static rondo_status refuse_overlap(const struct compare_reader *reader, const char *key, const char *other,
                                   struct location where) {
    return strcmp(key, other) == 0 ? errors_add_at(reader->errors, RONDO_INVALID, where, "'%s' varies twice", key)
                                   : errors_add_at(reader->errors, RONDO_INVALID, where,
                                                   "'%s' and '%s' overlap: one of them would replace "
                                                   "the other",
                                                   key, other);
}

/* Axis `later` against those before it: keys must not overlap. */
static rondo_status check_overlaps(const struct compare_reader *reader, const struct compare_axes *axes,
                                   int32_t later) {
    const struct compare_axis *axis = &axes->axes[later];
    for (int32_t i = 0; i < later; i++) {
        if (axis->key != NULL) {
            const char *other = overlapping(&axes->axes[i], axis->key);
            if (other != NULL) {
                return refuse_overlap(reader, axis->key, other, axis->where);
            }
            continue;
        }
        for (int32_t c = 0; c < axis->n_choices; c++) {
            for (int32_t k = 0; k < axis->choices[c].n_settings; k++) {
                const struct compare_setting *setting = &axis->choices[c].settings[k];
                const char *other = overlapping(&axes->axes[i], setting->key);
                if (other != NULL) {
                    return refuse_overlap(reader, setting->key, other, setting->value->key_where);
                }
            }
        }
    }
    return RONDO_OK;
}

rondo_status compare_axes_read(const struct compare_reader *reader, const struct yaml_node *section,
                               struct compare_axes *axes) {
    axes->axes = arena_calloc(reader->arena, (size_t)yaml_count(section) + 1, sizeof *axes->axes);
    if (axes->axes == NULL) {
        return errors_no_memory(reader->errors);
    }
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *child = section->first; child != NULL; child = child->next) {
        const int is_variants = strcmp(child->key, "variants") == 0 && is_option(reader, child->key);
        if (is_option(reader, child->key) && !is_variants) {
            continue;
        }
        struct compare_axis *axis = &axes->axes[axes->count];
        *axis = (struct compare_axis){.key = is_variants ? NULL : child->key, .where = child->key_where};
        rondo_status status = is_variants ? read_variants(reader, child, axis) : read_axis(reader, child, axis);
        if (status == RONDO_OK) {
            status = check_overlaps(reader, axes, axes->count);
        }
        axes->count++;
        first = first == RONDO_OK ? status : first;
    }
    return first;
}
