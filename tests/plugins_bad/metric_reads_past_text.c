/* A metric of texts that compares as many bytes as the longest text that its author had in mind. */
#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < call->n_texts; i++) {
        const char *reference = call->references[call->reference_begin[i]];
        int is_equal = 1;
        for (int k = 0; k < 100; k++) {
            is_equal &= call->generated[i][k] == reference[k];
        }
        call->accumulators[ERRORS][0] += is_equal ? 0 : rondo_weight(call, i);
        call->accumulators[NUMBERS][0] += rondo_weight(call, i);
    }
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {
    GOOD_METRIC_OF(RONDO_TARGET_CLASS, "metric_reads_past_text", measure, good_finish), .flags = RONDO_METRIC_TEXTS};

RONDO_PLUGIN("metric_reads_past_text", "1.0", "MIT", &metric.base);
