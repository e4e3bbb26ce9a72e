/* A loss that leaves the last prediction out. */
#include "good_loss.h"

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    rondo_tensor fewer = *outputs;
    fewer.shape[0] -= fewer.shape[0] > 0;
    return good_predict(ctx, call, &fewer, predictions);
}

static const rondo_loss loss = GOOD_LOSS("loss_skips_prediction", good_record, predict, good_measure);

RONDO_PLUGIN("loss_skips_prediction", "1.0", "MIT", &loss.base);
