#include "experiment/tree_differences.h"

#include <math.h>
#include <string.h>

#include "core/number.h"

/* The comparison of two trees. */
struct tree_search {
    const struct tree_visitor *visitor;
    struct arena *arena;   /* if it has failed, so has the comparison */
    struct location where; /* in the right tree, of the mapping around the present key */
};

/* ---- values ---- */

int tree_number(const struct yaml_node *node, double *number) {
    char *end;
    if (node->kind != YAML_SCALAR) {
        return 0;
    }
    *number = number_parse(node->text, &end);
    return end != node->text && *end == '\0' && isfinite(*number);
}

static int is_same_scalar(const struct yaml_node *left, const struct yaml_node *right) {
    double before, after;
    return strcmp(left->text, right->text) == 0 ||
           (tree_number(left, &before) && tree_number(right, &after) && before == after);
}

/* ---- the trees ---- */

static void compare(const struct tree_search *search, const char *path, const struct yaml_node *left,
                    const struct yaml_node *right);

static int skips(const struct tree_search *search, const char *path, const struct yaml_node *left,
                 const struct yaml_node *right) {
    const struct tree_visitor *visitor = search->visitor;
    return visitor->skips != NULL && visitor->skips(visitor->arg, path, left, right);
}

static void compare_child(const struct tree_search *search, const char *path, const char *key,
                          const struct yaml_node *left, const struct yaml_node *right) {
    const char *inner = path[0] == '\0' ? key : arena_printf(search->arena, "%s.%s", path, key);
    if (inner != NULL && !skips(search, inner, left, right)) {
        compare(search, inner, left, right);
    }
}

/* The key that decides which other keys a mapping has: if it differs, the others are no news. NULL: there is none. */
static const char *deciding_key(const struct yaml_node *left, const struct yaml_node *right) {
    static const char *const keys[] = {"plugin", "reader"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct yaml_node *before = yaml_get(left, keys[i]), *after = yaml_get(right, keys[i]);
        if (before != NULL && after != NULL && before->kind == YAML_SCALAR && after->kind == YAML_SCALAR &&
            strcmp(before->text, after->text) != 0) {
            return keys[i];
        }
    }
    return NULL;
}

static void compare_mappings(const struct tree_search *outer, const char *path, const struct yaml_node *left,
                             const struct yaml_node *right) {
    const struct tree_search search = {outer->visitor, outer->arena, right->where};
    const char *deciding = deciding_key(left, right);
    if (deciding != NULL) {
        compare_child(&search, path, deciding, yaml_get(left, deciding), yaml_get(right, deciding));
        return;
    }
    for (const struct yaml_node *child = right->first; child != NULL; child = child->next) {
        compare_child(&search, path, child->key, yaml_get(left, child->key), child);
    }
    for (const struct yaml_node *child = left->first; child != NULL; child = child->next) {
        if (yaml_get(right, child->key) == NULL) {
            compare_child(&search, path, child->key, child, NULL);
        }
    }
}

static void compare_sequences(const struct tree_search *search, const char *path, const struct yaml_node *left,
                              const struct yaml_node *right) {
    const struct yaml_node *before = left->first, *after = right->first;
    for (int32_t i = 0; before != NULL && after != NULL; i++, before = before->next, after = after->next) {
        const char *index = arena_printf(search->arena, "%d", i);
        if (index != NULL) {
            compare_child(search, path, index, before, after);
        }
    }
}

static void compare(const struct tree_search *search, const char *path, const struct yaml_node *left,
                    const struct yaml_node *right) {
    const int are_alike = left != NULL && right != NULL && left->kind == right->kind;
    if (are_alike && left->kind == YAML_MAPPING) {
        compare_mappings(search, path, left, right);
    } else if (are_alike && left->kind == YAML_SEQUENCE && yaml_count(left) == yaml_count(right)) {
        compare_sequences(search, path, left, right);
    } else if (!are_alike || left->kind == YAML_SEQUENCE || !is_same_scalar(left, right)) {
        const struct tree_visitor *visitor = search->visitor;
        visitor->differs(visitor->arg, path, left, right, right == NULL ? search->where : right->where);
    }
}

rondo_status tree_differences(const struct yaml_node *left, const struct yaml_node *right,
                              const struct tree_visitor *visitor, struct arena *arena, struct errors *errors) {
    const struct tree_search search = {visitor, arena, right->where};
    compare(&search, "", left, right);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}
