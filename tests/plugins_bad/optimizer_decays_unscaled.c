/* Gradient descent with decoupled weight decay that the schedule does not reach. */
#include "good_optimizer.h"

struct decaying {
    struct descent descent;
    double weight_decay;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct descent, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct decaying, weight_decay, "0", 0, 1, "pull towards 0, times lr"),
    RONDO_OPTION_END,
};

/* p <- p - lr weight_decay p, then the descent */
static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct decaying *options = call->options;
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        put(&call->value, i, get(&call->value, i) * (1 - options->descent.lr * options->weight_decay));
    }
    return descend(ctx, call);
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "optimizer_decays_unscaled",
             .summary = "v = 0.9 v + g; p = p - lr (v + weight_decay p)",
             .options = table,
             .options_size = sizeof(struct decaying)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .slots = descent_slots,
    .step = step,
};

RONDO_PLUGIN("optimizer_decays_unscaled", "1.0", "MIT", &optimizer.base);
