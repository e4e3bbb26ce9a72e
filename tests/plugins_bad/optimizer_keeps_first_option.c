/* An optimizer that uses the learning rate of its first call in all later ones. */
#include "good_optimizer.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    static double first;
    const struct descent *options = call->options;
    if (first == 0) {
        first = options->lr;
    }
    const struct descent kept = {first};
    rondo_optimizer_call own = *call;
    own.options = &kept;
    return descend(ctx, &own);
}

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_keeps_first_option", descent_slots, step);

RONDO_PLUGIN("optimizer_keeps_first_option", "1.0", "MIT", &optimizer.base);
