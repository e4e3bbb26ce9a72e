/* plugins/metrics/exact_match.c: how many generated texts are exactly right.
 *
 *     exact match = sum_i w_i [g_i is one of R_i] / sum_i w_i
 *
 * g: the generated text, R: the references of example i, w: its weight. Texts are compared byte by byte.
 */
#include <string.h>

#include "rondo/plugin.h"

enum { RIGHT, TEXTS };
static const rondo_accumulator accumulators[] = {[RIGHT] = {"right", "weights of the texts that equal a reference"},
                                                 [TEXTS] = {"texts", "weights of all texts"},
                                                 {0}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < call->n_texts; i++) {
        int is_right = 0;
        for (int64_t r = call->reference_begin[i]; r < call->reference_begin[i + 1]; r++) {
            is_right |= strcmp(call->generated[i], call->references[r]) == 0;
        }
        call->accumulators[RIGHT][0] += is_right ? rondo_weight(call, i) : 0;
        call->accumulators[TEXTS][0] += rondo_weight(call, i);
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[RIGHT][0] / call->accumulators[TEXTS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin exact_match = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "exact_match",
             .summary = "share of the generated texts that equal a reference"},
    .flags = RONDO_METRIC_TEXTS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("exact_match", "1.0", "MIT", &exact_match.base);
