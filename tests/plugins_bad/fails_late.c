/* Gradient descent that goes wrong in update number `at`, in the way that `how` says: for what training makes of it. */
#include <math.h>

#include "rondo/plugin.h"

struct fails_late {
    int64_t at;
    int32_t how;
};

enum { STATUS, REASON, UNKNOWN, NOT_FINITE };
static const char *const ways[] = {"status", "reason", "unknown", "not_finite", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_INT(struct fails_late, at, "5", 1, 1000, "update that goes wrong"),
    RONDO_OPTION_CHOICE(struct fails_late, how, "status", ways, "what it does then"),
    RONDO_OPTION_END,
};

static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct fails_late *self = call->options;
    float *p = call->value.data;
    const float *g = call->gradient.data;
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        p[i] -= 0.05f * g[i];
    }
    if (call->step != self->at) {
        return RONDO_OK;
    }
    switch (self->how) {
    case STATUS:
        return RONDO_INTERNAL;
    case REASON:
        return ctx->host->fail(ctx, RONDO_IO, "the moon is full");
    case UNKNOWN:
        return 4711;
    default:
        p[0] = NAN;
        return RONDO_OK;
    }
}

static const rondo_optimizer fails_late = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "fails_late",
             .summary = "p = p - 0.05 g, until it fails",
             .options = options,
             .options_size = sizeof(struct fails_late)},
    .step = step,
};

RONDO_PLUGIN("fails_late", "1.0", "MIT", &fails_late.base);
