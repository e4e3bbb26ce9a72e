#define _POSIX_C_SOURCE 200809L
#include "store/run_search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "store/run_values.h"

static rondo_status search_in(const char *path, int descriptor, int depth, const struct run_search *search,
                              struct errors *notes, struct errors *errors);

int run_search_has(const struct run_file_list *files, const char *name) {
    for (int32_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int by_number(const void *left, const void *right) {
    return run_compare_names(*(const char *const *)left, *(const char *const *)right);
}

/* The subfolders that are searched, in order: [*count], from the scratch arena; NULL: out of memory. */
static const char **subfolders(const struct run_file_list *files, const struct run_search *search, int32_t *count) {
    const char **names = arena_alloc(search->scratch, (size_t)files->count * sizeof *names);
    *count = 0;
    for (int32_t i = 0; names != NULL && i < files->count; i++) {
        const struct run_file *file = &files->items[i];
        if (file->is_folder && strchr(file->name, '/') == NULL && file->name[0] != '.' &&
            (search->skips == NULL || !search->skips(search->arg, files, file->name))) {
            names[(*count)++] = file->name;
        }
    }
    if (*count > 1) {
        qsort(names, (size_t)*count, sizeof *names, by_number);
    }
    return names;
}

static rondo_status search_subfolder(const char *path, int above, const char *name, int depth,
                                     const struct run_search *search, struct errors *notes, struct errors *errors) {
    const struct arena_mark mark = arena_mark(search->scratch);
    const char *inner = strcmp(path, ".") == 0 ? arena_strdup(search->scratch, name)
                                               : arena_printf(search->scratch, "%s%s%s", path,
                                                              path[strlen(path) - 1] == '/' ? "" : "/", name);
    if (inner == NULL) {
        return errors_no_memory(errors);
    }
    const int descriptor = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    rondo_status status = RONDO_OK;
    if (descriptor >= 0) {
        status = search_in(inner, descriptor, depth, search, notes, errors);
        close(descriptor);
    } else if (errno != ENOENT) { /* removed meanwhile */
        file_failed(notes, RONDO_IO, (struct location){0}, "read", inner, errno);
    }
    arena_release(search->scratch, mark);
    return status;
}

static rondo_status search_in(const char *path, int descriptor, int depth, const struct run_search *search,
                              struct errors *notes, struct errors *errors) {
    struct run_file_list files;
    const rondo_status listed = run_files_list(descriptor, path, &files, search->scratch, notes);
    if (listed != RONDO_OK) {
        return listed == RONDO_NO_MEMORY ? errors_no_memory(errors) : RONDO_OK;
    }
    if (run_files_are_of_run(files.has)) {
        return search->found(search->arg, path, descriptor, &files, errors);
    }
    int32_t count;
    const char **names = depth == 0 ? NULL : subfolders(&files, search, &count);
    if (depth > 0 && names == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; depth > 0 && i < count; i++) {
        RONDO_TRY(search_subfolder(path, descriptor, names[i], depth - 1, search, notes, errors));
    }
    return RONDO_OK;
}

rondo_status run_search(const char *folder, const struct run_search *search, struct errors *notes,
                        struct errors *errors) {
    const struct arena_mark mark = arena_mark(search->scratch);
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == ENOENT
                   ? errors_add(errors, RONDO_NOT_FOUND, "there is no folder '%s'", folder)
                   : file_failed(errors, RONDO_INVALID, (struct location){0}, "read the folder", folder, errno);
    }
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    const char *path = arena_strndup(search->scratch, folder, length);
    const rondo_status status =
        path == NULL ? errors_no_memory(errors) : search_in(path, descriptor, RUN_SEARCH_DEPTH, search, notes, errors);
    close(descriptor);
    arena_release(search->scratch, mark);
    return status;
}
