/* plugins/losses/distribution.h: functions of probability distributions, and draws from them, that several losses need and libm lacks.
 *
 * All compute in f64, hold no state, and take arguments that are positive unless they say otherwise. Each plug-in gets
 * its own copy, because it links against no library of Rondo.
 *
 * Sources: Abramowitz & Stegun, "Handbook of mathematical functions", 1964 (numbers of equations are theirs); the
 * continued fractions by the method of Lentz, as in Press et al., "Numerical recipes in C", 2nd edition, 1992, chapter 6.
 */
#ifndef RONDO_PLUGINS_DISTRIBUTION_H
#define RONDO_PLUGINS_DISTRIBUTION_H

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "rondo/plugin.h"

/* From here on the asymptotic series below are exact to the last digits of f64. */
#define DISTRIBUTION_LARGE 17.0

/* The terms of Stirling's series after (x - 1/2) ln x - x + ln(2 pi) / 2, for a large x (6.1.41). */
static inline double distribution_stirling(double x) {
    const double square = 1 / (x * x);
    return (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680))) / x;
}

/* ln Gamma(a + d) - ln Gamma(a) - d ln a,  d >= -1.  The logarithms agree in most digits if d is small beside a, so
 * their difference is computed directly:
 *
 *     (a + d - 1/2) ln(1 + d/a) - d + stirling(a + d) - stirling(a)             if a is large
 *     Gamma(a + d) / Gamma(a) = Gamma(a + 1 + d) / Gamma(a + 1) / (1 + d / a)   raises a until it is */
static inline double distribution_log_gamma_ratio(double a, double d) {
    const double first = a;
    double below = 0;
    for (; a < DISTRIBUTION_LARGE; a++) {
        below += log1p(d / a);
    }
    const double series = (a + d - 0.5) * log1p(d / a) - d + distribution_stirling(a + d) - distribution_stirling(a);
    return series + d * log(a / first) - below;
}

/* ln Gamma(1 + x), x >= 0: ln x! for a whole number. */
static inline double distribution_log_factorial(double x) {
    return distribution_log_gamma_ratio(1, x);
}

/* The terms of digamma(x) after ln x - 1/(2 x), for a large x (6.3.18). */
static inline double distribution_digamma_terms(double x) {
    const double square = 1 / (x * x);
    return -square * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square / 240)));
}

/* digamma(a + d) - digamma(a), d >= -1; digamma(x + 1) = digamma(x) + 1/x raises both until the series holds. */
static inline double distribution_digamma_difference(double a, double d) {
    double below = 0;
    for (; a < DISTRIBUTION_LARGE; a++) {
        below += d / a / (a + d);
    }
    const double b = a + d;
    return below + log1p(d / a) + d / a / b / 2 + distribution_digamma_terms(b) - distribution_digamma_terms(a);
}

/* One step of Lentz's method keeps its factors away from 0. */
static inline double distribution_not_zero(double x) {
    return fabs(x) < DBL_MIN ? DBL_MIN : x;
}

enum { DISTRIBUTION_MOST_TERMS = 10000 };

/* The continued fraction of I_x(a, b) (26.5.8), which converges fast for x < (a + 1) / (a + b + 2). */
static inline double distribution_beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 / distribution_not_zero(1 - (a + b) * x / (a + 1));
    double value = d;
    for (int m = 1; m < DISTRIBUTION_MOST_TERMS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / distribution_not_zero(1 + even * d);
        c = distribution_not_zero(1 + even / c);
        value *= c * d;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / distribution_not_zero(1 + odd * d);
        c = distribution_not_zero(1 + odd / c);
        value *= c * d;
        if (fabs(c * d - 1) < 4 * DBL_EPSILON) {
            break;
        }
    }
    return value;
}

/* The regularised incomplete beta function I_x(a, b); `complement` is 1 - x, which the caller knows without a loss of
 * digits. Both in [0, 1].
 *     x^a (1 - x)^b / (a B(a, b)) * fraction,   1 / B(a, b) = Gamma(a + b) / (Gamma(a) Gamma(b)) */
static inline double distribution_beta(double a, double b, double x, double complement) {
    if (x <= 0 || complement <= 0) {
        return x <= 0 ? 0 : 1;
    }
    /* ln Gamma(a + b) - ln Gamma(a) - b ln a, minus ln Gamma(b) = ln Gamma(1 + b) - ln b */
    const double log_beta = distribution_log_gamma_ratio(a, b) + b * log(a) - distribution_log_factorial(b) + log(b);
    const double front = exp(log_beta + a * log(x) + b * log(complement));
    return x < (a + 1) / (a + b + 2) ? front * distribution_beta_fraction(a, b, x) / a
                                     : 1 - front * distribution_beta_fraction(b, a, complement) / b;
}

