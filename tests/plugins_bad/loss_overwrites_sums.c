/* A loss that overwrites the sums of earlier batches with those of the current one. */
#include "good_loss.h"

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    sums[0] = 0;
    return good_measure(ctx, call, predictions, targets, sums);
}

static const rondo_loss loss = GOOD_LOSS("loss_overwrites_sums", good_record, good_predict, measure);

RONDO_PLUGIN("loss_overwrites_sums", "1.0", "MIT", &loss.base);
