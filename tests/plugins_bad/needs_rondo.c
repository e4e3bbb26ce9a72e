/* Links against librondo.so (meson.build). */
#include "good.h"
#include "rondo/rondo.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return rondo_version()[0] == '\0' ? RONDO_INTERNAL : good_step(ctx, call);
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "needs_rondo",
             .summary = "asks the library for its version"},
    .step = step,
};

RONDO_PLUGIN("needs_rondo", "1.0", "MIT", &optimizer.base);
