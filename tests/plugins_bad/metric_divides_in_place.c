/* A metric that divides its sums where they are. */
#include "good_metric.h"

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    call->accumulators[ERRORS][0] /= call->accumulators[NUMBERS][0];
    *value = call->accumulators[ERRORS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_divides_in_place", good_measure, finish)};

RONDO_PLUGIN("metric_divides_in_place", "1.0", "MIT", &metric.base);
