/* An op that uses the result of host->alloc without checking it. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    double *volatile room = ctx->host->alloc(ctx, sizeof *room);
    *room = 0;
    return good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_ignores_no_memory", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_ignores_no_memory", "1.0", "MIT", &op.base);
