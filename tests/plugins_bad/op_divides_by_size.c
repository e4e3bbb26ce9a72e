/* An op that divides by a size, which may be 0. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const volatile int64_t rows = x->ndim > 0 ? x->shape[0] : 1;
    const int64_t columns = rondo_count(x) / rows;
    return columns < 0 ? RONDO_INTERNAL : good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_divides_by_size", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_divides_by_size", "1.0", "MIT", &op.base);
