/* An op that writes its gradient where it should add. */
#include "good_op.h"

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    for (int64_t i = 0; i < rondo_count(&call->grad_inputs[0]); i++) {
        put(call->grad_inputs[0].data, call->grad_inputs[0].dtype, i, 0);
    }
    return good_backward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_overwrites_gradient", 0, good_infer, good_forward, backward, good_sample);

RONDO_PLUGIN("op_overwrites_gradient", "1.0", "MIT", &op.base);
