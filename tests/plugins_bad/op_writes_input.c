/* An op that leaves its input changed. */
#include "good_op.h"

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = good_backward(ctx, call);
    if (rondo_count(&call->inputs[0]) > 0) {
        put(call->inputs[0].data, call->inputs[0].dtype, 0, 0);
    }
    return status;
}

static const rondo_op op = GOOD_OP("op_writes_input", 0, good_infer, good_forward, backward, good_sample);

RONDO_PLUGIN("op_writes_input", "1.0", "MIT", &op.base);
