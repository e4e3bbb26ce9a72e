/* Values put into a tree by the path of their key: those of the command line (--set), and others. */
#include "io/yaml.h"

#include <stdlib.h>
#include <string.h>

/* An assignment while it is applied. */
struct assignment {
    struct arena *arena;
    struct errors *errors;
    struct location where; /* its file is "--set a.b=c" */
    const char *folder;    /* of the value */
    const char *path;      /* "a.b" */
};

/* The link that holds the child `name` of `parent`; past the last child it holds NULL, and a new child may be put
 * there. Fails where `parent` is a sequence that has no place of this index. */
static rondo_status find_link(const struct assignment *set, struct yaml_node *parent, const char *name,
                              struct yaml_node ***link) {
    struct yaml_node **next = &parent->first;
    if (parent->kind == YAML_MAPPING) {
        while (*next != NULL && strcmp((*next)->key, name) != 0) {
            next = &(*next)->next;
        }
        *link = next;
        return RONDO_OK;
    }
    const int32_t count = yaml_count(parent);
    char *end = NULL;
    const long index = name[0] >= '0' && name[0] <= '9' ? strtol(name, &end, 10) : -1;
    if (index < 0 || *end != '\0' || index > count) {
        return errors_add_at(set->errors, RONDO_INVALID, set->where,
                             "'%.60s' is not a place in a sequence of %d, expected a number from 0 to %d", name, count,
                             count);
    }
    for (long i = 0; i < index; i++) {
        next = &(*next)->next;
    }
    *link = next;
    return RONDO_OK;
}

/* Puts `node` into a link of `parent`, in place of what is there. */
static void replace_link(const struct assignment *set, const struct yaml_node *parent, const char *name,
                         struct yaml_node **link, struct yaml_node *node) {
    node->next = *link == NULL ? NULL : (*link)->next;
    node->key = parent->kind == YAML_MAPPING ? name : NULL;
    node->key_where = set->where;
    *link = node;
}

/* One step down the path: the child `name`. Where it is missing or has no value it is made: as an empty sequence if
 * `below`, what is to stand in it, is its first item, else as an empty mapping. */
static rondo_status step_into(const struct assignment *set, struct yaml_node **node, const char *name,
                              const char *below) {
    struct yaml_node **link;
    RONDO_TRY(find_link(set, *node, name, &link));
    if (*link == NULL || yaml_is_null(*link)) {
        struct yaml_node *made = arena_calloc(set->arena, 1, sizeof *made);
        if (made == NULL) {
            return errors_no_memory(set->errors);
        }
        const int is_sequence = strcmp(below, "0") == 0;
        *made = (struct yaml_node){
            .kind = is_sequence ? YAML_SEQUENCE : YAML_MAPPING, .where = set->where, .folder = set->folder};
        replace_link(set, *node, name, link, made);
    }
    if ((*link)->kind == YAML_SCALAR) {
        return errors_add_at(set->errors, RONDO_INVALID, set->where,
                             "'%.60s' in '%.200s' has the value '%.60s', expected a mapping or a sequence", name,
                             set->path, (*link)->text);
    }
    *node = *link;
    return RONDO_OK;
}

/* Cuts the path at its dots, but for those in quotes; `names` has room for YAML_MAX_DEPTH. */
static rondo_status split_path(const struct assignment *set, char *path, const char **names, int32_t *count) {
    *count = 0;
    for (char *next = path; next != NULL;) {
        char *quote = *next == '"' ? strchr(next + 1, '"') : NULL;
        char *dot = quote == NULL ? strchr(next, '.') : quote[1] == '\0' ? NULL : quote + 1;
        if (*next == '"' && (quote == NULL || (dot != NULL && *dot != '.'))) {
            return errors_add_at(set->errors, RONDO_INVALID, set->where,
                                 "a quote without another before the next dot in the path '%.200s'", set->path);
        }
        if (dot != NULL) {
            *dot = '\0';
        }
        if (quote != NULL) {
            *quote = '\0';
            next++;
        }
        if (*next == '\0') {
            return errors_add_at(set->errors, RONDO_INVALID, set->where,
                                 "an empty name in the path '%.200s', expected names with dots between", set->path);
        }
        if (strlen(next) > YAML_MAX_KEY) {
            return errors_add_at(set->errors, RONDO_INVALID, set->where, "a key of %zu bytes, expected at most %d",
                                 strlen(next), YAML_MAX_KEY);
        }
        if (*count == YAML_MAX_DEPTH) {
            return errors_add_at(set->errors, RONDO_INVALID, set->where, "nested more than %d deep", YAML_MAX_DEPTH);
        }
        names[(*count)++] = next;
        next = dot == NULL ? NULL : dot + 1;
    }
    return RONDO_OK;
}

/* Puts `value` at the place of the `count` names. */
static rondo_status put_value(const struct assignment *set, struct yaml_node *root, const char *const *names,
                              int32_t count, struct yaml_node *value) {
    if (root->kind == YAML_SCALAR) {
        return errors_add_at(set->errors, RONDO_INVALID, set->where, "the document is one text, expected a mapping");
    }
    struct yaml_node *node = root, **link;
    for (int32_t i = 0; i + 1 < count; i++) {
        RONDO_TRY(step_into(set, &node, names[i], names[i + 1]));
    }
    RONDO_TRY(find_link(set, node, names[count - 1], &link));
    if (yaml_takes_away(value) &&
        node->kind == YAML_MAPPING) { /* takes a key away, as in a file that extends another */
        *link = *link == NULL ? NULL : (*link)->next;
        return RONDO_OK;
    }
    replace_link(set, node, names[count - 1], link, value);
    return RONDO_OK;
}

rondo_status yaml_set(struct yaml_node *root, const char *assignment, struct arena *arena, struct errors *errors) {
    struct assignment set = {.arena = arena, .errors = errors, .folder = "."};
    const char *equals = strchr(assignment, '=');
    const size_t path_length = equals == NULL ? strlen(assignment) : (size_t)(equals - assignment);
    set.where.file = arena_printf(arena, "--set %s", assignment);
    set.path = arena_strndup(arena, assignment, path_length);
    char *path = arena_strndup(arena, assignment, path_length);
    if (set.where.file == NULL || set.path == NULL || path == NULL) {
        return errors_no_memory(errors);
    }
    if (equals == NULL) {
        return errors_add_at(errors, RONDO_INVALID, set.where, "no '=', expected path.to.key=value");
    }
    const char *names[YAML_MAX_DEPTH];
    int32_t count;
    RONDO_TRY(split_path(&set, path, names, &count));
    struct yaml_node *value = yaml_parse_value(equals + 1, set.where, count, arena, errors);
    return value == NULL ? errors->status : put_value(&set, root, names, count, value);
}

rondo_status yaml_put(struct yaml_node *root, const char *path, const struct yaml_node *value, struct arena *arena,
                      struct errors *errors) {
    const struct assignment set = {arena, errors, value->where, value->folder, path};
    char *copy = arena_strdup(arena, path);
    struct yaml_node *own = yaml_clone(value, arena);
    if (copy == NULL || own == NULL) {
        return errors_no_memory(errors);
    }
    const char *names[YAML_MAX_DEPTH];
    int32_t count;
    RONDO_TRY(split_path(&set, copy, names, &count));
    return put_value(&set, root, names, count, own);
}
