#include "experiment/paths.h"

#include <string.h>

#include "io/file.h"
#include "io/utf8.h"

int check_path(const char *path, struct location where, struct errors *errors) {
    if (utf8_check(path, strlen(path), NULL)) {
        return 1;
    }
    errors_add_at(errors, RONDO_INVALID, where,
                  "the path '%s' is not UTF-8, so a run could not record it; rename the folder", path);
    return 0;
}

const char *resolve_path(struct yaml_node *node, struct arena *arena, struct errors *errors) {
    const char *path = path_absolute(arena, path_join(arena, node->folder, node->text));
    if (path == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    if (!check_path(path, node->where, errors)) {
        return NULL;
    }
    node->text = path;
    return path;
}
