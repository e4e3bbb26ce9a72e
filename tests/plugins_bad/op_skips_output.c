/* An op that does not write the last element of its output. */
#include "good_op.h"

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t last = rondo_count(&call->output) - 1;
    if (last < 0) {
        return RONDO_OK;
    }
    unsigned char before[8];
    const int64_t size = good_size(call);
    unsigned char *at = (unsigned char *)call->output.data + last * size;
    for (int64_t b = 0; b < size; b++) {
        before[b] = at[b];
    }
    const rondo_status status = good_forward(ctx, call);
    for (int64_t b = 0; b < size; b++) {
        at[b] = before[b];
    }
    return status;
}

static const rondo_op op = GOOD_OP("op_skips_output", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_skips_output", "1.0", "MIT", &op.base);
