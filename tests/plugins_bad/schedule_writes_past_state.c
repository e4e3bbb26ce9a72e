/* A schedule that keeps one number more than it declares. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = call->state[0] > 3 ? 0.5 : 1;
    return RONDO_OK;
}

static rondo_status observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    call->state[0]++;
    call->state[1] = call->metric;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_writes_past_state",
             .summary = "a factor on the learning rate"},
    .n_state = 1,
    .factor = factor,
    .observe = observe,
};

RONDO_PLUGIN("schedule_writes_past_state", "1.0", "MIT", &schedule.base);
