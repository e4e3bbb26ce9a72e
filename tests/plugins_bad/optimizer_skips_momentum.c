/* An optimizer that claims to skip zeros, although its velocity moves elements without a gradient. */
#include "good_optimizer.h"

static int32_t skips_zeros(const void *options) {
    (void)options;
    return 1;
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "optimizer_skips_momentum",
             .summary = "v = 0.9 v + g; p = p - lr v",
             .options = descent_options,
             .options_size = sizeof(struct descent)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = descent_slots,
    .step = descend,
    .skips_zeros = skips_zeros,
};

RONDO_PLUGIN("optimizer_skips_momentum", "1.0", "MIT", &optimizer.base);
