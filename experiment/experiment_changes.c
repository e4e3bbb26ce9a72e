#include "experiment/experiment_changes.h"

#include <math.h>
#include <string.h>

#include "core/number.h"

enum { MOST_SHOWN = 120 }; /* bytes of a value in a message */

/* The comparison of two trees. */
struct change_search {
    struct arena *arena; /* if it has failed, so has the comparison */
    struct errors *changes;
    enum changes_of of;
    struct location where; /* in `now`, of the mapping around the present key */
};

/* ---- values ---- */

/* *number is the value of a scalar that is a number as YAML has them; 0: it is not one. */
static int read_number(const struct yaml_node *node, double *number) {
    char *end;
    *number = number_parse(node->text, &end);
    return end != node->text && *end == '\0' && isfinite(*number);
}

static int is_same_scalar(const struct yaml_node *was, const struct yaml_node *now) {
    double before, after;
    return strcmp(was->text, now->text) == 0 ||
           (read_number(was, &before) && read_number(now, &after) && before == after);
}

/* The same for a message: `node` NULL is "not given". */
static const char *shown(const struct yaml_node *node, struct arena *arena) {
    const char *text = node == NULL ? "not given" : yaml_line(node, arena);
    if (text == NULL || strlen(text) <= MOST_SHOWN) {
        return text;
    }
    int length = MOST_SHOWN;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--; /* a character of several bytes is not cut */
    }
    return arena_printf(arena, "%.*s…", length, text);
}

static void report(const struct change_search *search, const char *path, const struct yaml_node *was,
                   const struct yaml_node *now) {
    const char *before = shown(was, search->arena), *after = shown(now, search->arena);
    if (before != NULL && after != NULL) {
        errors_add_at(search->changes, RONDO_INVALID, now == NULL ? search->where : now->where,
                      "'%s' was %s when the run was trained, and is %s", path, before, after);
    }
}

/* ---- keys that are not compared ---- */

