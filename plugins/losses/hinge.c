/* plugins/losses/hinge.c: classes by margin: there is a loss unless the score of the right class is above all others by
 * `margin`.
 *
 * Sources: two classes, written -1 and 1: Cortes & Vapnik, "Support-vector networks", Machine Learning 20, 1995;
 * several classes, all rivals: Weston & Watkins, "Support vector machines for multi-class pattern recognition", ESANN
 * 1999; only the hardest rival: Crammer & Singer, "On the algorithmic implementation of multiclass kernel-based vector
 * machines", JMLR 2, 2001.
 */
#include <math.h>
#include <string.h>

#include "rondo/plugin.h"

struct hinge {
    double margin;
    int64_t power;
    int32_t rivals;
};

enum { ALL, HARDEST };
static const char *const rivals_names[] = {"all", "hardest", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct hinge, margin, "1", 0, 1e6,
                      "distance by which the score of the right class must be above the others"),
    RONDO_OPTION_INT(struct hinge, power, "1", 1, 2, "1: the hinge; 2: its square"),
    RONDO_OPTION_CHOICE(struct hinge, rivals, "all", rivals_names,
                        "the wrong classes that count: all, with their sum divided by the number of classes; or only "
                        "the one with the largest loss"),
    RONDO_OPTION_END,
};

static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind == RONDO_TARGET_LIST) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are lists of classes, expected a class or numbers");
    }
    if (call->target_kind == RONDO_TARGET_CLASS && call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld class, expected 2 or more",
                               (long long)call->target_size);
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_status check_signs(rondo_context *ctx, const rondo_tensor *targets) {
    const int64_t count = rondo_count(targets);
    for (int64_t i = 0; i < count; i++) {
        const double y = rondo_get(targets, i);
        if (y != -1 && y != 1) {
            return ctx->host->fail(ctx, RONDO_INVALID, "target %lld of row %lld is %g, expected -1 or 1",
                                   (long long)(i % targets->shape[1]), (long long)(i / targets->shape[1]), y);
        }
    }
    return RONDO_OK;
}

/* max(0, shortfall)^power */
static rondo_value cost_of(rondo_context *ctx, const struct hinge *self, rondo_value shortfall) {
    const rondo_value cost = rondo_apply1(ctx, "relu", NULL, shortfall);
    return self->power == 1 ? cost : rondo_apply1(ctx, "square", NULL, cost);
}

/* 1 at the class of each row, else 0: (rows, classes). */
static rondo_value marks_of(rondo_context *ctx, const rondo_tensor *classes, const rondo_tensor *x) {
    rondo_tensor marks = *x;
    const size_t bytes = (size_t)rondo_count(x) * sizeof(double);
    marks.data = ctx->host->alloc(ctx, bytes);
    if (marks.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    if (bytes > 0) {
        memset(marks.data, 0, bytes);
    }
    for (int64_t row = 0; row < x->shape[0]; row++) {
        rondo_set(&marks, row * x->shape[1] + ((const int32_t *)classes->data)[row], 1);
    }
    return ctx->host->constant(ctx, &marks);
}

/* With x the outputs of a row, c its class, m the margin and p the power, over all classes k other than c:
 *     loss = sum_k max(0, m - x_c + x_k)^p / classes,    or with only the hardest rival max_k max(0, m - x_c + x_k)^p
 */
static rondo_value record_classes(rondo_context *ctx, const struct hinge *self, rondo_value outputs,
                                  rondo_value targets, rondo_value marks, rondo_value margin, rondo_value zero) {
    const rondo_value of_class = rondo_apply2(ctx, "pick", NULL, outputs, targets);   /* (rows) */
    const rondo_value column = rondo_apply1(ctx, "expand_dims", "axis=-1", of_class); /* (rows, 1) */
    const rondo_value lead = rondo_apply2(ctx, "sub", NULL, outputs, column);         /* (rows, classes) */
    const rondo_value shortfall = rondo_apply2(ctx, "add", NULL, lead, margin);       /* (rows, classes) */
    const rondo_value each = rondo_apply3(ctx, "where", NULL, marks, zero, cost_of(ctx, self, shortfall));
    return rondo_apply1(ctx, self->rivals == ALL ? "mean" : "max", "axis=-1", each); /* (rows) */
}

/* With n targets y of -1 or 1 in a row:  loss = sum_k max(0, m - y_k x_k)^p / n */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct hinge *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, classes) or (rows, n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows) or (rows, n) */
    if (x == NULL || y == NULL) {
        return (rondo_value){-1};
    }
    const rondo_value margin = rondo_number(ctx, x->dtype, self->margin);
    if (call->target_kind == RONDO_TARGET_CLASS) {
        if (rondo_check_classes(ctx, y, call->target_size) != RONDO_OK) {
            return (rondo_value){-1};
        }
        return record_classes(ctx, self, outputs, targets, marks_of(ctx, y, x), margin, rondo_number(ctx, x->dtype, 0));
    }
    if (check_signs(ctx, y) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value agreement = rondo_apply2(ctx, "mul", NULL, outputs, targets);  /* (rows, n) */
    const rondo_value shortfall = rondo_apply2(ctx, "sub", NULL, margin, agreement); /* (rows, n) */
    return rondo_apply1(ctx, "mean", "axis=-1", cost_of(ctx, self, shortfall));      /* (rows) */
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

/* Scores are not probabilities. For classes, softmax turns them into numbers that sum to 1 and have the same order. For
 * targets -1 and 1 the prediction is the score, and its sign is the class. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t at = 0; at < rondo_count(outputs); at += call->target_kind == RONDO_TARGET_CLASS ? n : 1) {
        if (call->target_kind == RONDO_TARGET_CLASS) {
            softmax_row(outputs, predictions, at, n);
        } else {
            rondo_set(predictions, at, rondo_get(outputs, at));
        }
    }
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const int64_t n = call->target_size;
    if (call->target_kind == RONDO_TARGET_CLASS) {
        const int32_t *class_of = targets->data; /* (rows) */
        const rondo_status status = rondo_check_classes(ctx, targets, n);
        for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
            sums[0] += rondo_argmax(predictions, row * n, n) == class_of[row];
        }
        return status;
    }
    int64_t right = 0;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        right += (rondo_get(predictions, i) > 0) == (rondo_get(targets, i) > 0);
    }
    sums[0] += (double)right / (double)n;
    return RONDO_OK;
}

static const rondo_loss hinge = {
    .base =
        {.struct_size = sizeof(rondo_loss),
         .kind = RONDO_KIND_LOSS,
         .name = "hinge",
         .summary =
             "max(0, margin - x[class] + x[k]) over other classes k (Weston & Watkins 1999), or max(0, margin - x y)",
         .options = options,
         .options_size = sizeof(struct hinge)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("hinge", "1.0", "MIT", &hinge.base);
