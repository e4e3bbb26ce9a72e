/* Links against a function that does not exist. */
#include "good.h"

void a_function_that_nobody_has(void);

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    (void)ctx;
    (void)call;
    a_function_that_nobody_has();
    return good_step(ctx, call);
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "undefined_symbol",
             .summary = "cannot be linked"},
    .step = step,
};

RONDO_PLUGIN("undefined_symbol", "1.0", "MIT", &optimizer.base);
