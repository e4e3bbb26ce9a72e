/* An optimizer that ignores call->lr_scale. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    rondo_optimizer_call own = *call;
    own.lr_scale = 1;
    return descend(ctx, &own);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_ignores_lr_scale", descent_slots, step);

RONDO_PLUGIN("optimizer_ignores_lr_scale", "1.0", "MIT", &optimizer.base);
