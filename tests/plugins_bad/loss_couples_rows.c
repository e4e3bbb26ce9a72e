/* A loss that divides by the sum over the batch, and does not declare it. */
#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_value losses = good_record(ctx, call, outputs, targets);
    return rondo_apply2(ctx, "div", NULL, losses, rondo_apply1(ctx, "sum", NULL, losses));
}

static const rondo_loss loss = GOOD_LOSS("loss_couples_rows", record, good_predict, good_measure);

RONDO_PLUGIN("loss_couples_rows", "1.0", "MIT", &loss.base);
