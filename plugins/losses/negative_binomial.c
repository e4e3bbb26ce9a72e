/* plugins/losses/negative_binomial.c: counts that vary more than those of a Poisson distribution: a mean and a
 * dispersion for each. The variance is mean + dispersion mean^2; without dispersion it is Poisson's.
 *
 * Sources: Cameron & Trivedi, "Regression analysis of count data", 2nd edition, 2013, section 3.3 (NB2); as a loss of
 * networks: Salinas, Flunkert, Gasthaus & Januschowski, "DeepAR", International Journal of Forecasting 36, 2020.
 *
 * A row of n targets has n outputs from which the means are computed, then n numbers z from which the dispersions are.
 */
#include <math.h>
#include <stdio.h>

#include "distribution.h"
#include "rondo/plugin.h"

/* ---- the op: -ln of the probability of the count y, for l = the logarithm of the mean, and a dispersion a > 0 ----
 *
 *     r = 1 / a,  t = l + ln a:   the probability of each further event is e^t / (1 + e^t)
 *     ln Gamma(y + 1) - (ln Gamma(r + y) - ln Gamma(r)) - y (t - ln(1 + e^t)) + r ln(1 + e^t)
 *
 * It computes in f64 for every dtype: the terms of a large count are thousands of times as large as their sum. A mean of
 * any size has a logarithm, so nothing overflows. */

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double loss_of(double y, double l, double a) {
    const double r = 1 / a, t = l + log(a);
    /* The ratio lacks y ln r = -y ln a, which cancels with that of t. */
    return distribution_log_factorial(y) - distribution_log_gamma_ratio(r, y) - y * (l - softplus(t)) + r * softplus(t);
}

static double element(int32_t dtype, const void *array, int64_t i) {
    return dtype == RONDO_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static void set_element(int32_t dtype, void *array, int64_t i, double value) {
    if (dtype == RONDO_F32) {
        ((float *)array)[i] = (float)value;
    } else {
        ((double *)array)[i] = value;
    }
}

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        set_element(dtype, out, i,
                    loss_of(element(dtype, in[0], i), element(dtype, in[1], i), element(dtype, in[2], i)));
    }
}

/* With p = e^t / (1 + e^t):
 *     d/dy = digamma(y + 1) - digamma(y + r) - t + ln(1 + e^t)
 *     d/dl = r p - y (1 - p)
 *     d/da = r^2 (digamma(r + y) - digamma(r) + p - ln(1 + e^t)) - r y (1 - p) */
static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    for (int64_t i = 0; i < count; i++) {
        const double y = element(dtype, in[0], i), a = element(dtype, in[2], i), g = element(dtype, grad_out, i);
        const double r = 1 / a, t = element(dtype, in[1], i) + log(a);
        const double p = 1 / (1 + exp(-t)), q = 1 / (1 + exp(t)); /* q = 1 - p */
        const double slopes[3] = {-distribution_digamma_difference(y + 1, r - 1) - t + softplus(t), r * p - y * q,
                                  r * (r * (distribution_digamma_difference(r, y) + p - softplus(t)) - y * q)};
        for (int k = 0; k < 3; k++) {
            if (grad_in[k] != NULL) {
                set_element(dtype, grad_in[k], i, g * slopes[k]);
            }
        }
    }
}

static const rondo_op negative_binomial_density = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "negative_binomial_density",
             .summary = "-ln of the probability of a count, by the logarithm of its mean and by its dispersion"},
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "target, log_mean, dispersion",
    .map = map,
    .map_grad = map_grad,
    .domain_low = 0.5,
    .domain_high = 4,
};

/* ---- the loss ---- */

struct negative_binomial {
    int32_t link;
    double floor, scale;
};

enum { LOG, SOFTPLUS };
static const char *const links[] = {"log", "softplus", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct negative_binomial, link, "log", links,
                        "how the mean is computed from an output x. log: scale e^x; softplus: scale ln(1 + e^x)"),
    RONDO_OPTION_REAL(
        struct negative_binomial, scale, "1", 1e-6, 1e12,
        "size of a usual count: with it, training begins near such counts, and needs far fewer updates if they are "
        "large"),
    RONDO_OPTION_REAL(struct negative_binomial, floor, "1e-6", 1e-9, 1, "smallest dispersion"),
    RONDO_OPTION_END,
};

/* Keeps the logarithm of a mean of 0 finite, as in the loss `poisson`. */
#define SMALLEST_MEAN 1e-8

enum { RMSE, MAE };
static const rondo_metric metrics[] = {{"rmse", RONDO_METRIC_ROOT, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = 2 * call->target_size;
    return RONDO_OK;
}

static rondo_status check_counts(rondo_context *ctx, const rondo_tensor *targets) {
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        if (!(rondo_get(targets, i) >= 0)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "target %lld of row %lld is %g, expected a count of 0 or more",
                                   (long long)(i % targets->shape[1]), (long long)(i / targets->shape[1]),
                                   rondo_get(targets, i));
        }
    }
    return RONDO_OK;
}

