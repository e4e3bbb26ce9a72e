/* An optimizer that climbs. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        put(&call->slots[0], i, 0.9 * get(&call->slots[0], i) + get(&call->gradient, i));
        put(&call->value, i, get(&call->value, i) + rate_of(call) * get(&call->slots[0], i));
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_wrong_sign", descent_slots, step);

RONDO_PLUGIN("optimizer_wrong_sign", "1.0", "MIT", &optimizer.base);
