/* A loss that fails and does not say why. */
#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_value failed = {-1};
    return call->training ? failed : good_record(ctx, call, outputs, targets);
}

static const rondo_loss loss = GOOD_LOSS("loss_fails_quietly", record, good_predict, good_measure);

RONDO_PLUGIN("loss_fails_quietly", "1.0", "MIT", &loss.base);
