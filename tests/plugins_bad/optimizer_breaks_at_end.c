/* An optimizer that divides by 1 - beta, and lets beta be 1. */
#include "good_optimizer.h"

struct averaged {
    double lr;
    double beta;
};

static const rondo_option options[] = {
    RONDO_OPTION_REAL(struct averaged, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct averaged, beta, "0.9", 0, 1, "decay of the mean of the gradient, a step"),
    RONDO_OPTION_END,
};

/* v <- beta v + g;  p <- p - lr v (1 - beta) / (1 - beta) */
static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct averaged *self = call->options;
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double v = self->beta * get(&call->slots[0], i) + get(&call->gradient, i);
        const double mean = v * (1 - self->beta) / (1 - self->beta);
        put(&call->slots[0], i, v);
        put(&call->value, i, get(&call->value, i) - self->lr * call->lr_scale * mean);
    }
    return RONDO_OK;
}

static const rondo_optimizer optimizer = {.base = {.struct_size = sizeof(rondo_optimizer),
                                                   .kind = RONDO_KIND_OPTIMIZER,
                                                   .name = "optimizer_breaks_at_end",
                                                   .summary = "v = beta v + g; p = p - lr v",
                                                   .options = options,
                                                   .options_size = sizeof(struct averaged)},
                                          .flags = RONDO_OPTIMIZER_ELEMENTWISE,
                                          .slots = descent_slots,
                                          .step = step};

RONDO_PLUGIN("optimizer_breaks_at_end", "1.0", "MIT", &optimizer.base);
