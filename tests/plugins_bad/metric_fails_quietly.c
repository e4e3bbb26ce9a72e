/* A metric that fails without a reason. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const rondo_status status = good_measure(ctx, call);
    return status == RONDO_OK ? RONDO_INVALID : status;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_fails_quietly", measure, good_finish)};

RONDO_PLUGIN("metric_fails_quietly", "1.0", "MIT", &metric.base);
