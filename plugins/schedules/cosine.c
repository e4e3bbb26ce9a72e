/* plugins/schedules/cosine.c: a fall to the floor along half a cosine, once or with warm restarts.
 *
 * Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5. The
 * same numbers as PyTorch's torch.optim.lr_scheduler.CosineAnnealingLR with T_max `length`, and, with restarts, as
 * CosineAnnealingWarmRestarts with T_0 `length` and T_mult `multiplier`.
 *
 * The convention at the end is that of T_max: with a length of T updates, update number n = 1 .. T has the factor of t
 * = n - 1. The first update has factor 1, and the update after the last one would have the floor. So with floor 0 every
 * update of the length changes the parameters; the last one has the factor (1 - cos(pi / T)) / 2. After the length the
 * factor stays at the floor, whereas PyTorch's factor rises again.
 */
#include <math.h>

#include "rondo/plugin.h"

struct cosine {
    double floor;
    int64_t restarts;
    double multiplier;
    double length;
    int32_t unit;
};

enum cosine_unit { STEPS = 0, EPOCHS = 1, RUN = 2 };
static const char *const units[] = {"steps", "epochs", "run", NULL};

static const rondo_option cosine_options[] = {
    RONDO_OPTION_REAL(struct cosine, floor, "0", 0, 1, "factor at the end of the curve and after it"),
    RONDO_OPTION_INT(struct cosine, restarts, "0", 0, 1000,
                     "number of restarts: the factor jumps back to 1 and falls again"),
    RONDO_OPTION_REAL(struct cosine, multiplier, "1", 1, 100,
                      "length of each fall relative to the previous one; requires `restarts`"),
    RONDO_OPTION_REAL(struct cosine, length, "0", 0, 1e12,
                      "length of the first fall, in units of `unit`; 0: all falls together take the whole run"),
    RONDO_OPTION_CHOICE(
        struct cosine, unit, "run", units,
        "unit of `length`: updates, or passes over the data; run: the length of the run, `length` is not used"),
    RONDO_OPTION_END,
};

/* The end of fall number k = 0, 1, … as a multiple of the first: 1 + m + … + m^k. */
static double end_of_fall(const struct cosine *cosine, int64_t k) {
    const double m = cosine->multiplier;
    return m == 1 ? (double)(k + 1) : (pow(m, (double)(k + 1)) - 1) / (m - 1);
}

#define MOST_FIRST_FALLS 1e9

static rondo_status cosine_check(rondo_context *ctx, const void *options) {
    const struct cosine *cosine = options;
    if ((cosine->unit == RUN) != (cosine->length == 0)) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'unit' is %s and 'length' is %.15g, expected %s",
                               units[cosine->unit], cosine->length,
                               cosine->unit == RUN ? "unit steps or epochs with a length" : "a length above 0");
    }
    if (cosine->multiplier != 1 && cosine->restarts == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'multiplier' is %.15g, which needs 'restarts' above 0",
                               cosine->multiplier);
    }
    if (end_of_fall(cosine, cosine->restarts) > MOST_FIRST_FALLS) {
        return ctx->host->fail(
            ctx, RONDO_INVALID,
            "'restarts' is %lld and 'multiplier' is %.15g: all falls together are %.3g times as long "
            "as the first, expected at most %g times",
            (long long)cosine->restarts, cosine->multiplier, end_of_fall(cosine, cosine->restarts), MOST_FIRST_FALLS);
    }
    return RONDO_OK;
}

/* The position of the update, in units of `unit`; the unit `run` is the whole run, of length 1. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    const int64_t updates = unit == RUN ? call->steps : unit == EPOCHS ? call->steps_per_epoch : 1;
    return (double)call->done / (double)updates;
}

/* The share of the current fall that has passed at time t, where t is in units of the first fall; 1 after the last
 * fall. The end of a fall is compared with a tolerance for rounding: three times 0.1 epochs is not exactly 0.3. */
static double share_of_fall(const struct cosine *cosine, double t) {
    double begin = 0;
    for (int64_t k = 0; k <= cosine->restarts; k++) {
        const double end = end_of_fall(cosine, k);
        if (t < end * (1 - 1e-13)) {
            return (t - begin) / (end - begin);
        }
        begin = end;
    }
    return 1;
}

/* f = floor + (1 - floor) (1 + cos(pi share)) / 2 */
static rondo_status cosine_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct cosine *cosine = call->options;
    const double pi = 3.14159265358979323846;
    const double length = cosine->unit == RUN ? 1 / end_of_fall(cosine, cosine->restarts) : cosine->length;
    const double share = share_of_fall(cosine, position(call, cosine->unit) / length);
    *factor = cosine->floor + (1 - cosine->floor) * (1 + cos(pi * share)) / 2;
    return RONDO_OK;
}

static const rondo_schedule cosine = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "cosine",
             .summary = "f(t) = floor + (1 - floor) (1 + cos(pi t / length)) / 2, with warm restarts (Loshchilov and "
                        "Hutter 2017)",
             .options = cosine_options,
             .options_size = sizeof(struct cosine)},
    .check = cosine_check,
    .factor = cosine_factor,
};

RONDO_PLUGIN("cosine", "1.0", "MIT", &cosine.base);
