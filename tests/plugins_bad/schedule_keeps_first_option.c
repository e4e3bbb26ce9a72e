/* A schedule that uses the options of its first call in all later ones. */
#include "rondo/plugin.h"

struct decay {
    double rate;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct decay, rate, "0.1", 0.001, 1, "loss of the factor over the run"),
    RONDO_OPTION_END,
};

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    static double first;
    (void)ctx;
    if (first == 0) {
        first = ((const struct decay *)call->options)->rate;
    }
    *factor = 1 / (1 + first * (double)call->done / (double)call->steps);
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_keeps_first_option",
             .summary = "factor = 1 / (1 + rate t)",
             .options = table,
             .options_size = sizeof(struct decay)},
    .factor = factor,
};

RONDO_PLUGIN("schedule_keeps_first_option", "1.0", "MIT", &schedule.base);
