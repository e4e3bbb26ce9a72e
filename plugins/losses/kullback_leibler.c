/* plugins/losses/kullback_leibler.c: distributions over several classes, such as those of a teacher.
 *
 * Sources: Kullback & Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22, 1951; as a
 * loss: Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
 */
#include <math.h>

#include "rondo/plugin.h"

/* Accuracy: the most probable class of the target is that of the prediction. Variation: half the sum of |p - t|. */
enum { ACCURACY, VARIATION };
static const rondo_metric metrics[] = {
    {"accuracy", RONDO_METRIC_MEAN, 1}, {"total_variation", RONDO_METRIC_MEAN, 0}, {0}};

/* A sum of probabilities may differ from 1 by this much, because files contain rounded decimals. */
#define MOST_ROUNDING 1e-3

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "targets are classes, expected probabilities (for classes, use softmax_cross_entropy)");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld number, expected the probabilities of 2 or more",
                               (long long)call->target_size);
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* Each target is a probability and each row sums to 1. */
static rondo_status check_targets(rondo_context *ctx, const rondo_tensor *targets) {
    const int64_t n = targets->shape[1];
    for (int64_t row = 0; row < targets->shape[0]; row++) {
        double sum = 0;
        for (int64_t k = 0; k < n; k++) {
            const double t = rondo_get(targets, row * n + k);
            if (!(t >= 0 && t <= 1 + MOST_ROUNDING)) {
                return ctx->host->fail(ctx, RONDO_INVALID, "target %lld of row %lld is %g, expected a probability",
                                       (long long)k, (long long)row, t);
            }
            sum += t;
        }
        if (fabs(sum - 1) > MOST_ROUNDING) {
            return ctx->host->fail(ctx, RONDO_INVALID, "targets of row %lld sum to %g, expected 1", (long long)row,
                                   sum);
        }
    }
    return RONDO_OK;
}

/* log t, or 0 if t is 0: the product with t is then 0. */
static rondo_value log_targets(rondo_context *ctx, const rondo_tensor *targets) {
    rondo_tensor logs = *targets;
    const int64_t count = rondo_count(targets);
    logs.data = ctx->host->alloc(ctx, (size_t)count * sizeof(double));
    if (logs.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t i = 0; i < count; i++) {
        const double t = rondo_get(targets, i);
        rondo_set(&logs, i, t > 0 ? log(t) : 0);
    }
    return ctx->host->constant(ctx, &logs);
}

/* With x the outputs and t the targets of a row:  loss = sum_k t_k (log t_k - log softmax(x)_k),  0 log 0 = 0 */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    (void)call;
    const rondo_tensor *t = ctx->host->tensor(ctx, targets); /* (rows, n) */
    if (ctx->host->tensor(ctx, outputs) == NULL || t == NULL || check_targets(ctx, t) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs);            /* (rows, n) */
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, log_targets(ctx, t), log_p); /* (rows, n) */
    const rondo_value each = rondo_apply2(ctx, "mul", NULL, targets, difference);              /* (rows, n) */
    return rondo_apply1(ctx, "sum", "axis=-1", each);                                          /* (rows) */
}

/* p_k = exp(x_k - max x) / sum_j exp(x_j - max x), for the n numbers from `begin` on. */
static void softmax_row(const rondo_tensor *outputs, const rondo_tensor *predictions, int64_t begin, int64_t n) {
    const double highest = rondo_get(outputs, begin + rondo_argmax(outputs, begin, n));
    double sum = 0;
    for (int64_t k = begin; k < begin + n; k++) {
        sum += exp(rondo_get(outputs, k) - highest);
    }
    for (int64_t k = begin; k < begin + n; k++) {
        rondo_set(predictions, k, exp(rondo_get(outputs, k) - highest) / sum);
    }
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    for (int64_t at = 0; at < rondo_count(outputs); at += call->target_size) {
        softmax_row(outputs, predictions, at, call->target_size);
    }
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t at = 0; at < rondo_count(targets); at += n) {
        sums[ACCURACY] += rondo_argmax(predictions, at, n) == rondo_argmax(targets, at, n);
        for (int64_t k = at; k < at + n; k++) {
            sums[VARIATION] += fabs(rondo_get(predictions, k) - rondo_get(targets, k)) / 2;
        }
    }
    return RONDO_OK;
}

static const rondo_loss kullback_leibler = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "kullback_leibler",
             .summary = "sum of t (log t - log softmax(x)), for targets t that are a probability distribution "
                        "(Kullback & Leibler 1951)"},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("kullback_leibler", "1.0", "MIT", &kullback_leibler.base);
