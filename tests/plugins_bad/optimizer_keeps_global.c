/* An optimizer that keeps its velocity in a global variable. */
#include "good_optimizer.h"

static double velocity[1 << 16];

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        velocity[i % (1 << 16)] = 0.9 * velocity[i % (1 << 16)] + get(&call->gradient, i);
        put(&call->value, i, get(&call->value, i) - rate_of(call) * velocity[i % (1 << 16)]);
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_keeps_global", NULL, step);

RONDO_PLUGIN("optimizer_keeps_global", "1.0", "MIT", &optimizer.base);
