#include "model/fused.h"

#include "model/packed.h"

struct scan *fused_create(const struct cell *cell, int32_t passes, int64_t recompute, struct errors *errors) {
    return fused_create_observed(cell, passes, recompute, NULL, NULL, errors);
}

struct scan *fused_create_observed(const struct cell *cell, int32_t passes, int64_t recompute, scan_observer *observe,
                                   void *observe_arg, struct errors *errors) {
    const struct scan_settings settings = {.program = cell->program,
                                           .n_states = cell->n_states,
                                           .new_states = cell->new_states,
                                           .output = cell->output,
                                           .passes = passes,
                                           .recompute = recompute,
                                           .observe = observe,
                                           .observe_arg = observe_arg};
    return scan_create(&settings, errors);
}

rondo_value fused(const struct scan *scan, const struct recurrence *recurrence, struct tape *tape,
                  rondo_value *final_states) {
    const rondo_value none = {-1};
    rondo_value outputs, inputs = recurrence->inputs;
    if (!recurrence->input_every_step) {
        inputs = packed_from_first(tape, recurrence->time, inputs); /* steps without an input run on zeros */
    }
    scan_record(scan, tape, recurrence->time, inputs, recurrence->initial_states, recurrence->parameters,
                recurrence->memory_rows == NULL ? none : recurrence->memory, recurrence->memory_rows, &outputs,
                final_states);
    return outputs;
}
