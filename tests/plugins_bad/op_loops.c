/* An op that never returns. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    (void)call;
    for (volatile int go_on = 1; go_on;) {
    }
    return RONDO_OK;
}

static const rondo_op op = GOOD_OP("op_loops", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_loops", "1.0", "MIT", &op.base);
