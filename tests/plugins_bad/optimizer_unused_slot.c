/* An optimizer with a slot that it never uses. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        put(&call->value, i, get(&call->value, i) - rate_of(call) * get(&call->gradient, i));
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_unused_slot", descent_slots, step);

RONDO_PLUGIN("optimizer_unused_slot", "1.0", "MIT", &optimizer.base);
