/* store/run_files.h: the files in the folder of a run: which of them Rondo has written, and how large they are.
 *
 * A file counts as Rondo's own by its name (the table in run_files.c). Links are never followed, and are nobody's but the
 * user's. Everything else is foreign: it is reported, and never removed.
 *
 * Threads: any.
 */
#ifndef RONDO_STORE_RUN_FILES_H
#define RONDO_STORE_RUN_FILES_H

#include "core/arena.h"

/* What a folder has; or-ed. */
enum run_part {
    RUN_HAS_EXPERIMENT = 1,   /* experiment.yaml */
    RUN_HAS_ENVIRONMENT = 2,  /* environment.json */
    RUN_HAS_READER = 4,       /* reader.json, or vocabulary.json of an older run */
    RUN_HAS_METRICS = 8,      /* metrics.jsonl */
    RUN_HAS_TIMINGS = 16,     /* timings.jsonl */
    RUN_HAS_WEIGHTS = 32,     /* weights.safetensors */
    RUN_HAS_CHECKPOINTS = 64, /* a checkpoint */
    RUN_HAS_TEST = 128        /* test.json */
};

struct run_file {
    const char *name; /* within the folder: "cells/gru.yaml" */
    int64_t bytes;    /* of Rondo's own files; else 0 */
    int is_own;       /* Rondo has written it */
    int is_folder;
};

struct run_file_list {
    struct run_file *items; /* [count] in the order of their bytes, a folder before what is in it */
    int32_t count;
    int32_t has;        /* enum run_part */
    int64_t bytes;      /* of Rondo's own files */
    int32_t foreign;    /* number of items that are not Rondo's */
    int64_t checkpoint; /* the newest step; -1: none */
};

/* Lists the open folder `folder`, with what is in Rondo's own subfolders; what is in another one counts as one foreign item. All
 * in `arena`. A folder that cannot be read is RONDO_IO with an error that names `path`. */
rondo_status run_files_list(int folder, const char *path, struct run_file_list *files, struct arena *arena,
                            struct errors *errors);
/* 1 if a folder with these parts is that of a run, perhaps a damaged one: no other folder has them together. */
int run_files_are_of_run(int32_t has);

#endif
