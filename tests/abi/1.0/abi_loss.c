/* tests/abi/1.0/abi_loss.c: losses as of ABI 1.0.
 *
 *     abi_square    numbers: weight times the mean over a row of (x - y)^2; the outputs are the predictions
 *     abi_class     one class out of several: -log softmax(x)[class]; in training it makes the outputs itself, from
 * what goes into the output layer
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "element.h"

static rondo_value failed(void) {
    return (rondo_value){-1};
}

/* ---- abi_square ---- */

struct square {
    double weight_of_all;
};
static const rondo_option square_options[] = {
    RONDO_OPTION_REAL(struct square, weight_of_all, "1", 0, 100, "factor on the loss"),
    RONDO_OPTION_END,
};

enum { MSE, RMSE };
static const rondo_metric square_metrics[] = {
    {"mse", RONDO_METRIC_MEAN, 0},
    {"rmse", RONDO_METRIC_ROOT, 0},
    {NULL, 0, 0},
};

static rondo_status square_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* Where there are sequences, their steps are the rows. */
static int sequences_fit(const rondo_sequences *sequences, int64_t rows) {
    int64_t count = 0;
    for (int64_t s = 0; sequences != NULL && s < sequences->count; s++) {
        count += sequences->lengths[s];
    }
    return sequences == NULL || (count == rows && sequences->begin[sequences->steps] == rows);
}

static rondo_value square_record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                 rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);
    if (x == NULL) {
        return failed();
    }
    if (!sequences_fit(call->sequences, x->shape[0])) {
        ctx->host->fail(ctx, RONDO_INTERNAL, "the steps of the sequences are not the rows of the outputs");
        return failed();
    }
    rondo_tensor weight = {.data = ctx->host->alloc(ctx, sizeof(double)), .dtype = x->dtype};
    if (weight.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return failed();
    }
    set(weight.dtype, weight.data, 0, ((const struct square *)call->options)->weight_of_all);
    const rondo_value inputs[2] = {outputs, targets};
    const rondo_value difference = ctx->host->apply(ctx, "sub", NULL, inputs, 2);
    const rondo_value squares = rondo_apply2(ctx, "mul", NULL, difference, difference);
    const rondo_value mean = rondo_apply1(ctx, "mean", "axis=-1", squares);
    return rondo_apply2(ctx, "mul", NULL, ctx->host->constant(ctx, &weight), mean);
}

static rondo_status square_measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                                   const rondo_tensor *targets, double *sums) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        const double difference = get(predictions->dtype, predictions->data, i) - get(targets->dtype, targets->data, i);
        sums[MSE] += difference * difference / (double)call->target_size;
        sums[RMSE] += difference * difference / (double)call->target_size;
    }
    return RONDO_OK;
}

static const rondo_loss square = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "abi_square",
             .summary = "weight mean (x - y)^2",
             .options = square_options,
             .options_size = sizeof(struct square)},
    .metrics = square_metrics,
    .output_size = square_output_size,
    .record = square_record,
    .measure = square_measure,
};

/* ---- abi_class ---- */

static rondo_status class_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS || call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are not 2 classes or more");
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_status class_prediction_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    (void)ctx;
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_value class_record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                rondo_value targets) {
    rondo_value x = outputs;
    if (call->training) {
        x = rondo_apply2(ctx, "add", NULL, rondo_apply2(ctx, "matmul", NULL, outputs, call->output_weight),
                         call->output_bias);
    }
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", x);
    return rondo_apply1(ctx, "neg", NULL, rondo_apply2(ctx, "pick", NULL, log_p, targets));
}

static rondo_status class_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                  const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        double highest = -INFINITY, sum = 0;
        for (int64_t k = row * n; k < (row + 1) * n; k++) {
            highest = fmax(highest, get(outputs->dtype, outputs->data, k));
        }
        for (int64_t k = row * n; k < (row + 1) * n; k++) {
            sum += exp(get(outputs->dtype, outputs->data, k) - highest);
        }
        for (int64_t k = row * n; k < (row + 1) * n; k++) {
            set(outputs->dtype, predictions->data, k, exp(get(outputs->dtype, outputs->data, k) - highest) / sum);
        }
    }
    return RONDO_OK;
}

/* mean of -log p, which RONDO_METRIC_EXP turns into the perplexity; the smallest number stands in for 0 */
static const rondo_metric class_metrics[] = {{"perplexity", RONDO_METRIC_EXP, 0}, {NULL, 0, 0}};

static rondo_status class_measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                                  const rondo_tensor *targets, double *sums) {
    const int32_t *class_of = targets->data;
    const rondo_status status = rondo_check_classes(ctx, targets, call->target_size);
    for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
        const double p = get(predictions->dtype, predictions->data, row * call->target_size + class_of[row]);
        sums[0] -= log(fmax(p, 1e-38));
    }
    return status;
}

static const rondo_loss class_loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "abi_class",
             .summary = "-log softmax(x)[class]"},
    .flags = RONDO_LOSS_BEFORE_OUTPUT,
    .metrics = class_metrics,
    .output_size = class_output_size,
    .record = class_record,
    .predict = class_predict,
    .measure = class_measure,
    .prediction_size = class_prediction_size,
};

RONDO_PLUGIN("abi_loss", "1.0", "MIT", &square.base, &class_loss.base);
