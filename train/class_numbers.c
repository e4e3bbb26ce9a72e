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
static const char *label_of(const struct class_facts *facts, int64_t k, struct arena *arena) {
    const char *name = facts->name(facts->arg, k);
    return name == NULL ? arena_printf(arena, "%lld", (long long)k) : name;
}

/* The first labels, for messages: "'negative', 'positive'". */
static const char *labels_text(const struct class_facts *facts, struct arena *arena) {
    enum { MOST = 20 };
    const char *all = "";
    for (int64_t k = 0; k < facts->count && k < MOST && all != NULL; k++) {
        const char *name = label_of(facts, k, arena);
        all = name == NULL ? NULL : arena_printf(arena, "%s%s'%.60s'", all, k == 0 ? "" : ", ", name);
    }
    return all == NULL || facts->count <= MOST ? all : arena_printf(arena, "%s, …", all);
}

/* The class of a label that the option `key` has at `where`; -1 with an error. */
static int64_t find_class(const struct class_facts *facts, const char *key, const char *label, struct location where,
                          struct arena *arena, struct errors *errors) {
    struct suggestion best = {0};
    for (int64_t k = 0; k < facts->count; k++) {
        const char *name = label_of(facts, k, arena);
        if (name != NULL && strcmp(name, label) == 0) {
            return k;
        }
        suggest(&best, label, name == NULL ? "" : name);
    }
    const char *labels = labels_text(facts, arena);
    errors_add_at(errors, RONDO_INVALID, where, "'%s' has the unknown label '%.60s'%s, expected %s", key, label,
                  suggestion_text(&best).text, labels == NULL ? "another" : labels);
    return -1;
}

/* Refuses what needs classes if targets are not classes; `what` it has. */
static rondo_status check_classes(const struct class_facts *facts, const char *key, const char *what,
                                  struct location where, struct errors *errors) {
    const char *remedy = facts->make_classes;
    return facts->count > 0
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, where, "'%s' has %s, and targets are not classes%s%s%s", key,
                               what, remedy == NULL ? "" : "; 'data.", remedy == NULL ? "" : remedy,
                               remedy == NULL ? "" : "' makes them classes");
}

/* {label: number}; every other class has 1. */
static rondo_status fill_by_label(const struct class_option *given, double *numbers) {
    for (int64_t k = 0; k < given->facts->count; k++) {
        numbers[k] = 1;
    }
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *entry = given->node->first; entry != NULL; entry = entry->next) {
        const int64_t k =
            find_class(given->facts, given->option->key, entry->key, entry->key_where, given->arena, given->errors);
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
    const int64_t *rows = facts->rows == NULL ? NULL : facts->rows(facts->arg, facts->count);
    if (rows == NULL) {
        return errors_add_at(given->errors, RONDO_INVALID, given->node->where,
                             "'%s' is balanced, which needs the training data", given->option->key);
    }
    double all = 0;
    for (int64_t k = 0; k < facts->count; k++) {
        all += (double)rows[k];
    }
    for (int64_t k = 0; k < facts->count; k++) {
        numbers[k] = all / ((double)facts->count * (double)(rows[k] > 0 ? rows[k] : 1));
    }
    return RONDO_OK;
}

static rondo_status resolve(const struct class_option *given, struct yaml_node *section, void *options) {
    const struct class_facts *facts = given->facts;
    RONDO_TRY(check_classes(facts, given->option->key, "numbers for classes", given->node->where, given->errors));
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
    const char *labels = labels_text(facts, given->arena);
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

rondo_status class_numbers_without(const struct class_facts *facts, const struct metric_entry *metric,
                                   struct arena *arena, struct errors *errors) {
    rondo_status first = RONDO_OK;
    int64_t left = facts->count;
    for (int32_t i = 0; i < metric->n_without; i++) {
        struct metric_class *own = &metric->without[i];
        RONDO_TRY(check_classes(facts, "without", "labels of classes", own->where, errors));
        own->id = find_class(facts, "without", own->label, own->where, arena, errors);
        first = own->id < 0 ? RONDO_INVALID : first;
        int is_new = 1;
        for (int32_t k = 0; k < i; k++) {
            is_new &= metric->without[k].id != own->id;
        }
        left -= is_new;
    }
    return first != RONDO_OK || metric->n_without == 0 || left > 0
               ? first
               : errors_add_at(errors, RONDO_INVALID, metric->without[0].where,
                               "'without' leaves out all %lld classes, expected at least one to be left",
                               (long long)facts->count);
}
