/* A loss that puts its outputs on the tape as a constant once: (x - y) (x - y) has half of its gradient. */
#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    (void)call;
    const rondo_value copy = ctx->host->constant(ctx, ctx->host->tensor(ctx, outputs));
    const rondo_value left = rondo_apply2(ctx, "sub", NULL, outputs, targets);
    const rondo_value right = rondo_apply2(ctx, "sub", NULL, copy, targets);
    return rondo_apply1(ctx, "sum", "axis=-1", rondo_apply2(ctx, "mul", NULL, left, right));
}

static const rondo_loss loss = GOOD_LOSS("loss_loses_gradient", record, good_predict, good_measure);

RONDO_PLUGIN("loss_loses_gradient", "1.0", "MIT", &loss.base);
