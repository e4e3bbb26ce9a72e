/* plugins/schedules/step.c: drops at regular intervals.
 *
 * The same numbers as PyTorch's torch.optim.lr_scheduler.StepLR with gamma `factor` and step_size `every`. With unit
 * `epochs` and a whole number `every`, the drops are between epochs.
 */
#include <float.h>
#include <math.h>

#include "rondo/plugin.h"

struct step {
    double factor;
    double every;
    int32_t unit;
};

enum step_unit { STEPS = 0, EPOCHS = 1 };
static const char *const units[] = {"steps", "epochs", NULL};

static const rondo_option step_options[] = {
    RONDO_OPTION_REAL(struct step, factor, "0.1", 0, 1, "factor on the learning rate at each drop"),
    RONDO_OPTION_REAL(struct step, every, NULL, 1e-6, 1e12, "time between two drops, in units of `unit`"),
    RONDO_OPTION_CHOICE(struct step, unit, NULL, units, "unit of `every`: updates, or passes over the data"),
    RONDO_OPTION_END,
};

/* The position of the update, in units of `unit`. It is computed by one division of whole numbers, so that update 7 of
 * 10 is exactly the double 0.7. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    return unit == EPOCHS ? (double)call->done / (double)call->steps_per_epoch : (double)call->done;
}

/* f(t) = factor ^ floor(t / every). Because of three roundings, 0.3 / 0.1 can be slightly less than 3. Four times the
 * rounding error is added to correct this. */
static rondo_status step_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct step *step = call->options;
    const double drops = floor(position(call, step->unit) / step->every * (1 + 4 * DBL_EPSILON));
    *factor = pow(step->factor, drops);
    return RONDO_OK;
}

static const rondo_schedule step = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "step",
             .summary = "f(t) = factor ^ floor(t / every)",
             .options = step_options,
             .options_size = sizeof(struct step)},
    .factor = step_factor,
};

RONDO_PLUGIN("step", "1.0", "MIT", &step.base);
