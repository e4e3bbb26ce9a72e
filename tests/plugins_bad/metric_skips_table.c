/* A metric that does not write the last value of its table. */
#include "good_metric.h"

static rondo_status table(rondo_context *ctx, const rondo_metric_call *call, rondo_metric_table *table) {
    static const char *const names[] = {"errors", "numbers"};
    double *values = ctx->host->alloc(ctx, 2 * sizeof *values);
    if (values == NULL) {
        return RONDO_NO_MEMORY;
    }
    values[0] = call->accumulators[ERRORS][0];
    table->rows = 1;
    table->columns = 2;
    table->row_names = table->column_names = names;
    table->values = values;
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {GOOD_METRIC("metric_skips_table", good_measure, good_finish),
                                           .table = table};

RONDO_PLUGIN("metric_skips_table", "1.0", "MIT", &metric.base);
