/* plugins/schedules/plateau.c: a drop whenever the validation metric has stopped getting better.
 *
 * The same numbers as PyTorch's torch.optim.lr_scheduler.ReduceLROnPlateau with eps 0, for metrics above 0. The metric
 * is the one that early stopping watches. A metric that is not finite is not better than any other.
 */
#include <math.h>

#include "rondo/plugin.h"

struct plateau {
    double factor;
    int64_t patience;
    double threshold;
    int32_t threshold_mode;
    int64_t cooldown;
    double floor;
};

enum threshold_mode { RELATIVE = 0, ABSOLUTE = 1 };
static const char *const threshold_modes[] = {"relative", "absolute", NULL};

static const rondo_option plateau_options[] = {
    RONDO_OPTION_REAL(struct plateau, factor, "0.1", 0, 0.9999999, "factor on the learning rate at each drop"),
    RONDO_OPTION_INT(struct plateau, patience, "10", 0, 1e9,
                     "number of validations without a better metric that are tolerated; the next one causes a drop"),
    RONDO_OPTION_REAL(struct plateau, threshold, "1e-4", 0, 1e9,
                      "how much better than the best metric a new one must be; see `threshold_mode`"),
    RONDO_OPTION_CHOICE(struct plateau, threshold_mode, "relative", threshold_modes,
                        "unit of `threshold`: a share of the best metric, or the unit of the metric"),
    RONDO_OPTION_INT(struct plateau, cooldown, "0", 0, 1e9, "number of validations after a drop that do not count"),
    RONDO_OPTION_REAL(struct plateau, floor, "0", 0, 1, "lower bound of the factor"),
    RONDO_OPTION_END,
};

static rondo_status plateau_check(rondo_context *ctx, const void *options) {
    const struct plateau *plateau = options;
    if (plateau->threshold_mode == RELATIVE && plateau->threshold >= 1) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'threshold' is %.15g with 'threshold_mode' relative, expected a share below 1",
                               plateau->threshold);
    }
    return RONDO_OK;
}

/* The state that is kept from validation to validation, all 0 at first. */
enum state { HAS_BEST = 0, BEST = 1, BAD_VALIDATIONS = 2, COOLDOWN_LEFT = 3, DROPS = 4, N_STATE = 5 };

/* With metric a, best b, threshold e, and s = 1 if higher is better, -1 otherwise:
 *     s (a - b) > e |b|     relative
 *     s (a - b) > e         absolute
 * If there is no best metric yet, any finite metric is better. PyTorch uses e b instead of e |b|; for a metric below 0,
 * such as a log-likelihood, an unchanged metric would then count as better. */
static int is_better(const struct plateau *plateau, const rondo_schedule_call *call) {
    const double best = call->state[BEST];
    if (call->state[HAS_BEST] == 0 || !isfinite(call->metric)) {
        return isfinite(call->metric);
    }
    const double margin = plateau->threshold_mode == RELATIVE ? plateau->threshold * fabs(best) : plateau->threshold;
    return (call->higher_is_better ? call->metric - best : best - call->metric) > margin;
}

static rondo_status plateau_observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    const struct plateau *plateau = call->options;
    double *state = call->state;
    if (is_better(plateau, call)) {
        state[HAS_BEST] = 1;
        state[BEST] = call->metric;
        state[BAD_VALIDATIONS] = 0;
    } else {
        state[BAD_VALIDATIONS]++;
    }
    if (state[COOLDOWN_LEFT] > 0) {
        state[COOLDOWN_LEFT]--;
        state[BAD_VALIDATIONS] = 0;
    }
    if (state[BAD_VALIDATIONS] > (double)plateau->patience) {
        state[DROPS]++;
        state[COOLDOWN_LEFT] = (double)plateau->cooldown;
        state[BAD_VALIDATIONS] = 0;
    }
    return RONDO_OK;
}

/* f = max(floor, factor ^ drops) */
static rondo_status plateau_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct plateau *plateau = call->options;
    *factor = fmax(plateau->floor, pow(plateau->factor, call->state[DROPS]));
    return RONDO_OK;
}

static const rondo_schedule plateau = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "plateau",
             .summary = "f = max(floor, factor ^ drops): a drop when the validation metric has not improved for more "
                        "than `patience` validations",
             .options = plateau_options,
             .options_size = sizeof(struct plateau)},
    .n_state = N_STATE,
    .check = plateau_check,
    .factor = plateau_factor,
    .observe = plateau_observe,
};

RONDO_PLUGIN("plateau", "1.0", "MIT", &plateau.base);
