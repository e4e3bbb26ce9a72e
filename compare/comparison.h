/* compare/comparison.h: a comparison: variants of an experiment, each trained with several seeds, and what is known of the
 * runs so far. It is the folder that `rondo compare` fills:
 *
 *     comparison.json       this struct, with what was measured; written again whenever a run ends
 *     runs/VARIANT/seed-S/  a run as `rondo train` leaves it (train/run_record.h), with test.json once the test part was scored
 *     tuning/VARIANT/trial-T/seed-S/   runs that only choose settings
 *     table.txt, table.md, table.tex, table.csv, table.json, report.html
 *
 * The variants of a seed are paired: they see the examples in the same order, and parameters of the same name and shape
 * begin with the same values.
 *
 * Ownership: everything is in the arena that made it. Threads: any, on different objects.
 */
#ifndef RONDO_COMPARE_COMPARISON_H
#define RONDO_COMPARE_COMPARISON_H

#include "core/arena.h"

struct json_t;

#define COMPARISON_FILE "comparison.json"

enum compared_state {
    COMPARED_MISSING,  /* not begun */
    COMPARED_RUNNING,  /* begun, and not finished: a process trains it now, or it was killed or interrupted */
    COMPARED_FAILED,   /* ended with an error: `reason` */
    COMPARED_FINISHED, /* trained, but not scored yet, where the scores are those of the test part */
    COMPARED_SCORED    /* `score` is final */
};

/* The name of a state in files: "scored". */
const char *compared_state_name(enum compared_state state);

/* A named number of a run: "accuracy" 0.91. */
struct compared_metric {
    const char *name;
    double value; /* NaN: not defined */
};

/* A variant with one seed. Numbers that are not known (yet) are NaN. */
struct compared_run {
    int64_t seed;
    const char *folder; /* relative to the comparison */
    enum compared_state state;
    const char *reason;                    /* COMPARED_FAILED: the error, one line; else NULL */
    double score;                          /* the comparison's metric, on its part */
    const struct compared_metric *metrics; /* [n_metrics] all metrics of that part */
    int32_t n_metrics;
    double valid;             /* the comparison's metric on the validation part, at the best weights */
    double best_epoch;        /* of those weights */
    double epochs;            /* trained */
    double seconds;           /* of training, over all processes that had a part in it */
    double seconds_per_epoch; /* median over the epochs */
    double peak_memory;       /* MB of the process */
    double steps_to_target;   /* updates until the first validation that reaches the target; infinite: never */
    double seconds_to_target;
};

/* A number that tuning has chosen, among those it has tried: at an end, a better one may lie beyond. */
enum compared_end { COMPARED_WITHIN, COMPARED_SMALLEST, COMPARED_LARGEST };

/* A key of the experiment, with the value that a variant gives it. */
struct compared_setting {
    const char *key;       /* "model.layers.0.cell" */
    const char *text;      /* as YAML on one line: "lstm", "[1, 2]" */
    enum compared_end end; /* of `tuned`; else COMPARED_WITHIN */
};

struct compared_variant {
    const char *name;                        /* as tables show it; unique */
    const char *folder;                      /* the name as part of a path; unique */
    const struct compared_setting *settings; /* [n_settings] what makes it this variant */
    int32_t n_settings;
    const struct compared_setting *widths; /* [n_widths] what `equal` has chosen: "model.layers.0.hidden" "57" */
    int32_t n_widths;
    const struct compared_setting *tuned; /* [n_tuned] what tuning has chosen; n_tuned 0: nothing (yet) */
    int32_t n_tuned;
    int32_t failed_trials; /* of tuning */
    int64_t parameters;    /* trained numbers of the whole model */
    int64_t flops;         /* per step, forward, of the layers, and of an encoder per step of its source, for one row */
    double budget_ratio;   /* of what `equal` compares to its budget; NaN without `equal` */
    struct compared_run *runs; /* [n_seeds] in the order of the comparison's seeds */
};

enum compared_equal { COMPARED_AS_GIVEN, COMPARED_EQUAL_PARAMETERS, COMPARED_EQUAL_FLOPS };

struct comparison {
    const char *name;
    const char *file; /* the experiment, absolute */
    const char
        *flags; /* of the command, besides file and folder, as words for a shell: " --cells lstm,gru"; "": none */
    const char *folder; /* the comparison's */
    const char *metric; /* name of the score: "accuracy", "loss" */
    int higher_is_better;
    const char *part; /* whose scores are compared: "test", or "valid" if the experiment has no test data */
    double target;    /* score on the validation part that runs are to reach; NaN: none */
    enum compared_equal equal;
    int64_t budget;       /* of `equal`; 0 without it */
    const char *baseline; /* name of the variant that others are compared with; NULL: only with the best */
    const int64_t *seeds; /* [n_seeds] */
    int32_t n_seeds;
    struct compared_variant *variants; /* [n_variants] */
    int32_t n_variants;
    int32_t trials; /* of tuning, for each variant; 0: no tuning */
};

/* 1 if all runs have failed or have their final scores. */
int comparison_is_complete(const struct comparison *comparison);

/* comparison.json as a JSON value, which the caller owns; NULL: out of memory. NaN is null, infinity "never". */
struct json_t *comparison_json(const struct comparison *comparison);
/* Reads comparison.json of a folder. RONDO_NOT_FOUND if there is none, RONDO_INVALID if it is damaged or of another version.
 * All in `arena`. */
rondo_status comparison_read(const char *folder, struct comparison *comparison, struct arena *arena,
                             struct errors *errors);

#endif
