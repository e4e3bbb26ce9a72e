/* plugins/schedules/multi_step.c: a drop at each of given points.
 *
 * The same numbers as PyTorch's torch.optim.lr_scheduler.MultiStepLR with gamma `factor`.
 */
#include <math.h>

#include "rondo/plugin.h"

struct multi_step {
    double factor;
    rondo_reals milestones;
    int32_t unit;
};

enum multi_step_unit { STEPS = 0, EPOCHS = 1 };
static const char *const units[] = {"steps", "epochs", NULL};

static const rondo_option multi_step_options[] = {
    RONDO_OPTION_REAL(struct multi_step, factor, "0.1", 0, 1, "factor on the learning rate at each drop"),
    RONDO_OPTION_REALS(struct multi_step, milestones, NULL, 0, 1e12,
                       "times of the drops, in ascending order, in units of `unit`"),
    RONDO_OPTION_CHOICE(struct multi_step, unit, NULL, units, "unit of `milestones`: updates, or passes over the data"),
    RONDO_OPTION_END,
};

static rondo_status multi_step_check(rondo_context *ctx, const void *options) {
    const rondo_reals *milestones = &((const struct multi_step *)options)->milestones;
    if (milestones->count == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'milestones' is empty, expected one or more");
    }
    for (int64_t k = 1; k < milestones->count; k++) {
        if (milestones->values[k] <= milestones->values[k - 1]) {
            return ctx->host->fail(ctx, RONDO_INVALID, "'milestones' has %.15g after %.15g, expected ascending numbers",
                                   milestones->values[k], milestones->values[k - 1]);
        }
    }
    return RONDO_OK;
}

/* The position of the update, in units of `unit`. It is computed by one division of whole numbers, so that update 7 of
 * 10 is exactly the double 0.7. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    return unit == EPOCHS ? (double)call->done / (double)call->steps_per_epoch : (double)call->done;
}

/* f(t) = factor ^ (number of milestones <= t) */
static rondo_status multi_step_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct multi_step *multi_step = call->options;
    const double t = position(call, multi_step->unit);
    int64_t passed = 0;
    while (passed < multi_step->milestones.count && multi_step->milestones.values[passed] <= t) {
        passed++;
    }
    *factor = pow(multi_step->factor, (double)passed);
    return RONDO_OK;
}

static const rondo_schedule multi_step = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "multi_step",
             .summary = "f(t) = factor ^ (number of milestones <= t)",
             .options = multi_step_options,
             .options_size = sizeof(struct multi_step)},
    .check = multi_step_check,
    .factor = multi_step_factor,
};

RONDO_PLUGIN("multi_step", "1.0", "MIT", &multi_step.base);
