/* A metric that refuses all the targets that it declares. */
#include "good_metric.h"

static rondo_status check(rondo_context *ctx, const rondo_metric_call *call) {
    return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld numbers, expected others",
                           (long long)call->target_size);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_takes_nothing", good_measure, good_finish),
                                           .check = check};

RONDO_PLUGIN("metric_takes_nothing", "1.0", "MIT", &metric.base);
