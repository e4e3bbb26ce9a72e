/* An op that looks along sequences, and takes the last element of the sequence before for x_0. */
#include "good_sequence.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const rondo_status status = sequence_forward(ctx, call);
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t begin = call->rows[0]->begin[s];
        for (int64_t c = 0; c < x->shape[1] && begin > 0; c++) {
            sequence_add(&call->output, begin, c, sequence_at(x, begin - 1, c));
        }
    }
    return status;
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const rondo_status status = sequence_backward(ctx, call);
    for (int64_t s = 0; s < call->rows[0]->count && call->grad_inputs[0].data != NULL; s++) {
        const int64_t begin = call->rows[0]->begin[s];
        for (int64_t c = 0; c < x->shape[1] && begin > 0; c++) {
            sequence_add(&call->grad_inputs[0], begin - 1, c, sequence_at(call->grad_output, begin, c));
        }
    }
    return status;
}

static const rondo_op op = GOOD_SEQUENCE("op_reads_across", sequence_infer, forward, backward, sequence_lengths);

RONDO_PLUGIN("op_reads_across", "1.0", "MIT", &op.base);
