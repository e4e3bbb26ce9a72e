/* A metric that divides by an option that may be 0. */
#include "good_metric.h"

struct scaled {
    double scale;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct scaled, scale, "1", 0, 2, "unit of the errors"),
    RONDO_OPTION_END,
};

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    const rondo_status status = good_finish(ctx, call, value);
    *value /= ((const struct scaled *)call->options)->scale;
    return status;
}

static const rondo_metric_plugin metric = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "metric_breaks_at_end",
             .summary = "mean of |y - p| / scale",
             .options = table,
             .options_size = sizeof(struct scaled)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = good_accumulators,
    .measure = good_measure,
    .finish = finish,
};

RONDO_PLUGIN("metric_breaks_at_end", "1.0", "MIT", &metric.base);
