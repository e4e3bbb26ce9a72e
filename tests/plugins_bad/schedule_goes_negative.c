/* A schedule whose factor falls below 0. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = 1 - 1.1 * (double)call->done / (double)call->steps;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_goes_negative",
             .summary = "a factor on the learning rate"},
    .n_state = 0,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_goes_negative", "1.0", "MIT", &schedule.base);
