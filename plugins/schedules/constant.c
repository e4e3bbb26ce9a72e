/* plugins/schedules/constant.c: the same factor at every update.
 *
 * For what a sweep or a configuration that extends another wants to switch a schedule off with, and for a warm-up of
 * the host's alone.
 */
#include "rondo/plugin.h"

struct constant {
    double factor;
};

static const rondo_option constant_options[] = {
    RONDO_OPTION_REAL(struct constant, factor, "1", 0, 1000, "what the learning rate is multiplied by"),
    RONDO_OPTION_END,
};

static rondo_status constant_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct constant *constant = call->options;
    *factor = constant->factor;
    return RONDO_OK;
}

static const rondo_schedule constant = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "constant",
             .summary = "f(t) = factor",
             .options = constant_options,
             .options_size = sizeof(struct constant)},
    .factor = constant_factor,
};

RONDO_PLUGIN("constant", "1.0", "MIT", &constant.base);
