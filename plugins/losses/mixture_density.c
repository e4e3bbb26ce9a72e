/* plugins/losses/mixture_density.c: numbers, predicted as a density: a mixture of Gaussians.
 *
 * Source: Bishop, "Mixture density networks", Aston University NCRG/94/004, 1994; here with one deviation for each
 * number of a component (a diagonal covariance); the report has one for all numbers.
 *
 * Outputs of a row, for K components of n numbers: K logits of the weights, then K n means, then K n logarithms of
 * deviations, component by component:  (rows, K + 2 K n).
 */
#include <math.h>
#include <stdio.h>

#include "distribution.h"
#include "rondo/plugin.h"

struct mixture_density {
    int64_t components;
    double least_deviation;
};

static const rondo_option options[] = {
    RONDO_OPTION_INT(struct mixture_density, components, "5", 1, 10000, "number of Gaussians in the mixture"),
    RONDO_OPTION_REAL(struct mixture_density, least_deviation, "0.0001", 1e-12, 1e6,
                      "lower bound of the standard deviations, in units of the scaled target; without one, a narrower "
                      "Gaussian at a single target would always be better"),
    RONDO_OPTION_END,
};

static const rondo_metric metrics[] = {{"rmse", RONDO_METRIC_ROOT, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    const int64_t components = ((const struct mixture_density *)call->options)->components;
    if (call->target_size > INT32_MAX / components) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld numbers, which is too many for %lld components",
                               (long long)call->target_size, (long long)components);
    }
    *size = components * (1 + 2 * call->target_size);
    return RONDO_OK;
}

/* Columns begin .. begin + K n of the outputs, as (rows, K, n). */
static rondo_value part(rondo_context *ctx, rondo_value outputs, int64_t rows, int64_t begin, int64_t components,
                        int64_t n) {
    const int64_t end = begin + components * n;
    char text[96];
    snprintf(text, sizeof text, "begin=%lld end=%lld", (long long)begin, (long long)end);
    const rondo_value columns = rondo_apply1(ctx, "slice", text, outputs); /* (rows, K n) */
    snprintf(text, sizeof text, "shape=[%lld, %lld, %lld]", (long long)rows, (long long)components, (long long)n);
    return rondo_apply1(ctx, "reshape", text, columns);
}

/* ln sigma = ln s + softplus(z - ln s), which is ln(s + e^z) for an output z and a least deviation s. */
static rondo_value log_deviation(rondo_context *ctx, int32_t dtype, double least, rondo_value z) {
    const rondo_value log_least = rondo_number(ctx, dtype, log(least));
    const rondo_value above = rondo_apply1(ctx, "softplus", NULL, rondo_apply2(ctx, "sub", NULL, z, log_least));
    return rondo_apply2(ctx, "add", NULL, above, log_least);
}

/* ln of the density of y under each component:
 *     ln N(y; mu, sigma) = -sum_d ((y_d - mu_d)^2 / (2 sigma_d^2) + ln sigma_d) - n/2 ln(2 pi) */
static rondo_value log_density(rondo_context *ctx, int32_t dtype, int64_t n, rondo_value y, rondo_value mean,
                               rondo_value log_sigma) {
    const rondo_value centred = rondo_apply2(ctx, "sub", NULL, rondo_apply1(ctx, "expand_dims", "axis=1", y), mean);
    const rondo_value precision = rondo_apply1(ctx, "exp", NULL, rondo_apply1(ctx, "neg", NULL, log_sigma));
    const rondo_value scaled = rondo_apply2(ctx, "mul", NULL, centred, precision); /* (rows, K, n) */
    const rondo_value half_square =
        rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, 0.5), rondo_apply1(ctx, "square", NULL, scaled));
    const rondo_value each = rondo_apply2(ctx, "add", NULL, half_square, log_sigma); /* (rows, K, n) */
    const rondo_value sum = rondo_apply1(ctx, "sum", "axis=-1", each);               /* (rows, K) */
    const double two_pi = 6.283185307179586;
    return rondo_apply2(ctx, "sub", NULL, rondo_number(ctx, dtype, -0.5 * (double)n * log(two_pi)), sum);
}

/* ln sum_k e^(a_k) = m + ln sum_k e^(a_k - m), with m the largest: what is exponentiated is never above 0. */
static rondo_value log_sum_exp(rondo_context *ctx, rondo_value a) {
    const rondo_value largest = rondo_apply1(ctx, "max", "axis=-1 keep=true", a); /* (rows, 1) */
    const rondo_value shares = rondo_apply1(ctx, "exp", NULL, rondo_apply2(ctx, "sub", NULL, a, largest));
    const rondo_value sum = rondo_apply1(ctx, "sum", "axis=-1 keep=true", shares); /* (rows, 1) */
    const rondo_value total = rondo_apply2(ctx, "add", NULL, largest, rondo_apply1(ctx, "log", NULL, sum));
    return rondo_apply1(ctx, "sum", "axis=-1", total); /* (rows) */
}

/* loss = -ln sum_k pi_k N(y; mu_k, sigma_k),  pi = softmax of the first K outputs */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct mixture_density *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, K + 2 K n) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const int64_t k = self->components, n = call->target_size;
    char logits[48];
    snprintf(logits, sizeof logits, "end=%lld", (long long)k);
    const rondo_value log_weight =
        rondo_apply1(ctx, "log_softmax", "axis=-1", rondo_apply1(ctx, "slice", logits, outputs)); /* (rows, K) */
    const rondo_value mean = part(ctx, outputs, x->shape[0], k, k, n);                            /* (rows, K, n) */
    const rondo_value z = part(ctx, outputs, x->shape[0], k + k * n, k, n);                       /* (rows, K, n) */
    const rondo_value log_sigma = log_deviation(ctx, x->dtype, self->least_deviation, z);         /* (rows, K, n) */
    const rondo_value density = log_density(ctx, x->dtype, n, targets, mean, log_sigma);          /* (rows, K) */
    const rondo_value joint = rondo_apply2(ctx, "add", NULL, log_weight, density);                /* (rows, K) */
    return rondo_apply1(ctx, "neg", NULL, log_sum_exp(ctx, joint));                               /* (rows) */
}

