/* A schedule that counts epochs in a global variable. */
#include "rondo/plugin.h"

static double epochs;

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    (void)call;
    *factor = 1 / (1 + epochs);
    return RONDO_OK;
}

static rondo_status observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    epochs = call->done / call->steps_per_epoch > 1 ? epochs + 1 : 1;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_loses_state",
             .summary = "a factor on the learning rate"},
    .factor = factor,
    .observe = observe,
};

RONDO_PLUGIN("schedule_loses_state", "1.0", "MIT", &schedule.base);
