/* An op that writes one element more than its output has. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    put(call->output.data, call->output.dtype, rondo_count(&call->output), 0);
    return good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_writes_past_output", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_writes_past_output", "1.0", "MIT", &op.base);
