/* An op with its own scratch memory, which all threads share. The pointer to it never changes. */
#include "good_op.h"

#include <stdlib.h>

enum { MOST = 1 << 20 };
static double *squares;

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const int32_t dtype = call->output.dtype;
    const int64_t count = rondo_count(&call->output);
    if (squares == NULL) {
        squares = malloc(sizeof *squares * MOST);
    }
    if (squares == NULL || count > MOST) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "too many elements");
    }
    for (int64_t i = 0; i < count; i++) {
        const double x = get(call->inputs[0].data, dtype, i);
        squares[i] = x * x;
    }
    for (int64_t i = 0; i < count; i++) {
        put(call->output.data, dtype, i, squares[i]);
        put(call->saved, dtype, i, 2 * get(call->inputs[0].data, dtype, i));
    }
    return RONDO_OK;
}

static const rondo_op op = GOOD_OP("op_shares_scratch", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_shares_scratch", "1.0", "MIT", &op.base);