/* The regularised incomplete gamma function P(a, x), x >= 0: a series (6.5.29) below a + 1, a continued fraction
 * (6.5.31) from there on. Both need about sqrt(a) terms near x = a. */
static inline double distribution_gamma(double a, double x) {
    if (x <= 0) {
        return 0;
    }
    /* x^a e^-x / Gamma(a + 1) */
    const double front = exp(a * log(x) - x - distribution_log_factorial(a));
    const int most = DISTRIBUTION_MOST_TERMS + (int)fmin(16 * sqrt(a), 1e9);
    if (x < a + 1) {
        double term = 1, sum = 1;
        for (int k = 1; k < most && term > sum * DBL_EPSILON; k++) {
            term *= x / (a + k);
            sum += term;
        }
        return front * sum;
    }
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, value = d;
    for (int k = 1; k < most; k++) {
        const double factor = -k * (k - a);
        b += 2;
        d = 1 / distribution_not_zero(factor * d + b);
        c = distribution_not_zero(b + factor / c);
        value *= c * d;
        if (fabs(c * d - 1) < 4 * DBL_EPSILON) {
            break;
        }
    }
    return 1 - front * a * value;
}

/* The probability that a standard normal number is below x. */
static inline double distribution_normal(double x) {
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

/* The x at which an increasing function reaches p, between low and high, to ten digits. */
static inline double distribution_invert(double (*function)(const void *arg, double x), const void *arg, double p,
                                         double low, double high) {
    for (int k = 0; k < 200 && high - low > 1e-10 * fmax(fabs(low), fabs(high)); k++) {
        const double middle = low + (high - low) / 2;
        *(function(arg, middle) < p ? &low : &high) = middle;
    }
    return low + (high - low) / 2;
}

static inline double distribution_normal_at(const void *arg, double x) {
    (void)arg;
    return distribution_normal(x);
}

/* The standard normal number below which there is a probability of p in (0, 1). */
static inline double distribution_normal_quantile(double p) {
    return p > 0.5 ? -distribution_normal_quantile(1 - p)
                   : distribution_invert(distribution_normal_at, NULL, p, -40, 0);
}

/* The smallest whole number k >= 0 at which the increasing `function` reaches p: steps away from `start` whose lengths
 * double, then halving. Infinite if there is none below 2^52. */
static inline double distribution_count(double (*function)(const void *arg, double k), const void *arg, double p,
                                        double start) {
    double low = fmax(0, floor(start)), high = low, step = 1;
    if (function(arg, low) < p) {
        for (high = low + step; function(arg, high) < p; high += step) {
            low = high;
            step *= 2;
            if (high > 4503599627370496.0) {
                return (double)INFINITY;
            }
        }
    } else {
        for (low = high - step; low >= 0 && function(arg, low) >= p; low -= step) {
            high = low;
            step *= 2;
        }
        low = fmax(low, -1); /* function(-1) = 0 */
    }
    while (high - low > 1) {
        const double middle = floor(low + (high - low) / 2);
        *(function(arg, middle) < p ? &low : &high) = middle;
    }
    return high;
}

/* ---- draws, from random words that the host hands over ---- */

enum { DISTRIBUTION_UNIFORM_WORDS = 2, DISTRIBUTION_NORMAL_WORDS = 2 * DISTRIBUTION_UNIFORM_WORDS };

/* Uniform in (0, 1), without its ends, with 52 random bits. */
static inline double distribution_draw_uniform(const uint32_t *words) {
    const uint64_t bits = ((uint64_t)words[1] << 32 | words[0]) >> 12;
    return ((double)bits + 0.5) / 4503599627370496.0; /* 2^52 */
}

/* Normal with mean 0 and variance 1:  sqrt(-2 ln u) cos(2 pi v)  (Box & Muller 1958) */
static inline double distribution_draw_normal(const uint32_t *words) {
    const double u = distribution_draw_uniform(words), v = distribution_draw_uniform(words + 2);
    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

/* Element i becomes a number that was drawn. One beyond the range of the type becomes its largest finite number, so that a
 * rare draw of a distribution with long tails does not stop a run. */
static inline void distribution_set_draw(const rondo_tensor *targets, int64_t i, double value) {
    const double most = targets->dtype == RONDO_F32 ? (double)FLT_MAX : DBL_MAX;
    rondo_set(targets, i, value > most ? most : value < -most ? -most : value);
}

#endif
