/* A loss whose metric is a mean over the batch. */
#include "good_loss.h"

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    double sum = 0;
    const rondo_status status = good_measure(ctx, call, predictions, targets, &sum);
    sums[0] += predictions->shape[0] > 0 ? sum / (double)predictions->shape[0] : 0;
    return status;
}

static const rondo_loss loss = GOOD_LOSS("loss_measures_mean", good_record, good_predict, measure);

RONDO_PLUGIN("loss_measures_mean", "1.0", "MIT", &loss.base);
