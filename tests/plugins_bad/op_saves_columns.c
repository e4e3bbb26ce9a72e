/* An op that saves element by element from the last to the first, and claims to save row by row. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = good_forward(ctx, call);
    const int64_t count = rondo_count(&call->output);
    for (int64_t i = 0; i < count; i++) {
        put(call->saved, call->output.dtype, count - 1 - i, 2 * get(call->inputs[0].data, call->output.dtype, i));
    }
    return status;
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const int32_t dtype = call->inputs[0].dtype;
    const int64_t count = rondo_count(&call->inputs[0]);
    void *gx = call->grad_inputs[0].data;
    for (int64_t i = 0; i < count; i++) {
        const double slope = get(call->saved, dtype, count - 1 - i);
        put(gx, dtype, i, get(gx, dtype, i) + get(call->grad_output->data, dtype, i) * slope);
    }
    return RONDO_OK;
}

static const rondo_op op = GOOD_OP("op_saves_columns", RONDO_OP_SAVES_ROWS, good_infer, forward, backward, good_sample);

RONDO_PLUGIN("op_saves_columns", "1.0", "MIT", &op.base);
