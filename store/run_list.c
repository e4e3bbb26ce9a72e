#define _POSIX_C_SOURCE 200809L
#include "store/run_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/file.h"
#include "store/checkpoint_files.h"

const char *run_list_path(const char *name, int number, struct arena *arena) {
    return number == 1 ? arena_printf(arena, RUN_LIST_FOLDER "/%s", name)
                       : arena_printf(arena, RUN_LIST_FOLDER "/%s-%d", name, number);
}

const char *run_list_newest(const char *name, struct arena *arena) {
    const char *newest = NULL;
    for (int number = 1;; number++) {
        const char *path = run_list_path(name, number, arena);
        if (path == NULL || !file_exists(path)) {
            return arena_failed(arena) ? NULL : newest;
        }
        newest = path;
    }
}

int64_t run_list_checkpoint(const char *folder) {
    struct errors ignored = {0};
    int64_t *steps = NULL, newest = -1;
    int32_t count = 0;
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0 && checkpoint_list(descriptor, folder, &steps, &count, &ignored) == RONDO_OK && count > 0) {
        newest = steps[0];
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    free(steps);
    errors_free(&ignored);
    return newest;
}
