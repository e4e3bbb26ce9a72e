#include "rnn/unroll.h"

#include <stdio.h>
#include <string.h>

/* Rows begin .. end of a value along its first dimension: a view. */
static rondo_value take_rows(struct tape *tape, rondo_value value, int64_t begin, int64_t end) {
    const rondo_tensor *tensor = tape_tensor(tape, value);
    if (tensor != NULL && begin == 0 && end == tensor->shape[0]) {
        return value;
    }
    char options[64];
    snprintf(options, sizeof options, "axis=0 begin=%lld end=%lld", (long long)begin, (long long)end);
    return tape_apply_named(tape, "slice", options, &value, 1);
}

/* The input of step t: its rows of the packed inputs, or zeros where only the first step has one. */
static rondo_value step_input(struct tape *tape, const struct time_axis *time, int input_every_step, rondo_value inputs,
                              int64_t t) {
    if (input_every_step) {
        return take_rows(tape, inputs, time->begin[t], time->begin[t + 1]);
    }
    if (t == 0) {
        return inputs;
    }
    const rondo_tensor *first = tape_tensor(tape, inputs);
    if (first == NULL) {
        return inputs; /* it failed before */
    }
    return tape_zeros(tape, tensor_2d(first->dtype, time->alive[t], first->shape[1], NULL));
}

rondo_value unroll(const struct cell *cell, struct tape *tape, const struct time_axis *time, int input_every_step,
                   rondo_value inputs, const rondo_value *parameters) {
    struct arena *arena = tape_arena(tape);
    const int32_t n_states = cell->n_states;
    rondo_value *program_inputs =
        arena_calloc(arena, 1 + (size_t)n_states + (size_t)cell->n_parameters, sizeof *program_inputs);
    rondo_value *results = arena_calloc(arena, (size_t)n_states + 1, sizeof *results);
    rondo_value *wanted = arena_calloc(arena, (size_t)n_states + 1, sizeof *wanted); /* the new states, the output */
    rondo_value *outputs = arena_calloc(arena, (size_t)time->steps, sizeof *outputs);
    if (program_inputs == NULL || results == NULL || wanted == NULL || outputs == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    memcpy(wanted, cell->new_states, sizeof *wanted * (size_t)n_states);
    wanted[n_states] = cell->output;
    rondo_value *states = program_inputs + 1;
    for (int32_t s = 0; s < n_states; s++) {
        rondo_tensor shape = cell->states[s]; /* [batch, …] */
        shape.shape[0] = time->rows;
        states[s] = tape_zeros(tape, shape);
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        program_inputs[1 + n_states + p] = parameters[p];
    }
    for (int64_t t = 0; t < time->steps; t++) {
        program_inputs[0] = step_input(tape, time, input_every_step, inputs, t); /* [alive, input] */
        for (int32_t s = 0; s < n_states; s++) {
            /* Rows that have ended stop here: they are the last ones, so those that live on are a view. */
            states[s] = take_rows(tape, states[s], 0, time->alive[t]);
        }
        if (program_replay(cell->program, tape, program_inputs, wanted, n_states + 1, results) != RONDO_OK) {
            return tape_fail(tape, tape_status(tape));
        }
        for (int32_t s = 0; s < n_states; s++) {
            states[s] = results[s];
        }
        outputs[t] = results[n_states]; /* [alive, output_width] */
    }
    return tape_apply_named(tape, "concat", "axis=0", outputs, (int32_t)time->steps);
}
