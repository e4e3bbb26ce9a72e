/* report/run_files.h: the files of a run (train/run_record.h) that a report shows, apart from its logs.
 *
 * What is missing or damaged is left out, with a text in *problem for the first (unchanged if there is none). All is in the arena.
 * Threads: any, on different objects.
 */
#ifndef RONDO_REPORT_RUN_FILES_H
#define RONDO_REPORT_RUN_FILES_H

#include "core/arena.h"

/* A key of an experiment with its value as YAML on one line, or a property with its value. */
struct report_key {
    const char *key;  /* "model.layers.0.hidden" */
    const char *text; /* "64", "[1, 2]" */
};
struct report_keys {
    struct report_key *items; /* [count] in the order of the file */
    int32_t count;
};

/* A cell of a run: cells/NAME.yaml. */
struct report_cell {
    const char *name, *summary, *source, *equations; /* NULL: the file has none */
    const char *text;                                /* the whole file */
};

/* A score of a part of the data. */
struct report_score {
    const char *name;
    double value;
};

struct report_files {
    struct report_keys experiment;  /* experiment.yaml, flat */
    struct report_keys environment; /* environment.json, flat, without the objects of files */
    struct report_keys made_from;   /* its data files and plug-ins: name, and size with fingerprint or version */
    struct report_cell *cells;
    int32_t n_cells;
    const char *inspection;    /* inspect.json (inspect/inspect.h) on one line; NULL: there is none */
    int64_t parameters;        /* numbers in weights.safetensors; -1: there are none */
    struct report_score *test; /* test.json; NULL: there is none */
    int32_t n_test;
};

/* Reads the files in the folder of a run. Only RONDO_NO_MEMORY is an error. */
rondo_status report_files_read(const char *folder, struct report_files *files, const char **problem,
                               struct arena *arena, struct errors *errors);

/* The value of a key; NULL: none. */
const char *report_keys_get(const struct report_keys *keys, const char *key);

#endif
