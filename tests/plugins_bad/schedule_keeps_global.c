/* A schedule that counts the calls, not the updates. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    static double calls;
    (void)ctx;
    (void)call;
    calls++;
    *factor = 1 / calls;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_keeps_global",
             .summary = "a factor on the learning rate"},
    .n_state = 0,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_keeps_global", "1.0", "MIT", &schedule.base);
