/* plugins/losses/sigmoid_cross_entropy.c: two classes with one output, or numbers in [0, 1] with one output each.
 *
 * Source: Bishop, "Pattern recognition and machine learning", 2006, equation 4.90; several labels at a time: the sum
 * over independent Bernoulli variables.
 */
#include <math.h>

#include "rondo/plugin.h"

struct sigmoid_cross_entropy {
    int32_t reduction;
};

enum { MEAN, SUM };
static const char *const reductions[] = {"mean", "sum", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct sigmoid_cross_entropy, reduction, "mean", reductions,
                        "of the cross-entropies of a row's numbers; with two classes there is one"),
    RONDO_OPTION_END,
};

static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {0}};

static double element(const rondo_tensor *tensor, int64_t index) {
    return tensor->dtype == RONDO_F32 ? (double)((const float *)tensor->data)[index]
                                      : ((const double *)tensor->data)[index];
}

static void set_element(const rondo_tensor *tensor, int64_t index, double value) {
    if (tensor->dtype == RONDO_F32) {
        ((float *)tensor->data)[index] = (float)value;
    } else {
        ((double *)tensor->data)[index] = value;
    }
}

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind == RONDO_TARGET_CLASS && call->target_size != 2) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "targets have %lld classes, expected 2 (for more, take softmax_cross_entropy)",
                               (long long)call->target_size);
    }
    *size = call->target_kind == RONDO_TARGET_CLASS ? 1 : call->target_size;
    return RONDO_OK;
}

/* Classes as numbers 0 and 1, (rows) -> (rows, 1), of the dtype of the outputs. */
static rondo_value numbers_of_classes(rondo_context *ctx, const rondo_tensor *classes, int32_t dtype) {
    const rondo_value failed = {-1};
    const int64_t rows = classes->shape[0];
    const int32_t *class_of = classes->data;
    const size_t size = dtype == RONDO_F32 ? sizeof(float) : sizeof(double);
    rondo_tensor numbers = {.dtype = dtype, .ndim = 2, .shape = {rows, 1}};
    numbers.data = ctx->host->alloc(ctx, (size_t)rows * size);
    if (numbers.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return failed;
    }
    for (int64_t row = 0; row < rows; row++) {
        if (class_of[row] != 0 && class_of[row] != 1) {
            ctx->host->fail(ctx, RONDO_INVALID, "target of row %lld is class %d, expected 0 or 1", (long long)row,
                            (int)class_of[row]);
            return failed;
        }
        set_element(&numbers, row, class_of[row]);
    }
    return ctx->host->constant(ctx, &numbers);
}

static rondo_status check_numbers(rondo_context *ctx, const rondo_tensor *targets) {
    const int64_t count = rondo_count(targets);
    for (int64_t i = 0; i < count; i++) {
        const double y = element(targets, i);
        if (!(y >= 0 && y <= 1)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "target %lld of row %lld is %g, expected a number in [0, 1]",
                                   (long long)(i % targets->shape[1]), (long long)(i / targets->shape[1]), y);
        }
    }
    return RONDO_OK;
}

/* With output x and target y:
 *     -y log s(x) - (1 - y) log(1 - s(x)) = softplus(x) - x y,    s(x) = 1 / (1 + exp(-x))
 * which never takes the logarithm of a number near 0. */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct sigmoid_cross_entropy *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows) classes, or (rows, n) numbers */
    if (x == NULL || y == NULL) {
        return (rondo_value){-1};
    }
    if (call->target_kind == RONDO_TARGET_CLASS) {
        targets = numbers_of_classes(ctx, y, x->dtype); /* (rows, 1) */
    } else if (check_numbers(ctx, y) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value normaliser = rondo_apply1(ctx, "softplus", NULL, outputs);        /* (rows, n) */
    const rondo_value product = rondo_apply2(ctx, "mul", NULL, outputs, targets);       /* (rows, n) */
    const rondo_value each = rondo_apply2(ctx, "sub", NULL, normaliser, product);       /* (rows, n) */
    return rondo_apply1(ctx, self->reduction == SUM ? "sum" : "mean", "axis=-1", each); /* (rows) */
}

/* s(x) without overflow, whatever the sign. */
static double logistic(double x) {
    const double e = exp(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* [1 - s(x), s(x)] for classes, the former as s(-x), which loses no digits; s(x) for numbers. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t count = rondo_count(outputs);
    for (int64_t i = 0; i < count; i++) {
        const double x = element(outputs, i);
        if (call->target_kind == RONDO_TARGET_CLASS) {
            set_element(predictions, 2 * i, logistic(-x));
            set_element(predictions, 2 * i + 1, logistic(x));
        } else {
            set_element(predictions, i, logistic(x));
        }
    }
    return RONDO_OK;
}

/* Share of the row's numbers that are on the same side of one half as their targets. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    if (call->target_kind == RONDO_TARGET_CLASS) {
        const int32_t *class_of = targets->data; /* (rows) */
        for (int64_t row = 0; row < targets->shape[0]; row++) {
            sums[0] += (element(predictions, 2 * row + 1) > 0.5) == (class_of[row] == 1);
        }
        return RONDO_OK;
    }
    const int64_t count = rondo_count(predictions);
    int64_t right = 0;
    for (int64_t i = 0; i < count; i++) {
        right += (element(predictions, i) > 0.5) == (element(targets, i) > 0.5);
    }
    sums[0] += (double)right / (double)call->target_size;
    return RONDO_OK;
}

static const rondo_loss sigmoid_cross_entropy = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "sigmoid_cross_entropy",
             .summary = "softplus(x) - x y, for two classes or for numbers in [0, 1] (Bishop 2006, equation 4.90)",
             .options = options,
             .options_size = sizeof(struct sigmoid_cross_entropy)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("sigmoid_cross_entropy", "1.0", "MIT", &sigmoid_cross_entropy.base);
