/* A loss that writes the sums of a batch over those of the batches before. */
#include "good_loss.h"

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    sums[0] = 0;
    return good_measure(ctx, call, predictions, targets, sums);
}

static const rondo_loss loss = GOOD_LOSS("loss_overwrites_sums", good_record, good_predict, measure);

RONDO_PLUGIN("loss_overwrites_sums", "1.0", "MIT", &loss.base);
