/* A schedule that takes a lower metric for the better one, whatever the metric. */
#include "rondo/plugin.h"

#include <math.h>

enum { HAS_BEST, BEST, BAD_EPOCHS, NUMBERS };

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    *factor = call->state[BAD_EPOCHS] > 5 ? 0.1 : 1;
    return RONDO_OK;
}

static rondo_status observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    if (isfinite(call->metric) && (call->state[HAS_BEST] == 0 || call->metric < call->state[BEST])) {
        call->state[HAS_BEST] = 1;
        call->state[BEST] = call->metric;
        call->state[BAD_EPOCHS] = 0;
    } else {
        call->state[BAD_EPOCHS] += 1;
    }
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_ignores_direction",
             .summary = "factor 0.1 where the metric has not fallen for 5 epochs"},
    .n_state = NUMBERS,
    .factor = factor,
    .observe = observe,
};

RONDO_PLUGIN("schedule_ignores_direction", "1.0", "MIT", &schedule.base);
