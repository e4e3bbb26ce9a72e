/* An op that refuses scalars with a value that is not a status. */
#include "good_op.h"

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    return call->inputs[0].ndim == 0 ? 77 : good_infer(ctx, call);
}

static const rondo_op op = GOOD_OP("op_unknown_status", 0, infer, good_forward, good_backward, good_sample);

RONDO_PLUGIN("op_unknown_status", "1.0", "MIT", &op.base);
