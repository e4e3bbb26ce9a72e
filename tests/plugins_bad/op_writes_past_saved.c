/* An op that saves more bytes than it declares. */
#include "good_op.h"

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = good_infer(ctx, call);
    call->saved_bytes -= call->saved_bytes > 0 ? 1 : 0;
    return status;
}

static const rondo_op op = GOOD_OP("op_writes_past_saved", 0, infer, good_forward, good_backward, good_sample);

RONDO_PLUGIN("op_writes_past_saved", "1.0", "MIT", &op.base);
