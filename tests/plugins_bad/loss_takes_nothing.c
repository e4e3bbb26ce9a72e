/* A loss that refuses targets of every kind. */
#include "good_loss.h"

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    (void)size;
    return ctx->host->fail(ctx, RONDO_INVALID, "targets are of kind %d, expected others", (int)call->target_kind);
}

static const rondo_loss loss = {.base = {.struct_size = sizeof(rondo_loss),
                                         .kind = RONDO_KIND_LOSS,
                                         .name = "loss_takes_nothing",
                                         .summary = "sum of (x - y)^2 over the numbers of a row"},
                                .metrics = good_metrics,
                                .output_size = output_size,
                                .record = good_record,
                                .predict = good_predict,
                                .measure = good_measure};

RONDO_PLUGIN("loss_takes_nothing", "1.0", "MIT", &loss.base);
