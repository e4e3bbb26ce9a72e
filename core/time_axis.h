/* core/time_axis.h: the time axis of a batch of sequences of different lengths, packed without padding, and which of its
 * steps take input and give output. These are the only structs for it: batches, models, losses and the engine use them.
 *
 * Rows are sorted by length, longest first, so at step t the first alive[t] rows still run. The values of all steps are
 * stored one after the other in time-major order: row r at step t is element begin[t] + r.
 *
 *     lengths 3, 2, 1:     step 0: rows 0 1 2 | step 1: rows 0 1 | step 2: row 0        total = 6
 *     alive = 3, 2, 1      begin = 0, 3, 5, 6
 *
 * A shorter sequence stops computing, and there is no padding that could change a result.
 * Threads: any; constant once made.
 */
#ifndef RONDO_CORE_TIME_AXIS_H
#define RONDO_CORE_TIME_AXIS_H

#include "core/arena.h"

struct time_axis {
    int64_t rows;           /* >= 1 */
    int64_t steps;          /* of the longest row, >= 1 */
    int64_t total;          /* sum of lengths */
    const int64_t *lengths; /* [rows] in descending order, >= 1 */
    const int64_t *alive;   /* [steps] rows that are at least step + 1 long */
    const int64_t *begin;   /* [steps + 1] first packed position of each step; begin[steps] = total */
};

/* Which steps of a sequence take input and which give output (and have a target). These two flags describe all four
 * architectures; no code is specific to one of them.
 *
 *     text   steps with input   steps with output
 *     1:1    the first          the last
 *     1:N    the first          all
 *     N:1    all                the last
 *     N:N    all                all, aligned with the input
 *
 * At a step without input the input is zeros. */
struct architecture {
    int input_every_step;  /* 0: only the first */
    int output_every_step; /* 0: only the last */
};

/* The axis of rows with these lengths: `lengths` has `rows` >= 1 entries >= 1, in descending order, and is borrowed;
 * the other arrays are allocated in `arena`. */
rondo_status time_axis_make(struct time_axis *axis, const int64_t *lengths, int64_t rows, struct arena *arena,
                            struct errors *errors);

/* The steps begin .. end of `whole`, 0 <= begin < end <= steps, as an axis of their own: the rows that have step `begin`,
 * each cut off at `end`. It borrows the array `alive` of `whole`; its other arrays are allocated in `arena`. */
rondo_status time_axis_window(struct time_axis *window, const struct time_axis *whole, int64_t begin, int64_t end,
                              struct arena *arena, struct errors *errors);

/* The same elements row by row (sequence-major), as ops that look along sequences get them: first all steps of the first row,
 * then those of the next. Rows are taken in the order `row`, a permutation of 0 .. axis->rows - 1; NULL: as they are.
 *
 *     index[begin[r] + t] = packed position of row[r] at step t,  0 <= t < length[r]
 *
 * All arrays are allocated in `arena`; `rows` describes them (rondo/plugin.h). */
struct time_axis_rows {
    rondo_rows rows;      /* begin, length: [axis->rows] */
    const int32_t *index; /* [axis->total] */
};
rondo_status time_axis_by_rows(struct time_axis_rows *by_rows, const struct time_axis *axis, const int64_t *row,
                               struct arena *arena, struct errors *errors);

/* The same axis in the struct that loss plug-ins get; it borrows the arrays. */
rondo_sequences time_axis_sequences(const struct time_axis *axis);

#endif
