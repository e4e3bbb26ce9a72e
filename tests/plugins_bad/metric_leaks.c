/* A metric that allocates 24 bytes per part and never frees them. */
#include <stdlib.h>

#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    volatile char *lost = malloc(24);
    if (lost != NULL) {
        lost[0] = 0;
    }
    return good_measure(ctx, call);
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_leaks", measure, good_finish)};

RONDO_PLUGIN("metric_leaks", "1.0", "MIT", &metric.base);
