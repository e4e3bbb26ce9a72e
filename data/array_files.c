#include "data/array_files.h"

#include <stdint.h>
#include <string.h>

#include "io/zip.h"

const struct reader_column_key array_column_keys[] = {
    [ARRAY_INPUT] = {"input", "input", "the inputs: [examples, steps, numbers], [examples, numbers], or symbols", 0},
    [ARRAY_TARGET] = {"target", "target", "what is to be predicted, per example or per step", 0},
    [ARRAY_LENGTHS] = {"lengths", "lengths", "[examples] the number of steps; the elements after them are padding", 0},
    [ARRAY_TARGET_LENGTHS] = {"target_lengths", "target_lengths", "[examples] the lengths of targets that are lists",
                              0},
    [ARRAY_BEGIN] = {"begin", "begin",
                     "[examples] the first step of each example, if the examples are stored one after the other", 0},
    [ARRAY_WEIGHT] = {"weight", "weight", "[examples] factors of the losses", 0},
    [ARRAY_CLASS_NAMES] = {"class_names", "class_names", "[classes] the names of the classes", 0},
    [ARRAY_ROLES] = {NULL, NULL, NULL, 0}};

static const char *role_name(int32_t role) {
    return array_column_keys[role].name;
}

/* ---- an archive ---- */

static const struct zip_member *find_member(const struct zip *zip, const char *name, struct arena *arena) {
    const char *file = arena_printf(arena, "%s.npy", name);
    return file == NULL ? NULL : zip_find(zip, file);
}

/* "; it has 'x', 'y'"; NULL: no memory. */
static const char *member_names(const struct zip *zip, struct arena *arena) {
    enum { MOST = 20, ENDING = 4 /* ".npy" */ };
    const char *names = "; it has no arrays";
    for (int32_t i = 0; i < zip->count && i < MOST && names != NULL; i++) {
        const int length = (int)strlen(zip->members[i].name);
        names = arena_printf(arena, "%s%s'%.*s'", i == 0 ? "; it has " : names, i == 0 ? "" : ", ",
                             length < 60 + ENDING ? (length < ENDING ? length : length - ENDING) : 60,
                             zip->members[i].name);
    }
    return names;
}

static rondo_status no_member(const struct array_files *files, const struct zip *zip,
                              const struct reader_column *column) {
    struct suggestion near = {0};
    for (int32_t i = 0; i < zip->count; i++) {
        const size_t length = strlen(zip->members[i].name);
        const char *name = arena_strndup(files->arena, zip->members[i].name, length > 4 ? length - 4 : length);
        if (name != NULL) {
            suggest(&near, column->text, name);
        }
    }
    return errors_add_at(files->errors, RONDO_INVALID, column->where, "'%s' has no array '%s'%s%s", zip->where.file,
                         column->text, suggestion_text(&near).text, files->names);
}

static rondo_status open_archive(struct array_files *files, const char *bytes, size_t length,
                                 const struct reader_column *columns, const int wanted[ARRAY_ROLES]) {
    struct zip zip;
    RONDO_TRY(zip_open(&zip, bytes, length, files->where, files->arena, files->errors));
    files->names = member_names(&zip, files->arena);
    if (files->names == NULL) {
        return errors_no_memory(files->errors);
    }
    for (int32_t role = 0; role < ARRAY_ROLES; role++) {
        const struct reader_column *column = &columns[role];
        const struct zip_member *member = find_member(&zip, column->text, files->arena);
        if (!wanted[role]) {
            continue;
        }
        if (member == NULL && strcmp(column->text, array_column_keys[role].default_text) != 0) {
            return no_member(files, &zip, column);
        }
        if (member == NULL) {
            continue;
        }
        const unsigned char *data;
        RONDO_TRY(zip_read(&zip, member, files->arena, &data, files->errors));
        RONDO_TRY(npy_open(&files->items[role], data, (size_t)member->size, column->text, files->where, files->errors));
        files->has[role] = 1;
    }
    return arena_failed(files->arena) ? errors_no_memory(files->errors) : RONDO_OK;
}

