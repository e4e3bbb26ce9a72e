/* A schedule with an option whose largest value makes it divide by 0. */
#include "rondo/plugin.h"

struct warm {
    double decay;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct warm, decay, "0.5", 0, 1, "decay of the factor over the run"),
    RONDO_OPTION_END,
};

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = 1 / (1 - ((const struct warm *)call->options)->decay);
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_breaks_at_end",
             .summary = "factor = 1 / (1 - decay)",
             .options = table,
             .options_size = sizeof(struct warm)},
    .factor = factor,
};

RONDO_PLUGIN("schedule_breaks_at_end", "1.0", "MIT", &schedule.base);
