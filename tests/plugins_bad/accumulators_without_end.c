/* A list of accumulators without the row that ends it: what follows it is not a row. */
#include "good_metric.h"

static const struct {
    rondo_accumulator rows[1];
    const void *after[2];
} list = {{{"errors", "absolute errors"}}, {(const void *)8, (const void *)8}};

static const rondo_metric_plugin metric = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "accumulators_without_end",
             .summary = "mean of |y - p|"},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
    .accumulators = list.rows,
    .measure = good_measure,
    .finish = good_finish,
};

RONDO_PLUGIN("accumulators_without_end", "1.0", "MIT", &metric.base);
