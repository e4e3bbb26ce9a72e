/* plugins/losses/negative_log_likelihood.c: one class out of several, for a model whose outputs are
 * log-probabilities already (Bishop, "Pattern recognition and machine learning", 2006, equation 4.108).
 *
 * The host takes the mean over the rows: weights only scale the loss of a row. PyTorch's nll_loss with reduction 'mean'
 * divides by the sum of the rows' weights instead; with 'none' it gives the same losses as this file.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

struct negative_log_likelihood {
    rondo_reals class_weights;
};

static const rondo_option options[] = {
    RONDO_OPTION_CLASS_REALS(
        struct negative_log_likelihood, class_weights, "[]", 0, 1e6,
        "factors on the loss of each class: {label: factor}, balanced, or a list in the order of the "
        "labels; empty: 1 for all"),
    RONDO_OPTION_END,
};

enum { ACCURACY, PERPLEXITY };
static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {"perplexity", RONDO_METRIC_EXP, 0}, {0}};

/* The sum of the probabilities of a row may exceed 1 by this much, because of rounding over many classes. */
#define MOST_EXCESS 1e-3

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are %s, expected classes",
                               call->target_kind == RONDO_TARGET_LIST ? "lists of classes" : "numbers");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld class, expected 2 or more",
                               (long long)call->target_size);
    }
    const int64_t weights = ((const struct negative_log_likelihood *)call->options)->class_weights.count;
    if (weights != 0 && weights != call->target_size) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'class_weights' has %lld numbers, expected one for each of %lld classes",
                               (long long)weights, (long long)call->target_size);
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* With outputs that are not log-probabilities, the loss would have no lower bound. */
static rondo_status check_outputs(rondo_context *ctx, const rondo_tensor *outputs) {
    const int64_t classes = outputs->shape[1];
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        double sum = 0;
        for (int64_t k = 0; k < classes; k++) {
            sum += exp(rondo_get(outputs, row * classes + k));
        }
        if (sum > 1 + MOST_EXCESS) {
            return ctx->host->fail(ctx, RONDO_INVALID,
                                   "outputs of row %lld are not log-probabilities: their exponentials sum to %g, "
                                   "expected 1 (for other outputs, use softmax_cross_entropy)",
                                   (long long)row, sum);
        }
    }
    return RONDO_OK;
}

/* With x the outputs of a row, c its class and w the weights:  loss = -w_c x_c */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK ||
        check_outputs(ctx, x) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value of_class = rondo_apply2(ctx, "pick", NULL, outputs, targets); /* (rows) */
    const rondo_value surprise = rondo_apply1(ctx, "neg", NULL, of_class);          /* (rows) */
    const rondo_reals *weights = &((const struct negative_log_likelihood *)call->options)->class_weights;
    if (weights->count == 0) {
        return surprise;
    }
    rondo_tensor factors = {.dtype = x->dtype, .ndim = 1, .shape = {x->shape[0]}}; /* (rows) */
    factors.data = ctx->host->alloc(ctx, (size_t)x->shape[0] * sizeof(double));
    if (factors.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t row = 0; row < x->shape[0]; row++) {
        rondo_set(&factors, row, weights->values[((const int32_t *)classes->data)[row]]);
    }
    return rondo_apply2(ctx, "mul", NULL, surprise, ctx->host->constant(ctx, &factors)); /* (rows) */
}

/* p = exp(x) */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    (void)call;
    const int64_t count = rondo_count(outputs);
    for (int64_t i = 0; i < count; i++) {
        rondo_set(predictions, i, exp(rondo_get(outputs, i)));
    }
    return RONDO_OK;
}

/* A probability of 0 counts as the smallest positive number of its dtype, so that perplexity stays finite. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const int64_t classes = call->target_size;
    const int32_t *class_of = targets->data; /* (rows) */
    const double smallest = predictions->dtype == RONDO_F32 ? FLT_MIN : DBL_MIN;
    const rondo_status status = rondo_check_classes(ctx, targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
        sums[ACCURACY] += rondo_argmax(predictions, row * classes, classes) == class_of[row];
        sums[PERPLEXITY] -= log(fmax(rondo_get(predictions, row * classes + class_of[row]), smallest));
    }
    return status;
}

static const rondo_loss negative_log_likelihood = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "negative_log_likelihood",
             .summary = "-x[class], for outputs x that are log-probabilities (Bishop 2006, equation 4.108)",
             .options = options,
             .options_size = sizeof(struct negative_log_likelihood)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("negative_log_likelihood", "1.0", "MIT", &negative_log_likelihood.base);
