/* An optimizer that writes one number more than its slot has. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const rondo_status status = descend(ctx, call);
    if (status == RONDO_OK) {
        put(&call->slots[0], rondo_count(&call->value), 0);
    }
    return status;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_writes_past_slot", descent_slots, step);

RONDO_PLUGIN("optimizer_writes_past_slot", "1.0", "MIT", &optimizer.base);
