/* A loss that weights errors by the options of its first call in all later ones. */
#include "good_loss.h"

struct factor {
    double scale;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct factor, scale, "1", 0.1, 10, "factor on the squares"),
    RONDO_OPTION_END,
};

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    static double first;
    if (first == 0) {
        first = ((const struct factor *)call->options)->scale;
    }
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);
    const int32_t dtype = x == NULL ? RONDO_F32 : x->dtype;
    return rondo_apply2(ctx, "mul", NULL, good_record(ctx, call, outputs, targets), rondo_number(ctx, dtype, first));
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_keeps_first_option",
             .summary = "scale times the sum of (x - y)^2 over the numbers of a row",
             .options = table,
             .options_size = sizeof(struct factor)},
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = record,
    .predict = good_predict,
    .measure = good_measure,
};

RONDO_PLUGIN("loss_keeps_first_option", "1.0", "MIT", &loss.base);
