/* An op that follows a null pointer. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const double *volatile nothing = NULL;
    put(call->output.data, RONDO_F64, 0, *nothing);
    return good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_crashes", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_crashes", "1.0", "MIT", &op.base);