/* The mean of the mixture:  sum_k pi_k mu_k */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t components = ((const struct mixture_density *)call->options)->components, n = call->target_size;
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        const int64_t at = row * outputs->shape[1];
        double highest = rondo_get(outputs, at), sum = 0;
        for (int64_t k = 1; k < components; k++) {
            highest = fmax(highest, rondo_get(outputs, at + k));
        }
        for (int64_t k = 0; k < components; k++) {
            sum += exp(rondo_get(outputs, at + k) - highest);
        }
        for (int64_t d = 0; d < n; d++) {
            double mean = 0;
            for (int64_t k = 0; k < components; k++) {
                const double weight = exp(rondo_get(outputs, at + k) - highest) / sum;
                mean += weight * rondo_get(outputs, at + components + k * n + d);
            }
            rondo_set(predictions, row * n + d, mean);
        }
    }
    return RONDO_OK;
}

/* The components of one number of a row. */
struct mixture {
    const double *weights; /* [components], of sum 1 */
    const double *means, *deviations;
    int64_t components;
};

/* sum_k pi_k Phi((x - mu_k) / sigma_k) */
static double below(const void *arg, double x) {
    const struct mixture *mixture = arg;
    double sum = 0;
    for (int64_t k = 0; k < mixture->components; k++) {
        sum += mixture->weights[k] * distribution_normal((x - mixture->means[k]) / mixture->deviations[k]);
    }
    return sum;
}

/* The quantile of a number lies between the least and the greatest of those of the components. */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    const struct mixture_density *self = call->options;
    const int64_t components = self->components, n = call->target_size;
    double *weights = ctx->host->alloc(ctx, (size_t)(3 * components) * sizeof *weights);
    if (weights == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    double *means = weights + components, *deviations = means + components;
    const struct mixture mixture = {weights, means, deviations, components};
    const double z = distribution_normal_quantile(probability);
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const int64_t at = i / n * outputs->shape[1];
        double highest = rondo_get(outputs, at), sum = 0, least = INFINITY, most = -INFINITY;
        for (int64_t k = 1; k < components; k++) {
            highest = fmax(highest, rondo_get(outputs, at + k));
        }
        for (int64_t k = 0; k < components; k++) {
            const int64_t own = at + components + k * n + i % n;
            weights[k] = exp(rondo_get(outputs, at + k) - highest);
            sum += weights[k];
            means[k] = rondo_get(outputs, own);
            deviations[k] = self->least_deviation + exp(rondo_get(outputs, own + components * n));
            least = fmin(least, means[k] + z * deviations[k]);
            most = fmax(most, means[k] + z * deviations[k]);
        }
        for (int64_t k = 0; k < components; k++) {
            weights[k] /= sum;
        }
        rondo_set(values, i, distribution_invert(below, &mixture, probability, least, most));
    }
    return RONDO_OK;
}

/* The component k of a row with probability pi_k; then, for each number, mu + sigma z with z drawn from the standard normal
 * distribution. */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    const struct mixture_density *self = call->options;
    const int64_t components = self->components, n = call->target_size;
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        const int64_t at = row * outputs->shape[1];
        const uint32_t *own = words + row * n_words;
        const double highest = rondo_get(outputs, at + rondo_argmax(outputs, at, components));
        double sum = 0, up_to = 0;
        for (int64_t k = 0; k < components; k++) {
            sum += exp(rondo_get(outputs, at + k) - highest);
        }
        const double wanted = distribution_draw_uniform(own) * sum;
        int64_t k = 0;
        for (; k < components - 1; k++) {
            up_to += exp(rondo_get(outputs, at + k) - highest);
            if (wanted < up_to) {
                break;
            }
        }
        for (int64_t d = 0; d < n; d++) {
            const int64_t of = at + components + k * n + d;
            const double z = distribution_draw_normal(own + DISTRIBUTION_UNIFORM_WORDS + d * DISTRIBUTION_NORMAL_WORDS);
            const double sigma = self->least_deviation + exp(rondo_get(outputs, of + components * n));
            distribution_set_draw(targets, row * n + d, rondo_get(outputs, of) + sigma * z);
        }
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return DISTRIBUTION_UNIFORM_WORDS + DISTRIBUTION_NORMAL_WORDS * call->target_size;
}

/* rmse = sqrt(mean of (mean - y)^2) over all numbers of all rows. */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    double squares = 0;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        const double difference = rondo_get(predictions, i) - rondo_get(targets, i);
        squares += difference * difference;
    }
    sums[0] += squares / (double)call->target_size;
    return RONDO_OK;
}

static const rondo_loss mixture_density = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "mixture_density",
             .summary = "-ln sum_k pi_k N(y; mu_k, sigma_k): the density of numbers as a mixture of Gaussians (Bishop "
                        "1994)",
             .options = options,
             .options_size = sizeof(struct mixture_density)},
    .flags = RONDO_LOSS_ANY_UNIT,
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
    .quantile = quantile,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("mixture_density", "1.0", "MIT", &mixture_density.base);
