/* A schedule that takes the root of a negative number after the end of the run. */
#include "rondo/plugin.h"

#include <math.h>

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = sqrt(1 - (double)call->done / (double)call->steps);
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_gives_nan",
             .summary = "a factor on the learning rate"},
    .n_state = 0,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_gives_nan", "1.0", "MIT", &schedule.base);