static int is_within(const char *path, const char *key) {
    const size_t length = strlen(key);
    return strncmp(path, key, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

/* A part of the training file, as {last: 0.1}; not the path of a file, or of a file for each stream. */
static int is_part(const struct yaml_node *node) {
    return node != NULL && node->kind == YAML_MAPPING &&
           (yaml_get(node, "last") != NULL || yaml_get(node, "share") != NULL || yaml_get(node, "from") != NULL);
}

/* 1 if both are as many files of the same streams, whose contents are compared elsewhere. */
static int are_files_alike(const struct yaml_node *was, const struct yaml_node *now) {
    if (was == NULL || now == NULL || was->kind != now->kind || is_part(was) || is_part(now) ||
        yaml_count(was) != yaml_count(now)) {
        return 0;
    }
    for (const struct yaml_node *child = was->first; was->kind == YAML_MAPPING && child != NULL; child = child->next) {
        if (yaml_get(now, child->key) == NULL) {
            return 0;
        }
    }
    return 1;
}

static int is_layers_cell(const char *path) {
    static const char layers[] = "model.layers.";
    const char *dot = strrchr(path, '.');
    return strncmp(path, layers, sizeof layers - 1) == 0 && strcmp(dot, ".cell") == 0;
}

/* 1 if a difference of this key changes no result, or is found by the contents of its file. */
static int is_free_for_result(const char *path, const struct yaml_node *was, const struct yaml_node *now) {
    if (strcmp(path, "data.train") == 0 || strcmp(path, "data.valid") == 0 || strcmp(path, "data.test") == 0) {
        return are_files_alike(was, now);
    }
    return strcmp(path, "plugins") == 0 || is_layers_cell(path) || is_within(path, "schedule.checkpoint");
}

/* The same for the rest of a training that goes on. */
static int is_free_for_resume(const char *path, const struct yaml_node *was, const struct yaml_node *now) {
    double before, after;
    if (strcmp(path, "schedule.epochs") == 0) {
        return was != NULL && now != NULL && read_number(was, &before) && read_number(now, &after) && after >= before;
    }
    if (strcmp(path, "data.test") == 0) {
        return !is_part(was) && !is_part(now);
    }
    return is_free_for_result(path, was, now) || strcmp(path, "schedule.on_nonfinite") == 0 || strcmp(path, "schedule.nonfinite_limit") == 0 ||
           strcmp(path, "schedule.rollback_factor") == 0 || strcmp(path, "schedule.early_stopping.patience") == 0;
}

/* ---- the trees ---- */

static void compare(const struct change_search *search, const char *path, const struct yaml_node *was,
                    const struct yaml_node *now);

static void compare_child(const struct change_search *search, const char *path, const char *key,
                          const struct yaml_node *was, const struct yaml_node *now) {
    const char *inner = path[0] == '\0' ? key : arena_printf(search->arena, "%s.%s", path, key);
    const int is_free = inner == NULL                             ? 1
                        : search->of == CHANGES_OF_RESUME ? is_free_for_resume(inner, was, now)
                                                          : is_free_for_result(inner, was, now);
    if (!is_free) {
        compare(search, inner, was, now);
    }
}

/* The key that decides which other keys a mapping has: if it differs, the others are no news. NULL: there is none. */
static const char *deciding_key(const struct yaml_node *was, const struct yaml_node *now) {
    static const char *const keys[] = {"plugin", "reader"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct yaml_node *before = yaml_get(was, keys[i]), *after = yaml_get(now, keys[i]);
        if (before != NULL && after != NULL && before->kind == YAML_SCALAR && after->kind == YAML_SCALAR &&
            strcmp(before->text, after->text) != 0) {
            return keys[i];
        }
    }
    return NULL;
}

static void compare_mappings(const struct change_search *outer, const char *path, const struct yaml_node *was,
                             const struct yaml_node *now) {
    const struct change_search search = {outer->arena, outer->changes, outer->of, now->where};
    const char *deciding = deciding_key(was, now);
    if (deciding != NULL) {
        compare_child(&search, path, deciding, yaml_get(was, deciding), yaml_get(now, deciding));
        return;
    }
    for (const struct yaml_node *child = now->first; child != NULL; child = child->next) {
        compare_child(&search, path, child->key, yaml_get(was, child->key), child);
    }
    for (const struct yaml_node *child = was->first; child != NULL; child = child->next) {
        if (yaml_get(now, child->key) == NULL) {
            compare_child(&search, path, child->key, child, NULL);
        }
    }
}

static void compare_sequences(const struct change_search *search, const char *path, const struct yaml_node *was,
                              const struct yaml_node *now) {
    const struct yaml_node *before = was->first, *after = now->first;
    for (int32_t i = 0; before != NULL && after != NULL; i++, before = before->next, after = after->next) {
        const char *index = arena_printf(search->arena, "%d", i);
        if (index != NULL) {
            compare_child(search, path, index, before, after);
        }
    }
}

static void compare(const struct change_search *search, const char *path, const struct yaml_node *was,
                    const struct yaml_node *now) {
    const int are_alike = was != NULL && now != NULL && was->kind == now->kind;
    if (are_alike && was->kind == YAML_MAPPING) {
        compare_mappings(search, path, was, now);
    } else if (are_alike && was->kind == YAML_SEQUENCE && yaml_count(was) == yaml_count(now)) {
        compare_sequences(search, path, was, now);
    } else if (!are_alike || was->kind == YAML_SEQUENCE || !is_same_scalar(was, now)) {
        report(search, path, was, now);
    }
}

rondo_status experiment_changes(const struct yaml_node *was, const struct yaml_node *now, enum changes_of of,
                                struct errors *changes, struct errors *errors) {
    struct arena *arena = arena_create();
    const struct change_search search = {arena, changes, of, now->where};
    compare(&search, "", was, now);
    const int failed = arena_failed(arena);
    arena_destroy(arena);
    return failed ? errors_no_memory(errors) : RONDO_OK;
}
