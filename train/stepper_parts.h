/* train/stepper_parts.h: what a stepper consists of. Private to the files stepper*.c.
 *
 *     stepper.c            the passes
 *     stepper_attention.c  what a pass has attended to
 */
#ifndef RONDO_TRAIN_STEPPER_PARTS_H
#define RONDO_TRAIN_STEPPER_PARTS_H

#include "train/stepper.h"

/* What belongs to one row. */
struct stepper_row {
    int64_t example;
    int64_t read;   /* steps that it has read */
    int64_t source; /* the sequence of the memory that it reads */
};

struct stepper {
    struct network *network;
    const struct batch_plan *plan;
    struct batch_input inputs[BATCH_MOST_INPUTS];
    int32_t n_inputs;
    int64_t target_size; /* of a stream "target" of ids, which is the start symbol as well, or numbers */
    int target_is_real;
    int has_source;
    struct errors errors; /* of the tapes */
    struct tape *encoder; /* the sources; its values last until the next begin */
    struct tape *reader;  /* the first pass */
    struct tape *tape;    /* one step, which is run again */

    const struct dataset *dataset;
    struct arena *arena; /* of the arrays below, for most_rows */
    int64_t most_rows, rows;
    struct stepper_row *row, *next; /* [rows] */
    struct states *held;            /* [rows] after the first pass */
    struct states *states;          /* [rows] before a step, on `tape` */
    struct layer_memory encoded;    /* on `encoder`, sequence r is that of row r of the begin */

    /* Of `tape`: */
    int64_t recorded; /* its rows; 0: it is empty */
    int64_t *lengths, *begin, *length, *source;
    int64_t alive[1], first[2];
    unsigned char *starts; /* zeros: all rows continue */
    struct time_axis time;
    rondo_rows memory_rows;
    rondo_tensor step_inputs[BATCH_MOST_INPUTS];
    rondo_value outputs;
    const rondo_value *final;
    int has_mark; /* predictions before are in memory of the tape's arena from `mark` on */
    struct arena_mark mark;

    int is_after_begin;             /* the last pass was that of `reader` */
    rondo_tensor last, predictions; /* outputs of the last pass, and what the loss makes of them */
};

/* The error of a tape becomes one of the caller's. */
static inline rondo_status stepper_errors(struct stepper *stepper, rondo_status status, struct errors *errors) {
    if (status != RONDO_OK) {
        errors_move(errors, &stepper->errors);
    }
    errors_free(&stepper->errors);
    return status;
}

#endif
