/* An op that allocates 24 bytes per call and never frees them. */
#include "good_op.h"

#include <stdlib.h>

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    volatile char *lost = malloc(24);
    if (lost != NULL) {
        lost[0] = 0;
    }
    return good_forward(ctx, call);
}

static const rondo_op op = GOOD_OP("op_leaks", 0, good_infer, forward, good_backward, good_sample);

RONDO_PLUGIN("op_leaks", "1.0", "MIT", &op.base);
