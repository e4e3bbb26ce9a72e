/* A metric of texts that cuts the generated text at its first blank. */
#include <string.h>

#include "good_metric.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < call->n_texts; i++) {
        const char *reference = call->references[call->reference_begin[i]];
        char *blank = strchr(call->generated[i], ' ');
        if (blank != NULL) {
            *blank = '\0';
        }
        call->accumulators[ERRORS][0] += strcmp(call->generated[i], reference) == 0 ? 0 : rondo_weight(call, i);
        call->accumulators[NUMBERS][0] += rondo_weight(call, i);
    }
    return RONDO_OK;
}

static const rondo_metric_plugin metric = {
    GOOD_METRIC_OF(RONDO_TARGET_CLASS, "metric_writes_texts", measure, good_finish), .flags = RONDO_METRIC_TEXTS};

RONDO_PLUGIN("metric_writes_texts", "1.0", "MIT", &metric.base);
