/* A list of metrics without the row that ends it: what follows it is not a row. */
#include "good_loss.h"

static const struct {
    rondo_metric rows[1];
    const void *after[2];
} list = {{{"mse", RONDO_METRIC_MEAN, 0}}, {(const void *)8, (const void *)8}};

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "metrics_without_end",
             .summary = "sum of (x - y)^2 over the numbers of a row"},
    .metrics = list.rows,
    .output_size = good_output_size,
    .record = good_record,
    .predict = good_predict,
    .measure = good_measure,
};

RONDO_PLUGIN("metrics_without_end", "1.0", "MIT", &loss.base);
