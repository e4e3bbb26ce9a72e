/* An op that draws random words without RONDO_OP_RANDOM. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    uint32_t bits[1];
    const rondo_status status = good_forward(ctx, call);
    ctx->host->random(ctx, 0, 1, bits);
    if (rondo_count(&call->output) > 0) { /* noise of 1 part in 1000 */
        const double y = get(call->output.data, call->output.dtype, 0);
        put(call->output.data, call->output.dtype, 0, y * (1 + 1e-3 * bits[0] / 4294967296.0));
    }
    return status;
}

static const rondo_op op = GOOD_OP("op_hides_random", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_hides_random", "1.0", "MIT", &op.base);
