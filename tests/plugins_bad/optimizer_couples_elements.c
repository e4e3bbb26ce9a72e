/* An optimizer that claims to be element-wise, and subtracts the mean of the gradient. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    const int64_t count = rondo_count(&call->value);
    double mean = 0;
    for (int64_t i = 0; i < count; i++) {
        mean += get(&call->gradient, i) / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        put(&call->value, i, get(&call->value, i) - rate_of(call) * (get(&call->gradient, i) - mean));
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_couples_elements", NULL, step);

RONDO_PLUGIN("optimizer_couples_elements", "1.0", "MIT", &optimizer.base);
