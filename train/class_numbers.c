#include "train/class_numbers.h"

#include <string.h>

#include "core/options.h"
#include "core/suggest.h"
#include "io/section.h"

/* One option that is resolved. */
struct class_option {
    const struct class_facts *facts;
    const rondo_option *option;
    struct yaml_node *node; /* its value */
    struct arena *arena;
    struct errors *errors;
};

/* The label of class k; its number if it has none. From the arena; NULL: out of memory. */
static const char *label_of(const struct class_option *given, int64_t k) {
    const char *name = given->facts->name(given->facts->arg, k);
    return name == NULL ? arena_printf(given->arena, "%lld", (long long)k) : name;
}

/* The first labels, for messages: "'negative', 'positive'". */
static const char *labels_text(const struct class_option *given) {
    enum { MOST = 20 };
    const struct class_facts *facts = given->facts;
    const char *all = "";
    for (int64_t k = 0; k < facts->count && k < MOST && all != NULL; k++) {
        const char *name = label_of(given, k);
        all = name == NULL ? NULL : arena_printf(given->arena, "%s%s'%.60s'", all, k == 0 ? "" : ", ", name);
    }
    return all == NULL || facts->count <= MOST ? all : arena_printf(given->arena, "%s, …", all);
}

/* The class of a label; -1 with an error. */
static int64_t find_class(const struct class_option *given, const struct yaml_node *entry) {
    const struct class_facts *facts = given->facts;
    struct suggestion best = {0};
    for (int64_t k = 0; k < facts->count; k++) {
        const char *name = label_of(given, k);
        if (name != NULL && strcmp(name, entry->key) == 0) {
            return k;
        }
        suggest(&best, entry->key, name == NULL ? "" : name);
    }
    const char *labels = labels_text(given);
    errors_add_at(given->errors, RONDO_INVALID, entry->key_where, "'%s' has the unknown label '%.60s'%s, expected %s",
                  given->option->key, entry->key, suggestion_text(&best).text, labels == NULL ? "another" : labels);
    return -1;
}

/* {label: number}; every other class has 1. */
static rondo_status fill_by_label(const struct class_option *given, double *numbers) {
    for (int64_t k = 0; k < given->facts->count; k++) {
        numbers[k] = 1;
    }
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *entry = given->node->first; entry != NULL; entry = entry->next) {
        const int64_t k = find_class(given, entry);
        rondo_reals number = {0};
        rondo_option alone = *given->option;
        alone.offset = 0;
        if (k >= 0 && option_set(&alone, &number, entry->text, given->arena, entry->where, given->errors) == RONDO_OK) {
            numbers[k] = number.values[0];
        } else {
            first = RONDO_INVALID;
        }
    }
    return first;
}

/* w_k = n / (classes * n_k): all classes then weigh the same. A class without rows counts as one with a single row. */
static rondo_status fill_balanced(const struct class_option *given, double *numbers) {
    const struct class_facts *facts = given->facts;
    if (facts->rows == NULL) {
        return errors_add_at(given->errors, RONDO_INVALID, given->node->where,
                             "'%s' is balanced, which needs the training data", given->option->key);
    }
    double all = 0;
    for (int64_t k = 0; k < facts->count; k++) {
        all += (double)facts->rows[k];
    }
    for (int64_t k = 0; k < facts->count; k++) {
        numbers[k] = all / ((double)facts->count * (double)(facts->rows[k] > 0 ? facts->rows[k] : 1));
    }
    return RONDO_OK;
}

static rondo_status resolve(const struct class_option *given, struct yaml_node *section, void *options) {
    const struct class_facts *facts = given->facts;
    if (facts->count == 0) {
        const char *remedy = facts->make_classes;
        return errors_add_at(given->errors, RONDO_INVALID, given->node->where,
                             "'%s' has numbers for classes, and targets are not classes%s%s%s", given->option->key,
                             remedy == NULL ? "" : "; 'data.", remedy == NULL ? "" : remedy,
                             remedy == NULL ? "" : "' makes them classes");
    }
    double *numbers = arena_calloc(given->arena, (size_t)facts->count, sizeof *numbers);
    if (numbers == NULL) {
        return errors_no_memory(given->errors);
    }
    RONDO_TRY(given->node->kind == YAML_MAPPING ? fill_by_label(given, numbers) : fill_balanced(given, numbers));
    const rondo_reals reals = {facts->count, numbers};
    memcpy((char *)options + given->option->offset, &reals, sizeof reals);
    const char *text = option_text(given->option, options, given->arena);
    return text == NULL ? errors_no_memory(given->errors)
                        : section_put(section, given->option->key, text, 0, given->arena, given->errors);
}

/* A list has a number for each class, or none at all. */
static rondo_status check_list(const struct class_option *given, const void *options) {
    const struct class_facts *facts = given->facts;
    rondo_reals reals;
    memcpy(&reals, (const char *)options + given->option->offset, sizeof reals);
    if (reals.count == 0 || reals.count == facts->count || facts->count == 0) {
        return RONDO_OK;
    }
    const char *labels = labels_text(given);
    return errors_add_at(
        given->errors, RONDO_INVALID, given->node->where,
        "'%s' has %lld number%s, expected one for each of %lld classes, in the order of the labels: %s",
        given->option->key, (long long)reals.count, reals.count == 1 ? "" : "s", (long long)facts->count,
        labels == NULL ? "" : labels);
}

rondo_status class_numbers_resolve(const struct class_facts *facts, struct yaml_node *section,
                                   const rondo_option *table, void *options, struct arena *arena,
                                   struct errors *errors) {
    rondo_status first = RONDO_OK;
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        const struct class_option given = {facts, option, yaml_get(section, option->key), arena, errors};
        if (option->type != RONDO_CLASS_REALS || given.node == NULL) {
            continue;
        }
        const rondo_status status =
            section_is_of_classes(option, given.node) ? resolve(&given, section, options) : check_list(&given, options);
        first = first == RONDO_OK ? status : first;
    }
    return first;
}
