/* A cross entropy with a softmax in predict that does not subtract the largest output first. */
#include "good_loss.h"

#include <math.h>

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are numbers, expected classes");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* -log softmax(x)_y = logsumexp(x) - x_y */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets);
    if (classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value logs = rondo_apply1(ctx, "log_softmax", NULL, outputs); /* (rows, classes) */
    return rondo_apply1(ctx, "neg", NULL, rondo_apply2(ctx, "pick", NULL, logs, targets));
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t classes = call->target_size;
    for (int64_t i = 0; i < rondo_count(outputs); i += classes) {
        double sum = 0;
        for (int64_t k = i; k < i + classes; k++) {
            sum += exp(rondo_get(outputs, k));
        }
        for (int64_t k = i; k < i + classes; k++) {
            rondo_set(predictions, k, exp(rondo_get(outputs, k)) / sum);
        }
    }
    return RONDO_OK;
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_predicts_infinity",
             .summary = "-log softmax(x)_y"},
    .output_size = output_size,
    .record = record,
    .predict = predict,
};

RONDO_PLUGIN("loss_predicts_infinity", "1.0", "MIT", &loss.base);
