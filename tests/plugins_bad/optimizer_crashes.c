/* An optimizer that writes to an unmapped address. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    volatile int64_t *volatile nowhere = NULL;
    *nowhere = call->step;
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_crashes", descent_slots, step);

RONDO_PLUGIN("optimizer_crashes", "1.0", "MIT", &optimizer.base);
