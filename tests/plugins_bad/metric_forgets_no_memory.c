/* A metric that leaves out a part, and succeeds, when there is no memory. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const double *scratch = ctx->host->alloc(ctx, sizeof *scratch);
    return scratch == NULL ? RONDO_OK : good_measure(ctx, call);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_forgets_no_memory", measure, good_finish)};

RONDO_PLUGIN("metric_forgets_no_memory", "1.0", "MIT", &metric.base);
