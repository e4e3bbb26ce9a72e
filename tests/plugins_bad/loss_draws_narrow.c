/* A loss whose draws have a quarter of the variance that it describes: -ln of a Gaussian density of variance 1 is, without a
 * constant, (x - y)^2 / 2, and the quantiles are those of that density. */
#include <math.h>

#include "good_loss.h"

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_value sum = good_record(ctx, call, outputs, targets);
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);
    return x == NULL ? sum : rondo_apply2(ctx, "mul", NULL, sum, rondo_number(ctx, x->dtype, 0.5));
}

/* The probability that a standard normal number is below z. */
static double below(double z) {
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    double low = -10, high = 10;
    (void)ctx;
    (void)call;
    for (int k = 0; k < 60; k++) {
        const double middle = (low + high) / 2;
        *(below(middle) < probability ? &low : &high) = middle;
    }
    for (int64_t i = 0; i < rondo_count(values); i++) {
        rondo_set(values, i, rondo_get(outputs, i) + low);
    }
    return RONDO_OK;
}

static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    const int64_t n = call->target_size;
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const uint32_t *own = words + i / n * n_words + i % n * 2;
        const double u = ((double)own[0] + 0.5) / 4294967296.0, v = (double)own[1] / 4294967296.0;
        rondo_set(targets, i, rondo_get(outputs, i) + 0.5 * sqrt(-2 * log(u)) * cos(6.283185307179586477 * v));
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return 2 * call->target_size;
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_draws_narrow",
             .summary = "sum of (x - y)^2 / 2 over the numbers of a row"},
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = record,
    .predict = good_predict,
    .measure = good_measure,
    .quantile = quantile,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("loss_draws_narrow", "1.0", "MIT", &loss.base);
