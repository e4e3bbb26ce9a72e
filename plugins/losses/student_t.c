/* plugins/losses/student_t.c: numbers with their uncertainty, as Student's t distribution: a location, a scale and a
 * number of degrees of freedom for each. With few degrees of freedom, targets far from the location are less unlikely
 * than under a Gaussian, so that outliers disturb the training less.
 *
 * Sources: Lange, Little & Taylor, "Robust statistical modeling using the t distribution", Journal of the American
 * Statistical Association 84, 1989; as a loss of networks: Salinas, Flunkert, Gasthaus & Januschowski, "DeepAR",
 * International Journal of Forecasting 36, 2020.
 *
 * A row of n targets has n locations, then n numbers s from which the scales are computed, then n numbers q from which
 * the degrees of freedom are; with the option `degrees` without these.
 */
#include <math.h>
#include <stdio.h>

#include "distribution.h"
#include "rondo/plugin.h"

/* ---- the op: -ln of the density at y, for a location m, a scale s > 0 and v > 0 degrees of freedom ----
 *
 *     z = (y - m) / s
 *     ln Gamma(v / 2) - ln Gamma((v + 1) / 2) + ln(pi v) / 2 + ln s + (v + 1) / 2 ln(1 + z^2 / v)
 *
 * It computes in f64 for every dtype: for a large v, the two logarithms would leave no digits of f32. */

/* ln(1 + z^2 / v), without an overflow of the square. */
static double log_tail(double z, double v) {
    const double root = fabs(z) / sqrt(v);
    return root < 1e8 ? log1p(root * root) : 2 * log(root);
}

static double loss_of(double y, double m, double s, double v) {
    /* ln Gamma((v + 1) / 2) - ln Gamma(v / 2) - ln(v / 2) / 2, so that ln(2 pi) / 2 remains */
    const double half_log_2_pi = 0.91893853320467274178;
    return half_log_2_pi - distribution_log_gamma_ratio(v / 2, 0.5) + log(s) + (v + 1) / 2 * log_tail((y - m) / s, v);
}

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
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
                    loss_of(element(dtype, in[0], i), element(dtype, in[1], i), element(dtype, in[2], i),
                            element(dtype, in[3], i)));
    }
}

/* With w = z^2 / (v + z^2), the weight that an outlier lacks:
 *     d/dy = -d/dm = (v + 1) z / (v + z^2) / s           d/ds = (1 - (v + 1) w) / s
 *     d/dv = (digamma(v / 2) - digamma((v + 1) / 2) + 1 / v + ln(1 + z^2 / v) - (v + 1) / v w) / 2 */
static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    for (int64_t i = 0; i < count; i++) {
        const double s = element(dtype, in[2], i), v = element(dtype, in[3], i);
        const double z = (element(dtype, in[0], i) - element(dtype, in[1], i)) / s;
        const double g = element(dtype, grad_out, i);
        const double ratio = z == 0 ? 0 : 1 / (z + v / z); /* z / (v + z^2) */
        const double w = z * ratio;
        const double slopes[4] = {
            (v + 1) * ratio / s, -(v + 1) * ratio / s, (1 - (v + 1) * w) / s,
            (1 / v - distribution_digamma_difference(v / 2, 0.5) + log_tail(z, v) - (v + 1) / v * w) / 2};
        for (int k = 0; k < 4; k++) {
            if (grad_in[k] != NULL) {
                set_element(dtype, grad_in[k], i, g * slopes[k]);
            }
        }
    }
}

static const rondo_op student_t_density = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "student_t_density",
             .summary =
                 "-ln of the density of Student's t distribution at target, by location, scale, degrees of freedom"},
    .min_inputs = 4,
    .max_inputs = 4,
    .operands = "target, location, scale, degrees",
    .map = map,
    .map_grad = map_grad,
    .domain_low = 0.5,
    .domain_high = 4,
};

/* ---- the loss ---- */

struct student_t {
    double degrees, least_degrees, floor;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct student_t, degrees, "0", 0, 1e9,
                      "degrees of freedom, the same for all numbers; 0: the model predicts them"),
    RONDO_OPTION_REAL(struct student_t, least_degrees, "2", 0.01, 1e9,
                      "fewest degrees of freedom that the model can predict; above 2 the variance is finite"),
    RONDO_OPTION_REAL(struct student_t, floor, "1e-6", 1e-12, 1e6, "smallest scale, in units of the scaled target"),
    RONDO_OPTION_END,
};

enum { RMSE, MAE };
static const rondo_metric metrics[] = {{"rmse", RONDO_METRIC_ROOT, 0}, {"mae", RONDO_METRIC_MEAN, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are classes, expected numbers");
    }
    *size = (((const struct student_t *)call->options)->degrees > 0 ? 2 : 3) * call->target_size;
    return RONDO_OK;
}

/* Columns begin .. begin + count - 1 of the outputs. */
static rondo_value columns(rondo_context *ctx, rondo_value outputs, int64_t begin, int64_t count) {
    char text[80];
    snprintf(text, sizeof text, "axis=-1 begin=%lld end=%lld", (long long)begin, (long long)begin + (long long)count);
    return rondo_apply1(ctx, "slice", text, outputs);
}

