/* A loss that chooses an output that the model does not have. */
#include "good_loss.h"

static rondo_status choose_outputs(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *targets,
                                   const int32_t **chosen, int64_t *count) {
    (void)targets;
    int32_t *list = ctx->host->alloc(ctx, sizeof *list);
    if (list == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    list[0] = (int32_t)call->target_size;
    *chosen = list;
    *count = 1;
    return RONDO_OK;
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_chooses_past_end",
             .summary = "sum of (x - y)^2 over the numbers of a row"},
    .flags = RONDO_LOSS_BEFORE_OUTPUT,
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = good_record,
    .predict = good_predict,
    .measure = good_measure,
    .choose_outputs = choose_outputs,
};

RONDO_PLUGIN("loss_chooses_past_end", "1.0", "MIT", &loss.base);
