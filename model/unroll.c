#include "model/unroll.h"

#include <string.h>

#include "model/apply.h"

/* Rows begin .. end of a value along its first dimension: a view. */
static rondo_value take_rows(struct tape *tape, rondo_value value, int64_t begin, int64_t end) {
    const rondo_tensor *tensor = tape_tensor(tape, value);
    if (tensor != NULL && begin == 0 && end == tensor->shape[0]) {
        return value;
    }
    return apply_slice(tape, value, 0, begin, end);
}

/* The input of step t: its rows of the packed inputs, or zeros if only the first step has an input and t > 0. */
static rondo_value step_input(const struct recurrence *recurrence, struct tape *tape, int64_t t) {
    const struct time_axis *time = recurrence->time;
    if (recurrence->input_every_step) {
        return take_rows(tape, recurrence->inputs, time->begin[t], time->begin[t + 1]);
    }
    if (t == 0) {
        return recurrence->inputs;
    }
    const rondo_tensor *first = tape_tensor(tape, recurrence->inputs);
    if (first == NULL) {
        return recurrence->inputs; /* it failed before */
    }
    return tape_zeros(tape, tensor_2d(first->dtype, time->alive[t], first->shape[1], NULL));
}

/* The state of a recording. */
struct unrolling {
    const struct recurrence *recurrence;
    struct tape *tape;
    struct program_inputs given; /* the inputs below, and the sequences of the current step */
    rondo_value *inputs;         /* of the program: x, the states, the memory, the parameters */
    rondo_value *known;   /* [program_count] what depends on the memory and on no step; NULL: the cell reads none */
    rondo_rows *rows;     /* [steps][2] of the step and of the memory; NULL: no op looks along sequences */
    rondo_value *states;  /* [n_states], a part of inputs */
    rondo_value *wanted;  /* [n_states + 1] in the program: the new states, the output */
    rondo_value *results; /* [n_states + 1] the same on the tape */
    rondo_value *outputs; /* [steps], each [alive, output_width] */
    rondo_value
        *ended;      /* [n_states, steps], or NULL: the states of the rows that end with each step, last step first */
    int64_t n_ended; /* number of steps that are the last one of some row */
};

static int looks_along_sequences(const struct program *program) {
    for (int32_t id = 0; id < program_count(program); id++) {
        const rondo_op *op = program_node(program, (rondo_value){id})->op;
        if (op != NULL && (op->flags & RONDO_OP_SEQUENCES) != 0) {
            return 1;
        }
    }
    return 0;
}

/* The sequences at each step: a row of the step is a sequence of one element, and belongs to one sequence of the memory. */
static rondo_status make_rows(struct unrolling *unrolling) {
    const struct recurrence *recurrence = unrolling->recurrence;
    const struct time_axis *time = recurrence->time;
    struct arena *arena = tape_arena(unrolling->tape);
    if (!looks_along_sequences(recurrence->cell->program)) {
        return RONDO_OK;
    }
    int64_t *begin = arena_alloc(arena, sizeof *begin * (size_t)time->rows);
    int64_t *length = arena_alloc(arena, sizeof *length * (size_t)time->rows);
    unrolling->rows = arena_calloc(arena, 2 * (size_t)time->steps, sizeof *unrolling->rows);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(unrolling->tape));
    }
    for (int64_t row = 0; row < time->rows; row++) {
        begin[row] = row;
        length[row] = 1;
    }
    for (int64_t t = 0; t < time->steps; t++) {
        unrolling->rows[2 * t] =
            (rondo_rows){.struct_size = sizeof(rondo_rows), .count = time->alive[t], .begin = begin, .length = length};
        if (recurrence->memory_rows != NULL) {
            unrolling->rows[2 * t + 1] = *recurrence->memory_rows;
            unrolling->rows[2 * t + 1].count = time->alive[t];
        }
    }
    return RONDO_OK;
}

/* Records what depends on the memory and on no step. What depends on parameters only is recorded at every step, unless the
 * memory needs it. */
static rondo_status record_outside(struct unrolling *unrolling) {
    const struct program *program = unrolling->recurrence->cell->program;
    struct arena *arena = tape_arena(unrolling->tape);
    const int32_t count = program_count(program);
    rondo_value *wanted = arena_alloc(arena, sizeof *wanted * (size_t)count);
    unrolling->known = arena_alloc(arena, sizeof *unrolling->known * (size_t)count);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(unrolling->tape));
    }
    int32_t n_wanted = 0;
    for (int32_t id = 0; id < count; id++) {
        if (program_node(program, (rondo_value){id})->domain == DOMAIN_MEMORY) {
            wanted[n_wanted++] = (rondo_value){id};
        }
    }
    return program_outside(program, unrolling->tape, &unrolling->given, wanted, n_wanted, unrolling->known);
}

