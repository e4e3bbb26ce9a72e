/* tests/plugins_bad/good_optimizer.h: gradient descent with momentum and nothing wrong, so that each bad optimizer is
 * bad in only one way. */
#ifndef RONDO_TESTS_GOOD_OPTIMIZER_H
#define RONDO_TESTS_GOOD_OPTIMIZER_H

#include "rondo/plugin.h"

struct descent {
    double lr;
};

static const rondo_option descent_options[] = {
    RONDO_OPTION_REAL(struct descent, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_END,
};

static const rondo_slot descent_slots[] = {{"velocity", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE}, {0}};

static inline double get(const rondo_tensor *tensor, int64_t i) {
    return tensor->dtype == RONDO_F32 ? (double)((const float *)tensor->data)[i] : ((const double *)tensor->data)[i];
}

static inline void put(const rondo_tensor *tensor, int64_t i, double value) {
    if (tensor->dtype == RONDO_F32) {
        ((float *)tensor->data)[i] = (float)value;
    } else {
        ((double *)tensor->data)[i] = value;
    }
}

static inline double rate_of(const rondo_optimizer_call *call) {
    return ((const struct descent *)call->options)->lr * call->lr_scale;
}

static inline rondo_status check_dtype(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (call->value.dtype == RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is of integers", call->parameter);
    }
    return RONDO_OK;
}

/* v <- 0.9 v + g;  p <- p - lr v */
static inline rondo_status descend(rondo_context *ctx, const rondo_optimizer_call *call) {
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double v = 0.9 * get(&call->slots[0], i) + get(&call->gradient, i);
        put(&call->slots[0], i, v);
        put(&call->value, i, get(&call->value, i) - rate_of(call) * v);
    }
    return RONDO_OK;
}

/* The initialiser of an optimizer called `optimizer_name` with these slots (NULL: none) and this step. */
#define GOOD_DESCENT(optimizer_name, slots_, step_)                                                                    \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_optimizer),                                                               \
                 .kind = RONDO_KIND_OPTIMIZER,                                                                         \
                 .name = optimizer_name,                                                                               \
                 .summary = "v = 0.9 v + g; p = p - lr v",                                                             \
                 .options = descent_options,                                                                           \
                 .options_size = sizeof(struct descent)},                                                              \
        .flags = RONDO_OPTIMIZER_ELEMENTWISE, .slots = slots_, .step = step_                                           \
    }

#endif
