/* An op that says that its random words belong to elements, and draws one word for each pair of them. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = good_forward(ctx, call);
    for (int64_t i = 0; i < rondo_count(&call->output); i++) { /* noise of 1 part in 1000 */
        uint32_t word;
        ctx->host->random(ctx, (uint64_t)(i / 2), 1, &word);
        const double y = get(call->output.data, call->output.dtype, i);
        put(call->output.data, call->output.dtype, i, y * (1 + 1e-3 * word / 4294967296.0));
    }
    return status;
}

static const rondo_op op = GOOD_OP("op_shares_words", RONDO_OP_RANDOM | RONDO_OP_RANDOM_ELEMENTS, good_infer, forward,
                                   good_backward, good_sample);

RONDO_PLUGIN("op_shares_words", "1.0", "MIT", &op.base);
