/* A schedule that returns another factor, and succeeds, when there is no memory. */
#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    const double *scratch = ctx->host->alloc(ctx, sizeof *scratch);
    *factor = scratch == NULL ? 1 : 1 / (1 + (double)call->done / (double)call->steps);
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_forgets_no_memory",
             .summary = "factor = 1 / (1 + t)"},
    .factor = factor,
};

RONDO_PLUGIN("schedule_forgets_no_memory", "1.0", "MIT", &schedule.base);
