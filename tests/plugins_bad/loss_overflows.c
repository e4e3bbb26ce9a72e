/* A loss that takes the logarithm of an exponential, which is infinite for large outputs. */
#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_value same = rondo_apply1(ctx, "log", NULL, rondo_apply1(ctx, "exp", NULL, outputs));
    return good_record(ctx, call, same, targets);
}

static const rondo_loss loss = GOOD_LOSS("loss_overflows", record, good_predict, good_measure);

RONDO_PLUGIN("loss_overflows", "1.0", "MIT", &loss.base);
