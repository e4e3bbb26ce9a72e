#define _POSIX_C_SOURCE 200809L
#include "io/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/file.h"
#include "io/utf8.h"

int folder_is(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

rondo_status folder_make(const char *path, struct errors *errors) {
    struct arena *arena = arena_create();
    char *copy = arena_strdup(arena, path);
    rondo_status status = copy == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (char *slash = copy == NULL ? NULL : strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0777); /* a failure is reported for the last one */
        *slash = '/';
    }
    const int error = status == RONDO_OK && mkdir(copy, 0777) != 0 ? errno : 0;
    if (error == EEXIST && !folder_is(path)) {
        status = errors_add(errors, RONDO_INVALID, "'%s' is a file, expected a folder", path);
    } else if (error != 0 && error != EEXIST) {
        status = file_failed(errors, RONDO_IO, (struct location){path, 0, 0}, "create the folder", path, error);
    }
    arena_destroy(arena);
    return status;
}

/* Names while a folder is read. */
struct folder_names {
    const char *folder;
    struct location where;
    struct arena *arena;
    struct folder_entry *entries; /* from malloc */
    int64_t count, capacity;
    struct errors *errors;
};

static rondo_status reserve(struct folder_names *names) {
    if (names->count < names->capacity) {
        return RONDO_OK;
    }
    const int64_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
    struct folder_entry *entries = realloc(names->entries, (size_t)capacity * sizeof *entries);
    if (entries == NULL) {
        return errors_no_memory(names->errors);
    }
    names->entries = entries;
    names->capacity = capacity;
    return RONDO_OK;
}

static rondo_status refuse_name(const struct folder_names *names, const char *name) {
    char shown[64];
    snprintf(shown, sizeof shown, "%s", name);
    for (char *c = shown; *c != '\0'; c++) {
        *c = (unsigned char)*c >= 0x80 || (unsigned char)*c < ' ' ? '?' : *c;
    }
    return errors_add_at(names->errors, RONDO_INVALID, (struct location){.file = names->folder},
                         "the name '%s' is not UTF-8 text; rename it", shown);
}

static rondo_status add_name(struct folder_names *names, DIR *stream, const char *name) {
    if (name[0] == '.') {
        return RONDO_OK;
    }
    if (!utf8_check(name, strlen(name), NULL)) {
        return refuse_name(names, name);
    }
    RONDO_TRY(reserve(names));
    struct stat info;
    const int is_folder = fstatat(dirfd(stream), name, &info, 0) == 0 && S_ISDIR(info.st_mode);
    const char *copy = arena_strdup(names->arena, name);
    names->entries[names->count++] = (struct folder_entry){copy, is_folder};
    return copy == NULL ? errors_no_memory(names->errors) : RONDO_OK;
}

static rondo_status add_names(struct folder_names *names, DIR *stream) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno == 0 ? RONDO_OK
                              : file_failed(names->errors, RONDO_IO, names->where, "read", names->folder, errno);
        }
        RONDO_TRY(add_name(names, stream, entry->d_name));
    }
}

static int by_name(const void *left, const void *right) {
    const struct folder_entry *a = left, *b = right;
    return strcmp(a->name, b->name);
}

rondo_status folder_list(const char *folder, struct location where, struct arena *arena, struct folder_entry **entries,
                         int64_t *count, struct errors *errors) {
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return file_failed(errors, errno == ENOENT ? RONDO_NOT_FOUND : RONDO_INVALID, where, "read", folder, errno);
    }
    struct folder_names names = {.folder = folder, .where = where, .arena = arena, .errors = errors};
    rondo_status status = add_names(&names, stream);
    closedir(stream);
    if (status == RONDO_OK) {
        *count = names.count;
        *entries = arena_calloc(arena, (size_t)names.count + 1, sizeof **entries);
        status = *entries == NULL ? errors_no_memory(errors) : RONDO_OK;
    }
    if (status == RONDO_OK && names.count > 0) {
        qsort(names.entries, (size_t)names.count, sizeof *names.entries, by_name);
        memcpy(*entries, names.entries, (size_t)names.count * sizeof *names.entries);
    }
    free(names.entries);
    return status;
}
