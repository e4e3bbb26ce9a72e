/* An optimizer that uses the result of host->alloc without checking it. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    volatile double *scratch = ctx->host->alloc(ctx, sizeof *scratch);
    scratch[0] = 0;
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_ignores_no_memory", descent_slots, step);

RONDO_PLUGIN("optimizer_ignores_no_memory", "1.0", "MIT", &optimizer.base);
