/* A schedule that never returns. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    (void)call;
    volatile int waits = 1;
    while (waits) {
    }
    *factor = 1;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_loops",
             .summary = "a factor on the learning rate"},
    .n_state = 0,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_loops", "1.0", "MIT", &schedule.base);
