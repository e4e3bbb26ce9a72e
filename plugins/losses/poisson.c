/* plugins/losses/poisson.c: counts: how often something happens, with the rate as the prediction.
 *
 * Source: McCullagh & Nelder, "Generalized linear models", 2nd edition, 1989, chapter 6; the deviance: section 2.3.
 */
#include <float.h>
#include <math.h>

#include "distribution.h"
#include "rondo/plugin.h"

struct poisson {
    int32_t link;
    int32_t full;
};

enum { LOG, SOFTPLUS, IDENTITY };
static const char *const links[] = {"log", "softplus", "identity", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(
        struct poisson, link, "log", links,
        "how the rate is computed from an output x. log: e^x; softplus: ln(1 + e^x); identity: x, but at least 0"),
    RONDO_OPTION_BOOL(struct poisson, full, "false",
                      "add the term that depends only on the target: log y!, by Stirling's formula for y > 1"),
    RONDO_OPTION_END,
};

enum { DEVIANCE, RMSE, MAE };
static const rondo_metric metrics[] = {
    {"deviance", RONDO_METRIC_MEAN, 0}, {"rmse", RONDO_METRIC_ROOT, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

/* Keeps the logarithm of a rate of 0 finite, as PyTorch's poisson_nll_loss does. */
#define SMALLEST_RATE 1e-8

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* RONDO_INVALID unless all numbers are 0 or more; `what` names them in the message. */
static rondo_status check_sign(rondo_context *ctx, const rondo_tensor *tensor, const char *what, const char *expected) {
    const int64_t count = rondo_count(tensor);
    for (int64_t i = 0; i < count; i++) {
        if (!(rondo_get(tensor, i) >= 0)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "%s %lld of row %lld is %g, expected %s", what,
                                   (long long)(i % tensor->shape[1]), (long long)(i / tensor->shape[1]),
                                   rondo_get(tensor, i), expected);
        }
    }
    return RONDO_OK;
}

/* log y! by Stirling's formula for y > 1, else 0:  y log y - y + log(2 pi y) / 2 */
static rondo_value stirling(rondo_context *ctx, const rondo_tensor *targets) {
    rondo_tensor terms = *targets;
    const int64_t count = rondo_count(targets);
    terms.data = ctx->host->alloc(ctx, (size_t)count * sizeof(double));
    if (terms.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t i = 0; i < count; i++) {
        const double y = rondo_get(targets, i);
        rondo_set(&terms, i, y > 1 ? y * log(y) - y + 0.5 * log(6.283185307179586477 * y) : 0);
    }
    return ctx->host->constant(ctx, &terms);
}

/* If the output is the rate itself, not its logarithm, a small number is added to it. */
static rondo_value log_of_rate(rondo_context *ctx, int32_t dtype, rondo_value rate) {
    const rondo_value floor = rondo_number(ctx, dtype, SMALLEST_RATE);
    return rondo_apply1(ctx, "log", NULL, rondo_apply2(ctx, "add", NULL, rate, floor));
}

/* With rates r and targets y of a row, the mean of  r - y log r (+ log y!) */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct poisson *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, n) */
    const rondo_tensor *y = ctx->host->tensor(ctx, targets); /* (rows, n) */
    if (x == NULL || y == NULL || check_sign(ctx, y, "target", "a count of 0 or more") != RONDO_OK) {
        return (rondo_value){-1};
    }
    if (self->link == IDENTITY && check_sign(ctx, x, "output", "a rate of 0 or more, or another 'link'") != RONDO_OK) {
        return (rondo_value){-1};
    }
    const rondo_value rate =
        self->link == IDENTITY ? outputs : rondo_apply1(ctx, self->link == LOG ? "exp" : "softplus", NULL, outputs);
    const rondo_value log_rate = self->link == LOG ? outputs : log_of_rate(ctx, x->dtype, rate); /* (rows, n) */
    rondo_value each = rondo_apply2(ctx, "sub", NULL, rate, rondo_apply2(ctx, "mul", NULL, targets, log_rate));
    if (self->full) {
        each = rondo_apply2(ctx, "add", NULL, each, stirling(ctx, y));
    }
    return rondo_apply1(ctx, "mean", "axis=-1", each); /* (rows) */
}

static double rate_of(int32_t link, double x) {
    switch (link) {
    case LOG:
        return exp(x);
    case SOFTPLUS:
        return fmax(x, 0) + log1p(exp(-fabs(x)));
    default:
        return x;
    }
}

/* The rates. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t count = rondo_count(outputs);
    for (int64_t i = 0; i < count; i++) {
        rondo_set(predictions, i, rate_of(((const struct poisson *)call->options)->link, rondo_get(outputs, i)));
    }
    return RONDO_OK;
}

/* The probability of at most k events:  1 - P(k + 1, r), the regularised incomplete gamma function */
static double at_most(const void *arg, double k) {
    return 1 - distribution_gamma(k + 1, *(const double *)arg);
}

/* The smallest count that is not exceeded with the probability; the search begins at that of a Gaussian. */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    (void)ctx;
    const double normal = distribution_normal_quantile(probability);
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const double rate = fmax(rate_of(((const struct poisson *)call->options)->link, rondo_get(outputs, i)), 0);
        rondo_set(values, i, distribution_count(at_most, &rate, probability, rate + normal * sqrt(rate)));
    }
    return RONDO_OK;
}

/* The smallest count that is not exceeded with a probability that is drawn. */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const double rate = fmax(rate_of(((const struct poisson *)call->options)->link, rondo_get(outputs, i)), 0);
        const double u = distribution_draw_uniform(words + i / n * n_words + i % n * DISTRIBUTION_UNIFORM_WORDS);
        distribution_set_draw(targets, i, distribution_count(at_most, &rate, u, rate));
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return DISTRIBUTION_UNIFORM_WORDS * call->target_size;
}

/* deviance = mean of 2 (y log(y / r) - (y - r)),  0 log 0 = 0; a rate of 0 counts as the smallest positive number.
 */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    (void)ctx;
    const int64_t count = rondo_count(targets);
    const double n = (double)call->target_size;
    for (int64_t i = 0; i < count; i++) {
        const double y = rondo_get(targets, i);
        const double r = rondo_get(predictions, i);
        const double relative = y > 0 ? y * (log(y) - log(fmax(r, FLT_MIN))) : 0;
        sums[DEVIANCE] += 2 * (relative - (y - r)) / n;
        sums[RMSE] += (y - r) * (y - r) / n;
        sums[MAE] += fabs(y - r) / n;
    }
    return RONDO_OK;
}

static const rondo_loss poisson = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "poisson",
             .summary = "mean of r - y log r, for counts y with the rate r = e^x (McCullagh & Nelder 1989, chapter 6)",
             .options = options,
             .options_size = sizeof(struct poisson)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
    .quantile = quantile,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("poisson", "1.0", "MIT", &poisson.base);
