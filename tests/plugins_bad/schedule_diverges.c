/* A schedule that takes an infinite metric for a number. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = 1 / (1 + call->state[0] * call->state[0]);
    return RONDO_OK;
}

static rondo_status observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    call->state[0] += call->metric;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_diverges",
             .summary = "a factor on the learning rate"},
    .n_state = 1,
    .factor = factor,
    .observe = observe,
};

RONDO_PLUGIN("schedule_diverges", "1.0", "MIT", &schedule.base);
