/* plugins/losses/softmax_rows.h: what the losses of one class out of several have in common: the check of the targets,
 * predictions (the softmax of the outputs) and metrics. Each plug-in gets its own copy.
 */
#ifndef RONDO_PLUGINS_SOFTMAX_ROWS_H
#define RONDO_PLUGINS_SOFTMAX_ROWS_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "rondo/plugin.h"

/* Perplexity is computed from the probability of the true class, without label smoothing. */
enum { SOFTMAX_ACCURACY, SOFTMAX_PERPLEXITY };
static const rondo_metric softmax_metrics[] = {
    {"accuracy", RONDO_METRIC_MEAN, 1}, {"perplexity", RONDO_METRIC_EXP, 0}, {0}};

/* The number of exponentials or copies per range that justifies starting a thread. */
enum { SOFTMAX_GRAIN = 16384 };

/* Targets are one class of two or more. */
static inline rondo_status softmax_check_kind(rondo_context *ctx, const rondo_loss_call *call) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are %s, expected classes",
                               call->target_kind == RONDO_TARGET_LIST ? "lists of classes" : "numbers");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld class, expected 2 or more",
                               (long long)call->target_size);
    }
    return RONDO_OK;
}

/* exp(x) for x <= 0, with a relative error of 1e-7, and 0 where it is below the normal numbers. It has no call and no
 * branch, so that compilers generate vector code: for many classes, evaluation would take most of its time in expf.
 * exp(x) = 2^k exp(r),  x = k ln 2 + r,  |r| <= ln 2 / 2;  exp(r) = 1 + r + r^2 q(r), as in Rondo's own ops. */
static inline float softmax_exp(float x) {
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to the nearest integer, in its low bits */
    const float within = x < -87.0f ? -87.0f : x;
    const float shifted = within * 1.44269504f + to_integer;
    const float k = shifted - to_integer;
    const float r = (within - k * 0x1.62e4p-1f) - k * 1.42860682e-6f;
    const float q =
        0.4999999345f + r * (0.1666652063f + r * (0.04166838805f + r * (0.00836871688f + r * 0.001381459865f)));
    uint32_t bits, bits_of_zero;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&bits_of_zero, &to_integer, sizeof bits_of_zero);
    bits = (bits - bits_of_zero + 127) << 23; /* of 2^k */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : (1.0f + (r + r * r * q)) * scale;
}

/* Elements that are compared or added side by side: compilers keep the order of a single sum, one element at a time. */
enum { SOFTMAX_LANES = 16 };

/* p_k = exp(x_k - max x) / sum_j exp(x_j - max x), and the sums of the metrics. A probability of 0 counts as the
 * smallest positive number of its dtype, so that perplexity stays finite. The target is the most probable class, the
 * first one if several are equal, if all classes before it are less probable, and none after it more. */
#define SOFTMAX_KERNELS(suffix, real, exponential, smallest)                                                           \
    static inline real softmax_highest_##suffix(const real *x, int64_t classes) {                                      \
        real most[SOFTMAX_LANES], highest = x[0];                                                                      \
        int64_t k = 0;                                                                                                 \
        for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                      \
            most[l] = x[0];                                                                                            \
        }                                                                                                              \
        for (; k + SOFTMAX_LANES <= classes; k += SOFTMAX_LANES) {                                                     \
            for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                  \
                most[l] = x[k + l] > most[l] ? x[k + l] : most[l];                                                     \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                      \
            highest = most[l] > highest ? most[l] : highest;                                                           \
        }                                                                                                              \
        for (; k < classes; k++) {                                                                                     \
            highest = x[k] > highest ? x[k] : highest;                                                                 \
        }                                                                                                              \
        return highest;                                                                                                \
    }                                                                                                                  \
    static inline real softmax_total_##suffix(const real *p, int64_t classes) {                                        \
        real sums[SOFTMAX_LANES] = {0};                                                                                \
        int64_t k = 0;                                                                                                 \
        for (; k + SOFTMAX_LANES <= classes; k += SOFTMAX_LANES) {                                                     \
            for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                  \
                sums[l] += p[k + l];                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; k + l < classes; l++) {                                                                        \
            sums[l] += p[k + l];                                                                                       \
        }                                                                                                              \
        for (int half = SOFTMAX_LANES / 2; half > 0; half /= 2) {                                                      \
            for (int l = 0; l < half; l++) {                                                                           \
                sums[l] += sums[l + half];                                                                             \
            }                                                                                                          \
        }                                                                                                              \
        return sums[0];                                                                                                \
    }                                                                                                                  \
    static inline void softmax_row_##suffix(const real *restrict x, real *restrict p, int64_t classes) {               \
        const real highest = softmax_highest_##suffix(x, classes);                                                     \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] = exponential(x[k] - highest);                                                                        \
        }                                                                                                              \
        const real sum = softmax_total_##suffix(p, classes);                                                           \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] /= sum;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void softmax_measure_##suffix(const real *p, int64_t classes, int32_t target, double *sums) {        \
        const real of_target = p[target];                                                                              \
        int32_t others = 0;                                                                                            \
        for (int64_t k = 0; k < target; k++) {                                                                         \
            others |= !(p[k] < of_target);                                                                             \
        }                                                                                                              \
        for (int64_t k = target + 1; k < classes; k++) {                                                               \
            others |= !(p[k] <= of_target);                                                                            \
        }                                                                                                              \
        sums[SOFTMAX_ACCURACY] += !others;                                                                             \
        sums[SOFTMAX_PERPLEXITY] -= log(of_target > smallest ? of_target : smallest);                                  \
    }
SOFTMAX_KERNELS(f32, float, softmax_exp, FLT_MIN)
SOFTMAX_KERNELS(f64, double, exp, DBL_MIN)

struct softmax_rows {
    const rondo_tensor *from, *to; /* (rows, classes) */
};

static inline void softmax_predict_rows(void *arg, int64_t begin, int64_t end) {
    const struct softmax_rows *rows = arg;
    const int64_t classes = rows->from->shape[1];
    for (int64_t at = begin * classes; at < end * classes; at += classes) {
        if (rows->from->dtype == RONDO_F32) {
            softmax_row_f32((const float *)rows->from->data + at, (float *)rows->to->data + at, classes);
        } else {
            softmax_row_f64((const double *)rows->from->data + at, (double *)rows->to->data + at, classes);
        }
    }
}

static inline rondo_status softmax_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                           const rondo_tensor *predictions) {
    struct softmax_rows rows = {outputs, predictions};
    ctx->host->parallel_for(ctx, outputs->shape[0], SOFTMAX_GRAIN / call->target_size + 1, softmax_predict_rows, &rows);
    return RONDO_OK;
}

static inline rondo_status softmax_measure(rondo_context *ctx, const rondo_loss_call *call,
                                           const rondo_tensor *predictions, const rondo_tensor *targets, double *sums) {
    const int64_t classes = call->target_size;
    const int32_t *class_of = targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
        if (predictions->dtype == RONDO_F32) {
            softmax_measure_f32((const float *)predictions->data + row * classes, classes, class_of[row], sums);
        } else {
            softmax_measure_f64((const double *)predictions->data + row * classes, classes, class_of[row], sums);
        }
    }
    return status;
}

#endif
