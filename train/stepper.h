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
    int stepwise;          /* 1: on the engine `tape`, for stepper_attention */
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
/* Draws what follows rows row[i] of the last pass, from the distribution that the loss describes (heads_sample): numbers [count,
 * size] as the model sees them. words: [count, sample_words of the loss] random words. Only for targets that are numbers. */
rondo_status stepper_draw(struct stepper *stepper, const int64_t *row, int64_t count, const uint32_t *words,
                          double *numbers, struct errors *errors);
/* After the begin of one row with `stepwise`: how much each step has attended to each step of the source, weights [steps that were
 * read, source_steps], the mean over all ops of the layers that look along the source, and over their heads. *found gets their
 * number; 0: there is none, and the weights are zeros. An op that looks along sequences has the values that it averages as
 * its third input; if these are the rows of the unit matrix, its result is the weights. */
rondo_status stepper_attention(struct stepper *stepper, int64_t source_steps, float *weights, int64_t *found,
                               struct errors *errors);
/* How many symbols row `row` may still write, if the model reads a stream of the example at every step; else INT64_MAX. */
int64_t stepper_steps_left(const struct stepper *stepper, int64_t row);

#endif
