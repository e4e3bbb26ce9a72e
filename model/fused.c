#include "model/fused.h"

struct scan *fused_create(const struct cell *cell, int32_t passes, int64_t recompute, struct errors *errors) {
    const struct scan_settings settings = {.program = cell->program,
                                           .n_states = cell->n_states,
                                           .new_states = cell->new_states,
                                           .output = cell->output,
                                           .passes = passes,
                                           .recompute = recompute};
    return scan_create(&settings, errors);
}

/* Steps without an input run on zeros: [rows, input] to [total, input]. */
static rondo_value every_step(const struct recurrence *recurrence, struct tape *tape) {
    const struct time_axis *time = recurrence->time;
    const rondo_tensor *first = tape_tensor(tape, recurrence->inputs);
    if (recurrence->input_every_step || first == NULL || time->total == time->rows) {
        return recurrence->inputs;
    }
    rondo_tensor rest = *first;
    rest.shape[0] = time->total - time->rows;
    const rondo_value parts[2] = {recurrence->inputs, tape_zeros(tape, rest)};
    return tape_apply_named(tape, "concat", "axis=0", parts, 2);
}

rondo_value fused(const struct scan *scan, const struct recurrence *recurrence, struct tape *tape,
                  rondo_value *final_states) {
    rondo_value outputs;
    scan_record(scan, tape, recurrence->time, every_step(recurrence, tape), recurrence->initial_states,
                recurrence->parameters, &outputs, final_states);
    return outputs;
}
