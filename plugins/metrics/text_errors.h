/* plugins/metrics/text_errors.h: the error rate of generated texts, in units that a reader of texts.h gives.
 *
 *     rate = sum_i w_i d_i / sum_i w_i n_i
 *
 * d: the edit distance of the generated text of example i to the nearest of its references, n: the units of that
 * reference (of several that are equally near, of the longest), w: the weight. Each plug-in gets its own copy.
 */
#ifndef RONDO_PLUGINS_TEXT_ERRORS_H
#define RONDO_PLUGINS_TEXT_ERRORS_H

#include <math.h>

#include "edit_distance.h"
#include "texts.h"

enum { TEXT_ERRORS, TEXT_UNITS };
static const rondo_accumulator text_error_accumulators[] = {
    [TEXT_ERRORS] = {"errors", "edit distances of the texts to their references, times their weights"},
    [TEXT_UNITS] = {"units", "lengths of the references, times their weights"},
    {0}};

static inline rondo_status text_errors_measure(rondo_context *ctx, const rondo_metric_call *call, text_reader *reader) {
    struct text_group group;
    const rondo_status status = text_group_create(ctx, call, &group);
    if (status != RONDO_OK) {
        return status;
    }
    int64_t *distance = ctx->host->alloc(ctx, (size_t)(group.most_units + 1) * sizeof *distance);
    if (distance == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t i = 0; i < call->n_texts; i++) {
        int64_t errors = -1, units = 0;
        text_group_read(&group, call, i, reader, NULL);
        for (int64_t t = 1; t < group.n_texts; t++) {
            const int64_t length = group.begin[t + 1] - group.begin[t];
            const int64_t own =
                edit_distance(group.units, group.begin[1], group.units + group.begin[t], length, distance);
            units = errors < 0 || own < errors || (own == errors && length > units) ? length : units;
            errors = errors < 0 || own < errors ? own : errors;
        }
        call->accumulators[TEXT_ERRORS][0] += rondo_weight(call, i) * (double)errors;
        call->accumulators[TEXT_UNITS][0] += rondo_weight(call, i) * (double)units;
    }
    return RONDO_OK;
}

/* Undefined if all references are empty. */
static inline rondo_status text_errors_finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    const double units = call->accumulators[TEXT_UNITS][0];
    *value = units > 0 ? call->accumulators[TEXT_ERRORS][0] / units : (double)NAN;
    return RONDO_OK;
}

#endif
