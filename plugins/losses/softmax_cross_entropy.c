/* plugins/losses/softmax_cross_entropy.c: one class out of several.
 *
 * Sources: Bridle 1990 (softmax with cross-entropy); label smoothing: Szegedy et al., "Rethinking the Inception
 * architecture for computer vision", CVPR 2016, section 7; weights of classes: King & Zeng, "Logistic regression in
 * rare events data", Political Analysis 9, 2001, section 4; focal loss: Lin et al., "Focal loss for dense object
 * detection", ICCV 2017, equation 4.
 */
#include "softmax_rows.h"

/* The host takes the mean over the rows: weights w_c only scale the loss of a row. PyTorch's cross_entropy with
 * reduction 'mean' divides by the sum of the rows' weights instead; with 'none' it gives the same losses as this
 * file. */

struct softmax_cross_entropy {
    double label_smoothing, focus;
    rondo_reals class_weights;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct softmax_cross_entropy, label_smoothing, "0", 0, 0.999,
                      "share of the target probability that is distributed evenly over all classes"),
    RONDO_OPTION_CLASS_REALS(
        struct softmax_cross_entropy, class_weights, "[]", 0, 1e6,
        "factors on the loss of each class: {label: factor}, balanced, or a list in the order of the "
        "labels; empty: 1 for all"),
    RONDO_OPTION_REAL(
        struct softmax_cross_entropy, focus, "0", 0, 100,
        "exponent g of the focal factor (1 - p)^g, which reduces the weight of rows that are already predicted well"),
    RONDO_OPTION_END,
};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    const rondo_status status = softmax_check_kind(ctx, call);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_reals *weights = &((const struct softmax_cross_entropy *)call->options)->class_weights;
    if (weights->count != 0 && weights->count != call->target_size) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'class_weights' has %lld numbers, expected one for each of %lld classes",
                               (long long)weights->count, (long long)call->target_size);
    }
    double sum = 0;
    for (int64_t k = 0; k < weights->count; k++) {
        sum += weights->values[k];
    }
    if (weights->count > 0 && sum == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'class_weights' are all 0, expected one above 0");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* Weights of the classes, (classes), of the given dtype. */
static rondo_value weights_of(rondo_context *ctx, int32_t dtype, const rondo_reals *weights) {
    rondo_tensor tensor = {.dtype = dtype, .ndim = 1, .shape = {weights->count}};
    tensor.data = ctx->host->alloc(ctx, (size_t)weights->count * sizeof(double));
    if (tensor.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t k = 0; k < weights->count; k++) {
        rondo_set(&tensor, k, weights->values[k]);
    }
    return ctx->host->constant(ctx, &tensor);
}

/* -(1 - p)^g log p, element by element, by (1 - p)^g = exp(g log(1 - p)). 1 - p = -expm1(log p) keeps its digits where
 * p is near 1. At p = 1 a floor replaces the logarithm of 0; the gradient is 0 there, as in the limit. */
static rondo_value surprise_of(rondo_context *ctx, int32_t dtype, double focus, rondo_value log_p) {
    const rondo_value surprise = rondo_apply1(ctx, "neg", NULL, log_p);
    if (focus == 0) {
        return surprise;
    }
    const rondo_value others = rondo_apply1(ctx, "neg", NULL, rondo_apply1(ctx, "expm1", NULL, log_p));
    const rondo_value log_others =
        rondo_apply1(ctx, "log", NULL, rondo_apply1(ctx, "clamp", "low=1e-30 high=1", others));
    const rondo_value power = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, focus), log_others);
    return rondo_apply2(ctx, "mul", NULL, rondo_apply1(ctx, "exp", NULL, power), surprise);
}

/* With x the outputs of a row, c its class, p = softmax(x), e the smoothing, w the weights and g the focus:
 *     s_k = -(1 - p_k)^g log p_k,    loss = (1 - e) w_c s_c + e mean_k w_k s_k */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct softmax_cross_entropy *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int32_t dtype = x->dtype;
    const int has_weights = self->class_weights.count > 0;
    const rondo_value weights = has_weights ? weights_of(ctx, dtype, &self->class_weights) : (rondo_value){-1};
    const double e = self->label_smoothing;
    if (e == 0) {
        const rondo_value of_class = rondo_apply2(ctx, "log_softmax_pick", NULL, outputs, targets); /* (rows) */
        const rondo_value surprise = surprise_of(ctx, dtype, self->focus, of_class);                /* (rows) */
        return has_weights ? rondo_apply2(ctx, "mul", NULL, surprise,
                                          rondo_apply2(ctx, "gather", NULL, weights, targets)) /* (rows) */
                           : surprise;
    }
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs);                /* (rows, classes) */
    const rondo_value plain = surprise_of(ctx, dtype, self->focus, log_p);                         /* (rows, classes) */
    const rondo_value each = has_weights ? rondo_apply2(ctx, "mul", NULL, plain, weights) : plain; /* (rows, classes) */
    const rondo_value of_class = rondo_apply2(ctx, "pick", NULL, each, targets);                   /* (rows) */
    const rondo_value spread = rondo_apply1(ctx, "mean", "axis=-1", each);                         /* (rows) */
    const rondo_value sharp_part = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, 1 - e), of_class);
    const rondo_value smooth_part = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, e), spread);
    return rondo_apply2(ctx, "add", NULL, sharp_part, smooth_part); /* (rows) */
}

static const rondo_loss softmax_cross_entropy = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "softmax_cross_entropy",
             .summary = "-log softmax(x)[class], for one class out of several (Bridle 1990; focal: Lin et al. 2017)",
             .options = options,
             .options_size = sizeof(struct softmax_cross_entropy)},
    .metrics = softmax_metrics,
    .output_size = output_size,
    .record = record,
    .predict = softmax_predict,
    .measure = softmax_measure,
};

RONDO_PLUGIN("softmax_cross_entropy", "1.0", "MIT", &softmax_cross_entropy.base);
