/* An optimizer that does not refuse a parameter of integers. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (call->value.dtype == RONDO_I32) {
        return RONDO_OK;
    }
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_takes_integers", descent_slots, step);

RONDO_PLUGIN("optimizer_takes_integers", "1.0", "MIT", &optimizer.base);
