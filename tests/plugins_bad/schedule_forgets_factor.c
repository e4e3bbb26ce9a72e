/* A schedule that writes no factor from the middle of the run on. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    if (2 * call->done < call->steps) {
        *factor = 1;
    }
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_forgets_factor",
             .summary = "a factor on the learning rate"},
    .n_state = 0,
    .factor = factor,
    .observe = NULL,
};

RONDO_PLUGIN("schedule_forgets_factor", "1.0", "MIT", &schedule.base);
