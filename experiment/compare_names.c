/* Names of variants: short, and as the user has written what varies.
 *
 * A variant is named by the values that make it: "lstm, lr 0.001". A word stands alone; a number, a truth value or a list of
 * plain values comes after the last part of its key, or as many parts as it takes to tell the keys apart. If only one
 * key varies, there is only its value. */
#include "experiment/compare_axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

enum { MOST_LABEL = 64, MOST_FOLDER = 88 /* bytes; with a number, 100 */ };

/* ---- labels of values ---- */

/* Keys whose value names what a mapping is. */
static const char *const naming_keys[] = {"plugin", "cell", "block", "reader", NULL};

static const struct yaml_node *naming_value(const struct yaml_node *mapping) {
    for (const char *const *key = naming_keys; *key != NULL; key++) {
        const struct yaml_node *node = yaml_get(mapping, *key);
        if (node != NULL && node->kind == YAML_SCALAR) {
            return node;
        }
    }
    return NULL;
}

/* The name in a path, without the ending of YAML files. */
static const char *word_label(const struct yaml_node *node, struct arena *arena) {
    if (yaml_takes_away(node)) {
        return "none";
    }
    if (node->text[0] == '\0') {
        return "\"\"";
    }
    const char *slash = strrchr(node->text, '/');
    const char *base = slash == NULL || slash[1] == '\0' ? node->text : slash + 1;
    size_t length = strlen(base);
    static const char *const endings[] = {".yaml", ".yml"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(base + length - ending, endings[i]) == 0) {
            length -= ending;
            break;
        }
    }
    return arena_strndup(arena, base, length);
}

/* Numbers and truth values say nothing without their key. */
static int is_word(const struct yaml_node *node) {
    if (node->kind != YAML_SCALAR || node->quoted) {
        return node->kind == YAML_SCALAR;
    }
    char *end = NULL;
    number_parse(node->text, &end);
    return *end != '\0' && strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0 &&
           !yaml_takes_away(node);
}

/* Long labels have everything, also what names of variants usually do without. */
static const char *value_label(const struct yaml_node *value, int is_long, struct arena *arena);

/* 1 if all mappings of the axis, and there are several, have this entry alike. */
static int is_common(const struct compare_axis *axis, const struct yaml_node *entry) {
    int32_t mappings = 0;
    for (int32_t i = 0; i < axis->n_choices; i++) {
        const struct yaml_node *value = axis->choices[i].settings[0].value;
        const struct yaml_node *twin = yaml_get(value, entry->key);
        if (value->kind == YAML_MAPPING && (twin == NULL || !compare_values_equal(twin, entry))) {
            return 0;
        }
        mappings += value->kind == YAML_MAPPING;
    }
    return mappings > 1;
}

/* "adam", or "adam lr 0.001" if `is_long`. Entries that all mappings of `axis` (NULL: none) have alike are left out. */
static const char *mapping_label(const struct yaml_node *mapping, const struct compare_axis *axis, int is_long,
                                 struct arena *arena) {
    const struct yaml_node *naming = naming_value(mapping);
    const char *label = naming == NULL ? "" : word_label(naming, arena);
    for (const struct yaml_node *child = mapping->first; child != NULL && label != NULL; child = child->next) {
        if (child == naming || (naming != NULL && !is_long) || (axis != NULL && is_common(axis, child))) {
            continue;
        }
        const char *inner = value_label(child, is_long, arena);
        label = inner == NULL ? NULL
                              : arena_printf(arena, "%s%s%s %s", label, label[0] == '\0' ? "" : " ", child->key, inner);
    }
    return label != NULL && label[0] == '\0' ? "{}" : label;
}

