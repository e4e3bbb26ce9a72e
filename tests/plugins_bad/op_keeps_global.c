/* An op that computes through a global variable: a second thread may change the result. */
#include "good_op.h"

static volatile double square; /* or the compiler would remove a variable that nothing else reads */

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = good_forward(ctx, call);
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        const double x = get(call->inputs[0].data, call->inputs[0].dtype, i);
        square = x * x;
        put(call->output.data, call->output.dtype, i, square);
    }
    return status;
}

static const rondo_op op = GOOD_OP("op_keeps_global", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_keeps_global", "1.0", "MIT", &op.base);
