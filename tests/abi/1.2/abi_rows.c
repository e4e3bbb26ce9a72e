/* tests/abi/1.2/abi_rows.c: as of ABI 1.2, an optimizer that says when it leaves elements without a gradient alone, and
 * an average that can do several updates together:
 *
 *     p <- p - lr (g + decay p)
 *     a <- a + (p - a) / 2
 */
#include <math.h>
#include <stddef.h>

#include "rondo/plugin.h"

struct options {
    double lr, decay;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct options, lr, "0.1", 0, 100, "learning rate"),
    RONDO_OPTION_REAL(struct options, decay, "0", 0, 1, "decay of the parameter, times the learning rate"),
    RONDO_OPTION_END,
};

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct options *options = call->options;
    if (call->value.dtype != RONDO_F32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const double lr = options->lr * call->lr_scale;
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double p = rondo_get(&call->value, i), g = rondo_get(&call->gradient, i);
        rondo_set(&call->value, i, p - lr * (g + options->decay * p));
    }
    return RONDO_OK;
}

static int32_t skips_zeros(const void *options) {
    return ((const struct options *)options)->decay == 0;
}

static const rondo_optimizer abi_rows = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "abi_rows",
             .summary = "p = p - lr (g + decay p), by rows without decay",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .step = step,
    .skips_zeros = skips_zeros,
};

static const rondo_slot half_slots[] = {{"average", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_EVALUATED}, {0}};

static rondo_status half_catch_up(rondo_context *ctx, const rondo_optimizer_call *call, int64_t first) {
    if (call->value.dtype != RONDO_F32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const double share = 1 - pow(0.5, (double)(call->step - first + 1));
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double p = rondo_get(&call->value, i), a = rondo_get(&call->slots[0], i);
        rondo_set(&call->slots[0], i, a + share * (p - a));
    }
    return RONDO_OK;
}

static rondo_status half_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return half_catch_up(ctx, call, call->step);
}

static const rondo_optimizer abi_half = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "abi_half",
             .summary = "a = a + (p - a) / 2"},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = half_slots,
    .step = half_step,
    .catch_up = half_catch_up,
};

RONDO_PLUGIN("abi_rows", "1.0", "MIT", &abi_rows.base, &abi_half.base);