/* The mean over the n numbers of a row of -ln of the density,
 *     scale = softplus(s) + floor,   degrees = softplus(q) + least_degrees */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const struct student_t *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs); /* (rows, 3 n) */
    if (x == NULL) {
        return (rondo_value){-1};
    }
    const int64_t n = call->target_size;
    const int32_t dtype = x->dtype;
    const rondo_value s = rondo_apply1(ctx, "softplus", NULL, columns(ctx, outputs, n, n)); /* (rows, n) */
    const rondo_value scale = rondo_apply2(ctx, "add", NULL, s, rondo_number(ctx, dtype, self->floor));
    rondo_value degrees = rondo_number(ctx, dtype, self->degrees);
    if (self->degrees <= 0) {
        const rondo_value q = rondo_apply1(ctx, "softplus", NULL, columns(ctx, outputs, 2 * n, n)); /* (rows, n) */
        degrees = rondo_apply2(ctx, "add", NULL, q, rondo_number(ctx, dtype, self->least_degrees));
    }
    const rondo_value inputs[4] = {targets, columns(ctx, outputs, 0, n), scale, degrees};
    return rondo_apply1(ctx, "mean", "axis=-1",
                        ctx->host->apply(ctx, "student_t_density", NULL, inputs, 4)); /* (rows) */
}

/* The locations. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(predictions); i++) {
        rondo_set(predictions, i, rondo_get(outputs, i / n * outputs->shape[1] + i % n));
    }
    return RONDO_OK;
}

struct t_distribution {
    double degrees;
};

/* The probability that a number with this distribution is below -x, for x >= 0 (Abramowitz & Stegun 26.7.1):
 *     I(v / (v + x^2); v / 2, 1 / 2) / 2 */
static double upper_tail(double degrees, double x) {
    const double square = x * x / degrees;
    return 0.5 * distribution_beta(degrees / 2, 0.5, 1 / (1 + square), square / (1 + square));
}

static double below(const void *arg, double x) {
    return 1 - upper_tail(((const struct t_distribution *)arg)->degrees, x);
}

/* The number below which there is a probability of p >= 0.5. */
static double t_quantile(double degrees, double p) {
    const struct t_distribution t = {degrees};
    double high = 1;
    while (high < 1e100 && below(&t, high) < p) {
        high *= 2;
    }
    return p == 0.5 ? 0 : distribution_invert(below, &t, p, 0, high);
}

/* location + scale t,  t the quantile of the standard distribution */
static rondo_status quantile(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values) {
    (void)ctx;
    const struct student_t *self = call->options;
    const int64_t n = call->target_size, width = outputs->shape[1];
    double before = self->degrees;
    double t = self->degrees > 0 ? t_quantile(self->degrees, fmax(probability, 1 - probability)) : 0;
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const int64_t at = i / n * width + i % n;
        const double degrees =
            self->degrees > 0 ? self->degrees : softplus(rondo_get(outputs, at + 2 * n)) + self->least_degrees;
        t = degrees == before ? t : t_quantile(degrees, fmax(probability, 1 - probability));
        before = degrees;
        const double scale = softplus(rondo_get(outputs, at + n)) + self->floor;
        rondo_set(values, i, rondo_get(outputs, at) + (probability < 0.5 ? -t : t) * scale);
    }
    return RONDO_OK;
}

/* location + scale t,  t = sqrt(v (u^(-2 / v) - 1)) cos(2 pi w) with v degrees of freedom, u and w uniform (Bailey, "Polar
 * generation of random variates with the t-distribution", Mathematics of Computation 62, 1994) */
static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    (void)ctx;
    const struct student_t *self = call->options;
    const int64_t n = call->target_size;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const int64_t at = i / n * outputs->shape[1] + i % n;
        const uint32_t *own = words + i / n * n_words + i % n * 2 * DISTRIBUTION_UNIFORM_WORDS;
        const double u = distribution_draw_uniform(own),
                     w = distribution_draw_uniform(own + DISTRIBUTION_UNIFORM_WORDS);
        const double degrees =
            self->degrees > 0 ? self->degrees : softplus(rondo_get(outputs, at + 2 * n)) + self->least_degrees;
        const double t = sqrt(degrees * expm1(-2 / degrees * log(u))) * cos(6.283185307179586477 * w);
        const double scale = softplus(rondo_get(outputs, at + n)) + self->floor;
        distribution_set_draw(targets, i, rondo_get(outputs, at) + t * scale);
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return 2 * DISTRIBUTION_UNIFORM_WORDS * call->target_size;
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

static const rondo_loss student_t = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "student_t",
             .summary =
                 "-ln of the density of Student's t distribution, with location, scale and degrees of freedom as "
                 "outputs (Lange et al. 1989)",
             .options = options,
             .options_size = sizeof(struct student_t)},
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

RONDO_PLUGIN("student_t", "1.0", "MIT", &student_t.base, &student_t_density.base);
