/* An optimizer that divides by the number of elements, which may be 0. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int64_t batches = 4096 / rondo_count(&call->value);
    return batches >= 0 ? descend(ctx, call) : RONDO_INTERNAL;
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_divides_by_size", descent_slots, step);

RONDO_PLUGIN("optimizer_divides_by_size", "1.0", "MIT", &optimizer.base);
