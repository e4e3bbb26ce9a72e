/* data/origins.h: series cut into examples that forecast: views of a dataset, which copy nothing.
 *
 * An origin is a row of a series after which a forecast begins. What the model reads are the `window` rows up to the origin;
 * the target is the `horizon` rows after it:
 *
 *     rows          … |  o - window + 1  …  o  |  o + 1  …  o + horizon  | …
 *     input                   window elements
 *     target                                      one element of `horizon` rows (N:1)
 *     known           at each step, the rows 1 … horizon after it: those of the last step are the same rows as the target
 *
 * With a target at every step (N:N), each row of the window is an origin of its own. An example belongs to a part by the
 * times of its targets: all are in [from, to). Its window may begin earlier.
 *
 * Threads: main thread.
 */
#ifndef RONDO_DATA_ORIGINS_H
#define RONDO_DATA_ORIGINS_H

#include "data/dataset.h"

enum origins_use {
    ORIGINS_TRAIN, /* every `step` rows; N:N: all targets of the part are scored */
    ORIGINS_SCORE, /* every `step` rows; N:N: the last `step` rows of a window are scored, so that each origin is, once */
    ORIGINS_LAST   /* for prediction: the last row of each series that has a target */
};
struct origins {
    enum origins_use use;
    int every_step;   /* N:N */
    int64_t from, to; /* times of the targets */
};

/* The examples of a dataset whose examples are whole series (dataset_add_series). Origins whose target is missing are left
 * out and counted in `left_out`. The result may have no examples. NULL with an error. */
struct dataset *origins_cut(const struct dataset *dataset, const struct origins *origins, struct errors *errors);

/* The rows of the series in [from, to), as a view: what scaling is learned from. NULL with an error. */
struct dataset *origins_rows(const struct dataset *dataset, int64_t from, int64_t to, struct errors *errors);

/* The number of series of which a view has an example. -1 with an error: out of memory. */
int32_t origins_series(const struct dataset *view, struct errors *errors);

/* Rows of the longest series. */
int64_t origins_longest(const struct dataset *dataset);

#endif
