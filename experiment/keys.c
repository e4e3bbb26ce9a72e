#include "experiment/keys.h"

#include <string.h>

const struct experiment_section *experiment_section_find(const struct experiment_section *sections, const char *name) {
    while (sections->name != NULL && strcmp(sections->name, name) != 0) {
        sections++;
    }
    return sections->name == NULL ? NULL : sections;
}

int experiment_is_item(const char *last) {
    return strcmp(last, ".N") == 0 || strncmp(last, ".N (", 4) == 0;
}

size_t experiment_inner_key(const char *outer, const char *inner, const char **key) {
    const size_t length = strlen(outer);
    if (strncmp(inner, outer, length) != 0 || (length > 0 && inner[length] != '.')) {
        return 0;
    }
    *key = inner + length + (length > 0);
    const size_t key_length = strcspn(*key, ".");
    const char *rest = *key + key_length;
    return *rest == '\0' || experiment_is_item(rest) ? key_length : 0;
}

const char *const *experiment_section_keys(const struct experiment_section *sections,
                                           const struct experiment_section *section, struct arena *arena) {
    size_t most = 1, count = 0;
    for (const struct experiment_key *key = section->keys; key != NULL && key->name != NULL; key++) {
        most++;
    }
    for (const struct experiment_section *inner = sections; inner->name != NULL; inner++) {
        most++;
    }
    const char **names = arena_calloc(arena, most, sizeof *names);
    for (const struct experiment_key *key = section->keys; names != NULL && key != NULL && key->name != NULL; key++) {
        names[count++] = key->name;
    }
    for (const struct experiment_section *inner = sections; names != NULL && inner->name != NULL; inner++) {
        const char *key = NULL;
        const size_t length = experiment_inner_key(section->name, inner->name, &key);
        if (length > 0 && (inner->flags & SECTION_OTHER_FORM) == 0) {
            names[count] = arena_strndup(arena, key, length);
            if (names[count++] == NULL) {
                return NULL;
            }
        }
    }
    return names;
}
