/* generalised_cross_entropy.c: a loss for classes, for data in which some labels are wrong. It lies between
 * cross-entropy (q near 0), which tries to fit every label, and the mean absolute error (q = 1), which gives little
 * weight to labels that the model considers improbable.
 *
 * Source: Zhang & Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels",
 * NeurIPS 2018, equation 6.
 */
#include <math.h>
#include <stddef.h>

#include "parts.h"

struct options {
    double q;
};

static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct options, q, "0.7", 0.001, 1, "near 0: cross-entropy; 1: mean absolute error"),
    RONDO_OPTION_END,
};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS || call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are not classes, or fewer than 2, expected 2 or more");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* A scalar constant on the tape. */
static rondo_value number(rondo_context *ctx, int32_t dtype, double value) {
    float single = (float)value;
    rondo_tensor scalar = {.data = &value, .dtype = dtype};
    if (dtype == RONDO_F32) {
        scalar.data = &single;
    }
    return ctx->host->constant(ctx, &scalar);
}

/* With p = softmax(x)[class]:   loss = (1 - p^q) / q = -(e^(q log p) - 1) / q */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const double q = ((const struct options *)call->options)->q;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* [rows, classes] */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const rondo_value log_all = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs); /* [rows, classes] */
    const rondo_value log_p = rondo_apply2(ctx, "pick", NULL, log_all, targets);      /* [rows] */
    const rondo_value power = rondo_apply2(ctx, "mul", NULL, number(ctx, x->dtype, q), log_p);
    const rondo_value below = rondo_apply1(ctx, "expm1", NULL, power);
    return rondo_apply2(ctx, "mul", NULL, number(ctx, x->dtype, -1 / q), below); /* [rows] */
}

static int64_t largest(const rondo_tensor *tensor, int64_t begin, int64_t n) {
    int64_t best = begin;
    for (int64_t k = begin + 1; k < begin + n; k++) {
        best = element(tensor->dtype, tensor->data, k) > element(tensor->dtype, tensor->data, best) ? k : best;
    }
    return best;
}

/* p_k = e^(x_k - m) / sum_j e^(x_j - m),   m = max x */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t begin = 0; begin < rondo_count(outputs); begin += n) {
        const double highest = element(outputs->dtype, outputs->data, largest(outputs, begin, n));
        double sum = 0;
        for (int64_t k = begin; k < begin + n; k++) {
            sum += exp(element(outputs->dtype, outputs->data, k) - highest);
        }
        for (int64_t k = begin; k < begin + n; k++) {
            const double p = exp(element(outputs->dtype, outputs->data, k) - highest) / sum;
            set_element(predictions->dtype, predictions->data, k, p);
        }
    }
    return RONDO_OK;
}

enum { ACCURACY };
static const rondo_metric metrics[] = {[ACCURACY] = {"accuracy", RONDO_METRIC_MEAN, 1}, {NULL, 0, 0}};

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int32_t *class_of = targets->data; /* [rows] */
    const int64_t n = call->target_size;
    for (int64_t row = 0; row < targets->shape[0]; row++) {
        sums[ACCURACY] += largest(predictions, row * n, n) - row * n == class_of[row];
    }
    return RONDO_OK;
}

const rondo_loss generalised_cross_entropy = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "generalised_cross_entropy",
             .summary = "(1 - p^q) / q, p = softmax(x)[class] (Zhang & Sabuncu 2018)",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};
