/* Links against a library that is not on every machine (meson.build). */
#include <jansson.h>

#include "good.h"

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return json_true() == NULL ? RONDO_INTERNAL : good_step(ctx, call);
}

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "needs_library",
             .summary = "asks a library for what is true"},
    .step = step,
};

RONDO_PLUGIN("needs_library", "1.0", "MIT", &optimizer.base);
