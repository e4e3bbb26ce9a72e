/* report/reduce.h: curves of many points as few, for all runs of a variant on the same points, so that the page can average them.
 *
 * If the runs have more different steps than `most`, the steps are divided into `most` / 2 buckets of equal numbers of steps. A
 * point is then a bucket: its step is the last one in it, the value of a curve is the mean of its values in the bucket, and the
 * smallest and the largest of them are kept as well, so that no peak is lost. The last point is always that of the last step.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_REPORT_REDUCE_H
#define RONDO_REPORT_REDUCE_H

#include "report/run_log.h"

/* Points of the curves of a variant. */
struct reduced_grid {
    int64_t count;      /* of points */
    double *step;       /* [count] the last step of each point */
    int64_t most_steps; /* in a point: 1 if nothing was reduced */
};

/* The points of the logs (NULL: no such run). All from `arena`. */
rondo_status reduced_grid_make(const struct report_log *const *logs, int32_t n_logs, int64_t most,
                               struct reduced_grid *grid, struct arena *arena, struct errors *errors);

/* A curve on the grid: [count] each, NaN: no value. low and high may be NULL. */
void reduce_curve(const struct reduced_grid *grid, const struct report_log *log, const double *values, double *mean,
                  double *low, double *high);
/* Values that grow, such as seconds: of each point the last one. */
void reduce_last(const struct reduced_grid *grid, const struct report_log *log, const double *values, double *last);

#endif
