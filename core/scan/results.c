/* What a run gives and gets at its ends: outputs, final states, and the gradients that enter at the last step of each row. */
#include <string.h>

#include "core/scan/record.h"

void scan_copy_final(const struct scan_run *run, int32_t s, char *out) {
    const struct scan_graph *graph = run->given.graph;
    const struct time_axis *time = run->given.time;
    const size_t row_bytes = (size_t)run_state_width(graph, s) * run->given.size;
    for (int64_t row = 0; row < time->rows; row++) {
        const int64_t last = time->lengths[row] - 1;
        const int32_t sequence = run->given.plan->state_sequence[s];
        const char *from = graph->constant[s] ? run->given.initial[s] + (size_t)row * row_bytes
                           : sequence >= 0    ? run->memory.sequences[sequence] +
                                                 (size_t)(time->rows + time->begin[last] + row) * row_bytes
                                           : run->memory.doubles[s][(last + 1) & 1] + (size_t)row * row_bytes;
        memcpy(out + (size_t)row * row_bytes, from, row_bytes);
    }
}

rondo_tensor scan_outputs(const struct scan_run *run) {
    const struct scan_plan *plan = run->given.plan;
    rondo_tensor tensor = run->given.graph->nodes[run->given.graph->output].shape;
    tensor.shape[0] = run->given.time->total;
    const struct scan_sequence *sequence = &plan->sequences[plan->output_sequence];
    const int64_t lead = sequence->is_state ? run->given.time->rows : 0;
    tensor.data = run->memory.sequences[plan->output_sequence] + (size_t)(lead * sequence->width) * run->given.size;
    return tensor;
}

rondo_status scan_start_carries(struct scan_run *run, struct tape *tape, const rondo_tensor *grad_final,
                                char *(*later)[2], int64_t n_later) {
    const struct scan_graph *graph = run->given.graph;
    const int64_t rows = run->given.time->rows;
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (!graph->state_needs[s]) {
            continue;
        }
        const size_t row_bytes = (size_t)run_state_width(graph, s) * run->given.size;
        for (int turn = 0; turn < 2; turn++) { /* a row that ends early is first read in the turn of its last step */
            char *carry = arena_alloc(tape_arena(tape), (size_t)rows * row_bytes);
            if (carry == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
            if (grad_final != NULL && grad_final[s].data != NULL) {
                memcpy(carry, grad_final[s].data, (size_t)rows * row_bytes);
            } else {
                memset(carry, 0, (size_t)rows * row_bytes);
            }
            if (n_later > 0) {
                memcpy(carry, later[s][0], (size_t)n_later * row_bytes);
            }
            run->memory.carries[s][turn] = carry;
        }
    }
    return RONDO_OK;
}
