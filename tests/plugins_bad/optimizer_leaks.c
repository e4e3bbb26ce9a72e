/* An optimizer that allocates 40 bytes per update and never frees them. */
#include "good_optimizer.h"

#include <stdlib.h>

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    volatile char *lost = malloc(40);
    if (lost != NULL) {
        lost[0] = 0;
    }
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_leaks", descent_slots, step);

RONDO_PLUGIN("optimizer_leaks", "1.0", "MIT", &optimizer.base);
