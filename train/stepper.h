/* train/stepper.h: a network that is run one step at a time, for a number of rows: what train/generate.c chooses from.
 *
 *     stepper_begin(stepper, &rows, errors);               encodes sources, reads what each row begins with
 *     for (;;) {
 *         … choose from stepper_predictions(stepper): row r of them continues row r …
 *         stepper_advance(stepper, origin, previous, count, errors);     rows origin[i] read previous[i], and become rows i
 *     }
 *
 * The first pass reads all that the rows begin with. Every further pass is one step of `count` rows on a tape that is run again
 * (core/tape.h), and is recorded anew only if the rows, or the sources that they read, are others than before.
 *
 * Bits: the predictions of a row depend on no other row.
 * Threads: any, one at a time; several steppers of one network may be used at the same time.
 */
#ifndef RONDO_TRAIN_STEPPER_H
#define RONDO_TRAIN_STEPPER_H

#include "train/network.h"

struct stepper;

/* What the rows read first. Borrowed for the call. */
struct stepper_rows {
    int64_t count;                 /* >= 1 */
    const struct dataset *dataset; /* of the examples; must outlive the steps. NULL: there are none */
    const int64_t *example;        /* [count]; not read if the model has no stream but its own output */
    /* [count] what each row has written before: `length` ids of the stream "target" (int32_t), or numbers as the model sees them,
     * (double) [length, size]. The start symbol comes before them, unless the rows continue. */
    const void *const *history;
    const int64_t *length; /* [count] >= 0, or >= 1 if they continue */
    int continues;         /* 1: they go on where the rows of the last pass ended, row by row */
};

/* `shape` has the streams of the network's data; both are borrowed. `parallel`: the threads of its ops. NULL with errors:
 * RONDO_INVALID if the network cannot generate. */
struct stepper *stepper_create(struct network *network, const struct dataset *shape, struct errors *errors);
void stepper_destroy(struct stepper *stepper);

/* Most rows that there will ever be after a begin. */
rondo_status stepper_begin(struct stepper *stepper, const struct stepper_rows *rows, int64_t most_rows,
                           struct errors *errors);
/* Row i of the new rows continues row origin[i], whose last symbol is ids[i], or whose last numbers are numbers[i * size …]. */
rondo_status stepper_advance(struct stepper *stepper, const int64_t *origin, const int32_t *ids, const double *numbers,
                             int64_t count, struct errors *errors);
/* Of the last pass: [rows, network_prediction_size], in the units of the model. Valid until the next pass. */
const rondo_tensor *stepper_predictions(const struct stepper *stepper);
/* How many symbols row `row` may still write, if the model reads a stream of the example at every step; else INT64_MAX. */
int64_t stepper_steps_left(const struct stepper *stepper, int64_t row);

#endif
