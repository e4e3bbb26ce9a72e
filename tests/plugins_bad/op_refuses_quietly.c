/* An op that refuses scalars and does not say why. */
#include "good_op.h"

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    return call->inputs[0].ndim == 0 ? RONDO_INVALID : good_infer(ctx, call);
}

static const rondo_op op = GOOD_OP("op_refuses_quietly", 0, infer, good_forward, good_backward, good_sample);

RONDO_PLUGIN("op_refuses_quietly", "1.0", "MIT", &op.base);
