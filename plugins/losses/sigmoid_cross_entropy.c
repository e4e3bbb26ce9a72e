/* plugins/losses/sigmoid_cross_entropy.c: two classes with one output, or numbers in [0, 1] with one output each.
 *
 * Sources: Bishop, "Pattern recognition and machine learning", 2006, equation 4.90; several labels per row: the sum
 * over independent Bernoulli variables; weight of the positives: King & Zeng, "Logistic regression in rare events
 * data", Political Analysis 9, 2001, section 4; focal loss: Lin et al., "Focal loss for dense object detection", ICCV
 * 2017, equation 4; label smoothing: Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR
 * 2016, section 7, with two classes.
 */
#include <math.h>

#include "distribution.h"
#include "rondo/plugin.h"

struct sigmoid_cross_entropy {
    int32_t reduction;
    rondo_reals positive_weight;
    double focus, label_smoothing;
};

enum { MEAN, SUM };
static const char *const reductions[] = {"mean", "sum", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(
        struct sigmoid_cross_entropy, reduction, "mean", reductions,
        "how the cross-entropies of the numbers of a row are combined; with two classes there is only one"),
    RONDO_OPTION_REALS(
        struct sigmoid_cross_entropy, positive_weight, "1", 0, 1e6,
        "factor on the loss of targets that are 1; one factor for all numbers of a row, or one for each"),
    RONDO_OPTION_REAL(struct sigmoid_cross_entropy, focus, "0", 0, 100,
                      "exponent g of the focal factor (1 - p)^g, which reduces the weight of targets that are already "
                      "predicted well"),
    RONDO_OPTION_REAL(struct sigmoid_cross_entropy, label_smoothing, "0", 0, 0.999,
                      "share of the distance that targets are moved from 0 and 1 towards 0.5"),
    RONDO_OPTION_END,
};

static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind == RONDO_TARGET_LIST) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are lists of classes, expected a class or numbers");
    }
    if (call->target_kind == RONDO_TARGET_CLASS && call->target_size != 2) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "targets have %lld classes, expected 2 (for more, use softmax_cross_entropy)",
                               (long long)call->target_size);
    }
    const int64_t needed = call->target_kind == RONDO_TARGET_CLASS ? 1 : call->target_size;
    const int64_t weights = ((const struct sigmoid_cross_entropy *)call->options)->positive_weight.count;
    if (weights != 1 && weights != needed) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'positive_weight' has %lld numbers, expected 1, or one for each of %lld outputs",
                               (long long)weights, (long long)needed);
    }
    *size = needed;
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
        rondo_set(&numbers, row, class_of[row]);
    }
    return ctx->host->constant(ctx, &numbers);
}

static rondo_status check_numbers(rondo_context *ctx, const rondo_tensor *targets) {
    const int64_t count = rondo_count(targets);
    for (int64_t i = 0; i < count; i++) {
        const double y = rondo_get(targets, i);
        if (!(y >= 0 && y <= 1)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "target %lld of row %lld is %g, expected a number in [0, 1]",
                                   (long long)(i % targets->shape[1]), (long long)(i / targets->shape[1]), y);
        }
    }
    return RONDO_OK;
}

/* Several weights, as a vector. */
static rondo_value numbers(rondo_context *ctx, int32_t dtype, const rondo_reals *reals) {
    rondo_tensor vector = {.dtype = dtype, .ndim = 1, .shape = {reals->count}};
    vector.data = ctx->host->alloc(ctx, (size_t)reals->count * sizeof(double));
    if (vector.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t i = 0; i < reals->count; i++) {
        rondo_set(&vector, i, reals->values[i]);
    }
    return ctx->host->constant(ctx, &vector);
}

/* share cross (1 - p)^g for one side of the target, with cross = -log p, and other = -log(1 - p) that of the other
 * side: (1 - p)^g = exp(-g other). */
static rondo_value focused(rondo_context *ctx, int32_t dtype, double focus, rondo_value share, rondo_value cross,
                           rondo_value other) {
    const rondo_value part = rondo_apply2(ctx, "mul", NULL, share, cross);
    if (focus == 0) {
        return part;
    }
    const rondo_value power = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, -focus), other);
    return rondo_apply2(ctx, "mul", NULL, part, rondo_apply1(ctx, "exp", NULL, power));
}

