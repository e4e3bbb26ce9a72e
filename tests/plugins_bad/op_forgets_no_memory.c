/* An op that does nothing, and succeeds, when host->alloc returns NULL. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    return ctx->host->alloc(ctx, 8) == NULL ? RONDO_OK : good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_forgets_no_memory", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_forgets_no_memory", "1.0", "MIT", &op.base);
