#include "core/registry.h"

#include <stdlib.h>
#include <string.h>

#include "core/descriptor.h"
#include "core/kind.h"
#include "core/options.h"
#include "core/suggest.h"

/* ---- adding and finding ---- */

#define BUILT_IN "built-in"

struct registry_entry {
    const rondo_descriptor *descriptor; /* in the arena, a union descriptor */
    const char *origin;
    const void *defaults; /* of an op: its options with their defaults; NULL: it has none */
};

struct registry {
    struct registry_entry *entries; /* in order of kind, then name */
    size_t count, capacity;
    struct registry_finder finder;
    struct log_receiver log;
    struct arena *arena; /* descriptors, origins and defaults */
};

/* The index of (kind, name) in the entries, or the index at which it has to be inserted. */
static size_t place_of(const struct registry *registry, int32_t kind, const char *name, int *is_there) {
    size_t low = 0;
    size_t high = registry->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const rondo_descriptor *at = registry->entries[middle].descriptor;
        const int order = at->kind != kind ? (at->kind < kind ? -1 : 1) : strcmp(at->name, name);
        if (order == 0) {
            *is_there = 1;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *is_there = 0;
    return low;
}

struct registry *registry_create(const rondo_descriptor *const *builtin, struct errors *errors) {
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL || (registry->arena = arena_create()) == NULL) {
        free(registry);
        errors_no_memory(errors);
        return NULL;
    }
    if (registry_add_all(registry, builtin, BUILT_IN, errors) != RONDO_OK) {
        registry_destroy(registry);
        return NULL;
    }
    return registry;
}

void registry_destroy(struct registry *registry) {
    if (registry != NULL) {
        arena_destroy(registry->arena);
        free(registry->entries);
        free(registry);
    }
}

void registry_set_finder(struct registry *registry, struct registry_finder finder) {
    registry->finder = finder;
}

void registry_set_log(struct registry *registry, struct log_receiver receiver) {
    registry->log = receiver;
}

const struct log_receiver *registry_log(const struct registry *registry) {
    return registry == NULL ? NULL : &registry->log;
}

static rondo_status reserve(struct registry *registry, size_t more, struct errors *errors) {
    if (more <= registry->capacity - registry->count) {
        return RONDO_OK;
    }
    const size_t capacity = registry->count + more + registry->capacity;
    if (capacity < registry->count || capacity > SIZE_MAX / sizeof *registry->entries) {
        return errors_no_memory(errors);
    }
    struct registry_entry *entries = realloc(registry->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return errors_no_memory(errors);
    }
    registry->entries = entries;
    registry->capacity = capacity;
    return RONDO_OK;
}

/* Cannot fail: the descriptor has been checked and its place reserved. */
static void insert(struct registry *registry, const rondo_descriptor *descriptor, const char *origin,
                   const void *defaults) {
    int is_there = 0;
    const size_t at = place_of(registry, descriptor->kind, descriptor->name, &is_there);
    memmove(registry->entries + at + 1, registry->entries + at, (registry->count - at) * sizeof *registry->entries);
    registry->entries[at] = (struct registry_entry){descriptor, origin, defaults};
    registry->count++;
}

/* Refuses a name that is taken: by the registry, or by an earlier descriptor of the same list. */
static rondo_status check_is_new(const struct registry *registry, const rondo_descriptor *const *descriptors,
                                 size_t index, const char *origin, struct errors *errors) {
    const rondo_descriptor *descriptor = descriptors[index];
    int is_there = 0;
    const size_t at = place_of(registry, descriptor->kind, descriptor->name, &is_there);
    const char *other = is_there ? registry->entries[at].origin : NULL;
    for (size_t i = 0; i < index; i++) {
        if (descriptors[i]->kind == descriptor->kind && strcmp(descriptors[i]->name, descriptor->name) == 0) {
            other = origin;
        }
    }
    if (other == NULL) {
        return RONDO_OK;
    }
    return errors_add(errors, RONDO_INVALID, "%s '%s' of '%s' already exists, from '%s'", kind_name(descriptor->kind),
                      descriptor->name, origin, other);
}