static rondo_status prepare(struct unrolling *unrolling, int wants_final_states) {
    const struct recurrence *recurrence = unrolling->recurrence;
    const struct cell *cell = recurrence->cell;
    struct arena *arena = tape_arena(unrolling->tape);
    const size_t n_states = (size_t)cell->n_states, steps = (size_t)recurrence->time->steps;
    unrolling->inputs = arena_calloc(arena, (size_t)program_input_count(cell->program), sizeof(rondo_value));
    unrolling->results = arena_calloc(arena, n_states + 1, sizeof(rondo_value));
    unrolling->wanted = arena_calloc(arena, n_states + 1, sizeof(rondo_value));
    unrolling->outputs = arena_calloc(arena, steps, sizeof(rondo_value));
    unrolling->ended = wants_final_states ? arena_calloc(arena, n_states * steps, sizeof(rondo_value)) : NULL;
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(unrolling->tape));
    }
    memcpy(unrolling->wanted, cell->new_states, sizeof(rondo_value) * n_states);
    unrolling->wanted[n_states] = cell->output;
    unrolling->states = unrolling->inputs + 1;
    for (int32_t s = 0; s < cell->n_states; s++) {
        rondo_tensor shape = cell->states[s]; /* [batch, …] */
        const int is_given = recurrence->initial_states != NULL && recurrence->initial_states[s].id >= 0;
        shape.shape[0] = recurrence->time->rows;
        unrolling->states[s] = is_given ? recurrence->initial_states[s] : tape_zeros(unrolling->tape, shape);
    }
    if (cell->reads_memory) {
        RONDO_CHECK(recurrence->memory_rows != NULL && recurrence->memory_rows->count == recurrence->time->rows,
                    tape_errors(unrolling->tape), "a cell that reads memory gets a sequence for each row");
        unrolling->inputs[1 + n_states] = recurrence->memory;
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        unrolling->inputs[cell_first_parameter(cell) + p] = recurrence->parameters[p];
    }
    unrolling->given.values = unrolling->inputs;
    RONDO_TRY(make_rows(unrolling));
    return cell->reads_memory ? record_outside(unrolling) : RONDO_OK;
}

static rondo_status record_step(struct unrolling *unrolling, int64_t t) {
    const struct recurrence *recurrence = unrolling->recurrence;
    const struct cell *cell = recurrence->cell;
    unrolling->inputs[0] = step_input(recurrence, unrolling->tape, t); /* [alive, input] */
    for (int32_t s = 0; s < cell->n_states; s++) {
        /* Rows that have ended are the last ones, so the states of the other rows are a view. */
        unrolling->states[s] = take_rows(unrolling->tape, unrolling->states[s], 0, recurrence->time->alive[t]);
    }
    if (unrolling->rows != NULL) {
        unrolling->given.steps = &unrolling->rows[2 * t];
        unrolling->given.memory = recurrence->memory_rows == NULL ? NULL : &unrolling->rows[2 * t + 1];
    }
    RONDO_TRY(program_replay(cell->program, unrolling->tape, &unrolling->given, unrolling->known, unrolling->wanted,
                             cell->n_states + 1, unrolling->results));
    memcpy(unrolling->states, unrolling->results, sizeof(rondo_value) * (size_t)cell->n_states);
    unrolling->outputs[t] = unrolling->results[cell->n_states];
    return RONDO_OK;
}

/* Keeps the final states of the rows whose last step is t. */
static void keep_ended(struct unrolling *unrolling, int64_t t) {
    const struct time_axis *time = unrolling->recurrence->time;
    const int64_t alive = time->alive[t], next = t + 1 < time->steps ? time->alive[t + 1] : 0;
    if (unrolling->ended == NULL || next == alive) {
        return;
    }
    unrolling->n_ended++;
    for (int32_t s = 0; s < unrolling->recurrence->cell->n_states; s++) {
        /* From the end: the longest rows come first and end last. */
        unrolling->ended[(s + 1) * time->steps - unrolling->n_ended] =
            take_rows(unrolling->tape, unrolling->states[s], next, alive);
    }
}

rondo_value unroll(const struct recurrence *recurrence, struct tape *tape, rondo_value *final_states) {
    const struct time_axis *time = recurrence->time;
    struct unrolling unrolling = {.recurrence = recurrence, .tape = tape};
    const rondo_status prepared = prepare(&unrolling, final_states != NULL);
    if (prepared != RONDO_OK) {
        return tape_fail(tape, prepared);
    }
    for (int64_t t = 0; t < time->steps; t++) {
        if (record_step(&unrolling, t) != RONDO_OK) {
            return tape_fail(tape, tape_status(tape));
        }
        keep_ended(&unrolling, t);
    }
    for (int32_t s = 0; final_states != NULL && s < recurrence->cell->n_states; s++) {
        const rondo_value *ended = unrolling.ended + (s + 1) * time->steps - unrolling.n_ended;
        final_states[s] = apply_concat(tape, 0, ended, (int32_t)unrolling.n_ended); /* [rows, …] */
    }
    return apply_concat(tape, 0, unrolling.outputs, (int32_t)time->steps);
}