/* Columns begin .. begin + count - 1 of the outputs. */
static rondo_value columns(rondo_context *ctx, rondo_value outputs, int64_t begin, int64_t count) {
    char text[80];
    snprintf(text, sizeof text, "axis=-1 begin=%lld end=%lld", (long long)begin, (long long)begin + (long long)count);
    return rondo_apply1(ctx, "slice", text, outputs);
}

/* softplus(x) + floor */
static rondo_value positive(rondo_context *ctx, int32_t dtype, rondo_value x, double floor) {
    return rondo_apply2(ctx, "add", NULL, rondo_apply1(ctx, "softplus", NULL, x), rondo_number(ctx, dtype, floor));
}

/* The mean over the n numbers of a row of -ln of the probability,  dispersion = softplus(z) + floor */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct negative_binomial *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, 2 n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows, n) */
    if (x == NULL || y == NULL || check_counts(ctx, y) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int64_t n = call->target_size;
    const int32_t dtype = x->dtype;
    rondo_value log_mean = columns(ctx, outputs, 0, n); /* (rows, n) */
    if (self->link == SOFTPLUS) {
        log_mean = rondo_apply1(ctx, "log", NULL, positive(ctx, dtype, log_mean, SMALLEST_MEAN));
    }
    log_mean = rondo_apply2(ctx, "add", NULL, log_mean, rondo_number(ctx, dtype, log(self->scale)));
    const rondo_value dispersion = positive(ctx, dtype, columns(ctx, outputs, n, n), self->floor); /* (rows, n) */
    const rondo_value each = rondo_apply3(ctx, "negative_binomial_density", NULL, targets, log_mean, dispersion);
    return rondo_apply1(ctx, "mean", "axis=-1", each); /* (rows) */
}

static double mean_of(const struct negative_binomial *self, double x) {
    return self->scale * (self->link == LOG ? exp(x) : softplus(x) + SMALLEST_MEAN);
}

/* The means. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        rondo_set(predictions, i, mean_of(call->options, rondo_get(outputs, i / n * outputs->shape[1] + i % n)));
    }
    return RONDO_OK;
}

struct count_distribution {
    double mean, dispersion;
};

/* The probability of at most k events:  I(1 / (1 + a m); 1 / a, k + 1) */
static double at_most(const void *arg, double k) {
    const struct count_distribution *of = arg;
    const double odds = of->dispersion * of->mean;
    return distribution_beta(1 / of->dispersion, k + 1, 1 / (1 + odds), odds / (1 + odds));
}

/* The smallest count that is not exceeded with the probability; the search begins at that of a Gaussian of the same mean and
 * variance. */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    (void)ctx;
    const struct negative_binomial *self = call->options;
    const int64_t n = call->target_size, width = outputs->shape[1];
    const double normal = distribution_normal_quantile(probability);
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const int64_t at = i / n * width + i % n;
        const struct count_distribution of = {mean_of(self, rondo_get(outputs, at)),
                                              softplus(rondo_get(outputs, at + n)) + self->floor};
        const double deviation = sqrt(of.mean + of.dispersion * of.mean * of.mean);
        rondo_set(values, i, distribution_count(at_most, &of, probability, of.mean + normal * deviation));
    }
    return RONDO_OK;
}

/* The smallest count that is not exceeded with a probability that is drawn. */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    const struct negative_binomial *self = call->options;
    const int64_t n = call->target_size, width = outputs->shape[1];
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const int64_t at = i / n * width + i % n;
        const struct count_distribution of = {mean_of(self, rondo_get(outputs, at)),
                                              softplus(rondo_get(outputs, at + n)) + self->floor};
        const double u = distribution_draw_uniform(words + i / n * n_words + i % n * DISTRIBUTION_UNIFORM_WORDS);
        distribution_set_draw(targets, i, distribution_count(at_most, &of, u, of.mean));
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return DISTRIBUTION_UNIFORM_WORDS * call->target_size;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const double difference = rondo_get(predictions, i) - rondo_get(targets, i);
        sums[RMSE] += difference * difference / (double)call->target_size;
        sums[MAE] += fabs(difference) / (double)call->target_size;
    }
    return RONDO_OK;
}

static const rondo_loss negative_binomial = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "negative_binomial",
             .summary =
                 "-ln of the probability of a count that varies more than Poisson's, with mean and dispersion as "
                 "outputs (Cameron & Trivedi 2013)",
             .options = options,
             .options_size = sizeof(struct negative_binomial)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
    .quantile = quantile,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("negative_binomial", "1.0", "MIT", &negative_binomial.base, &negative_binomial_density.base);
