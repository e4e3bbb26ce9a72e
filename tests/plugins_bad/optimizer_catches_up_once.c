/* An average that does one update where it should do several. */
#include "good_optimizer.h"

static const rondo_slot slots[] = {{"average", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_EVALUATED}, {0}};

/* a <- a + 0.1 (p - a) */
static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double a = get(&call->slots[0], i);
        put(&call->slots[0], i, a + 0.1 * (get(&call->value, i) - a));
    }
    return RONDO_OK;
}

static rondo_status catch_up(rondo_context *ctx, const rondo_optimizer_call *call, int64_t first) {
    (void)first;
    return step(ctx, call);
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "optimizer_catches_up_once",
             .summary = "a = a + 0.1 (p - a)",
             .options = descent_options,
             .options_size = sizeof(struct descent)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = slots,
    .step = step,
    .catch_up = catch_up,
};

RONDO_PLUGIN("optimizer_catches_up_once", "1.0", "MIT", &optimizer.base);
