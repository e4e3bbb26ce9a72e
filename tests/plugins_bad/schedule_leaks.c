/* A schedule that allocates 24 bytes per factor and never frees them. */
#include <stdlib.h>

#include "rondo/plugin.h"

static rondo_status factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    volatile char *lost = malloc(24);
    (void)ctx;
    if (lost != NULL) {
        lost[0] = 0;
    }
    *factor = 1 / (1 + (double)call->done / (double)call->steps);
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "schedule_leaks",
             .summary = "factor = 1 / (1 + t)"},
    .factor = factor,
};

RONDO_PLUGIN("schedule_leaks", "1.0", "MIT", &schedule.base);