/* y (1 - e) + e / 2 */
static rondo_value smoothed(rondo_context *ctx, int32_t dtype, double e, rondo_value y) {
    const rondo_value kept = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, 1 - e), y);
    return rondo_apply2(ctx, "add", NULL, kept, rondo_number(ctx, dtype, e / 2));
}

/* With output x and target y, s(x) = 1 / (1 + exp(-x)), the weight w and the focus g:
 *     -w y (1 - s)^g log s - (1 - y) s^g log(1 - s),    -log s = softplus(-x),    -log(1 - s) = softplus(x)
 * which for w = 1 and g = 0 is softplus(x) - x y. No logarithm of a number near 0 is taken. */
static rondo_value each_loss(rondo_context *ctx, const struct sigmoid_cross_entropy *self, int32_t dtype, rondo_value x,
                             rondo_value y) {
    const rondo_value of_zero = rondo_apply1(ctx, "softplus", NULL, x); /* (rows, n) */
    if (self->focus == 0 && self->positive_weight.count == 1 && self->positive_weight.values[0] == 1) {
        return rondo_apply2(ctx, "sub", NULL, of_zero, rondo_apply2(ctx, "mul", NULL, x, y));
    }
    const rondo_value of_one = rondo_apply1(ctx, "softplus", NULL, rondo_apply1(ctx, "neg", NULL, x)); /* (rows, n) */
    const rondo_value weighted = rondo_apply2(ctx, "mul", NULL, y, numbers(ctx, dtype, &self->positive_weight));
    const rondo_value rest = rondo_apply2(ctx, "sub", NULL, rondo_number(ctx, dtype, 1), y);
    const rondo_value positive = focused(ctx, dtype, self->focus, weighted, of_one, of_zero); /* (rows, n) */
    const rondo_value negative = focused(ctx, dtype, self->focus, rest, of_zero, of_one);     /* (rows, n) */
    return rondo_apply2(ctx, "add", NULL, positive, negative);
}

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct sigmoid_cross_entropy *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows) classes, or (rows, n) numbers */
    if (x == NULL || y == NULL) {
        return (rondo_value){-1};
    }
    const int32_t dtype = x->dtype;
    if (call->target_kind == RONDO_TARGET_CLASS) {
        targets = numbers_of_classes(ctx, y, dtype); /* (rows, 1) */
    } else if (check_numbers(ctx, y) != RONDO_OK) {
        return (rondo_value){-1};
    }
    if (self->label_smoothing > 0) {
        targets = smoothed(ctx, dtype, self->label_smoothing, targets);
    }
    const rondo_value each = each_loss(ctx, self, dtype, outputs, targets);             /* (rows, n) */
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
        const double x = rondo_get(outputs, i);
        if (call->target_kind == RONDO_TARGET_CLASS) {
            rondo_set(predictions, 2 * i, logistic(-x));
            rondo_set(predictions, 2 * i + 1, logistic(x));
        } else {
            rondo_set(predictions, i, logistic(x));
        }
    }
    return RONDO_OK;
}

/* 1 with probability s(x), else 0: a class, or each number of a row. */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    (void)call;
    const int64_t n = outputs->shape[1];
    for (int64_t i = 0; i < rondo_count(outputs); i++) {
        const double u = distribution_draw_uniform(words + i / n * n_words + i % n * DISTRIBUTION_UNIFORM_WORDS);
        rondo_set(targets, i, u < logistic(rondo_get(outputs, i)));
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return DISTRIBUTION_UNIFORM_WORDS * (call->target_kind == RONDO_TARGET_CLASS ? 1 : call->target_size);
}

/* Share of the row's numbers that are on the same side of one half as their targets. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    if (call->target_kind == RONDO_TARGET_CLASS) {
        const int32_t *class_of = targets->data; /* (rows) */
        for (int64_t row = 0; row < targets->shape[0]; row++) {
            sums[0] += (rondo_get(predictions, 2 * row + 1) > 0.5) == (class_of[row] == 1);
        }
        return RONDO_OK;
    }
    const int64_t count = rondo_count(predictions);
    int64_t right = 0;
    for (int64_t i = 0; i < count; i++) {
        right += (rondo_get(predictions, i) > 0.5) == (rondo_get(targets, i) > 0.5);
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
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("sigmoid_cross_entropy", "1.0", "MIT", &sigmoid_cross_entropy.base);
