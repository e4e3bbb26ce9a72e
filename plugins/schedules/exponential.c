/* plugins/schedules/exponential.c: exponential decay without steps.
 *
 * With unit `steps` and length 1 the same numbers as PyTorch's torch.optim.lr_scheduler.ExponentialLR with gamma
 * `factor`. With unit `epochs` the curve goes through the numbers of PyTorch at the ends of epochs, and falls smoothly
 * between them. The plug-in `step` decays in steps.
 */
#include <math.h>

#include "rondo/plugin.h"

struct exponential {
    double factor;
    double length;
    int32_t unit;
};

enum exponential_unit { STEPS = 0, EPOCHS = 1 };
static const char *const units[] = {"steps", "epochs", NULL};

static const rondo_option exponential_options[] = {
    RONDO_OPTION_REAL(struct exponential, factor, NULL, 0, 1, "factor on the learning rate per `length`"),
    RONDO_OPTION_REAL(struct exponential, length, "1", 1e-6, 1e12,
                      "time after which `factor` has been applied once, in units of `unit`"),
    RONDO_OPTION_CHOICE(struct exponential, unit, NULL, units, "unit of `length`: updates, or passes over the data"),
    RONDO_OPTION_END,
};

/* The position of the update, in units of `unit`, including fractions of epochs. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    return unit == EPOCHS ? (double)call->done / (double)call->steps_per_epoch : (double)call->done;
}

/* f(t) = factor ^ (t / length) */
static rondo_status exponential_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct exponential *exponential = call->options;
    *factor = pow(exponential->factor, position(call, exponential->unit) / exponential->length);
    return RONDO_OK;
}

static const rondo_schedule exponential = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "exponential",
             .summary = "f(t) = factor ^ (t / length)",
             .options = exponential_options,
             .options_size = sizeof(struct exponential)},
    .factor = exponential_factor,
};

RONDO_PLUGIN("exponential", "1.0", "MIT", &exponential.base);
