/* model/unroll.h: a cell over time, step by step on the tape: the engine `tape`.
 *
 * Every step is recorded op by op. This defines what a recurrence computes, and is the reference for any faster engine. What
 * depends on the memory but on no step, such as the keys of an attention, is recorded once, before the first step.
 *
 * Random words. Ops that draw do so in the order of the program, those of the memory once, then the others step after step: with J of them in the program, number
 * j of step t draws from substream t * J + j of the scope that the tape is in, counted from the call (after tape_enter,
 * the count begins at 0). Word number i of it belongs to element i of the op's result: rows that have ended are the
 * last ones, so they do not shift the words of other rows. */
#ifndef RONDO_MODEL_UNROLL_H
#define RONDO_MODEL_UNROLL_H

#include "core/tape.h"
#include "lang/cell.h"
#include "model/architecture.h"

/* A cell and the values that it runs on. Everything is borrowed for the call. */
struct recurrence {
    const struct cell *cell;
    const struct time_axis *time;
    int input_every_step;
    rondo_value inputs;                /* packed [total, input]; [rows, input] if only the first step has an input */
    const rondo_value *parameters;     /* [n_parameters] in the cell's order */
    const rondo_value *initial_states; /* [n_states], each [rows, …], or with id -1: zeros; NULL: all zeros */
    /* Of a cell that reads it: [elements, width], and the sequence of each row, borrowed until the tape is reset. */
    rondo_value memory;
    const rondo_rows *memory_rows; /* NULL: there is no memory */
};

/* Runs the recurrence. Returns the output of all real steps, packed [total, output_width]; a failed value after an
 * error of the tape. final_states (NULL: not needed) gets [n_states] values [rows, …]: the state of each row after its
 * last step. */
rondo_value unroll(const struct recurrence *recurrence, struct tape *tape, rondo_value *final_states);

#endif
