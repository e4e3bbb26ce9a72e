/* A metric whose value is never a number. */
#include "good_metric.h"

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[ERRORS][0] - call->accumulators[ERRORS][0];
    *value /= *value;
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_gives_nan", good_measure, finish)};

RONDO_PLUGIN("metric_gives_nan", "1.0", "MIT", &metric.base);
