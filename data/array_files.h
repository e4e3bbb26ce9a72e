/* data/array_files.h: the arrays of one set of examples: members of an .npz file, or an .npy file for each.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_ARRAY_FILES_H
#define RONDO_DATA_ARRAY_FILES_H

#include "data/reader.h"
#include "io/npy.h"

/* What an array is for. */
enum array_role {
    ARRAY_INPUT,
    ARRAY_TARGET,
    ARRAY_LENGTHS,
    ARRAY_TARGET_LENGTHS,
    ARRAY_BEGIN,
    ARRAY_WEIGHT,
    ARRAY_CLASS_NAMES,
    ARRAY_ROLES
};

/* Keys of data.columns, by role: the names of the members. A member of the default name may be missing. */
extern const struct reader_column_key array_column_keys[];

struct array_files {
    struct arena *arena;
    struct file_map maps[ARRAY_ROLES]; /* the files; an archive is the first */
    struct npy_array items[ARRAY_ROLES];
    int has[ARRAY_ROLES];
    struct location where; /* of the archive, or of the first file */
    const char *names;     /* "; it has 'x', 'y'": the members of the archive */
    struct errors *errors;
};

/* Reads the arrays whose role is set in `wanted` and that are there; array_files_close afterwards, also after a failure.
 * `paths` are one archive, or arrays by stream; a single .npy file without a stream is the input. A missing file is a mistake
 * of the experiment, at its path; everything else is reported at the file. */
rondo_status array_files_open(struct array_files *files, const struct reader_path *paths, int32_t count,
                              const struct reader_column *columns, const int wanted[ARRAY_ROLES],
                              struct errors *errors);
void array_files_close(struct array_files *files);

/* RONDO_INVALID: the array of this role is missing. The message names the arrays that are there. */
rondo_status array_files_missing(const struct array_files *files, const struct reader_path *paths,
                                 const struct reader_column *columns, enum array_role role);

#endif
