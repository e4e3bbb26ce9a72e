/* store/provenance.h: what a training is made from, as JSON, and what of it has changed when one is compared with another:
 * data files, cells and plug-ins, each with its fingerprint (io/fingerprint.h).
 *
 *     data      {"train": {"file": …, "bytes": …, "xxh3": …}, "valid": …}       a folder also has "files", their number
 *     cells     {"model.layers.0": {"name": "gru", "file": …, "bytes": …, "xxh3": …, "text": …}, …}
 *     plugins   [{"name": …, "version": …, "licence": …, "provides": ["optimizer adam"], "shipped": true, "file": …,
 *                 "bytes": …, "xxh3": …}, …]
 *
 * The environment of a run records them, and so does each checkpoint. Older runs have "fnv1a" in place of "xxh3".
 * What cannot be read has no fingerprint; data without one is left out.
 *
 * Only contents are compared: the same file at another path is no change.
 * Threads: main thread.
 */
#ifndef RONDO_STORE_PROVENANCE_H
#define RONDO_STORE_PROVENANCE_H

#include "core/arena.h"
#include "core/loader.h"

struct json_t;

/* A file or a folder of the experiment. A list ends with key NULL. */
struct provenance_file {
    const char *key;  /* "train", "train.input", "train.1" for the second of a list; of a cell: "model.layers.0" */
    const char *file; /* its path */
    const char *cell; /* the name of the cell */
};

/* What one training is made from. */
struct provenance {
    struct json_t *data, *cells, *plugins;
    char learned[17]; /* the hash of what the reader has learned; "": the rest is not known either */
};
/* Frees what it has; `provenance` may be NULL. */
void provenance_clear(struct provenance *provenance);

/* The caller owns the JSON values. NULL: out of memory. */
struct json_t *provenance_data(const struct provenance_file *files);
struct json_t *provenance_cells(const struct provenance_file *cells);
/* `own_folder`: the plug-ins in it are shipped with this Rondo. */
struct json_t *provenance_plugins(const struct loader *loader, const char *own_folder);

/* Each adds a text to `changes` for each entry of `now` that differs from that of `was`, at the file that it is about. What only
 * one of them has is no change here: the keys of the experiment say what is given and used. */
void provenance_compare_data(const struct json_t *was, const struct json_t *now, struct errors *changes);
void provenance_compare_cells(const struct json_t *was, const struct json_t *now, struct errors *changes);
/* `is_other_rondo`: `was` was recorded by another version of Rondo, with which its shipped plug-ins have changed, too: they are
 * then not compared. */
void provenance_compare_plugins(const struct json_t *was, const struct json_t *now, int is_other_rondo,
                                struct errors *changes);

#endif
