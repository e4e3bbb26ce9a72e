/* store/run_summary.h: what the folder of a run says about it, read without its data, plug-ins or weights: for lists of many runs.
 *
 * Reading changes nothing, and waits for nothing: a folder that is damaged, of another version, or that a process trains in now is
 * reported as such, with everything that is known of it.
 *
 * Ownership: everything is in the arena of the call. Threads: any, on different objects.
 */
#ifndef RONDO_STORE_RUN_SUMMARY_H
#define RONDO_STORE_RUN_SUMMARY_H

#include "store/run_files.h"
#include "store/run_values.h"

enum run_state {
    RUN_FINISHED,
    RUN_UNFINISHED,   /* killed or interrupted, or it failed: rondo train --resume goes on */
    RUN_TRAINING,     /* a process trains in the folder now */
    RUN_DAMAGED,      /* `reason` */
    RUN_OTHER_VERSION /* its experiment is of a format that this Rondo does not know: `reason` */
};
/* "finished", "unfinished", "training", "damaged", "other version" */
const char *run_state_name(enum run_state state);

/* "valid.loss" 0.31: a metric of a part. NaN: not defined. */
struct run_score {
    const char *name;
    double value;
};

struct run_summary {
    const char *folder;
    const char *collection; /* set by the caller: runs of different collections are not grouped; NULL: none */
    enum run_state state;
    const char *reason;       /* one line; NULL if the state needs none */
    int32_t has;              /* enum run_part */
    int64_t bytes;            /* of Rondo's files in it */
    int64_t checkpoint;       /* the step of the newest one; -1: none */
    int32_t foreign;          /* files and folders in it that are not Rondo's */
    const char *name;         /* of the experiment; NULL: not known */
    struct run_values values; /* of the experiment */
    /* Fingerprints (store/provenance.h) of the files that the values name: "data.train", "model.layers.0". */
    struct run_values contents;
    /* [n_scores] of the weights that are kept: those of training and validation from metrics.jsonl, and those of test.json */
    const struct run_score *scores;
    int32_t n_scores;
    const char *metric; /* the name of the score that selects the weights: "valid.loss"; NULL: not known */
    /* -1: not known. */
    int64_t epochs, steps;         /* trained so far */
    int64_t best_epoch, best_step; /* of the weights that are kept */
    int64_t parameters;            /* numbers in weights.safetensors */
    int64_t started;               /* seconds since 1970, UTC */
    int stopped_early;
    double seconds;      /* of training, over all processes that had a part in it; NaN: not known, as before the end */
    double memory;       /* MB, the peak of the process so far; NaN: not known */
    const char *version; /* of the Rondo that began it; NULL: not known */
};

struct run_summary_settings {
    int format;            /* of experiments that this Rondo knows: EXPERIMENT_VERSION */
    struct arena *scratch; /* memory for the duration of a call */
};
/* Reads a folder; *files (may be NULL) gets what is in it. RONDO_NOT_FOUND without an error if there is none, or if it is not that of a
 * run; RONDO_NO_MEMORY or, if the folder cannot be read, RONDO_IO with an error. */
rondo_status run_summary_read(const char *folder, const struct run_summary_settings *settings,
                              struct run_summary *summary, struct run_file_list *files, struct arena *arena,
                              struct errors *errors);
/* The same for one that is open under `descriptor`, has been listed (store/run_files.h), and is that of a run. */
rondo_status run_summary_read_listed(const char *folder, int descriptor, const struct run_file_list *files,
                                     const struct run_summary_settings *settings, struct run_summary *summary,
                                     struct arena *arena, struct errors *errors);

/* The score of this name; NaN: there is none. A name without a part means validation, or, if the run has no validation data,
 * training. */
double run_summary_score(const struct run_summary *summary, const char *name);

#endif
