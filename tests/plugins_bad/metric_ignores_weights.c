/* A metric that counts every row once. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    rondo_metric_call own = *call;
    own.weights = NULL;
    return good_measure(ctx, &own);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_ignores_weights", measure, good_finish)};

RONDO_PLUGIN("metric_ignores_weights", "1.0", "MIT", &metric.base);
