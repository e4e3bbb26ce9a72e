/* plugins/schedules/constant.c: the same factor at every update.
 *
 * For experiments that extend another experiment and switch its schedule off, and for a warm-up without a schedule.
 */
#include "rondo/plugin.h"

struct constant {
    double factor;
};

static const rondo_option constant_options[] = {
    RONDO_OPTION_REAL(struct constant, factor, "1", 0, 1000, "factor on the learning rate"),
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
