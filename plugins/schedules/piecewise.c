/* plugins/schedules/piecewise.c: factors given at points in time, constant or interpolated linearly in between.
 *
 * Before the first point and after the last point, the factor is that of the point. With a rising line this is the
 * range test of Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.
 */
#include "rondo/plugin.h"

struct piecewise {
    rondo_reals at;
    rondo_reals factors;
    int32_t interpolate;
    int32_t unit;
};

enum piecewise_unit { STEPS = 0, EPOCHS = 1 };
static const char *const units[] = {"steps", "epochs", NULL};
enum interpolate { CONSTANT = 0, LINEAR = 1 };
static const char *const interpolations[] = {"constant", "linear", NULL};

static const rondo_option piecewise_options[] = {
    RONDO_OPTION_REALS(struct piecewise, at, NULL, 0, 1e12, "points in time, in ascending order, in units of `unit`"),
    RONDO_OPTION_REALS(struct piecewise, factors, NULL, 0, 1e6,
                       "factors on the learning rate at these points, one for each"),
    RONDO_OPTION_CHOICE(struct piecewise, interpolate, "constant", interpolations,
                        "between two points: hold the factor, or interpolate linearly"),
    RONDO_OPTION_CHOICE(struct piecewise, unit, NULL, units, "unit of `at`: updates, or passes over the data"),
    RONDO_OPTION_END,
};

static rondo_status piecewise_check(rondo_context *ctx, const void *options) {
    const rondo_reals *at = &((const struct piecewise *)options)->at;
    const rondo_reals *factors = &((const struct piecewise *)options)->factors;
    if (at->count == 0 || at->count != factors->count) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'at' has %lld numbers and 'factors' has %lld, expected the same number, one or more",
                               (long long)at->count, (long long)factors->count);
    }
    for (int64_t k = 1; k < at->count; k++) {
        if (at->values[k] <= at->values[k - 1]) {
            return ctx->host->fail(ctx, RONDO_INVALID, "'at' has %.15g after %.15g, expected ascending numbers",
                                   at->values[k], at->values[k - 1]);
        }
    }
    return RONDO_OK;
}

/* The position of the update, in units of `unit`. It is computed by one division of whole numbers, so that update 7 of
 * 10 is exactly the double 0.7. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    return unit == EPOCHS ? (double)call->done / (double)call->steps_per_epoch : (double)call->done;
}

/* With at[k] <= t < at[k + 1]:
 *     f(t) = factors[k]                                                                          constant
 *     f(t) = factors[k] + (factors[k + 1] - factors[k]) (t - at[k]) / (at[k + 1] - at[k])        linear */
static rondo_status piecewise_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct piecewise *piecewise = call->options;
    const double *at = piecewise->at.values, *factors = piecewise->factors.values;
    const int64_t count = piecewise->at.count;
    const double t = position(call, piecewise->unit);
    int64_t k = 0;
    while (k + 1 < count && at[k + 1] <= t) {
        k++;
    }
    *factor = factors[k];
    if (piecewise->interpolate == LINEAR && k + 1 < count && t > at[k]) {
        *factor += (factors[k + 1] - factors[k]) * (t - at[k]) / (at[k + 1] - at[k]);
    }
    return RONDO_OK;
}

static const rondo_schedule piecewise = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "piecewise",
             .summary = "f(t) = factors[k] from at[k] on, constant or interpolated linearly",
             .options = piecewise_options,
             .options_size = sizeof(struct piecewise)},
    .check = piecewise_check,
    .factor = piecewise_factor,
};

RONDO_PLUGIN("piecewise", "1.0", "MIT", &piecewise.base);
