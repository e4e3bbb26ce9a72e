/* A metric that calls large errors better. */
#include "good_metric.h"

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_wrong_direction", good_measure, good_finish),
                                           .higher_is_better = 1};

RONDO_PLUGIN("metric_wrong_direction", "1.0", "MIT", &metric.base);
