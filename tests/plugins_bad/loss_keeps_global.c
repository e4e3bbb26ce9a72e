/* A loss that weights by the number of batches that it has seen. */
#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    static int batches;
    rondo_value losses = good_record(ctx, call, outputs, targets);
    for (int i = 0; i < batches % 3; i++) {
        losses = rondo_apply2(ctx, "add", NULL, losses, losses);
    }
    batches++;
    return losses;
}

static const rondo_loss loss = GOOD_LOSS("loss_keeps_global", record, good_predict, good_measure);

RONDO_PLUGIN("loss_keeps_global", "1.0", "MIT", &loss.base);
