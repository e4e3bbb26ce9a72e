#define _POSIX_C_SOURCE 200809L
#include "core/folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".so"

rondo_status folders_parse(struct folders *folders, const char *paths, struct arena *arena) {
    const char *at = paths == NULL ? "" : paths;
    const size_t size = strlen(at) + 1;
    /* An entry and its colon take at least two bytes. */
    const char **items = arena_calloc(arena, size / 2 + 1, sizeof *items);
    char *text = arena_calloc(arena, size, 1);
    if (items == NULL || text == NULL) {
        return RONDO_NO_MEMORY;
    }
    *folders = (struct folders){.items = items, .text = text};
    while (*at != '\0') {
        const size_t length = strcspn(at, ":");
        if (*at == '/') {
            items[folders->count] = arena_strndup(arena, at, length);
            if (items[folders->count] == NULL) {
                return RONDO_NO_MEMORY;
            }
            if (folders->count++ > 0) {
                *text++ = ':';
            }
            memcpy(text, at, length);
            text += length;
        }
        at += length + (at[length] == ':');
    }
    return RONDO_OK;
}

const char *folder_file(const char *folder, const char *group, const char *name, struct arena *arena) {
    return arena_printf(arena, "%s/%s/%s" SUFFIX, folder, group, name);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rondo_status add_name(struct plugin_names *names, const char *text, size_t length, struct arena *arena) {
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity == 0 ? 32 : 2 * names->capacity;
        const char **items = arena_calloc(arena, capacity, sizeof *items);
        if (items == NULL) {
            return RONDO_NO_MEMORY;
        }
        if (names->count > 0) {
            memcpy(items, names->items, names->count * sizeof *items);
        }
        names->items = items;
        names->capacity = capacity;
    }
    const char *name = arena_strndup(arena, text, length);
    if (name == NULL) {
        return RONDO_NO_MEMORY;
    }
    names->items[names->count++] = name;
    return RONDO_OK;
}

/* The length of the name in a file name such as "adam.so"; 0 if it is not the file name of a plug-in. */
static size_t name_length(const char *file_name) {
    const size_t length = strlen(file_name);
    const size_t suffix = strlen(SUFFIX);
    const int has_suffix = length > suffix && strcmp(file_name + length - suffix, SUFFIX) == 0;
    return file_name[0] != '.' && has_suffix ? length - suffix : 0;
}

rondo_status folder_names(const char *folder, const char *group, struct arena *arena, struct plugin_names *names) {
    *names = (struct plugin_names){0};
    const char *path = arena_printf(arena, "%s/%s", folder, group);
    if (path == NULL) {
        return RONDO_NO_MEMORY;
    }
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return errno == ENOMEM ? RONDO_NO_MEMORY : RONDO_OK;
    }
    rondo_status status = RONDO_OK;
    const struct dirent *entry;
    while (status == RONDO_OK && (entry = readdir(directory)) != NULL) {
        const size_t length = name_length(entry->d_name);
        if (length > 0) {
            status = add_name(names, entry->d_name, length, arena);
        }
    }
    closedir(directory);
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    }
    return status;
}
