/* tests/abi/1.2/abi_texts.c: a metric of texts, as of ABI 1.2.
 *
 *     abi_begins    the share of the generated texts whose first bytes, `length` of them, are those of a reference
 */
#include <stddef.h>
#include <string.h>

#include "rondo/plugin.h"

struct options {
    int64_t length;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_INT(struct options, length, "1", 1, 100, "bytes that are compared"),
    RONDO_OPTION_END,
};

enum { RIGHT, TEXTS };
static const rondo_accumulator accumulators[] = {
    [RIGHT] = {"right", "texts that begin like a reference"}, [TEXTS] = {"texts", "all texts"}, {NULL, NULL}};

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const struct options *options = call->options;
    const size_t known = offsetof(rondo_metric_call, reference_begin) + sizeof call->reference_begin;
    if (call->struct_size < known || call->reference_begin == NULL || call->predictions != NULL) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the call has no texts, or predictions beside them");
    }
    for (int64_t i = 0; i < call->n_texts; i++) {
        int is_right = 0;
        for (int64_t r = call->reference_begin[i]; r < call->reference_begin[i + 1]; r++) {
            is_right |= strncmp(call->generated[i], call->references[r], (size_t)options->length) == 0;
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

static const rondo_metric_plugin abi_begins = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "abi_begins",
             .summary = "share of the generated texts that begin like a reference",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .flags = RONDO_METRIC_TEXTS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("abi_texts", "1.0", "MIT", &abi_begins.base);
