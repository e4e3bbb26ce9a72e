#include "experiment/experiment_changes.h"

#include <string.h>

#include "experiment/tree_differences.h"

enum { MOST_SHOWN = 120 }; /* bytes of a value in a message */

/* What a comparison is for, and reports to. */
struct change_report {
    struct arena *arena;
    struct errors *changes;
    enum changes_of of;
};

/* A value for a message: `node` NULL is "not given". */
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

static void report(void *arg, const char *path, const struct yaml_node *was, const struct yaml_node *now,
                   struct location where) {
    const struct change_report *to = arg;
    const char *before = shown(was, to->arena), *after = shown(now, to->arena);
    if (before != NULL && after != NULL) {
        errors_add_at(to->changes, RONDO_INVALID, where, "'%s' was %s when the run was trained, and is %s", path,
                      before, after);
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
    static const char layers[] = "model.layers.", encoder[] = "model.encoder.";
    const char *dot = strrchr(path, '.');
    return (strncmp(path, layers, sizeof layers - 1) == 0 || strncmp(path, encoder, sizeof encoder - 1) == 0) &&
           strcmp(dot, ".cell") == 0;
}

/* 1 if a difference of this key changes no result, or is found by the contents of its file. */
static int is_free_for_result(const char *path, const struct yaml_node *was, const struct yaml_node *now) {
    if (strcmp(path, "data.train") == 0 || strcmp(path, "data.valid") == 0 || strcmp(path, "data.test") == 0) {
        return are_files_alike(was, now);
    }
    return strcmp(path, "plugins") == 0 || is_layers_cell(path) || is_within(path, "schedule.checkpoint") ||
           strcmp(path, "generate.show") == 0 || strcmp(path, "schedule.diagnostics") == 0 ||
           strcmp(path, "schedule.tensorboard") == 0;
}

/* The same for the rest of a training that goes on. */
static int is_free_for_resume(const char *path, const struct yaml_node *was, const struct yaml_node *now) {
    double before, after;
    if (strcmp(path, "schedule.epochs") == 0) {
        return was != NULL && now != NULL && tree_number(was, &before) && tree_number(now, &after) && after >= before;
    }
    if (strcmp(path, "data.test") == 0) {
        return !is_part(was) && !is_part(now);
    }
    return is_free_for_result(path, was, now) || strcmp(path, "schedule.on_nonfinite") == 0 ||
           strcmp(path, "schedule.nonfinite_limit") == 0 || strcmp(path, "schedule.rollback_factor") == 0 ||
           strcmp(path, "schedule.early_stopping.patience") == 0;
}

static int is_free(void *arg, const char *path, const struct yaml_node *was, const struct yaml_node *now) {
    const struct change_report *to = arg;
    return to->of == CHANGES_OF_RESUME ? is_free_for_resume(path, was, now) : is_free_for_result(path, was, now);
}

rondo_status experiment_changes(const struct yaml_node *was, const struct yaml_node *now, enum changes_of of,
                                struct errors *changes, struct errors *errors) {
    struct arena *arena = arena_create();
    struct change_report to = {arena, changes, of};
    const struct tree_visitor visitor = {is_free, report, &to};
    const rondo_status status = tree_differences(was, now, &visitor, arena, errors);
    arena_destroy(arena);
    return status;
}
