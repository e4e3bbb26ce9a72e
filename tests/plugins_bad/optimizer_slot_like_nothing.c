/* An element-wise optimizer that chooses a slot of another shape than the parameter's. */
#include "good_optimizer.h"

static const rondo_slot slots[] = {{"velocity", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE}, {0}};

static rondo_status choose_slot(rondo_context *ctx, const void *options, int32_t slot, const rondo_tensor *parameter,
                                rondo_tensor *shape) {
    (void)ctx;
    (void)options;
    (void)slot;
    shape->ndim = 1;
    shape->shape[0] = 2 * rondo_count(parameter);
    return RONDO_OK;
}

static const rondo_optimizer optimizer = {.base = {.struct_size = sizeof(rondo_optimizer),
                                                   .kind = RONDO_KIND_OPTIMIZER,
                                                   .name = "optimizer_slot_like_nothing",
                                                   .summary = "v = 0.9 v + g; p = p - lr v",
                                                   .options = descent_options,
                                                   .options_size = sizeof(struct descent)},
                                          .flags = RONDO_OPTIMIZER_ELEMENTWISE,
                                          .slots = slots,
                                          .step = descend,
                                          .choose_slot = choose_slot};

RONDO_PLUGIN("optimizer_slot_like_nothing", "1.0", "MIT", &optimizer.base);
