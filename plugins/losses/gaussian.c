/* plugins/losses/gaussian.c: numbers with their uncertainty: a mean and a variance for each.
 *
 * Sources: Nix & Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994; the
 * variance as softplus(s) + floor: Lakshminarayanan, Pritzel & Blundell, "Simple and scalable predictive uncertainty
 * estimation using deep ensembles", NeurIPS 2017, section 2.2.
 *
 * A row of n targets has 2 n outputs: the n means, then the n numbers s from which the variances are computed.
 */
#include <math.h>
#include <stdio.h>

#include "distribution.h"
#include "rondo/plugin.h"

struct gaussian {
    double floor;
    int32_t full;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct gaussian, floor, "1e-6", 1e-12, 1e6,
                      "smallest variance, in squared units of the scaled target"),
    RONDO_OPTION_BOOL(struct gaussian, full, "true",
                      "include log(2 pi) / 2 for each number, so that the loss is the negative logarithm of a density"),
    RONDO_OPTION_END,
};

enum { RMSE, MAE };
static const rondo_metric metrics[] = {{"rmse", RONDO_METRIC_ROOT, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = 2 * call->target_size;
    return RONDO_OK;
}

/* Columns begin .. end - 1 of a matrix. */
static rondo_value columns(rondo_context *ctx, rondo_value matrix, int64_t begin, int64_t end) {
    char options_text[80];
    snprintf(options_text, sizeof options_text, "axis=-1 begin=%lld end=%lld", (long long)begin, (long long)end);
    return rondo_apply1(ctx, "slice", options_text, matrix);
}

/* With m the means, v = softplus(s) + floor the variances and y the targets of a row, the mean of
 *     (log v + (y - m)^2 / v + log(2 pi)) / 2,    the last term only with the option `full` */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct gaussian *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, 2 n) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const int64_t n = call->target_size;
    const rondo_value mean = columns(ctx, outputs, 0, n);  /* (rows, n) */
    const rondo_value s = columns(ctx, outputs, n, 2 * n); /* (rows, n) */
    const rondo_value variance = rondo_apply2(ctx, "add", NULL, rondo_apply1(ctx, "softplus", NULL, s),
                                              rondo_number(ctx, x->dtype, self->floor));
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, targets, mean); /* (rows, n) */
    const rondo_value square = rondo_apply1(ctx, "square", NULL, difference);     /* (rows, n) */
    const rondo_value ratio = rondo_apply2(ctx, "div", NULL, square, variance);   /* (rows, n) */
    const rondo_value both = rondo_apply2(ctx, "add", NULL, rondo_apply1(ctx, "log", NULL, variance), ratio);
    const rondo_value sum = rondo_apply1(ctx, "mean", "axis=-1", both); /* (rows) */
    const rondo_value half = rondo_apply2(ctx, "mul", NULL, sum, rondo_number(ctx, x->dtype, 0.5));
    const double log_2_pi = 1.8378770664093454836;
    return self->full ? rondo_apply2(ctx, "add", NULL, half, rondo_number(ctx, x->dtype, log_2_pi / 2)) : half;
}

/* sqrt(softplus(s) + floor) */
static double deviation(double s, double floor) {
    return sqrt(fmax(s, 0) + log1p(exp(-fabs(s))) + floor);
}

/* The means. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        rondo_set(predictions, i, rondo_get(outputs, i / n * 2 * n + i % n));
    }
    return RONDO_OK;
}

/* mean + deviation z,  z the quantile of the standard normal distribution */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    (void)ctx;
    const int64_t n = call->target_size;
    const double z = distribution_normal_quantile(probability);
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const int64_t at = i / n * 2 * n + i % n;
        const double s = rondo_get(outputs, at + n);
        rondo_set(values, i,
                  rondo_get(outputs, at) + z * deviation(s, ((const struct gaussian *)call->options)->floor));
    }
    return RONDO_OK;
}

/* mean + deviation z,  z drawn from the standard normal distribution */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const int64_t at = i / n * 2 * n + i % n;
        const double s = rondo_get(outputs, at + n);
        const double z = distribution_draw_normal(words + i / n * n_words + i % n * DISTRIBUTION_NORMAL_WORDS);
        distribution_set_draw(
            targets, i, rondo_get(outputs, at) + z * deviation(s, ((const struct gaussian *)call->options)->floor));
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return DISTRIBUTION_NORMAL_WORDS * call->target_size;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const double difference = rondo_get(predictions, i) - rondo_get(targets, i);
        sums[RMSE] += difference * difference / (double)n;
        sums[MAE] += fabs(difference) / (double)n;
    }
    return RONDO_OK;
}

static const rondo_loss gaussian = {
    .base =
        {.struct_size = sizeof(rondo_loss),
         .kind = RONDO_KIND_LOSS,
         .name = "gaussian",
         .summary =
             "(log v + (y - m)^2 / v + log(2 pi)) / 2, with a mean m and a variance v as outputs (Nix & Weigend 1994)",
         .options = options,
         .options_size = sizeof(struct gaussian)},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
    .quantile = quantile,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("gaussian", "1.0", "MIT", &gaussian.base);
