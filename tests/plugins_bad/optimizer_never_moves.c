/* An optimizer that leaves the value as it is. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return check_dtype(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_never_moves", NULL, step);

RONDO_PLUGIN("optimizer_never_moves", "1.0", "MIT", &optimizer.base);
