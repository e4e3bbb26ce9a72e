/* A metric that gives more weight to each part that it sees. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    static int parts;
    for (int i = 0; i < parts % 3; i++) {
        good_measure(ctx, call);
    }
    parts++;
    return good_measure(ctx, call);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_keeps_global", measure, good_finish)};

RONDO_PLUGIN("metric_keeps_global", "1.0", "MIT", &metric.base);
