/* A loss with an option that it divides by, and that may be 0. */
#include "good_loss.h"

struct divisor {
    double scale;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct divisor, scale, "1", 0, 10, "divisor of the squares"),
    RONDO_OPTION_END,
};

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const double scale = ((const struct divisor *)call->options)->scale;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);
    const int32_t dtype = x == NULL ? RONDO_F32 : x->dtype;
    return rondo_apply2(ctx, "mul", NULL, good_record(ctx, call, outputs, targets),
                        rondo_number(ctx, dtype, 1 / scale));
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_breaks_at_end",
             .summary = "sum of (x - y)^2 over the numbers of a row, divided by scale",
             .options = table,
             .options_size = sizeof(struct divisor)},
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = record,
    .predict = good_predict,
    .measure = good_measure,
};

RONDO_PLUGIN("loss_breaks_at_end", "1.0", "MIT", &loss.base);
