/* A schedule that counts the updates in its state, though factor may only read that. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    call->state[0]++;
    *factor = 1 / call->state[0];
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_writes_state",
             .summary = "a factor on the learning rate"},
    .n_state = 1,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_writes_state", "1.0", "MIT", &schedule.base);
