/* An optimizer that returns a count where a status is expected. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    descend(ctx, call);
    return (rondo_status)rondo_count(&call->value);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_unknown_status", descent_slots, step);

RONDO_PLUGIN("optimizer_unknown_status", "1.0", "MIT", &optimizer.base);
