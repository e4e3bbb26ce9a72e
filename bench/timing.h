/* bench/timing.h: a clock and a median: what every benchmark here measures with. */
#ifndef RONDO_BENCH_TIMING_H
#define RONDO_BENCH_TIMING_H

#include <stdlib.h>
#include <time.h>

/* Seconds on `clock`, such as CLOCK_MONOTONIC. */
static inline double timing_now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static inline int timing_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of `count` >= 1 values, which it sorts. */
static inline double timing_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, timing_compare);
    return values[count / 2];
}

#endif