/* "[1, 2]" for plain values, "gru+lstm" for mappings. */
static const char *list_label(const struct yaml_node *list, int is_long, struct arena *arena) {
    const char *plain = yaml_option_text(list, arena);
    if (plain != NULL) {
        return plain;
    }
    const char *label = "";
    for (const struct yaml_node *item = list->first; item != NULL && label != NULL; item = item->next) {
        const char *inner = value_label(item, is_long, arena);
        label = inner == NULL ? NULL : arena_printf(arena, "%s%s%s", label, label[0] == '\0' ? "" : "+", inner);
    }
    return label;
}

static const char *value_label(const struct yaml_node *value, int is_long, struct arena *arena) {
    switch (value->kind) {
    case YAML_SCALAR:
        return is_long && value->text[0] != '\0' ? value->text : word_label(value, arena);
    case YAML_SEQUENCE:
        return list_label(value, is_long, arena);
    default:
        return mapping_label(value, NULL, is_long || naming_value(value) == NULL, arena);
    }
}

/* 1 if two choices of the axis have the same label so far. */
static int has_twin(const struct compare_axis *axis, int32_t index) {
    for (int32_t i = 0; i < axis->n_choices; i++) {
        if (i != index && axis->choices[i].label != NULL && axis->choices[index].label != NULL &&
            strcmp(axis->choices[i].label, axis->choices[index].label) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The label of the only setting of a choice. */
static const char *setting_label(const struct compare_axis *axis, int32_t index, int is_long, struct arena *arena) {
    const struct yaml_node *value = axis->choices[index].settings[0].value;
    return value->kind == YAML_MAPPING ? mapping_label(value, axis, is_long || naming_value(value) == NULL, arena)
                                       : value_label(value, is_long, arena);
}

/* ---- prefixes ---- */

/* The last `parts` parts of a key. */
static const char *last_parts(const char *key, int parts) {
    const char *from = key + strlen(key);
    while (from > key) {
        from--;
        if (*from == '.' && --parts == 0) {
            return from + 1;
        }
    }
    return key;
}

/* 1 if another key than `key` ends in the same parts. */
static int is_shared(const struct compare_axes *axes, const char *key, const char *ending) {
    const size_t length = strlen(ending);
    for (int32_t a = 0; a < axes->count; a++) {
        const struct compare_axis *axis = &axes->axes[a];
        for (int32_t i = 0; i < (axis->key != NULL ? 1 : axis->n_choices); i++) {
            const int32_t count = axis->key != NULL ? 1 : axis->choices[i].n_settings;
            for (int32_t k = 0; k < count; k++) {
                const char *other = axis->key != NULL ? axis->key : axis->choices[i].settings[k].key;
                const size_t n = strlen(other);
                if (strcmp(other, key) != 0 && n >= length && strcmp(other + n - length, ending) == 0 &&
                    (n == length || other[n - length - 1] == '.')) {
                    return 1;
                }
            }
        }
    }
    return 0;
}

static const char *key_prefix(const struct compare_axes *axes, const char *key) {
    const char *prefix = key;
    for (int parts = 1; (prefix = last_parts(key, parts)) != key && is_shared(axes, key, prefix); parts++) {
    }
    return prefix;
}

/* ---- names ---- */

/* The label with what a name needs before it. */
static const char *with_prefix(const struct compare_axes *axes, const struct compare_setting *setting,
                               const char *label, struct arena *arena) {
    const struct yaml_node *value = setting->value;
    const int is_plain_list = value->kind == YAML_SEQUENCE && yaml_option_text(value, arena) != NULL;
    const int is_named = is_word(value) || (value->kind == YAML_MAPPING && naming_value(value) != NULL) ||
                         (value->kind == YAML_SEQUENCE && !is_plain_list);
    if (is_named && !is_shared(axes, setting->key, last_parts(setting->key, 1))) {
        return label;
    }
    return label == NULL ? NULL : arena_printf(arena, "%s %s", key_prefix(axes, setting->key), label);
}

/* An entry of `variants` without a name. */
static const char *settings_label(const struct compare_axes *axes, const struct compare_choice *choice, int is_long,
                                  struct arena *arena) {
    const char *label = "";
    for (int32_t i = 0; i < choice->n_settings && label != NULL; i++) {
        const struct compare_setting *setting = &choice->settings[i];
        const char *inner = with_prefix(axes, setting, value_label(setting->value, is_long, arena), arena);
        label = inner == NULL ? NULL : arena_printf(arena, "%s%s%s", label, i == 0 ? "" : ", ", inner);
    }
    return label != NULL && label[0] == '\0' ? "as given" : label;
}

/* Labels of all choices of an axis. Those that are alike become long: "adam" and "adam" are "adam lr 0.001" and "adam lr 0.01",
 * "mine" and "mine" are the paths of the files. */
static void label_axis(const struct compare_axes *axes, const struct compare_axis *axis, struct arena *arena) {
    const char **longer = arena_calloc(arena, (size_t)axis->n_choices + 1, sizeof *longer);
    for (int is_long = 0; is_long < 2 && longer != NULL; is_long++) {
        for (int32_t i = 0; i < axis->n_choices; i++) {
            const struct compare_choice *choice = &axis->choices[i];
            if (is_long && !has_twin(axis, i)) {
                longer[i] = choice->label;
            } else {
                longer[i] = choice->name != NULL ? choice->name
                            : axis->key == NULL  ? settings_label(axes, choice, is_long, arena)
                                                 : setting_label(axis, i, is_long, arena);
            }
        }
        for (int32_t i = 0; i < axis->n_choices; i++) {
            axis->choices[i].label = longer[i];
        }
    }
}

/* Without line breaks and control characters, and not too long. */
static const char *clean_label(const char *label, struct arena *arena) {
    const size_t length = label == NULL ? 0 : strlen(label);
    char *clean = label == NULL ? NULL : arena_strdup(arena, label);
    if (clean == NULL) {
        return NULL;
    }
    for (char *c = clean; *c != '\0'; c++) {
        *c = (char)((unsigned char)*c < 0x20 || *c == 0x7F ? ' ' : *c);
    }
    if (length > MOST_LABEL) {
        size_t end = MOST_LABEL - 3;
        while (end > 0 && ((unsigned char)clean[end] & 0xC0) == 0x80) { /* not inside a character */
            end--;
        }
        snprintf(clean + end, 4, "...");
    }
    return clean;
}

rondo_status compare_label_choice(const struct compare_axes *axes, const struct compare_axis *axis,
                                  struct compare_choice *choice, struct arena *arena, struct errors *errors) {
    const int has_prefix = axis->key != NULL && axes->count > 1;
    const char *label = has_prefix ? with_prefix(axes, &choice->settings[0], choice->label, arena) : choice->label;
    choice->label = clean_label(label, arena);
    return choice->label == NULL ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status compare_labels(const struct compare_axes *axes, struct arena *arena, struct errors *errors) {
    for (int32_t a = 0; a < axes->count; a++) {
        const struct compare_axis *axis = &axes->axes[a];
        label_axis(axes, axis, arena);
        for (int32_t i = 0; i < axis->n_choices; i++) {
            RONDO_TRY(compare_label_choice(axes, axis, &axis->choices[i], arena, errors));
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- folders ---- */

/* 1 for a byte of a letter in UTF-8 that is not its first. */
static int is_inside(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The name with letters, digits and "._-" only; other characters of ASCII become one dash. */
static char *folder_of(const char *name, struct arena *arena) {
    char *folder = arena_alloc(arena, MOST_FOLDER + 1);
    size_t length = 0;
    const char *c = name;
    for (; folder != NULL && *c != '\0' && length < MOST_FOLDER; c++) {
        const int is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                              (unsigned char)*c >= 0x80;
        const int may_begin = length > 0 && folder[length - 1] != '-';
        if (is_letter || (length > 0 && (*c == '.' || *c == '_'))) {
            folder[length++] = *c;
        } else if (may_begin) {
            folder[length++] = '-';
        }
    }
    if (folder != NULL) {
        if (is_inside(*c)) { /* the last letter has been cut */
            while (length > 0 && is_inside(folder[length - 1])) {
                length--;
            }
            length -= length > 0;
        }
        while (length > 0 && (folder[length - 1] == '-' || folder[length - 1] == '.')) {
            length--;
        }
        folder[length] = '\0';
    }
    return folder != NULL && length == 0 ? arena_strdup(arena, "variant") : folder;
}

/* ---- uniqueness ---- */

/* A text with its place in the list of variants. */
struct numbered_text {
    const char *text;
    int32_t index;
};

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* strcmp for which upper and lower case of ASCII are the same. */
static int order_of_any_case(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) - lower(*b);
}

static int by_text(const void *a, const void *b) {
    const struct numbered_text *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* For folders: file systems may not tell upper from lower case. */
static int by_text_of_any_case(const void *a, const void *b) {
    const struct numbered_text *x = a, *y = b;
    const int order = order_of_any_case(x->text, y->text);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* 1 if `text` is one of the sorted texts. */
static int is_taken(const struct numbered_text *sorted, int32_t count, const char *text,
                    int (*order)(const char *, const char *)) {
    int32_t low = 0, high = count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (order(sorted[middle].text, text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && order(sorted[low].text, text) == 0;
}

/* Gives later ones of equal texts a number: "lstm", "lstm (2)", or "lstm-2" in a folder. */
static rondo_status make_unique(const char **texts, int32_t count, int is_folder, struct arena *arena,
                                struct errors *errors) {
    struct numbered_text *sorted = arena_calloc(arena, (size_t)count, sizeof *sorted);
    if (sorted == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) {
        sorted[i] = (struct numbered_text){texts[i], i};
    }
    int (*const order)(const char *, const char *) = is_folder ? order_of_any_case : strcmp;
    qsort(sorted, (size_t)count, sizeof *sorted, is_folder ? by_text_of_any_case : by_text);
    for (int32_t i = 1, number = 1; i < count; i++) {
        if (order(sorted[i].text, sorted[i - 1].text) != 0) {
            number = 1;
            continue;
        }
        const char *text;
        do {
            number++;
            text = is_folder ? arena_printf(arena, "%s-%d", sorted[i].text, number)
                             : arena_printf(arena, "%s (%d)", sorted[i].text, number);
        } while (text != NULL && is_taken(sorted, count, text, order));
        if (text == NULL) {
            return errors_no_memory(errors);
        }
        texts[sorted[i].index] = text;
    }
    return RONDO_OK;
}

rondo_status compare_names(const struct compare_axes *axes, const struct compare_choice *const *choices,
                           struct compare_variant *variants, int32_t count, struct arena *arena,
                           struct errors *errors) {
    const char **names = arena_calloc(arena, (size_t)count, sizeof *names);
    const char **folders = arena_calloc(arena, (size_t)count, sizeof *folders);
    if (names == NULL || folders == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t v = 0; v < count; v++) {
        const char *name = axes->count == 0 ? "as given" : "";
        for (int32_t a = 0; a < axes->count && name != NULL; a++) {
            name = arena_printf(arena, "%s%s%s", name, a == 0 ? "" : ", ", choices[v * axes->count + a]->label);
        }
        names[v] = name;
        if (name == NULL) {
            return errors_no_memory(errors);
        }
    }
    RONDO_TRY(make_unique(names, count, 0, arena, errors));
    for (int32_t v = 0; v < count; v++) {
        folders[v] = folder_of(names[v], arena);
        if (folders[v] == NULL) {
            return errors_no_memory(errors);
        }
    }
    RONDO_TRY(make_unique(folders, count, 1, arena, errors));
    for (int32_t v = 0; v < count; v++) {
        variants[v].name = names[v];
        variants[v].folder = folders[v];
    }
    return RONDO_OK;
}
