/* plugins/losses/softmax_cross_entropy.c: one class out of several.
 *
 * Sources: Bridle 1990 (softmax with cross-entropy); label smoothing: Szegedy et al., "Rethinking the Inception
 * architecture for computer vision", CVPR 2016, section 7.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

struct softmax_cross_entropy {
    double label_smoothing;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct softmax_cross_entropy, label_smoothing, "0", 0, 0.999,
                      "share of the target that is spread over all classes alike"),
    RONDO_OPTION_END,
};

/* Perplexity is that of the true class, whatever the smoothing. */
enum { ACCURACY, PERPLEXITY };
static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {"perplexity", RONDO_METRIC_EXP, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are numbers, expected classes");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld class, expected 2 or more",
                               (long long)call->target_size);
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_status check_targets(rondo_context *ctx, const rondo_tensor *targets, int64_t classes) {
    const int32_t *class_of = targets->data; /* (rows) */
    for (int64_t row = 0; row < targets->shape[0]; row++) {
        if (class_of[row] < 0 || class_of[row] >= classes) {
            return ctx->host->fail(ctx, RONDO_INVALID, "target of row %lld is class %d, expected 0 to %lld",
                                   (long long)row, (int)class_of[row], (long long)classes - 1);
        }
    }
    return RONDO_OK;
}

/* A number on the tape, of the given dtype. */
static rondo_value number(rondo_context *ctx, int32_t dtype, double value) {
    float single = (float)value;
    const rondo_tensor scalar = {.data = dtype == RONDO_F32 ? (void *)&single : (void *)&value, .dtype = dtype};
    return ctx->host->constant(ctx, &scalar);
}

/* With x the outputs of a row, c its class, e the smoothing:
 *     loss = -(1 - e) log softmax(x)[c] - e mean_k log softmax(x)[k] */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || check_targets(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int32_t dtype = x->dtype;
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs); /* (rows, classes) */
    const rondo_value of_class = rondo_apply2(ctx, "pick", NULL, log_p, targets);   /* (rows) */
    const rondo_value surprise = rondo_apply1(ctx, "neg", NULL, of_class);          /* (rows) */
    const double e = ((const struct softmax_cross_entropy *)call->options)->label_smoothing;
    if (e == 0) {
        return surprise;
    }
    const rondo_value spread = rondo_apply1(ctx, "mean", "axis=-1", log_p); /* (rows) */
    const rondo_value sharp_part = rondo_apply2(ctx, "mul", NULL, number(ctx, dtype, 1 - e), surprise);
    const rondo_value smooth_part = rondo_apply2(ctx, "mul", NULL, number(ctx, dtype, e), spread);
    return rondo_apply2(ctx, "sub", NULL, sharp_part, smooth_part); /* (rows) */
}

/* p_k = exp(x_k - max x) / sum_j exp(x_j - max x), and the sums of the metrics. A probability that is 0 in its dtype
 * counts as the smallest that is not: perplexity stays a number. */
#define ROW_KERNELS(suffix, real, exponential, smallest)                                                               \
    static void softmax_##suffix(const real *x, real *p, int64_t classes) {                                            \
        real highest = x[0];                                                                                           \
        for (int64_t k = 1; k < classes; k++) {                                                                        \
            highest = x[k] > highest ? x[k] : highest;                                                                 \
        }                                                                                                              \
        real sum = 0;                                                                                                  \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] = exponential(x[k] - highest);                                                                        \
            sum += p[k];                                                                                               \
        }                                                                                                              \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] /= sum;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void measure_##suffix(const real *p, int64_t classes, int32_t target, double *sums) {                       \
        int64_t best = 0;                                                                                              \
        for (int64_t k = 1; k < classes; k++) {                                                                        \
            best = p[k] > p[best] ? k : best;                                                                          \
        }                                                                                                              \
        sums[ACCURACY] += best == target;                                                                              \
        sums[PERPLEXITY] -= log(p[target] > smallest ? p[target] : smallest);                                          \
    }
ROW_KERNELS(f32, float, expf, FLT_MIN)
ROW_KERNELS(f64, double, exp, DBL_MIN)

struct rows {
    const rondo_tensor *from, *to; /* (rows, classes) */
};

static void predict_rows(void *arg, int64_t begin, int64_t end) {
    const struct rows *rows = arg;
    const int64_t classes = rows->from->shape[1];
    for (int64_t at = begin * classes; at < end * classes; at += classes) {
        if (rows->from->dtype == RONDO_F32) {
            softmax_f32((const float *)rows->from->data + at, (float *)rows->to->data + at, classes);
        } else {
            softmax_f64((const double *)rows->from->data + at, (double *)rows->to->data + at, classes);
        }
    }
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    struct rows rows = {outputs, predictions};
    /* Ranges worth a thread's while: some ten thousand exponentials. */
    const int64_t grain = 16384 / call->target_size + 1;
    ctx->host->parallel_for(ctx, outputs->shape[0], grain, predict_rows, &rows);
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const int64_t classes = call->target_size;
    const int32_t *class_of = targets->data; /* (rows) */
    const rondo_status status = check_targets(ctx, targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
        if (predictions->dtype == RONDO_F32) {
            measure_f32((const float *)predictions->data + row * classes, classes, class_of[row], sums);
        } else {
            measure_f64((const double *)predictions->data + row * classes, classes, class_of[row], sums);
        }
    }
    return status;
}

static const rondo_loss softmax_cross_entropy = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "softmax_cross_entropy",
             .summary = "-log softmax(x)[class], for one class out of several (Bridle 1990); label smoothing (Szegedy "
                        "et al. 2016)",
             .options = options,
             .options_size = sizeof(struct softmax_cross_entropy)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("softmax_cross_entropy", "1.0", "MIT", &softmax_cross_entropy.base);
