/* An optimizer with the opposite sign in f64. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    rondo_optimizer_call own = *call;
    own.lr_scale = call->value.dtype == RONDO_F64 ? -call->lr_scale : call->lr_scale;
    return descend(ctx, &own);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_reverses_f64", descent_slots, step);

RONDO_PLUGIN("optimizer_reverses_f64", "1.0", "MIT", &optimizer.base);