/* ---- a file for each array ---- */

static rondo_status find_role(const struct array_files *files, const struct reader_path *path, int32_t *role) {
    struct suggestion near = {0};
    for (*role = 0; *role < ARRAY_ROLES; ++*role) {
        if (strcmp(path->stream, role_name(*role)) == 0) {
            return RONDO_OK;
        }
        suggest(&near, path->stream, role_name(*role));
    }
    return errors_add_at(files->errors, RONDO_INVALID, path->where,
                         "unknown array '%s'%s, expected input, target, lengths, target_lengths, begin, weight or "
                         "class_names",
                         path->stream, suggestion_text(&near).text);
}

static rondo_status open_array(struct array_files *files, const struct reader_path *path, const char *bytes,
                               size_t length, int32_t role) {
    files->has[role] = 1;
    return npy_open(&files->items[role], bytes, length, role_name(role), (struct location){.file = path->text},
                    files->errors);
}

/* A file that has all arrays: an archive, or only the input. */
static rondo_status open_one_file(struct array_files *files, const struct reader_path *path,
                                  const struct reader_column *columns, const int wanted[ARRAY_ROLES]) {
    struct file_map *map = &files->maps[ARRAY_INPUT];
    RONDO_TRY(reader_path_map(path, map, files->errors));
    const char *bytes = map->bytes;
    const size_t length = map->length;
    if (zip_is(bytes, length)) {
        return open_archive(files, bytes, length, columns, wanted);
    }
    if (npy_is(bytes, length) && wanted[ARRAY_TARGET]) {
        return errors_add_at(files->errors, RONDO_INVALID, path->where,
                             "'%s' has only one array; expected an .npz file, or a file for each array: {input: FILE, "
                             "target: FILE}",
                             path->text);
    }
    if (npy_is(bytes, length)) {
        return open_array(files, path, bytes, length, ARRAY_INPUT);
    }
    return errors_add_at(files->errors, RONDO_INVALID, files->where,
                         "neither an .npz nor an .npy file, expected one that numpy.savez, numpy.savez_compressed or "
                         "numpy.save wrote");
}

rondo_status array_files_open(struct array_files *files, const struct reader_path *paths, int32_t count,
                              const struct reader_column *columns, const int wanted[ARRAY_ROLES],
                              struct errors *errors) {
    *files = (struct array_files){.arena = arena_create(), .where = {.file = paths[0].text}, .errors = errors};
    if (files->arena == NULL) {
        return errors_no_memory(errors);
    }
    if (paths[0].stream == NULL) {
        return open_one_file(files, &paths[0], columns, wanted);
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t role;
        RONDO_TRY(find_role(files, &paths[i], &role));
        if (wanted[role]) {
            struct file_map *map = &files->maps[role];
            RONDO_TRY(reader_path_map(&paths[i], map, errors));
            RONDO_TRY(open_array(files, &paths[i], map->bytes, map->length, role));
        }
    }
    return RONDO_OK;
}

void array_files_close(struct array_files *files) {
    for (int32_t role = 0; role < ARRAY_ROLES; role++) {
        file_map_close(&files->maps[role]);
    }
    arena_destroy(files->arena);
}

rondo_status array_files_missing(const struct array_files *files, const struct reader_path *paths,
                                 const struct reader_column *columns, enum array_role role) {
    return paths[0].stream != NULL
               ? errors_add_at(files->errors, RONDO_INVALID, paths[0].where, "there is no file for the array '%s'",
                               role_name((int32_t)role))
               : errors_add_at(files->errors, RONDO_INVALID, files->where,
                               "there is no array '%s'%s; data.columns.%s names another one", columns[role].text,
                               files->names == NULL ? "" : files->names, role_name((int32_t)role));
}
