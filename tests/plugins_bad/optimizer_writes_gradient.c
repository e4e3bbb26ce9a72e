/* An optimizer that clips the gradient in place, which it may only read. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->gradient); i++) {
        const double g = get(&call->gradient, i);
        put(&call->gradient, i, g > 1 ? 1 : g < -1 ? -1 : g);
    }
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_writes_gradient", descent_slots, step);

RONDO_PLUGIN("optimizer_writes_gradient", "1.0", "MIT", &optimizer.base);
