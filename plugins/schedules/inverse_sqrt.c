/* plugins/schedules/inverse_sqrt.c: a straight rise, then a fall with the inverse root of time (known as Noam).
 *
 * Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, equation 3, without the paper's factor that
 * depends on the width of the model: the peak, at the end of the rise, is the optimizer's own learning rate.
 */
#include <math.h>

#include "rondo/plugin.h"

struct inverse_sqrt {
    double warmup;
    int32_t unit;
};

enum inverse_sqrt_unit { STEPS = 0, EPOCHS = 1 };
static const char *const units[] = {"steps", "epochs", NULL};

static const rondo_option inverse_sqrt_options[] = {
    RONDO_OPTION_REAL(struct inverse_sqrt, warmup, NULL, 0, 1e12,
                      "length of the rise to factor 1, in units of `unit`; at least one update"),
    RONDO_OPTION_CHOICE(struct inverse_sqrt, unit, NULL, units, "unit of `warmup`: updates, or passes over the data"),
    RONDO_OPTION_END,
};

/* Update number `number` = 1, 2, … in units of `unit`. */
static double position(const rondo_schedule_call *call, int32_t unit, double number) {
    return unit == EPOCHS ? number / (double)call->steps_per_epoch : number;
}

/* With n the number of the update, 1 at first, and w the warm-up, both in the same unit:
 *     f = min(n / w, sqrt(w / n))
 * A rise that is shorter than one update takes one update, so that the first factor is 1. */
static rondo_status inverse_sqrt_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct inverse_sqrt *inverse_sqrt = call->options;
    const double w = fmax(inverse_sqrt->warmup, position(call, inverse_sqrt->unit, 1));
    const double n = position(call, inverse_sqrt->unit, (double)call->done + 1);
    *factor = fmin(n / w, sqrt(w / n));
    return RONDO_OK;
}

static const rondo_schedule inverse_sqrt = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "inverse_sqrt",
             .summary = "f(n) = min(n / warmup, sqrt(warmup / n)) (Vaswani et al. 2017, equation 3, with peak 1)",
             .options = inverse_sqrt_options,
             .options_size = sizeof(struct inverse_sqrt)},
    .factor = inverse_sqrt_factor,
};

RONDO_PLUGIN("inverse_sqrt", "1.0", "MIT", &inverse_sqrt.base);
