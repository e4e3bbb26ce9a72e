/* An op that looks along sequences, and reads the output in backward, to fail if an element is not a number. */
#include "good_sequence.h"

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_rows *rows = call->rows[0];
    for (int64_t s = 0; s < rows->count && call->output.shape[1] > 0; s++) {
        const double y = sequence_at(&call->output, rows->begin[s], 0);
        if (y != y) {
            return ctx->host->fail(ctx, RONDO_NOT_FINITE, "the output of sequence %lld is not a number", (long long)s);
        }
    }
    return sequence_backward(ctx, call);
}

static const rondo_op op =
    GOOD_SEQUENCE("op_reads_output", sequence_infer, sequence_forward, backward, sequence_lengths);

RONDO_PLUGIN("op_reads_output", "1.0", "MIT", &op.base);
