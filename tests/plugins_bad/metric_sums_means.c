/* A metric that adds up the means of the parts. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    double errors = 0, numbers = 0;
    double *const sums[] = {&errors, &numbers};
    rondo_metric_call own = *call;
    own.accumulators = sums;
    const rondo_status status = good_measure(ctx, &own);
    call->accumulators[ERRORS][0] += numbers > 0 ? errors / numbers : 0;
    call->accumulators[NUMBERS][0] += numbers > 0;
    return status;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_sums_means", measure, good_finish)};

RONDO_PLUGIN("metric_sums_means", "1.0", "MIT", &metric.base);
