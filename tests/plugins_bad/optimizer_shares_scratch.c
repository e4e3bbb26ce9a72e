/* An optimizer that works in a buffer that all threads share. */
#include "good_optimizer.h"

static double scratch[1 << 12];

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    const int64_t count = rondo_count(&call->value);
    for (int64_t begin = 0; begin < count; begin += 1 << 12) {
        for (int64_t i = begin; i < count && i < begin + (1 << 12); i++) {
            scratch[i - begin] = 0.9 * get(&call->slots[0], i) + get(&call->gradient, i);
        }
        for (int64_t i = begin; i < count && i < begin + (1 << 12); i++) {
            put(&call->slots[0], i, scratch[i - begin]);
            put(&call->value, i, get(&call->value, i) - rate_of(call) * scratch[i - begin]);
        }
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_shares_scratch", descent_slots, step);

RONDO_PLUGIN("optimizer_shares_scratch", "1.0", "MIT", &optimizer.base);
