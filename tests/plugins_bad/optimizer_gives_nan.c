/* An optimizer that divides by a gradient that may be 0: p <- p - lr g / |g|. */
#include "good_optimizer.h"

#include <math.h>

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double g = get(&call->gradient, i);
        put(&call->value, i, get(&call->value, i) - rate_of(call) * g / fabs(g));
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_gives_nan", NULL, step);

RONDO_PLUGIN("optimizer_gives_nan", "1.0", "MIT", &optimizer.base);
