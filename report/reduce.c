#include "report/reduce.h"

#include <math.h>

/* The next step after `step` in any of the logs; `at` has the place in each. Infinite: there is none. */
static double next_step(const struct report_log *const *logs, int32_t n_logs, int64_t *at, double step) {
    double next = INFINITY;
    for (int32_t l = 0; l < n_logs; l++) {
        if (logs[l] == NULL) {
            continue;
        }
        while (at[l] < logs[l]->count && logs[l]->step[at[l]] <= step) {
            at[l]++;
        }
        if (at[l] < logs[l]->count && logs[l]->step[at[l]] < next) {
            next = logs[l]->step[at[l]];
        }
    }
    return next;
}

rondo_status reduced_grid_make(const struct report_log *const *logs, int32_t n_logs, int64_t most,
                               struct reduced_grid *grid, struct arena *arena, struct errors *errors) {
    int64_t capacity = 0, count = 0;
    for (int32_t l = 0; l < n_logs; l++) {
        capacity += logs[l] == NULL ? 0 : logs[l]->count;
    }
    *grid = (struct reduced_grid){.most_steps = 1};
    int64_t *at = arena_calloc(arena, (size_t)n_logs, sizeof *at);
    double *steps = arena_calloc(arena, (size_t)capacity, sizeof *steps);
    if (at == NULL || steps == NULL) {
        return errors_no_memory(errors);
    }
    double step = -1;
    while ((step = next_step(logs, n_logs, at, step)) < INFINITY) {
        steps[count++] = step;
    }
    grid->step = steps;
    grid->count = count;
    if (count <= most) {
        return RONDO_OK;
    }
    /* The last steps of the buckets, at the beginning of the same array. */
    grid->count = most / 2 < 1 ? 1 : most / 2;
    grid->most_steps = (count + grid->count - 1) / grid->count;
    for (int64_t b = 0; b < grid->count; b++) {
        steps[b] = steps[(b + 1) * count / grid->count - 1];
    }
    return RONDO_OK;
}

void reduce_curve(const struct reduced_grid *grid, const struct report_log *log, const double *values, double *mean,
                  double *low, double *high) {
    int64_t line = 0;
    for (int64_t b = 0; b < grid->count; b++) {
        double sum = 0, least = NAN, most = NAN;
        int64_t count = 0;
        for (; line < log->count && log->step[line] <= grid->step[b]; line++) {
            if (isfinite(values[line])) {
                sum += values[line];
                least = fmin(least, values[line]);
                most = fmax(most, values[line]);
                count++;
            }
        }
        mean[b] = count == 0 ? NAN : sum / (double)count;
        if (low != NULL && high != NULL) {
            low[b] = least;
            high[b] = most;
        }
    }
}

void reduce_last(const struct reduced_grid *grid, const struct report_log *log, const double *values, double *last) {
    int64_t line = 0;
    for (int64_t b = 0; b < grid->count; b++) {
        last[b] = NAN;
        for (; line < log->count && log->step[line] <= grid->step[b]; line++) {
            last[b] = values[line];
        }
    }
}
