/* report/run_log.h: the curves of a run: metrics.jsonl and timings.jsonl (train/run_record.h).
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_REPORT_RUN_LOG_H
#define RONDO_REPORT_RUN_LOG_H

#include "core/arena.h"

#define REPORT_LEARNING_RATE "learning rate"
#define REPORT_GRADIENT_NORM "gradient norm"

struct report_curve {
    const char *name; /* "train.loss", "valid.accuracy", REPORT_LEARNING_RATE, REPORT_GRADIENT_NORM */
    double *values;   /* [count] NaN: the line has none */
};

/* The lines that belong to an interval of the training, as columns. */
struct report_log {
    int64_t count;
    double *step;    /* [count] updates so far, increasing */
    double *epoch;   /* [count] */
    double *seconds; /* [count] of training so far; NaN from the line on that timings.jsonl does not have */
    struct report_curve *curves;
    int32_t n_curves;
    int64_t best;         /* the line whose weights are kept; -1: none */
    int is_finished;      /* the last line says so */
    int64_t finished_in;  /* epochs, of that line */
    double total_seconds; /* of the whole training; NaN: not known */
    double peak_memory;   /* MB; NaN: not known */
};

/* Reads the logs in the folder of a run. `rate` is the learning rate at scale 1. What is missing or damaged gives shorter curves,
 * with a text in *problem for the first of such places (unchanged if there is none). All from `arena`. Only RONDO_NO_MEMORY is
 * an error. */
rondo_status report_log_read(const char *folder, double rate, struct report_log *log, const char **problem,
                             struct arena *arena, struct errors *errors);

/* The curve of this name; NULL: none. */
const struct report_curve *report_log_curve(const struct report_log *log, const char *name);

#endif
