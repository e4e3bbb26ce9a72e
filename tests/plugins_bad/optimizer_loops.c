/* An optimizer that never returns. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    volatile int waits = 1;
    while (waits) {
    }
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_loops", descent_slots, step);

RONDO_PLUGIN("optimizer_loops", "1.0", "MIT", &optimizer.base);
