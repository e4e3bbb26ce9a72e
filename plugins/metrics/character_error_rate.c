/* plugins/metrics/character_error_rate.c: the edit distance of generated texts to their references, in characters (text_errors.h).
 */
#include "text_errors.h"

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    return text_errors_measure(ctx, call, add_characters);
}

static const rondo_metric_plugin character_error_rate = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "character_error_rate",
             .summary = "errors (insertions, deletions, substitutions of characters) for each character of the nearest "
                        "references"},
    .flags = RONDO_METRIC_TEXTS,
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .accumulators = text_error_accumulators,
    .measure = measure,
    .finish = text_errors_finish,
};

RONDO_PLUGIN("character_error_rate", "1.0", "MIT", &character_error_rate.base);
