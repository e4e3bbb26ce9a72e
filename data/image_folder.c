#include "data/image_folder.h"

#include <stdlib.h>

#include "core/memory.h"
#include "io/file.h"
#include "io/folder.h"

/* A picture while the list is ordered: number `index` of the `count` of its class. */
struct ordered_image {
    struct image_file file;
    int64_t index, count;
};

/* Orders by (index + 1/2) / count, so that every class is spread evenly over the list; equal shares by class. */
static int by_share(const void *left, const void *right) {
    const struct ordered_image *a = left, *b = right;
    const int64_t x = (2 * a->index + 1) * b->count, y = (2 * b->index + 1) * a->count;
    return x != y ? (x > y) - (x < y)
                  : (a->file.class_index > b->file.class_index) - (a->file.class_index < b->file.class_index);
}

/* The arguments of image_folder_list. */
struct folder_reading {
    struct image_folder *folder;
    struct location where;
    struct arena *arena;
    struct ordered_image *images; /* from malloc */
    int64_t capacity;
    int has_classes; /* every picture needs a class */
    struct errors *errors;
};

static rondo_status refuse(const struct folder_reading *reading, const char *folder, const char *what,
                           const char *name) {
    return errors_add_at(reading->errors, RONDO_INVALID, (struct location){.file = folder}, what, name);
}

/* Appends the pictures of a class, or of a folder without classes (class_index -1). */
static rondo_status add_files(struct folder_reading *reading, const char *path, const struct folder_entry *entries,
                              int64_t count, int32_t class_index) {
    struct image_folder *folder = reading->folder;
    if (folder->count + count > reading->capacity) {
        const int64_t capacity = 2 * reading->capacity + count;
        struct ordered_image *images = memory_realloc(reading->images, (size_t)capacity * sizeof *images);
        if (images == NULL) {
            return errors_no_memory(reading->errors);
        }
        reading->images = images;
        reading->capacity = capacity;
    }
    for (int64_t i = 0; i < count; i++) {
        const char *file = path_join(reading->arena, path, entries[i].name);
        reading->images[folder->count++] = (struct ordered_image){{file, class_index}, i, count};
    }
    return arena_failed(reading->arena) ? errors_no_memory(reading->errors) : RONDO_OK;
}

static rondo_status add_class(struct folder_reading *reading, const char *name) {
    struct image_folder *folder = reading->folder;
    struct folder_entry *entries;
    int64_t count;
    const char *path = path_join(reading->arena, folder->path, name);
    if (path == NULL) {
        return errors_no_memory(reading->errors);
    }
    RONDO_TRY(folder_list(path, reading->where, reading->arena, &entries, &count, reading->errors));
    for (int64_t i = 0; i < count; i++) {
        if (entries[i].is_folder) {
            return refuse(reading, path, "the class has a folder '%.60s', expected only PNG and JPEG files",
                          entries[i].name);
        }
    }
    if (count == 0) {
        return refuse(reading, path, "the class '%.60s' has no pictures; add some, or remove the folder", name);
    }
    folder->classes[folder->n_classes] = (struct image_class){name, count};
    RONDO_TRY(add_files(reading, path, entries, count, (int32_t)folder->n_classes));
    folder->n_classes++;
    return RONDO_OK;
}

static rondo_status list(struct folder_reading *reading) {
    struct image_folder *folder = reading->folder;
    struct folder_entry *entries;
    int64_t count, folders = 0;
    RONDO_TRY(folder_list(folder->path, reading->where, reading->arena, &entries, &count, reading->errors));
    for (int64_t i = 0; i < count; i++) {
        folders += entries[i].is_folder;
    }
    if (count == 0) {
        return refuse(reading, folder->path, "the folder is empty, expected %s",
                      reading->has_classes ? "a subfolder for each class" : "PNG and JPEG files");
    }
    if (folders == 0) {
        return add_files(reading, folder->path, entries, count, -1);
    }
    folder->classes = arena_calloc(reading->arena, (size_t)folders, sizeof *folder->classes);
    if (folder->classes == NULL) {
        return errors_no_memory(reading->errors);
    }
    for (int64_t i = 0; i < count; i++) {
        if (!entries[i].is_folder) {
            return refuse(reading, folder->path, "the file '%.60s' is beside the folders of the classes; move it",
                          entries[i].name);
        }
        RONDO_TRY(add_class(reading, entries[i].name));
    }
    return RONDO_OK;
}

rondo_status image_folder_list(struct image_folder *folder, const char *path, int has_classes, struct location where,
                               struct arena *arena, struct errors *errors) {
    *folder = (struct image_folder){.path = path};
    struct folder_reading reading = {
        .folder = folder, .where = where, .arena = arena, .has_classes = has_classes, .errors = errors};
    rondo_status status = list(&reading);
    if (status == RONDO_OK) {
        folder->files = arena_calloc(arena, (size_t)folder->count, sizeof *folder->files);
        status = folder->files == NULL ? errors_no_memory(errors) : RONDO_OK;
    }
    if (status == RONDO_OK && has_classes) {
        qsort(reading.images, (size_t)folder->count, sizeof *reading.images, by_share);
    }
    for (int64_t i = 0; status == RONDO_OK && i < folder->count; i++) {
        folder->files[i] = reading.images[i].file;
    }
    free(reading.images);
    return status;
}
