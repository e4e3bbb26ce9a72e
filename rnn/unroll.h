/* rnn/unroll.h: a cell over time, step by step on the tape: the engine `tape`.
 *
 * Every step is recorded op by op. This is the plain meaning of a recurrence, and the oracle for any faster engine.
 */
#ifndef RONDO_RNN_UNROLL_H
#define RONDO_RNN_UNROLL_H

#include "core/tape.h"
#include "rnn/architecture.h"
#include "rnn/cell.h"

/* Runs `cell` over the time axis from states of zero.
 * inputs: packed [total, input] with an input at every step, else [rows, input] for the first alone.
 * parameters: [n_parameters] values in the cell's order.
 * Returns the output of all real steps, packed [total, output_width]; a failed value after an error of the tape.
 */
rondo_value unroll(const struct cell *cell, struct tape *tape, const struct time_axis *time, int input_every_step,
                   rondo_value inputs, const rondo_value *parameters);

#endif
