/* A tape that is run again: the same ops and functions, in the same memory. */
#include "core/tape_nodes.h"

void tape_mark(struct tape *tape, rondo_value constant) {
    struct tape_node *node = tape_node_at(tape, constant);
    if (node != NULL) {
        node->changes = 1;
    }
}

int tape_changes(const struct tape *tape, rondo_value value) {
    const struct tape_node *node = tape_node_at(tape, value);
    return node != NULL && node->changes;
}

uint64_t tape_run(const struct tape *tape) {
    return tape->run;
}

/* Shape, options and memory are those of the recording. */
static rondo_status compute_again(struct tape *tape, const struct tape_node *node) {
    struct host_call host = tape_call_host(tape, node);
    rondo_tensor *inputs = arena_alloc(tape->scratch, sizeof *inputs * (size_t)node->n_inputs);
    if (inputs == NULL) {
        return errors_no_memory(tape->settings.errors);
    }
    host.stream = rng_substream(node->stream, tape->run);
    rondo_op_call call = tape_call_make(tape, node, inputs);
    return tape_call_compute(tape, node, &host, &call);
}

rondo_status tape_rerun(struct tape *tape) {
    RONDO_TRY(tape->status);
    tape->run++;
    for (int32_t id = 0; id < tape->count && tape->status == RONDO_OK; id++) {
        const struct tape_node *node = tape->nodes[id];
        if (!node->changes || node->base >= 0) {
            continue; /* a view has the memory of what it is a view of */
        }
        if (node->training || (node->function != NULL && node->function->forward == NULL)) {
            tape->status = errors_bug(tape->settings.errors, __FILE__, __LINE__,
                                      "a tape that is run again was recorded in evaluation, and its functions have a "
                                      "forward pass");
        } else if (node->op != NULL) {
            tape->status = compute_again(tape, node);
        } else if (node->function != NULL) {
            tape->status = node->function->forward(node->data, tape);
        }
    }
    return tape->status;
}
