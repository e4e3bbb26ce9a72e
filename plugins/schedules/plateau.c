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
    RONDO_OPTION_REAL(struct plateau, factor, "0.1", 0, 0.9999999,
                      "what the learning rate is multiplied by at each drop"),
    RONDO_OPTION_INT(struct plateau, patience, "10", 0, 1e9,
                     "epochs without a better metric that are waited through; the drop comes after one more"),
    RONDO_OPTION_REAL(struct plateau, threshold, "1e-4", 0, 1e9,
                      "by how much a metric must pass the best one to be better; see `threshold_mode`"),
    RONDO_OPTION_CHOICE(struct plateau, threshold_mode, "relative", threshold_modes,
                        "what `threshold` is: a share of the best metric, or in units of the metric"),
    RONDO_OPTION_INT(struct plateau, cooldown, "0", 0, 1e9, "epochs after a drop that are not counted"),
    RONDO_OPTION_REAL(struct plateau, floor, "0", 0, 1, "least factor"),
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

/* What lasts from epoch to epoch, all 0 at first. */
enum state { HAS_BEST = 0, BEST = 1, BAD_EPOCHS = 2, COOLDOWN_LEFT = 3, DROPS = 4, N_STATE = 5 };

/* With metric a, best b, threshold e, and s = 1 where higher is better, -1 otherwise:
 *     s (a - b) > e |b|     relative
 *     s (a - b) > e         absolute
 * Without a best one any finite metric is better. PyTorch has e b for e |b|, which calls the same metric as before
 * better where it is below 0, as a log likelihood is. */
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
        state[BAD_EPOCHS] = 0;
    } else {
        state[BAD_EPOCHS]++;
    }
    if (state[COOLDOWN_LEFT] > 0) {
        state[COOLDOWN_LEFT]--;
        state[BAD_EPOCHS] = 0;
    }
    if (state[BAD_EPOCHS] > (double)plateau->patience) {
        state[DROPS]++;
        state[COOLDOWN_LEFT] = (double)plateau->cooldown;
        state[BAD_EPOCHS] = 0;
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
             .summary = "f = max(floor, factor ^ drops): a drop after `patience` epochs in which the validation metric "
                        "got no better",
             .options = plateau_options,
             .options_size = sizeof(struct plateau)},
    .n_state = N_STATE,
    .check = plateau_check,
    .factor = plateau_factor,
    .observe = plateau_observe,
};

RONDO_PLUGIN("plateau", "1.0", "MIT", &plateau.base);