rondo_status registry_add_all(struct registry *registry, const rondo_descriptor *const *descriptors, const char *origin,
                              struct errors *errors) {
    size_t count = 0;
    for (; descriptors[count] != NULL; count++) {
        RONDO_TRY(descriptor_check(descriptors[count], origin, errors));
        RONDO_TRY(check_is_new(registry, descriptors, count, origin, errors));
    }
    RONDO_TRY(reserve(registry, count, errors));
    const char *origin_copy = arena_strdup(registry->arena, origin);
    union descriptor *copies = arena_calloc(registry->arena, count, sizeof *copies);
    const void **defaults = arena_calloc(registry->arena, count + 1, sizeof *defaults);
    if (arena_failed(registry->arena)) {
        return errors_no_memory(errors);
    }
    for (size_t i = 0; i < count; i++) { /* all of them before the first is inserted: all or nothing */
        const rondo_descriptor *descriptor = descriptors[i];
        if (descriptor->kind == RONDO_KIND_OP && descriptor->options != NULL) {
            defaults[i] =
                options_create(descriptor->options, (size_t)descriptor->options_size, registry->arena, errors);
            if (defaults[i] == NULL) {
                return RONDO_NO_MEMORY; /* the defaults have been checked: they parse */
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        copies[i] = descriptor_copy(descriptors[i]);
        insert(registry, &copies[i].base, origin_copy, defaults[i]);
    }
    return RONDO_OK;
}

rondo_status registry_add(struct registry *registry, const rondo_descriptor *descriptor, const char *origin,
                          struct errors *errors) {
    RONDO_CHECK(descriptor != NULL, errors, "a descriptor is given");
    const rondo_descriptor *const list[] = {descriptor, NULL};
    return registry_add_all(registry, list, origin, errors);
}

const rondo_descriptor *registry_find(const struct registry *registry, int32_t kind, const char *name) {
    int is_there = 0;
    const size_t at = place_of(registry, kind, name, &is_there);
    return is_there ? registry->entries[at].descriptor : NULL;
}

const char *registry_origin(const struct registry *registry, int32_t kind, const char *name) {
    int is_there = 0;
    const size_t at = place_of(registry, kind, name, &is_there);
    return is_there ? registry->entries[at].origin : NULL;
}

const char *registry_plugin_origin(const struct registry *registry, const char *op) {
    const char *origin = registry == NULL ? NULL : registry_origin(registry, RONDO_KIND_OP, op);
    return origin == NULL || strcmp(origin, BUILT_IN) == 0 ? NULL : origin;
}

const rondo_op *registry_op(const struct registry *registry, const char *name) {
    return (const rondo_op *)registry_find(registry, RONDO_KIND_OP, name);
}

const rondo_op *registry_op_defaults(const struct registry *registry, const char *name, const void **defaults) {
    int is_there = 0;
    const size_t at = place_of(registry, RONDO_KIND_OP, name, &is_there);
    *defaults = is_there ? registry->entries[at].defaults : NULL;
    return is_there ? (const rondo_op *)registry->entries[at].descriptor : NULL;
}

const rondo_descriptor *registry_at(const struct registry *registry, int32_t index, const char **origin) {
    if (index < 0 || (size_t)index >= registry->count) {
        return NULL;
    }
    if (origin != NULL) {
        *origin = registry->entries[index].origin;
    }
    return registry->entries[index].descriptor;
}

/* ---- resolving ---- */

/* "unknown optimizer 'adm' (did you mean 'adam'?), looked for among …" */
static rondo_status not_found(const struct registry *registry, int32_t kind, const char *name, struct location where,
                              struct errors *errors) {
    struct suggestion near = {0};
    for (size_t i = 0; i < registry->count; i++) {
        if (registry->entries[i].descriptor->kind == kind) {
            suggest(&near, name, registry->entries[i].descriptor->name);
        }
    }
    const struct registry_finder *finder = &registry->finder;
    struct arena *arena = arena_create(); /* if memory is short there are only fewer suggestions */
    if (finder->suggest_names != NULL) {
        finder->suggest_names(finder->self, kind, name, &near, arena);
    }
    const int has_places = finder->places != NULL && finder->places[0] != '\0';
    errors_add_at(errors, RONDO_NOT_FOUND, where, "unknown %s '%.80s'%s, looked for among those registered%s%s%s",
                  kind_name(kind), name, suggestion_text(&near).text, has_places ? " and in '" : "",
                  has_places ? finder->places : "", has_places ? "'" : "");
    arena_destroy(arena);
    return RONDO_NOT_FOUND;
}

const rondo_descriptor *registry_resolve(struct registry *registry, int32_t kind, const char *name,
                                         struct location where, struct errors *errors) {
    const rondo_descriptor *found = registry_find(registry, kind, name);
    if (found != NULL) {
        return found;
    }
    const struct registry_finder *finder = &registry->finder;
    const rondo_status status =
        finder->find == NULL ? RONDO_NOT_FOUND : finder->find(finder->self, registry, kind, name, where, errors);
    if (status == RONDO_NOT_FOUND) {
        not_found(registry, kind, name, where, errors);
    } else if (status == RONDO_OK) {
        found = registry_find(registry, kind, name);
        if (found == NULL) {
            errors_bug(errors, __FILE__, __LINE__, "a finder that returns RONDO_OK has registered the name");
        }
    }
    return found;
}
