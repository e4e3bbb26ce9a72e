/* A loss whose metric reads one target past the end. */
#include "good_loss.h"

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    volatile double beyond = get(targets, rondo_count(targets));
    (void)beyond;
    return good_measure(ctx, call, predictions, targets, sums);
}

static const rondo_loss loss = GOOD_LOSS("loss_reads_past_targets", good_record, good_predict, measure);

RONDO_PLUGIN("loss_reads_past_targets", "1.0", "MIT", &loss.base);
