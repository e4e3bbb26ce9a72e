/* A metric that writes to the predictions. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    if (rondo_count(call->predictions) > 0) {
        rondo_set(call->predictions, 0, 0);
    }
    return good_measure(ctx, call);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_writes_predictions", measure, good_finish)};

RONDO_PLUGIN("metric_writes_predictions", "1.0", "MIT", &metric.base);
