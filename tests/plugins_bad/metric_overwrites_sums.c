/* A metric that keeps only the last part. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    call->accumulators[ERRORS][0] = call->accumulators[NUMBERS][0] = 0;
    return good_measure(ctx, call);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_overwrites_sums", measure, good_finish)};

RONDO_PLUGIN("metric_overwrites_sums", "1.0", "MIT", &metric.base);
