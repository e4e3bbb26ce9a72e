/* An op that looks along sequences, and takes them to be one after the other, from the first element on. */
#include "good_sequence.h"

/* The same call with such sequences. */
static rondo_status apply(rondo_context *ctx, const rondo_op_call *call,
                          rondo_status (*function)(rondo_context *, rondo_op_call *)) {
    const rondo_rows *list[2];
    rondo_rows rows[2];
    rondo_op_call changed = *call;
    for (int32_t k = 0; k < 2; k++) {
        const int64_t count = call->rows[k]->count;
        int64_t *begin = ctx->host->alloc(ctx, sizeof *begin * (size_t)count);
        if (begin == NULL) {
            return RONDO_NO_MEMORY;
        }
        for (int64_t s = 0, next = 0; s < count; s++) {
            begin[s] = next;
            next += call->rows[k]->length[s];
        }
        rows[k] = *call->rows[k];
        rows[k].begin = begin;
        list[k] = &rows[k];
    }
    changed.rows = list;
    return function(ctx, &changed);
}

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    return apply(ctx, call, sequence_forward);
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    return apply(ctx, call, sequence_backward);
}

static const rondo_op op = GOOD_SEQUENCE("op_ignores_begin", sequence_infer, forward, backward, sequence_lengths);

RONDO_PLUGIN("op_ignores_begin", "1.0", "MIT", &op.base);
