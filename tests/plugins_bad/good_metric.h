/* tests/plugins_bad/good_metric.h: the mean absolute error with nothing wrong, so that each bad metric is bad in only one
 * way. */
#ifndef RONDO_TESTS_GOOD_METRIC_H
#define RONDO_TESTS_GOOD_METRIC_H

#include "rondo/plugin.h"

enum { ERRORS, NUMBERS };
static const rondo_accumulator good_accumulators[] = {
    {"errors", "|y - p|, times the weight of the row"}, {"numbers", "weights of all numbers"}, {0}};

static inline rondo_status good_measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(call->targets); i++) {
        const double weight = rondo_weight(call, i / call->target_size);
        const double error = rondo_get(call->targets, i) - rondo_get(call->predictions, i);
        call->accumulators[ERRORS][0] += weight * (error < 0 ? -error : error);
        call->accumulators[NUMBERS][0] += weight;
    }
    return RONDO_OK;
}

static inline rondo_status good_finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[ERRORS][0] / call->accumulators[NUMBERS][0];
    return RONDO_OK;
}

/* The initialiser of a metric called `metric_name` with these functions, and with targets of a kind; more fields may
 * follow. */
#define GOOD_METRIC(metric_name, measure_, finish_) GOOD_METRIC_OF(RONDO_TARGET_REAL, metric_name, measure_, finish_)
#define GOOD_METRIC_OF(kind_, metric_name, measure_, finish_)                                                          \
    .base = {.struct_size = sizeof(rondo_metric_plugin),                                                               \
             .kind = RONDO_KIND_METRIC,                                                                                \
             .name = metric_name,                                                                                      \
             .summary = "mean of |y - p|"},                                                                            \
    .targets = RONDO_ACCEPTS(kind_), .accumulators = good_accumulators, .measure = measure_, .finish = finish_

#endif
